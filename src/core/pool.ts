// Bounded parallel work: an ordered async map, and a pool of worker threads.
import { Worker } from "node:worker_threads";
import { AppError, type ErrorKind } from "./errors.ts";

/**
 * Maps items with at most `limit` calls under way; results come in the order of the items.
 * Memory is bounded: an item is taken only when there is room for it. The first error ends it.
 */
export async function* mapOrdered<T, R>(
  items: Iterable<T> | AsyncIterable<T>,
  limit: number,
  work: (item: T, index: number) => Promise<R>,
): AsyncGenerator<R> {
  const pending: Promise<R>[] = [];
  let index = 0;
  try {
    for await (const item of items) {
      const promise = work(item, index++);
      promise.catch(() => undefined); // reported when its turn comes
      pending.push(promise);
      if (pending.length >= limit) yield await pending.shift()!;
    }
    while (pending.length > 0) yield await pending.shift()!;
  } finally {
    await Promise.allSettled(pending);
  }
}

interface Reply {
  readonly id: number;
  readonly ok?: unknown;
  readonly error?: { kind: ErrorKind; code: string; message: string; hint?: string; app: boolean };
}

interface Waiting {
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** Worker threads that each run one task function (see `serveWorker`); tasks go to the least busy one. */
export class WorkerPool<Request, Response> {
  readonly #workers: { worker: Worker; waiting: Map<number, Waiting> }[];
  #next = 0;
  #closed = false;

  /**
   * @param entry - URL of the worker's module without its ending, e.g. `new URL("./worker", import.meta.url)`;
   *   `.js` is added in the built package and `.ts` (through tsx) when running from source
   * @param size - number of threads, >= 1
   */
  constructor(entry: URL, size: number, workerData?: unknown) {
    this.#workers = Array.from({ length: size }, () => {
      const worker = startWorker(entry, workerData);
      const waiting = new Map<number, Waiting>();
      worker.unref();
      worker.on("message", (reply: Reply) => settle(waiting, reply));
      worker.on("error", (error) => rejectAll(waiting, error));
      worker.on("exit", (code) => {
        if (!this.#closed)
          rejectAll(waiting, new AppError("internal", "WORKER_EXIT", `A worker ended with code ${code}`));
      });
      return { worker, waiting };
    });
  }

  /** Runs one task; `transfer` hands buffers over without copying. */
  run(request: Request, transfer: readonly ArrayBuffer[] = []): Promise<Response> {
    const slot = this.#workers.reduce((a, b) => (b.waiting.size < a.waiting.size ? b : a));
    const id = this.#next++;
    return new Promise<Response>((resolve, reject) => {
      slot.waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
      slot.worker.ref();
      slot.worker.postMessage({ id, request }, [...transfer]);
    }).finally(() => {
      if (slot.waiting.size === 0) slot.worker.unref();
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#workers.map(({ worker }) => worker.terminate()));
    for (const { waiting } of this.#workers) {
      rejectAll(waiting, new AppError("internal", "POOL_CLOSED", "The worker pool was closed"));
    }
  }
}

/** From source, tsx is registered inside the thread: `--import tsx` is not heeded by threads of Node 20. */
function startWorker(entry: URL, workerData: unknown): Worker {
  if (!import.meta.url.endsWith(".ts")) return new Worker(new URL(`${entry.href}.js`), { workerData });
  const tsx = import.meta.resolve("tsx/esm/api");
  const load = `.then(({ register }) => { register(); return import(${JSON.stringify(`${entry.href}.ts`)}); })`;
  const code = `import(${JSON.stringify(tsx)})${load}`;
  return new Worker(code, { eval: true, workerData, execArgv: [] });
}

function settle(waiting: Map<number, Waiting>, reply: Reply): void {
  const entry = waiting.get(reply.id);
  if (entry === undefined) return;
  waiting.delete(reply.id);
  if (reply.error === undefined) entry.resolve(reply.ok);
  else entry.reject(revive(reply.error));
}

function revive(error: NonNullable<Reply["error"]>): Error {
  if (!error.app) return new Error(error.message);
  return new AppError(
    error.kind,
    error.code,
    error.message,
    error.hint === undefined ? {} : { hint: error.hint },
  );
}

function rejectAll(waiting: Map<number, Waiting>, error: unknown): void {
  for (const entry of waiting.values()) entry.reject(error);
  waiting.clear();
}

/** Results of a worker's task: the value, and buffers to hand over instead of copying. */
export interface WorkerResult<Response> {
  readonly value: Response;
  readonly transfer?: readonly ArrayBuffer[];
}

interface Port {
  on(event: "message", listener: (message: { id: number; request: unknown }) => void): unknown;
  postMessage(value: unknown, transfer: ArrayBuffer[]): void;
}

/** Called once by a worker's module: answers every message of its pool with `work`. */
export function serveWorker<Request, Response>(
  port: Port | null,
  work: (request: Request) => Promise<WorkerResult<Response>>,
): void {
  port?.on("message", async ({ id, request }) => {
    try {
      const { value, transfer = [] } = await work(request as Request);
      port.postMessage({ id, ok: value }, [...transfer]);
    } catch (error) {
      port.postMessage({ id, error: flatten(error) }, []);
    }
  });
}

function flatten(error: unknown): NonNullable<Reply["error"]> {
  if (error instanceof AppError) {
    const { kind, code, message, hint } = error;
    return { kind, code, message, app: true, ...(hint === undefined ? {} : { hint }) };
  }
  return {
    kind: "internal",
    code: "WORKER",
    message: error instanceof Error ? (error.stack ?? error.message) : String(error),
    app: false,
  };
}
