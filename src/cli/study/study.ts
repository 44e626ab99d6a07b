// `facehand study ...`: plans, runs and reports studies.
import { type Command, Option } from "commander";
import { MODALITIES, type Modality } from "../../core/words.ts";
import { parseOnly } from "../../studies/plan/grid.ts";
import { bestCells, SELECTION_METRICS, type SelectionMetric } from "../../studies/report/best.ts";
import { studyStatus } from "../../studies/run/status.ts";
import { readStudy } from "../../studies/study.ts";
import { type Context, jsonOption, onlyWith, repeated, verb, wholeNumber } from "../context.ts";
import { formatBest, formatStatus } from "./format.ts";
import { planCommand } from "./plan.ts";
import { auditCommand, reportCommand } from "./report.ts";
import { runCommand } from "./run.ts";

/** `facehand study`. */
export function studyCommand(context: Context): Command {
  return verb("study", "plan, run and compare many trainings: a grid of configurations with seeds")
    .addCommand(planCommand(context))
    .addCommand(runCommand(context))
    .addCommand(statusCommand(context))
    .addCommand(bestCommand(context))
    .addCommand(reportCommand(context))
    .addCommand(auditCommand(context));
}

function statusCommand({ print }: Context): Command {
  return verb("status", "print progress, time left, and the last error of every failure")
    .argument("<dir>", "study folder")
    .addOption(jsonOption())
    .action(async (dir: string, { json }: { readonly json?: boolean | undefined }) => {
      const study = await readStudy(dir);
      const status = await studyStatus(dir, study);
      if (json !== true) return print(formatStatus(study, status));
      const tasks = status.tasks.map(({ task, ...rest }) => ({
        cell: task.cell.id,
        seed: task.seed,
        ...rest,
      }));
      print(JSON.stringify({ ...status, tasks }, null, 2));
    });
}

interface BestFlags {
  readonly k: number;
  readonly arch?: readonly string[] | undefined;
  readonly only?: readonly string[] | undefined;
  readonly modality?: Modality | undefined;
  readonly metric: SelectionMetric;
  readonly json?: boolean | undefined;
}

function bestCommand({ print }: Context): Command {
  return verb("best", "print the best cells, chosen by validation images alone: mean and std over seeds")
    .argument("<dir>", "study folder")
    .option("-k, --k <n>", "how many cells to print", wholeNumber("--k", 1, 10_000), 5)
    .option("--arch <name>", "only cells of umcc or mag; short for --only arch=NAME", repeated)
    .option("--only <axis=values>", "only cells with these values, e.g. L=b,f; repeatable", repeated)
    .addOption(
      new Option("--modality <name>", "rank by images of this modality only").choices([...MODALITIES]),
    )
    .addOption(
      new Option("--metric <name>", "figure to rank by")
        .choices([...SELECTION_METRICS])
        .default("balancedAccuracy"),
    )
    .addOption(jsonOption())
    .action(async (dir: string, { k, arch, only, modality, metric, json }: BestFlags, command: Command) => {
      const named = only?.some((text) => text.startsWith("arch=")) === true;
      onlyWith(command, "--arch", "it without --only arch=NAME", !named);
      const filter = { ...parseOnly(only ?? []), ...(arch === undefined ? {} : { arch: [...arch] }) };
      const ranking = await bestCells(dir, await readStudy(dir), { k, only: filter, modality, metric });
      print(json === true ? JSON.stringify(ranking, null, 2) : formatBest(ranking));
    });
}
