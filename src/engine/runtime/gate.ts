// Keeps a process from ending while one of its threads is in native code: the C library would free what the native code
// still uses (SIGSEGV). Every call of native code in a thread goes through here, and the end of the process waits.
// Source: our own. Invariant: once the process ends no thread begins a call, and it ends when none is under way.
import {
  getEnvironmentData,
  isMainThread,
  setEnvironmentData,
  threadId,
  type Worker,
} from "node:worker_threads";

const KEY = "facehand.native-calls";
/** Whether the process is ending; then places in which threads count their calls under way, by thread id. */
const ENDING = 0;
const PLACES = 1024;
const placeOf = (thread: number) => 1 + (thread % PLACES);
/** A call that takes longer is not waited for. */
const PATIENCE_MS = 10_000;

const gate = openGate();
const own = placeOf(threadId);

/** One in a process: threads that are started from here on are handed it. */
function openGate(): Int32Array {
  const known = getEnvironmentData(KEY);
  if (known instanceof SharedArrayBuffer) return new Int32Array(known);
  const memory = new SharedArrayBuffer((1 + PLACES) * Int32Array.BYTES_PER_ELEMENT);
  setEnvironmentData(KEY, memory);
  const made = new Int32Array(memory);
  if (isMainThread) {
    process.on("exit", () => waitForCalls(made)); // also after an error that nobody caught
    process.on("worker", (worker) => forgetCalls(made, worker));
  }
  return made;
}

function waitForCalls(calls: Int32Array): void {
  Atomics.store(calls, ENDING, 1);
  const endMs = performance.now() + PATIENCE_MS;
  for (let place = 1; place <= PLACES; place++) {
    for (let count = Atomics.load(calls, place); count > 0; count = Atomics.load(calls, place)) {
      const leftMs = endMs - performance.now();
      if (leftMs <= 0) return;
      Atomics.wait(calls, place, count, leftMs);
    }
  }
}

/** A thread that was terminated within a call has not counted back. */
function forgetCalls(calls: Int32Array, worker: Worker): void {
  const place = placeOf(worker.threadId);
  worker.on("exit", () => Atomics.store(calls, place, 0));
}

/**
 * Calls native code. In a thread of a process that is ending it never settles: an error thrown there, which nobody is left to
 * catch, would abort the process in Node's own code.
 *
 * @example await nativeCall(() => native.run(feeds, fetches))
 */
export async function nativeCall<R>(call: () => R | Promise<R>): Promise<R> {
  if (isMainThread) return call(); // what ends the process runs between two of its calls
  Atomics.add(gate, own, 1);
  try {
    if (Atomics.load(gate, ENDING) === 0) return await call();
  } finally {
    Atomics.sub(gate, own, 1);
    Atomics.notify(gate, own);
  }
  return new Promise<never>(() => undefined);
}
