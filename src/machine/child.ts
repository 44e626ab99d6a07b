// Modules of this package as threads and processes of their own, from source (through tsx) and from the built package alike.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** A command line for child_process or a batch script. */
export interface NodeCommand {
  readonly command: string;
  readonly args: readonly string[];
}

/**
 * The command that runs a module.
 *
 * @param entry - URL of the module without its ending, e.g. `new URL("../core/task-main", import.meta.url)`
 * @param args - arguments for the module
 */
export function nodeCommand(entry: URL, args: readonly string[]): NodeCommand {
  const { file, isSource } = entryFile(entry);
  const loader = isSource ? ["--import", import.meta.resolve("tsx")] : [];
  return { command: process.execPath, args: [...loader, fileURLToPath(file), ...args] };
}

/**
 * The file of a thread's or process's module, and whether it needs tsx: a source, as no compiled one lies beside it.
 *
 * @param entry - URL of the module without its ending
 */
export function entryFile(entry: URL): { readonly file: URL; readonly isSource: boolean } {
  const built = new URL(`${entry.href}.js`);
  const isSource = import.meta.url.endsWith(".ts") && !existsSync(built);
  return { file: isSource ? new URL(`${entry.href}.ts`) : built, isSource };
}
