// Bounded parallel work: an ordered async map, and a pool of worker threads.
import { Worker } from "node:worker_threads";
import { fromErrno } from "../core/errno.ts";
import { AppError, type ErrorKind } from "../core/errors.ts";
import { Handle } from "../core/handle.ts";
import { entryFile } from "./child.ts";

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
  readonly ok?: unknown | undefined;
  readonly error?: {
    kind: ErrorKind;
    code: string;
    message: string;
    hint?: string | undefined;
    app: boolean;
  };
}

interface Waiting {
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** A thread and the tasks that it has not answered. */
interface Slot {
  readonly worker: Worker;
  readonly waiting: Map<number, Waiting>;
  /** Why it has ended, once it has: it answers nothing more. */
  ended?: unknown;
}

/**
 * Worker threads that each run one task function (see `serveWorker`); tasks go to the least busy one. Each is started
 * with a `Setup`.
 */
export class WorkerPool<Request, Response, Setup = undefined> {
  readonly #slots: readonly Slot[];
  readonly #handle = new Handle("pool of threads", () => Promise.all(this.#slots.map(end)));
  #next = 0;

  /**
   * @param entry - URL of the worker's module without its ending, e.g. `new URL("../core/worker", import.meta.url)`;
   *   `.js` is added in the built package and `.ts` (through tsx) when running from source
   * @param size - number of threads, >= 1
   */
  constructor(entry: URL, size: number, workerData?: Setup) {
    this.#slots = Array.from({ length: size }, () => {
      const slot: Slot = { worker: startWorker(entry, workerData), waiting: new Map() };
      slot.worker.unref();
      let heard = false;
      let fault: unknown; // of its code: it ends the thread; whoever waits for it or asks later gets it
      slot.worker.on("message", (reply: Reply) => {
        heard = true;
        settle(slot.waiting, reply);
      });
      slot.worker.on("error", (error) => {
        fault = error;
        rejectAll(slot.waiting, error);
      });
      slot.worker.on("exit", (code) => {
        const ended = () => new AppError("internal", "WORKER_EXIT", `A worker ended with code ${code}`);
        slot.ended = fault ?? (heard ? ended() : neverStarted(code));
        rejectAll(slot.waiting, slot.ended);
      });
      return slot;
    });
  }

  /**
   * Runs one task; `transfer` hands buffers over without copying.
   *
   * @throws AppError("input", "RELEASED") once the pool was closed, AppError("internal", "WORKER_EXIT") if the thread ended,
   *   AppError("data", "WORKER_EXIT") if the system did not let it start
   */
  run(request: Request, transfer: readonly ArrayBuffer[] = []): Promise<Response> {
    return this.#handle.use(() => {
      const slot = this.#slots.reduce((a, b) => (b.waiting.size < a.waiting.size ? b : a));
      return ask<Response>(slot, { id: this.#next++, request }, transfer);
    });
  }

  /**
   * Ends the threads, each between two tasks: native code that a thread is in when it is terminated may end the process.
   * Tasks under way are answered first; what the threads opened is closed.
   */
  close(): Promise<void> {
    return this.#handle.release();
  }
}

/** Without open files or memory left, a thread ends before its code is read, without a message. */
function neverStarted(code: number): AppError {
  const message = `Expected a thread to start, got its end with code ${code}`;
  const hint =
    "the system may have refused it files or memory: raise `ulimit -n`, or take fewer workers and threads";
  return new AppError("data", "WORKER_EXIT", message, { hint });
}

function ask<Response>(slot: Slot, message: Message, transfer: readonly ArrayBuffer[]): Promise<Response> {
  if (slot.ended !== undefined) return Promise.reject(slot.ended);
  return new Promise<Response>((resolve, reject) => {
    slot.worker.postMessage(message, [...transfer]); // throws for what cannot be sent
    slot.waiting.set(message.id, { resolve: resolve as (value: unknown) => void, reject });
    slot.worker.ref();
  }).finally(() => {
    if (slot.waiting.size === 0) slot.worker.unref();
  });
}

/** A thread that has failed already, or fails at this, has nothing left to close. */
async function end(slot: Slot): Promise<void> {
  await ask(slot, { id: CLOSING, request: undefined }, []).catch(() => undefined);
  await slot.worker.terminate();
}

/** The id of the message that asks a thread to close what it opened; tasks count from 0. */
const CLOSING = -1;

interface Message {
  readonly id: number;
  readonly request: unknown;
}

/** From source, tsx is registered inside the thread: `--import tsx` is not heeded by threads of Node 20. */
function startWorker(entry: URL, workerData: unknown): Worker {
  const { file, isSource } = entryFile(entry);
  if (!isSource) return new Worker(file, { workerData, execArgv: [] }); // not ours: `--input-type`, as `-e` has it, ends it
  const tsx = import.meta.resolve("tsx/esm/api");
  const load = `.then(({ register }) => { register(); return import(${JSON.stringify(file.href)}); })`;
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
  readonly transfer?: readonly ArrayBuffer[] | undefined;
}

interface Port {
  on(event: "message", listener: (message: Message) => void): unknown;
  postMessage(value: unknown, transfer: ArrayBuffer[]): void;
}

/**
 * Called once by a worker's module: answers every message of its pool with `work`.
 *
 * @param close - closes what the thread opened, when the pool is closed and nothing is under way
 */
export function serveWorker<Request, Response>(
  port: Port | null,
  work: (request: Request) => Promise<WorkerResult<Response>>,
  close: () => Promise<void> = async () => undefined,
): void {
  const answer = async ({ id, request }: Message): Promise<WorkerResult<unknown>> =>
    id === CLOSING ? { value: await close() } : await work(request as Request);
  port?.on("message", async (message) => {
    const { id } = message;
    try {
      const { value, transfer = [] } = await answer(message);
      port.postMessage({ id, ok: value }, [...transfer]);
    } catch (error) {
      port.postMessage({ id, error: flatten(error) }, []);
    }
  });
}

function flatten(fault: unknown): NonNullable<Reply["error"]> {
  const error = fromErrno(fault); // its code would be lost on the way
  if (error instanceof AppError) {
    const { kind, code, message, hint } = error;
    return { kind, code, message, app: true, hint };
  }
  return {
    kind: "internal",
    code: "WORKER",
    message: error instanceof Error ? (error.stack ?? error.message) : String(error),
    app: false,
  };
}
