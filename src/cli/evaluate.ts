// `facehand evaluate`: the metrics of a run, from its stored predictions.
import type { Command } from "commander";
import { unexpected } from "../core/errors.ts";
import { SPLITS, type Split } from "../data/record.ts";
import { chooseDevice, type Device } from "../engine/device.ts";
import { formatSummary } from "../evaluate/format.ts";
import { summarize } from "../evaluate/summary.ts";
import { evaluationRows } from "../train/evaluation.ts";
import { type Context, deviceOption, jsonOption, repeated, verb, wholeNumber } from "./context.ts";

interface Flags {
  readonly split: string;
  readonly data?: readonly string[];
  readonly out?: string;
  readonly otherRecipe?: boolean;
  readonly bootstrap: number;
  readonly workers: number;
  readonly device: Device | "auto";
  readonly json?: boolean;
}

/** `facehand evaluate`. */
export function evaluateCommand({ print, report }: Context): Command {
  return verb("evaluate", "metrics of a run overall, by modality and by group, from its stored predictions")
    .argument("<run>", "run folder")
    .option("--split <name>", "val or test (with --data also train)", "test")
    .option(
      "--data <source>",
      "predict these images with the run's best checkpoint instead; repeatable",
      repeated,
    )
    .option("--out <file>", "with --data: where to store the predictions (.parquet)")
    .option(
      "--other-recipe",
      "with --data: accept crops of another alignment recipe than the model was trained on",
    )
    .option(
      "--bootstrap <n>",
      "draws over subjects for the intervals, 0 for none",
      wholeNumber("--bootstrap", 0, 1_000_000),
      2000,
    )
    .option("--workers <n>", "threads that decode images", wholeNumber("--workers", 1, 256), 2)
    .addOption(deviceOption("with --data: "))
    .addOption(jsonOption())
    .action(async (run: string, flags: Flags) => {
      const device = await chooseDevice(checkDevice(flags));
      const rows = await evaluationRows(run, { ...flags, split: checkSplit(flags.split), device, report });
      const summary = summarize(rows, { replicates: flags.bootstrap });
      print(flags.json === true ? JSON.stringify(summary, null, 2) : formatSummary(summary));
    });
}

/** Stored predictions need nothing computed: a device would be asked for in vain. */
function checkDevice({ device, data }: Flags): Device | "auto" {
  if (device === "cpu" || data !== undefined) return device;
  const got = "stored predictions";
  throw unexpected("input", { code: "FLAG", expected: "--data", name: `--device ${device}`, got });
}

function checkSplit(text: string): Split {
  const found = SPLITS.find((split) => split === text);
  if (found !== undefined) return found;
  throw unexpected("input", { code: "FLAG", expected: SPLITS.join(", "), name: "--split", got: text });
}
