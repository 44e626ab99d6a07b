// The command line in this process: what is run again after a kill, and what makes the campaigns' data.
import { pathToFileURL } from "node:url";
import { stripVTControlCharacters } from "node:util";
import { bundleCli } from "./bundle.ts";

/** What a command came to. */
export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The command line, and where its bundle lies for other processes. */
export interface Cli {
  readonly bundle: string;
  run(argv: readonly string[]): Promise<Ran>;
  /** The same where nothing else than success is expected. */
  must(...argv: readonly string[]): Promise<Ran>;
}

/** Loads the command line; one command runs at a time, as what it prints is caught. */
export async function loadCli(): Promise<Cli> {
  const bundle = await bundleCli();
  const { run } = (await import(pathToFileURL(bundle).href)) as {
    run: (argv: readonly string[]) => Promise<number>;
  };
  const caught = async (argv: readonly string[]): Promise<Ran> => {
    const printed = { stdout: "", stderr: "" };
    const restore = (["stdout", "stderr"] as const).map((name) => {
      const stream = process[name];
      const { write } = stream;
      stream.write = ((text: string | Uint8Array) => {
        printed[name] += typeof text === "string" ? text : Buffer.from(text).toString();
        return true;
      }) as typeof write;
      return () => {
        stream.write = write;
      };
    });
    try {
      const code = await run(argv);
      const [stdout, stderr] = [printed.stdout, printed.stderr].map(stripVTControlCharacters);
      return { code, stdout: stdout!, stderr: stderr! };
    } finally {
      for (const undo of restore) undo();
    }
  };
  return {
    bundle,
    run: caught,
    async must(...argv) {
      const ran = await caught(argv);
      if (ran.code === 0) return ran;
      throw new Error(`facehand ${argv.join(" ")} ended with ${ran.code}: ${ran.stderr.slice(-800)}`);
    },
  };
}
