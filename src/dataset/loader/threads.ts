// The threads that prepare pictures, one set for all loaders of a run: each takes a tenth of a second of processor time to
// start. Invariants: a request goes to the thread that it names; what a thread keeps of a loader goes when the loader closes.
import { type Closable, closeAll, Handle } from "../../core/handle.ts";
import { WorkerPool } from "../../machine/pool.ts";
import type { LoaderOrder, WorkerRequest, WorkerSetup } from "./worker.ts";

type Asked = Omit<WorkerRequest, "out">;

/** Of one loader: its setup decides how its pictures are prepared. */
export interface LoaderPart extends Closable {
  /**
   * Pictures of one batch.
   *
   * @param thread - from 0; the same for a picture in each epoch, as it may still be there
   * @param use - called once with RGB u8, [items, sizePx, sizePx, 3], which is lent: other pictures are written there later
   */
  prepare(thread: number, request: Asked, use: (pictures: Uint8Array) => void): Promise<void>;
}

/** Threads of any number of loaders; closed by whatever code opened them, after the loaders. */
export class LoaderThreads implements Closable {
  /** One pool a thread, so that requests can name it. */
  readonly #pools: readonly WorkerPool<LoaderOrder, void>[];
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
    const memory = new SharedMemory();
    const prepare = async (thread: number, asked: Asked, use: (pictures: Uint8Array) => void) => {
      const out = memory.take(asked.items.length * setup.sizePx ** 2 * 3);
      try {
        await this.#pools[thread]!.run({ loader, setup, request: { ...asked, out } });
        use(out);
      } finally {
        memory.give(out);
      }
    };
    return {
      prepare: (thread, asked, use) => handle.use(() => prepare(thread, asked, use)),
      close: () => handle.release(),
    };
  }

  /** Ends the threads when their requests are done; a second call does no harm. */
  close(): Promise<void> {
    return closeAll(this.#pools);
  }
}

/** Memory that a loader's threads write and its own thread reads, used again and again: new memory would be cleared each time. */
class SharedMemory {
  readonly #free: SharedArrayBuffer[] = [];

  take(bytes: number): Uint8Array {
    const free = this.#free.pop();
    // Too little is let go, so that what is kept grows to what is asked for most.
    const buffer = free !== undefined && free.byteLength >= bytes ? free : new SharedArrayBuffer(bytes);
    return new Uint8Array(buffer, 0, bytes);
  }

  give({ buffer }: Uint8Array): void {
    this.#free.push(buffer as SharedArrayBuffer);
  }
}
