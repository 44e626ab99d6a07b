// ◇ Browser-safe. The one owner of what must be released once and not used afterwards: models, detectors, threads.
// Source: our own. Invariants: it is released once, when nothing uses it; once its release is asked for, no new use
// begins; garbage collection is never relied on.
import { AppError } from "./errors.ts";

/** `running` while something uses it; `released` from the moment that its release was asked for. */
export type HandleState = "open" | "running" | "released";

/** What can be closed; twice does no harm. */
export interface Closable {
  close(): Promise<void>;
}

/** Counts the uses of one thing and frees it after the last. */
export class Handle {
  readonly #name: string;
  readonly #free: () => unknown;
  #uses = 0;
  #idle: (() => void) | undefined;
  #released: Promise<void> | undefined;

  /**
   * @param name - what messages call it, e.g. `face detector`
   * @param free - called once, when nothing uses it any more
   */
  constructor(name: string, free: () => unknown) {
    this.#name = name;
    this.#free = free;
  }

  get state(): HandleState {
    if (this.#released !== undefined) return "released";
    return this.#uses > 0 ? "running" : "open";
  }

  /**
   * Uses it: until `work` has ended it is not freed.
   *
   * @param work - must not wait for the release itself
   * @throws AppError("input", "RELEASED") if its release was asked for before
   * @example await handle.use(() => session.run(feeds))
   */
  async use<R>(work: () => R | Promise<R>): Promise<R> {
    if (this.#released !== undefined) throw released(this.#name);
    this.#uses++;
    try {
      return await work();
    } finally {
      this.#uses--;
      if (this.#uses === 0) this.#idle?.();
    }
  }

  /** Frees it when what uses it has ended. A second call waits for the same. */
  release(): Promise<void> {
    this.#released ??= this.#freeWhenIdle();
    return this.#released;
  }

  async #freeWhenIdle(): Promise<void> {
    if (this.#uses > 0) {
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
    }
    await this.#free();
  }
}

function released(name: string): AppError {
  return new AppError("input", "RELEASED", `Expected an open ${name}, got one that is closed`, {
    hint: "open another, and close it after its last use",
  });
}

/**
 * Waits for all of them; if one cannot be opened, those that can are closed again.
 *
 * @param opening - what is being opened
 * @throws the first error of them, when all have ended
 * @example const [faces, hands] = await openAll([openFaces(), openHands()])
 */
export async function openAll<T extends readonly Closable[]>(
  opening: {
    readonly [K in keyof T]: Promise<T[K]>;
  },
): Promise<T> {
  const ended = await Promise.allSettled<Closable>(opening);
  const failed = ended.find((end) => end.status === "rejected");
  if (failed === undefined)
    return ended.map((end) => (end as PromiseFulfilledResult<Closable>).value) as never;
  await closeAll(ended.map((end) => (end.status === "fulfilled" ? end.value : undefined)));
  throw failed.reason;
}

/** What is opened one after another and closed together. */
export class OpenList implements Closable {
  readonly #all: (Closable | undefined)[] = [];

  /** @returns what was opened, which the list closes from now on */
  add<C extends Closable | undefined>(opened: C): C {
    this.#all.push(opened);
    return opened;
  }

  close(): Promise<void> {
    return closeAll(this.#all);
  }
}

/**
 * Closes all of them, also where one cannot be closed.
 *
 * @throws the first error of them, when all have ended
 */
export async function closeAll(all: Iterable<Closable | undefined>): Promise<void> {
  const ended = await Promise.allSettled(Array.from(all, (each) => each?.close()));
  const failed = ended.find((end) => end.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}
