// `facehand study plan`: a study file resolved into cells, with what exists already, time and memory.
import type { Command } from "commander";
import { startProgress } from "../../core/progress.ts";
import { openSource } from "../../dataset/sources/sources.ts";
import { readStudyFile, settingsSchema } from "../../studies/plan/file.ts";
import { parseOnly } from "../../studies/plan/grid.ts";
import { cellImages } from "../../studies/plan/images.ts";
import { type Cost, costKey, measureCells, taskSeconds } from "../../studies/plan/measure.ts";
import { type Overrides, planStudy } from "../../studies/plan/plan.ts";
import { studyFilePath } from "../../studies/plan/protocols.ts";
import { studyStatus } from "../../studies/run/status.ts";
import type { Study } from "../../studies/study.ts";
import { configOptions, seedNumbers } from "../config-options.ts";
import { type Context, jsonOption, list, repeated, verb } from "../context.ts";
import { formatPlan, type PlannedCell } from "./format.ts";

/** What `plan` and `run` both take, along with the study file. */
export interface PlanFlags extends Record<string, unknown> {
  readonly data?: readonly string[] | undefined;
  readonly testData?: readonly string[] | undefined;
  readonly backbone?: readonly string[] | undefined;
  readonly seeds?: readonly string[] | undefined;
  readonly only?: readonly string[] | undefined;
}

/** Adds these options to a verb. */
export function addPlanOptions(command: Command): Command {
  command
    .option("--data <source>", "train on [NAME=]SOURCE instead of the file's data; repeatable", repeated)
    .option("--test-data <source>", "also test on NAME=SOURCE; repeatable", repeated)
    .option("--backbone <name>", "network to use instead of the file's; repeatable", repeated)
    .option("--seeds <list>", "seeds to use instead of the file's, e.g. 42,123,999", list("--seeds"))
    .option("--only <axis=values>", "only cells with these values, e.g. L=b,f; repeatable", repeated);
  for (const option of configOptions(settingsSchema)) command.addOption(option);
  return command;
}

/** The study that a file and flags mean. */
export async function planOf(file: string, flags: PlanFlags): Promise<Study> {
  const { data, testData, backbone, seeds, only } = flags;
  const keys = Object.keys(settingsSchema.shape).filter((key) => flags[key] !== undefined);
  const overrides: Overrides = {
    settings: Object.fromEntries(keys.map((key) => [key, flags[key]])),
    data,
    testData,
    backbones: backbone,
    seeds: seeds && seedNumbers(seeds),
    only: only && parseOnly(only),
  };
  return planStudy(await readStudyFile(await studyFilePath(file)), overrides);
}

/** `facehand study plan`. */
export function planCommand(context: Context): Command {
  const command = verb("plan", "print a study's cells, what exists already, and the time and memory needed")
    .argument("<file>", "study file (.yaml or .json), or a protocol's name")
    .option("--out <dir>", "study folder, to show what exists there already")
    .option("--no-measure", "do not measure training steps for the estimate");
  return addPlanOptions(command)
    .addOption(jsonOption())
    .action((file: string, flags: PlanFlags) => plan(context, file, flags));
}

async function plan({ print, signal }: Context, file: string, flags: PlanFlags): Promise<void> {
  const study = await planOf(file, flags);
  const status = await studyStatus(typeof flags["out"] === "string" ? flags["out"] : "", study);
  const costs = flags["measure"] === false ? undefined : await measured(study, signal);
  const sets = await openAll(study);
  const cells = study.cells.map((cell): PlannedCell => {
    const tasks = status.tasks.filter(({ task }) => task.cell === cell);
    const images = cellImages(cell, sets);
    const cost = costs?.get(costKey(cell)) ?? null;
    const seconds = cost === null ? null : taskSeconds(study, cell, images, cost);
    return {
      cell,
      images,
      states: tasks.map(({ state }) => state),
      seconds,
      peakBytes: cost?.peakBytes ?? null,
    };
  });
  print(flags["json"] === true ? JSON.stringify({ study, cells }, null, 2) : formatPlan(study, cells));
}

async function measured(study: Study, signal: AbortSignal): Promise<Map<string, Cost>> {
  const kinds = new Set(study.cells.map(costKey)).size;
  const progress = startProgress("measure", kinds, { unit: "kinds of cells" });
  let begun = 0;
  try {
    const costs = await measureCells(study, {
      signal,
      onCell: (cell) => {
        if (begun++ > 0) progress.tick();
        progress.note(cell.label);
      },
    });
    progress.tick();
    return costs;
  } finally {
    progress.done();
  }
}

async function openAll({ data }: Study) {
  const entries = Object.entries(data).map(async ([name, { sources }]) => {
    return [name, { sources: await Promise.all(sources.map(openSource)) }] as const;
  });
  return new Map(await Promise.all(entries));
}
