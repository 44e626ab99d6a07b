// Modules of this package as processes of their own, from source (through tsx) and from the built package alike.
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
  const source = import.meta.url.endsWith(".ts");
  const loader = source ? ["--import", import.meta.resolve("tsx")] : [];
  const file = new URL(`${entry.href}${source ? ".ts" : ".js"}`);
  return { command: process.execPath, args: [...loader, fileURLToPath(file), ...args] };
}
