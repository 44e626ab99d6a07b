// Keeps ONNX Runtime from sending usage data: since 1.29 its libraries for Linux and macOS do so by default, store an
// identifier of the machine in the cache folder, and have a thread for it, which reads freed memory when a process ends.
// Source: github microsoft/onnxruntime, onnxruntime/core/platform/posix/telemetry.cc. Invariant: switched off before
// the library's environment is made, it makes no thread, no file and no connection; a variable that the user sets
// stays as it is.
import { isMainThread } from "node:worker_threads";

const NAME = "ORT_DISABLE_TELEMETRY";

/** What is needed of the C library; see `withLibc`. */
export interface Libc {
  getenv(name: string): string | null;
  setenv(name: string, value: string, overwrite: number): number;
}

/** Switches it off by the environment of the process, which the main thread of Node can change. */
export function disableTelemetry(): void {
  process.env[NAME] ??= "1";
}

/**
 * The same in a thread, whose `process.env` is a copy: by the C library.
 *
 * @param libc - undefined where there is none to be called
 */
export function disableTelemetryOfThread(libc: () => Libc | undefined): void {
  if (isMainThread) return;
  try {
    const found = libc();
    if (found !== undefined && found.getenv(NAME) === null) found.setenv(NAME, "1", 0);
  } catch {
    // It is switched off once more by the library's own interface, when its environment is there.
  }
}
