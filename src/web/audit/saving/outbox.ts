// ◇ Browser-safe. Judgements on their way to the server: kept in the browser from the moment they are made until the server has
// said that they are on its disk.
// Source: our own. Invariants: a line is shown as saved only after that answer; one that fails is tried again, in order, under the
// id that it was made with, so that it is there once; a line that the server refuses for good is shown and stays, never dropped.
import type { Annotation } from "../../../audit/annotation.ts";
import type { Clock } from "../../../core/clock.ts";
import { AppError } from "../../../core/errors.ts";

/** Where lines are kept: localStorage, or a map in tests. */
export interface Keeping {
  keys(): readonly string[];
  get(key: string): string | null;
  set(key: string, value: string): void;
  remove(key: string): void;
}

/** A line that the server refused, with its words. */
export interface Refused {
  readonly line: Annotation;
  readonly message: string;
}

/** How it stands with the judgements of one person. */
export interface OutboxState {
  /** Made, and not yet known to be on the server's disk; oldest first. */
  readonly waiting: readonly Annotation[];
  /** Known to be there, of those made since the page was opened. */
  readonly saved: readonly Annotation[];
  readonly refused: readonly Refused[];
  /** Why the last attempt failed. */
  readonly trouble?: AppError | undefined;
  /** False where the browser keeps nothing: what waits is lost with the page. */
  readonly kept: boolean;
}

/** How an outbox is opened. */
export interface OutboxOptions {
  /** Names the dataset and the annotator among others of this browser. */
  readonly name: string;
  readonly keeping: Keeping;
  /** Undefined for static files: lines stay here, to be downloaded. */
  readonly send?: ((lines: readonly Annotation[]) => Promise<readonly string[]>) | undefined;
  readonly clock: Clock;
  readonly changed: (state: OutboxState) => void;
}

/** Lines that are sent together, and their length at most: the server takes 256 KiB. */
const TOGETHER = 20;
const TOGETHER_CHARS = 60_000;
/** How long it is waited after a failure, ms; the last one from then on. */
const PATIENCE_MS = [500, 1000, 2000, 4000, 8000];

/** Codes of answers that another attempt would not change. */
const isFinal = (error: unknown): error is AppError =>
  error instanceof AppError && /^(ANNOTATION_|BODY$)/.test(error.code);

interface Entry {
  readonly key: string;
  readonly line: Annotation;
}

/** Judgements on their way; opened with what an earlier page left. */
export class Outbox {
  readonly #options: OutboxOptions;
  readonly #prefix: string;
  readonly #saved: Annotation[] = [];
  #waiting: readonly Entry[];
  #refused: readonly (Entry & { readonly message: string })[] = [];
  #kept: boolean;
  #trouble: AppError | undefined;
  #failures = 0;
  #made = 0;
  /** Lines are sent one by one, to find which of them is refused. */
  #alone = false;
  #isSending = false;
  #isClosed = false;
  #stopWaiting: () => void = () => undefined;

  constructor(options: OutboxOptions) {
    this.#options = options;
    this.#prefix = `facehand.audit.${options.name}.`;
    const { entries, kept } = leftIn(options.keeping, this.#prefix);
    this.#waiting = entries;
    this.#kept = kept;
    void this.#work();
  }

  get state(): OutboxState {
    return {
      waiting: this.#waiting.map(({ line }) => line),
      saved: [...this.#saved],
      refused: this.#refused,
      trouble: this.#trouble,
      kept: this.#kept,
    };
  }

  /** Takes a judgement, and sends it. */
  add(line: Annotation): void {
    const number = String(this.#made++).padStart(6, "0");
    const key = `${this.#prefix}${String(Date.now()).padStart(15, "0")}-${number}`;
    this.#kept = keep(this.#options.keeping, key, line) && this.#kept;
    this.#waiting = [...this.#waiting, { key, line }];
    this.#tell();
    void this.#work();
  }

  /** Tries now, also what was refused. */
  retry(): void {
    const all = [...this.#refused.map(({ key, line }) => ({ key, line })), ...this.#waiting];
    this.#waiting = all.sort((a, b) => (a.key < b.key ? -1 : 1));
    this.#refused = [];
    void this.#work();
  }

  /** Ends sending; what waits stays in the browser. */
  close(): void {
    this.#isClosed = true;
    this.#stopWaiting();
  }

  async #work(): Promise<void> {
    const { send } = this.#options;
    this.#stopWaiting();
    if (send === undefined || this.#isSending) return;
    this.#isSending = true;
    let goesOn = true;
    while (goesOn && this.#waiting.length > 0 && !this.#isClosed) {
      const lines = firstOf(this.#waiting, this.#alone ? 1 : TOGETHER);
      try {
        this.#arrived(lines, new Set(await send(lines)));
      } catch (error) {
        goesOn = this.#failed(error, lines);
      }
      this.#tell();
    }
    this.#isSending = false;
  }

  #arrived(lines: readonly Annotation[], ids: ReadonlySet<string>): void {
    if (!lines.every(({ id }) => ids.has(id))) throw incomplete();
    this.#saved.push(...lines);
    for (const { key, line } of this.#waiting) if (ids.has(line.id)) this.#options.keeping.remove(key);
    this.#waiting = this.#waiting.filter(({ line }) => !ids.has(line.id));
    this.#trouble = undefined;
    this.#failures = 0;
  }

  /** @returns whether to go on at once */
  #failed(error: unknown, lines: readonly Annotation[]): boolean {
    const [first] = this.#waiting;
    const isOne = lines.length === 1;
    if (isFinal(error) && isOne && first !== undefined) {
      this.#refused = [...this.#refused, { ...first, message: error.message }]; // the browser keeps it
      this.#waiting = this.#waiting.slice(1);
    }
    this.#alone = isFinal(error) && !isOne;
    if (isFinal(error)) return true;
    this.#trouble = asTrouble(error);
    const wait = PATIENCE_MS[Math.min(this.#failures++, PATIENCE_MS.length - 1)]!;
    if (!this.#isClosed) this.#stopWaiting = this.#options.clock.after(wait, () => void this.#work());
    return false;
  }

  #tell(): void {
    if (!this.#isClosed) this.#options.changed(this.state);
  }
}

/** What an earlier page did not get saved; what is no line any more is left alone. */
function leftIn(keeping: Keeping, prefix: string): { entries: readonly Entry[]; kept: boolean } {
  try {
    const keys = keeping.keys().filter((key) => key.startsWith(prefix));
    const entries = keys.sort().flatMap((key): Entry[] => {
      const text = keeping.get(key);
      return text === null ? [] : [{ key, line: JSON.parse(text) as Annotation }];
    });
    return { entries, kept: true };
  } catch {
    return { entries: [], kept: false };
  }
}

function keep(keeping: Keeping, key: string, line: Annotation): boolean {
  try {
    keeping.set(key, JSON.stringify(line));
    return true;
  } catch {
    return false; // full, or forbidden by the browser
  }
}

function firstOf(entries: readonly Entry[], most: number): Annotation[] {
  const lines: Annotation[] = [];
  let chars = 0;
  for (const { line } of entries.slice(0, most)) {
    chars += JSON.stringify(line).length;
    if (lines.length > 0 && chars > TOGETHER_CHARS) break;
    lines.push(line);
  }
  return lines;
}

const asTrouble = (error: unknown) =>
  error instanceof AppError
    ? error
    : new AppError("remote", "SERVER_GONE", `Expected an answer of the server, got ${String(error)}`);

const incomplete = () =>
  new AppError("remote", "ANSWER", "Expected the ids of what was sent, got others of the server", {
    hint: "reload the page",
  });
