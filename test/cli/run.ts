// Runs the command line inside the test's process and collects what it prints.
import { stripVTControlCharacters } from "node:util";
import { run } from "../../src/cli/main.ts";

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `facehand <argv>`; output goes nowhere but into the result. */
export function runCli(...argv: readonly string[]): Promise<Ran> {
  return capture(argv);
}

/** The same where printing a result throws: a fault that no input causes. */
export function runFailing(error: Error, ...argv: readonly string[]): Promise<Ran> {
  return capture(argv, error);
}

let running = false;

async function capture(argv: readonly string[], fault?: Error): Promise<Ran> {
  // Two at once would write into each other's results.
  if (running) throw new Error(`await the command before, then run facehand ${argv.join(" ")}`);
  running = true;
  const printed = { stdout: "", stderr: "" };
  const restore = (["stdout", "stderr"] as const).map((name) => {
    const stream = process[name];
    const original = stream.write;
    stream.write = ((text: string | Uint8Array) => {
      if (name === "stdout" && fault !== undefined) throw fault;
      printed[name] += typeof text === "string" ? text : Buffer.from(text).toString();
      return true;
    }) as typeof stream.write;
    return () => {
      stream.write = original;
    };
  });
  try {
    const code = await run(argv);
    return { code, ...strip(printed) };
  } finally {
    for (const undo of restore) undo();
    running = false;
  }
}

/** Without colours, which depend on the terminal that runs the tests. */
function strip({ stdout, stderr }: { stdout: string; stderr: string }) {
  return { stdout: stripVTControlCharacters(stdout), stderr: stripVTControlCharacters(stderr) };
}
