// The parent's end of a side: starts the process, asks for steps, stops it.
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { AppError } from "../src/core/errors.ts";
import { entryFile } from "../src/machine/child.ts";
import type { Measured, Ready, Work } from "./side.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

export interface Side {
  readonly versions: Readonly<Record<string, string>>;
  /** See Ready. */
  readonly openMs: number | undefined;
  step(): Promise<Measured>;
  /** Ends the process and waits until it is gone. */
  close(): Promise<void>;
}

/**
 * Starts a side and waits until it is ready.
 *
 * @throws AppError("internal", "BENCH_SIDE") with the end of its error output if it stops
 */
export async function start(command: string, args: readonly string[], cwd: string): Promise<Side> {
  const child = spawn(command, args, { cwd, stdio: "pipe" });
  const next = reader(child, command);
  const { versions, openMs } = (await next()) as Ready;
  return {
    versions,
    openMs,
    async step() {
      child.stdin.write("step\n");
      const measured = (await next()) as Measured;
      if (Number.isFinite(measured.result)) return measured;
      throw new AppError(
        "internal",
        "BENCH_RESULT",
        `Expected a finite result from ${command}, got ${measured.result}`,
      );
    },
    async close() {
      const gone = once(child, "exit");
      child.stdin.end();
      await gone;
    },
  };
}

/** Starts our side of a benchmark. @param name - of a file of this folder, NAME.bench.ts */
export function startOurs(name: string, work: Work): Promise<Side> {
  return start(process.execPath, entryArgs(`${name}.bench`, work), ROOT);
}

/** Node's arguments to run a program of this folder. @param work - what it is asked to do */
export function entryArgs(name: string, work: Work): string[] {
  const { file, isSource } = entryFile(new URL(`./${name}`, import.meta.url));
  return [...(isSource ? ["--import", "tsx"] : []), fileURLToPath(file), JSON.stringify(work)];
}

function reader(child: ChildProcessWithoutNullStreams, command: string): () => Promise<unknown> {
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    errors = (errors + text).slice(-2000);
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const failed = new Promise<never>((_resolve, reject) => {
    const stop = (why: string) =>
      reject(
        new AppError(
          "internal",
          "BENCH_SIDE",
          `Expected ${command} to measure, got ${why}\n${errors}`.trim(),
        ),
      );
    child.on("error", (error) => stop(error.message));
    child.on("close", (code) => stop(`exit code ${code}`));
  });
  failed.catch(() => {}); // it also ends, and nobody waits, when all is done
  const line = async () => {
    const { value, done } = await lines.next();
    return done === true ? failed : (JSON.parse(value) as unknown);
  };
  return () => Promise.race([line(), failed]);
}
