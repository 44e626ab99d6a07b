// The threads that prepare pictures, one set for all loaders of a run: each takes a tenth of a second of processor time to
// start. Invariants: a request goes to the thread that it names; what a thread keeps of a loader goes when the loader closes.
import { type Closable, closeAll, Handle } from "../../core/handle.ts";
import { WorkerPool } from "../../machine/pool.ts";
import type { LoaderOrder, WorkerRequest, WorkerSetup } from "./worker.ts";

/** Of one loader: its setup decides how its pictures are prepared. */
export interface LoaderPart extends Closable {
  /**
   * Pictures of one batch.
   *
   * @param thread - from 0; the same for a picture in each epoch, as it may still be there
   * @returns RGB u8, [items, sizePx, sizePx, 3]
   */
  prepare(thread: number, request: WorkerRequest): Promise<Uint8Array>;
}

/** Threads of any number of loaders; closed by whatever code opened them, after the loaders. */
export class LoaderThreads implements Closable {
  /** One pool a thread, so that requests can name it. */
  readonly #pools: readonly WorkerPool<LoaderOrder, Uint8Array>[];
  #loaders = 0;

  /** @param count - threads, >= 1 */
  constructor(count: number) {
    const entry = new URL("./worker", import.meta.url);
    this.#pools = Array.from({ length: count }, () => new WorkerPool(entry, 1));
  }

  get count(): number {
    return this.#pools.length;
  }

  /** Begins a loader. */
  open(setup: WorkerSetup): LoaderPart {
    const loader = this.#loaders++;
    // A thread that has ended keeps nothing.
    const forget = () =>
      Promise.all(this.#pools.map((pool) => pool.run({ loader, setup }).catch(() => undefined)));
    const handle = new Handle("loader", forget);
    return {
      prepare: (thread, request) => handle.use(() => this.#pools[thread]!.run({ loader, setup, request })),
      close: () => handle.release(),
    };
  }

  /** Ends the threads when their requests are done; a second call does no harm. */
  close(): Promise<void> {
    return closeAll(this.#pools);
  }
}
