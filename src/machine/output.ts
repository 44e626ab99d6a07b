// Standard output and standard error that may go away or fill up: `| head`, `| true`, `> /dev/full`, a closed terminal.
// Invariants: nothing that cannot be printed ends the work; a closed reader has read what it wanted and is no fault;
// any other fault is remembered, so that the exit code shows that a result was not printed whole.
import { writeSync } from "node:fs";
import { setImmediate, setTimeout } from "node:timers/promises";
import { refusalOf } from "../core/errno.ts";

/** A stream of this process that lines go to. */
export interface Output {
  /** Writes text; never throws for what the system refuses. */
  write(text: string): void;
  /** Waits until everything is written; the fault that prevented some of it. */
  flush(): Promise<Error | undefined>;
}

type Stream = NodeJS.WriteStream & { readonly _type?: string | undefined; readonly fd: number };

const guarded = new Map<Stream, { fault: Error | undefined; gone: boolean }>();

/**
 * The stream of a name, guarded from the first call on: what others write to it cannot end the process either.
 *
 * @example const out = openOutput("stdout"); out.write("a\n"); await out.flush();
 */
export function openOutput(name: "stdout" | "stderr"): Output {
  const stream = process[name] as Stream;
  const state = guarded.get(stream) ?? guard(stream);
  state.fault = undefined;
  return {
    write(text) {
      if (state.gone || state.fault !== undefined) return; // a hole in the middle would change the meaning
      try {
        stream.write(text);
      } catch (error) {
        take(state, error);
      }
    },
    async flush() {
      await setImmediate(); // a fault of the last write is reported after it
      while (stream.writableLength > 0 && !state.gone && state.fault === undefined) await setTimeout(5);
      return state.fault;
    },
  };
}

type State = NonNullable<ReturnType<(typeof guarded)["get"]>>;

function guard(stream: Stream): State {
  const state: State = { fault: undefined, gone: false };
  guarded.set(stream, state);
  stream.on("error", (error) => {
    try {
      take(state, error);
    } catch {
      state.fault ??= error; // thrown from here it would have no reader
    }
  });
  // Node takes a write that a full disk cut short for a whole one.
  if (stream._type === "fs") stream._write = (chunk, _encoding, done) => done(writeWhole(stream.fd, chunk));
  return state;
}

function writeWhole(fd: number, chunk: Uint8Array | string): Error | null {
  const bytes = Buffer.from(chunk as Uint8Array);
  try {
    for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
    return null;
  } catch (error) {
    return error as Error;
  }
}

/** Codes of a reader that went away: of a pipe, of a socket, of a pipe of Windows, of a terminal that was closed. */
const GONE = ["EPIPE", "ECONNRESET", "EOF", "ERR_STREAM_DESTROYED"];

function take(state: State, error: unknown): void {
  const { code } = error as { code?: unknown | undefined };
  if (GONE.includes(code as string)) state.gone = true;
  else if (refusalOf(error) === undefined) throw error;
  else state.fault ??= error as Error;
}

/**
 * What happens to an error that nothing caught: it is reported, and the process ends with the code that this gives.
 * Without this Node prints a stack and ends with 1.
 *
 * @param report - prints it and gives the exit code; a second error meanwhile is not reported
 * @returns takes it back
 */
export function onUncaught(report: (error: unknown) => number): () => void {
  let isTelling = false;
  const end = (error: unknown) => {
    if (isTelling) return;
    isTelling = true;
    process.exit(report(error));
  };
  process.on("uncaughtException", end); // rejections that nothing awaits arrive here too
  return () => void process.off("uncaughtException", end);
}
