// `facehand derive merge`: the shards of one derivation in, the dataset out, with the bytes of one machine.
import type { Command } from "commander";
import { type Context, jsonOption, verb } from "../context.ts";
import { derivedText, mergeWithProgress } from "./progress.ts";

/** `facehand derive merge`. */
export function deriveMergeCommand(context: Context): Command {
  return verb("merge", "merge shards (of derive --shard) into a dataset; the shards stay unchanged")
    .argument("<dirs...>", "folders of all shards, in any order")
    .requiredOption("--out <dir>", "folder for the dataset; appears in one step at the end")
    .addOption(jsonOption())
    .action(async (dirs: string[], flags: { out: string; json?: boolean | undefined }) => {
      const result = await mergeWithProgress(context, { shardDirs: dirs, outDir: flags.out });
      context.print(derivedText(result, flags));
    });
}
