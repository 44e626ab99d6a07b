// `facehand data ...`: fetches, shows, checks, repairs and converts datasets; draws the built-in sample.
import type { Command } from "commander";
import { Interrupted } from "../../core/errors.ts";
import { startProgress } from "../../core/progress.ts";
import { formatShow, showDataset } from "../../dataset/show.ts";
import { drawSample, type SampleManifest } from "../../drawn/sample.ts";
import { type Context, jsonOption, verb, wholeNumber } from "../context.ts";
import { checkCommand } from "./check.ts";
import { exportCommand, importCommand } from "./export.ts";
import { fetchCommand } from "./fetch.ts";
import { repairCommand } from "./repair.ts";

/** `facehand data`. */
export function dataCommand(context: Context): Command {
  return verb(
    "data",
    "fetch, show, check, repair, export and import datasets of pairs; draw the built-in sample",
  )
    .addCommand(fetchCommand(context))
    .addCommand(showCommand(context))
    .addCommand(checkCommand(context))
    .addCommand(repairCommand(context))
    .addCommand(exportCommand(context))
    .addCommand(importCommand(context))
    .addCommand(sampleCommand(context));
}

interface ShowFlags {
  readonly rows: number;
  readonly json?: boolean | undefined;
}

function showCommand({ print }: Context): Command {
  return verb("show", "print a dataset's counts, its first rows, and the files of its first pair")
    .argument("<dir>", "dataset folder (with train.csv, val.csv, test.csv), or its parent")
    .option("--rows <n>", "rows to print", wholeNumber("--rows", 1, 1000), 5)
    .addOption(jsonOption())
    .action(async (dir: string, { rows, json }: ShowFlags) => {
      const summary = await showDataset(dir, rows);
      print(json === true ? JSON.stringify(summary, null, 2) : formatShow(summary).trimEnd());
    });
}

interface SampleFlags {
  readonly out: string;
  readonly subjects: number;
  readonly frames: number;
  readonly seed: number;
  readonly json?: boolean | undefined;
}

function sampleCommand(context: Context): Command {
  return verb("sample", "draw a raw set of invented people in HaGRID's form; no image shows a real person")
    .requiredOption("--out <dir>", "new folder; appears complete or not at all")
    .option("--subjects <n>", "number of drawn people", wholeNumber("--subjects", 2, 10_000), 60)
    .option("--frames <n>", "frames of each person", wholeNumber("--frames", 1, 100), 4)
    .option(
      "--seed <n>",
      "seed of everything that is drawn",
      wholeNumber("--seed", 0, Number.MAX_SAFE_INTEGER),
      42,
    )
    .addOption(jsonOption())
    .action(async ({ out, subjects, frames, seed, json }: SampleFlags) => {
      const options = { subjects, framesPerSubject: frames, seed };
      const manifest = await drawWithProgress(context, out, options);
      context.print(json === true ? JSON.stringify(manifest, null, 2) : formatSample(out, manifest));
    });
}

/**
 * Draws the sample with a progress line, or finds it drawn.
 *
 * @throws AppError as `drawSample` does, Interrupted after the context's signal: nothing is then left to use
 */
export async function drawWithProgress(
  { signal }: Pick<Context, "signal">,
  out: string,
  options: { readonly subjects: number; readonly framesPerSubject: number; readonly seed: number },
): Promise<SampleManifest> {
  const progress = startProgress("draw", options.subjects * options.framesPerSubject, { unit: "frames" });
  const onFrame = () => {
    progress.tick();
    if (signal.aborted) throw new Interrupted(`Stopped; ${out} was not made, the same command begins again`);
  };
  try {
    return await drawSample(out, { ...options, onFrame });
  } finally {
    progress.done();
  }
}

function formatSample(out: string, { frames, subjects, seed, bad, note }: SampleManifest): string {
  return [
    `${frames} drawn frames of ${subjects} invented subjects in ${out}, seed ${seed}`,
    `${Object.keys(bad).length} of them are bad on purpose; sample.json lists them`,
    note,
  ].join("\n");
}
