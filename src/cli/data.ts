// `facehand data ...`: looks at datasets and draws the built-in sample.
import type { Command } from "commander";
import { formatShow, showDataset } from "../data/show.ts";
import { type Context, jsonOption, verb, wholeNumber } from "./context.ts";

/** `facehand data`. */
export function dataCommand(context: Context): Command {
  return verb("data", "look at paired datasets").addCommand(showCommand(context));
}

interface ShowFlags {
  readonly rows: number;
  readonly json?: boolean;
}

function showCommand({ print }: Context): Command {
  return verb("show", "print counts, the first rows, and the first pair's files of a dataset")
    .argument("<dir>", "dataset folder (with train.csv, val.csv, test.csv), or its parent")
    .option("--rows <n>", "rows to print", wholeNumber("--rows", 1, 1000), 5)
    .addOption(jsonOption())
    .action(async (dir: string, { rows, json }: ShowFlags) => {
      const summary = await showDataset(dir, rows);
      print(json === true ? JSON.stringify(summary, null, 2) : formatShow(summary).trimEnd());
    });
}
