// `facehand train`: flags are made from the configuration's schema, so that both always agree.
import { join } from "node:path";
import type { Command } from "commander";
import { unexpected } from "../../core/errors.ts";
import { LAW_NOTE, lawPlain } from "../../dataset/law.ts";
import { openSource } from "../../dataset/sources/sources.ts";
import { chooseDevice, type Device } from "../../engine/runtime/device.ts";
import { predictionFiles } from "../../evaluate/stored/prediction-folder.ts";
import { withLocks } from "../../machine/lock.ts";
import { HUB_PREFIX } from "../../models/backbones/recipes.ts";
import { backbone } from "../../models/backbones/registry.ts";
import { parseTag, TAG_GRAMMAR } from "../../models/tags.ts";
import { isRun, runPaths } from "../../predict/run-folder.ts";
import { type TrainConfig, trainConfigSchema } from "../../train/config.ts";
import { type RunResult, tryAndTrain } from "../../train/loop.ts";
import { checkPretraining, pixelsOf } from "../../train/pretrained.ts";
import { configOfRun } from "../../train/run.ts";
import { type EpochLog, formatEpoch } from "../../train/runlog.ts";
import { featureNote } from "../../train/step/features.ts";
import { kernelNotes } from "../../train/step/native.ts";
import type { Tried } from "../../train/try-run.ts";
import { configOptions, seedNumbers } from "../config-options.ts";
import {
  type Context,
  deviceOption,
  isGiven,
  jsonOption,
  list,
  onlyWith,
  requireFlags,
  verb,
  wholeNumber,
} from "../context.ts";
import { fetchWithProgress } from "../model/fetch.ts";
import { batchOf, memoryGb, withAuto } from "./batch.ts";
import { printConfig, readConfigFile } from "./config-file.ts";
import { Outlook } from "./outlook.ts";
import { TrainProgress } from "./progress.ts";
import { epochsDone, type Results, startText, summaryJson, summaryText } from "./summary.ts";
import { completeTensorboard, writeTensorboard } from "./tensorboard.ts";

interface Flags extends Record<string, unknown> {
  readonly out?: string | undefined;
  readonly config?: string | undefined;
  readonly printConfig?: boolean | undefined;
  readonly seeds?: readonly string[] | undefined;
  readonly resume?: boolean | undefined;
  readonly memory?: number | undefined;
  readonly threads?: number | undefined;
  readonly workers: number;
  readonly device: Device | "auto";
  readonly tensorboard?: boolean | undefined;
  readonly json?: boolean | undefined;
}

/** `facehand train`. */
export function trainCommand(context: Context): Command {
  const command = verb("train", "train a model with one or several seeds, each into its own run folder");
  for (const option of configOptions(trainConfigSchema))
    command.addOption(option.long === "--batch" ? withAuto(option) : option);
  return command
    .option(
      "--seeds <list>",
      "several seeds, e.g. 42,123,999: one run each in <out>/seed_<n>",
      list("--seeds"),
    )
    .option(
      "--config <file>",
      "YAML, or a run's config.json, with the keys that --print-config prints; flags given here take precedence",
    )
    .option("--print-config", "print the whole configuration as YAML for --config, and train nothing")
    .option("--out <dir>", "run folder; with --seeds, the folder of the runs")
    .option("--resume", "continue where an interrupted run stopped")
    .option(
      "--threads <n>",
      "threads of ONNX Runtime (default: one per core)",
      wholeNumber("--threads", 1, 1024),
    )
    .option(
      "--memory <GB>",
      "memory that training may use, for --batch auto (default: 80% of what is free)",
      memoryGb,
    )
    .option("--workers <n>", "threads that decode and augment images", wholeNumber("--workers", 1, 256), 2)
    .option("--tensorboard", "also write <run>/tensorboard, to follow training in TensorBoard")
    .addOption(deviceOption())
    .addOption(jsonOption())
    .addHelpText("after", `\n${TAG_GRAMMAR}`)
    .action((typed: Flags, own: Command) => act(context, typed, own));
}

async function act(context: Context, typed: Flags, own: Command): Promise<void> {
  const { config: file, printConfig: prints, ...flags } = await withFile(typed);
  if (prints !== true) requireFlags(own, "--out");
  await checkVain(own, flags);
  if (prints !== true) return trainSeeds(context, flags);
  if (flags.seeds !== undefined)
    throw unexpected("input", { code: "FLAG", expected: "--seed", name: "--print-config", got: "--seeds" });
  const { configOf } = splitFlags(flags);
  context.print(printConfig(configOf, flags.json === true));
}

/** Flags, and behind them the keys of a file; several seeds take the place of its one. */
async function withFile(typed: Flags): Promise<Flags> {
  if (typed.config === undefined) return typed;
  const { seed, ...given } = await readConfigFile(typed.config);
  return { ...given, ...(typed.seeds === undefined && seed !== undefined ? { seed } : {}), ...typed };
}

/** Keys of the run's configuration, apart from how and where it is made. */
function splitFlags(flags: Flags) {
  const { out, seeds, resume, threads, workers, device, tensorboard, json, memory, ...configOf } = flags;
  return { out, seeds, resume, threads, workers, device, tensorboard, json, memory, configOf };
}

async function trainSeeds(context: Context, flags: Flags): Promise<void> {
  const {
    out = "",
    seeds,
    resume,
    threads,
    workers,
    device: asked,
    tensorboard,
    json,
    memory,
    configOf: config,
  } = splitFlags(flags);
  if (seeds !== undefined && config["seed"] !== undefined) {
    throw unexpected("input", {
      code: "FLAG",
      expected: "--seed or --seeds",
      name: "the seeds",
      got: "both",
    });
  }
  const device = await chooseDevice(asked);
  const runs = seeds && seedNumbers(seeds).map((seed) => ({ dir: join(out, `seed_${seed}`), seed }));
  const dirs = runs?.map(({ dir }) => dir) ?? [out];
  const how = { resume: resume === true, workers, device, tensorboard: tensorboard ?? false, threads };
  const results = await withLocks(
    dirs,
    (dir) => `the run folder ${dir}`,
    async () => {
      const known = await pretrainedPixels(context, config, how.resume ? dirs : []);
      const batch = await batchOf(context, { ...known, ...config }, { memory, device, dirs });
      const given = batch === undefined ? config : { ...config, batch };
      return await trainEach(context, runs ?? [{ dir: out, seed: undefined }], {
        ...how,
        known,
        given,
        quiet: json === true,
      });
    },
  );
  await noteTest(context, results);
  context.print(json === true ? JSON.stringify(summaryJson(results), null, 2) : summaryText(results));
}

interface EachRun extends Omit<OneRun, "dir" | "onBegin" | "onTrial"> {
  /** Say nothing of its length. */
  readonly quiet: boolean;
  readonly known: Partial<Pick<TrainConfig, "pixels">>;
  /** Keys of the configuration, without the seed. */
  readonly given: Readonly<Record<string, unknown>>;
}

async function trainEach(
  context: Context,
  runs: readonly { readonly dir: string; readonly seed: unknown }[],
  { known, given, quiet, ...how }: EachRun,
): Promise<Results> {
  const results: Results[number][] = [];
  const dirs = runs.map((run) => run.dir);
  const done = await epochsDone(dirs);
  const outlook = new Outlook(context.report, how);
  let progress: TrainProgress | undefined;
  let isFirst = true; // once, for all seeds
  for (const [k, { dir, seed }] of runs.entries()) {
    const seeded = { ...given, ...(seed === undefined ? {} : { seed }) };
    const parsed = await configOfRun(dir, seeded, { known, resume: how.resume });
    const onBegin = () => {
      if (isFirst) context.report(startText(parsed, dirs, done, how.device));
      if (isFirst) for (const note of kernelNotes(parsed)) context.report(note);
      if (isFirst && parsed.targets?.includes("race") === true) context.report(lawPlain(LAW_NOTE));
      isFirst = false;
    };
    const following = done.slice(k + 1).filter((epochs) => epochs < parsed.epochs);
    const onTrial = quiet || !isFirst ? undefined : (tried: Tried) => outlook.tried(parsed, tried, following);
    if (seed !== undefined) context.report(`seed ${parsed.seed}: ${dir}`);
    progress ??= new TrainProgress(runs.length, parsed.epochs);
    const result = await trainOne(context, parsed, { ...how, dir, onBegin, onTrial }, progress);
    results.push({ seed: parsed.seed, result });
  }
  outlook.end();
  return results;
}

/** What the network of a tag has no use for. */
function checkTagged(command: Command, tag: string): void {
  const flags = ["--layer-decay", "--drop-path-rate"].filter((flag) => isGiven(command, flag));
  if (flags.length === 0) return;
  const { backbone: network, frozen } = parseTag(tag);
  const drops = backbone(network).neverDrops !== true;
  onlyWith(command, "--layer-decay", "Z0 or Z1 in the tag: a backbone that learns", frozen < 2, tag);
  onlyWith(command, "--drop-path-rate", "a network with residual blocks", drops, network);
}

/** Refuses flags that would have no effect: shares of sources that bring their splits, rates of what does not learn. */
async function checkVain(command: Command, flags: Flags): Promise<void> {
  if (flags.resume === true) return; // an earlier run continues by its own configuration
  const {
    data = [],
    tag,
    weightDecay,
  } = flags as { data?: string[] | undefined; tag?: string | undefined; weightDecay?: number | undefined };
  onlyWith(command, "--decay-all", "--weight-decay above 0", weightDecay !== 0);
  if (tag !== undefined) checkTagged(command, tag);
  const dealing = ["--val", "--test", "--split-seed"].filter((flag) => isGiven(command, flag));
  if (dealing.length === 0 || data.length === 0) return;
  const sources = await Promise.all(data.map(openSource));
  const dealt = sources.some(({ split }) => split === undefined);
  const own = sources.map(({ kind }) => `${kind} with its own splits`).join(", ");
  for (const flag of dealing) onlyWith(command, flag, "a source without splits of its own", dealt, own);
}

/** Weights of the hub are fetched before anything is made, and state their pixels; runs that continue have both. */
async function pretrainedPixels(
  context: Context,
  { tag, weights, pixels }: Record<string, unknown>,
  resumed: readonly string[],
) {
  const begun = await Promise.all(resumed.map(isRun));
  if (begun.length > 0 && begun.every(Boolean)) return {};
  if (typeof tag !== "string" || typeof weights !== "string" || !weights.startsWith(HUB_PREFIX)) return {};
  checkPretraining({ tag, weights });
  const pretrained = await fetchWithProgress(context, weights.slice(HUB_PREFIX.length));
  return pixels === undefined ? { pixels: pixelsOf(pretrained) } : {};
}

/** Without test images, what `evaluate` does by default is not there: better reported now than then. */
async function noteTest({ report }: Context, results: Results): Promise<void> {
  const [{ result }] = results as [Results[number]];
  const files = await predictionFiles(runPaths(result.dir).predictions);
  if (files.some(({ split }) => split !== "val")) return;
  report(
    `no test images were held out: evaluate by --split val, whose images chose the epoch, or train with --test 0.2`,
  );
}

interface OneRun {
  readonly onBegin: () => void;
  readonly onTrial: ((tried: Tried) => Promise<void>) | undefined;
  readonly device: Device;
  readonly dir: string;
  readonly workers: number;
  readonly resume: boolean;
  readonly tensorboard: boolean;
  readonly threads?: number | undefined;
}

async function trainOne(
  context: Context,
  config: TrainConfig,
  { tensorboard, ...options }: OneRun,
  progress: TrainProgress,
): Promise<RunResult> {
  const events = () => (tensorboard ? writeTensorboard(options.dir, Date.now() / 1000) : undefined);
  let writing = Promise.resolve();
  const note = featureNote(config);
  if (note !== undefined) context.report(note);
  progress.nextRun();
  const onEpoch = (epoch: EpochLog) => {
    const left = progress.afterEpoch();
    context.report(`${formatEpoch(epoch, config.epochs)}  (${left})`);
    writing = writing.then(events);
  };
  try {
    const result = await tryAndTrain(config, {
      ...options,
      signal: context.signal,
      onEpoch,
      onWeights: (choice) => context.report(`weights ${choice}`),
      onStep: ({ loss }, position, steps) => {
        progress.step(position, steps, loss);
      },
    });
    await writing;
    if (tensorboard) await completeTensorboard(options.dir, Date.now() / 1000);
    const { epochs, best } = result;
    if (epochs.length < config.epochs) {
      context.report(`stopped after epoch ${epochs.length}: none was better since epoch ${best.epoch}`);
    }
    return result;
  } finally {
    progress.done();
    await writing.catch(() => undefined); // its own error is thrown above; here another one is on its way
  }
}
