// How far a training is: over all epochs of all seeds, with the time that is left of them, on the line that steps move and
// behind every epoch's own line, which logs contain too. Runs that were done, epochs that are resumed after, and those that a
// run stops before take no time and do not count for the rate.
import { type CountedProgress, type ProgressOptions, startProgress } from "../../core/progress.ts";

/** Where a run is after a step: epochs from 0, and steps done in this one. */
interface StepPosition {
  readonly epoch: number;
  readonly batch: number;
}

/** Progress over runs of the same number of epochs. */
export class TrainProgress {
  readonly #runs: number;
  readonly #epochs: number;
  readonly #options: Pick<ProgressOptions, "stream" | "now">;
  readonly #counted: CountedProgress;
  #line: CountedProgress | undefined;
  #run = -1;
  #step = 0;
  #epoch = 0;

  /** @param runs - seeds, those among them that were done before */
  constructor(runs: number, epochs: number, options: Pick<ProgressOptions, "stream" | "now"> = {}) {
    this.#runs = runs;
    this.#epochs = epochs;
    this.#options = options;
    this.#counted = startProgress("", runs * epochs, { ...options, unit: "epochs", stream: SILENT });
  }

  /** Begins the next run; what the one before did not need is passed over. */
  nextRun(): void {
    this.#run += 1;
    this.#passEpochs(this.#run * this.#epochs);
  }

  /** After a step. */
  step({ epoch, batch }: StepPosition, stepsPerEpoch: number, loss: number): void {
    this.#passEpochs(this.#run * this.#epochs + epoch);
    const at = (this.#run * this.#epochs + epoch) * stepsPerEpoch + batch;
    const total = this.#runs * this.#epochs * stepsPerEpoch;
    this.#line ??= startProgress("train", total, { ...this.#options, unit: "steps", done: at - 1 });
    this.#line.skip(this.#step === 0 ? 0 : Math.max(0, at - 1 - this.#step));
    this.#line.tick(1, total);
    this.#step = at;
    const seed = this.#runs === 1 ? "" : `seed ${this.#run + 1} of ${this.#runs}, `;
    this.#line.note(`${seed}epoch ${epoch + 1} of ${this.#epochs}, loss ${loss.toFixed(4)}`);
  }

  /** After an epoch: `12 of 96 epochs, 1:42 left`; ends the line of its steps. */
  afterEpoch(): string {
    this.#counted.tick();
    this.#epoch += 1;
    this.#line?.done();
    return this.#counted.text();
  }

  /** Ends the line; call it in `finally`. */
  done(): void {
    this.#line?.done();
  }

  #passEpochs(upTo: number): void {
    if (upTo <= this.#epoch) return;
    this.#counted.skip(upTo - this.#epoch);
    this.#epoch = upTo;
  }
}

const SILENT = { write: () => true };
