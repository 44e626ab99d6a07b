// `facehand study run`: runs what is missing of a study, here or on a cluster.
import { type Command, Option } from "commander";
import { AppError, unexpected } from "../../core/errors.ts";
import { chooseDevice, type Device } from "../../engine/runtime/device.ts";
import { localExecutor } from "../../studies/run/local.ts";
import { nameOf, runStudy, type StudyResult } from "../../studies/run/runner.ts";
import { slurmExecutor } from "../../studies/run/slurm.ts";
import { readStudy, type Study } from "../../studies/study.ts";
import { type Context, deviceOption, repeated, verb, wholeNumber } from "../context.ts";
import { addPlanOptions, type PlanFlags, planOf } from "./plan.ts";

interface Flags extends PlanFlags {
  readonly out: string;
  readonly maxParallel?: number | undefined;
  readonly threads?: number | undefined;
  readonly workers: number;
  readonly device: Device | "auto";
  readonly retries: number;
  readonly failFast?: boolean | undefined;
  readonly executor: (typeof EXECUTORS)[number];
  readonly sbatch?: readonly string[] | undefined;
}

const EXECUTORS = ["local", "slurm"] as const;

/** `facehand study run`. */
export function runCommand(context: Context): Command {
  const command = verb(
    "run",
    "run what is missing of a study; finished runs are skipped, interrupted ones continue",
  )
    .argument("[file]", "study file or a protocol's name; the folder's own plan if left out")
    .requiredOption("--out <dir>", "study folder, new or existing")
    .option(
      "--max-parallel <n>",
      "tasks at a time (default: 1 locally, no limit on a cluster)",
      wholeNumber("--max-parallel", 1, 100_000),
    )
    .option("--retries <n>", "how often to retry a task that crashed", wholeNumber("--retries", 0, 100), 1)
    .option("--fail-fast", "stop at the first failure")
    .option(
      "--threads <n>",
      "threads of ONNX Runtime in each task (default: the cores, divided among simultaneous tasks)",
      wholeNumber("--threads", 1, 1024),
    )
    .option("--workers <n>", "threads in each task that decode images", wholeNumber("--workers", 1, 256), 2)
    .addOption(deviceOption())
    .addOption(
      new Option("--executor <name>", "local, or slurm: job arrays on the cluster of this login node")
        .choices([...EXECUTORS])
        .default("local"),
    )
    .option(
      "--sbatch <option>",
      "with --executor slurm: option for sbatch, e.g. --partition=long; repeatable",
      repeated,
    );
  return addPlanOptions(command).action((file: string | undefined, flags: Flags) =>
    run(context, file, flags),
  );
}

async function run(
  { signal, print, report }: Context,
  file: string | undefined,
  flags: Flags,
): Promise<void> {
  const { out, retries, failFast = false } = flags;
  const device = await chooseDevice(flags.device);
  const executor = executorOf(flags, device);
  const study = await planFor(file, flags);
  const result = await runStudy(out, study, {
    executor,
    retries,
    failFast,
    signal,
    report,
    onNews: (task, { kind, text }, left) =>
      report(`${nameOf(task)}: ${kind === "epoch" ? `${text}  (${left})` : `evaluates ${text}`}`),
  });
  if (result.failed.length > 0) throw failures(out, result);
  print(`${study.name}: all ${study.cells.length * study.seeds.length} tasks are done in ${out}`);
}

function executorOf({ executor, maxParallel, threads, workers, sbatch, failFast }: Flags, device: Device) {
  const shared = {
    workers,
    device,
    threads,
    maxParallel,
  };
  const foreign = executor === "slurm" ? failFast && "--fail-fast" : sbatch && "--sbatch";
  if (foreign) {
    const expected = `--executor ${executor === "slurm" ? "local" : "slurm"}`;
    throw unexpected("input", { code: "FLAG", expected, name: foreign, got: executor });
  }
  if (executor === "local") return localExecutor(shared);
  return slurmExecutor({ ...shared, sbatch });
}

async function planFor(file: string | undefined, flags: Flags): Promise<Study> {
  if (file !== undefined) return planOf(file, flags);
  const given = addPlanOptions(verb("run", "")).options.find(
    (option) => flags[option.attributeName()] !== undefined,
  );
  if (given === undefined) return readStudy(flags.out);
  const hint = "name the study file or protocol that these flags are for";
  throw unexpected("input", {
    code: "FLAG",
    expected: "a study file",
    name: `${given.long}`,
    got: undefined,
    hint,
  });
}

function failures(out: string, { failed, done, skipped }: StudyResult): AppError {
  const total = failed.length + done + skipped;
  const message = `Expected all tasks to finish, got ${failed.length} failures among ${total} tasks`;
  return new AppError("data", "STUDY_FAILED", message, { hint: `facehand study status ${out}` });
}
