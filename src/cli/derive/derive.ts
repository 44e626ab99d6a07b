// `facehand derive`: HaGRID frames in, a dataset of aligned face-hand pairs out.
// Stopped by Ctrl-C it leaves its staging folder; the same command continues from there. With --shard it derives a part
// of the frames, with --executor slurm all parts as tasks on a cluster.
import { type Command, Option } from "commander";
import { decimal } from "../../core/decimal.ts";
import { unexpected } from "../../core/errors.ts";
import { RULE_NAMES, RULES, type RuleChoice } from "../../derive/judge/clean.ts";
import { DERIVE_THREADS, type DeriveOptions } from "../../derive/run/options.ts";
import type { ShardChoice } from "../../derive/run/shard.ts";
import {
  DEFAULT_FRACTIONS,
  type Fractions,
  SPLIT_KINDS,
  type SplitKind,
} from "../../derive/tables/splits.ts";
import { HAND_CROPS, type HandCrop } from "../../find/hand-source.ts";
import { checkApart } from "../../machine/true-path.ts";
import {
  type Context,
  givenWords,
  jsonOption,
  list,
  onlyWith,
  repeated,
  requireFlags,
  verb,
  wholeNumber,
} from "../context.ts";
import { deriveLabelsCommand } from "./labels.ts";
import { deriveMergeCommand } from "./merge.ts";
import { derivedText, deriveShardWithProgress, deriveWithProgress, shardText } from "./progress.ts";
import { deriveReportCommand, REPORT_EXAMPLES, writeLedgerReport } from "./report.ts";
import { deriveOnSlurm, type SlurmPlan } from "./slurm.ts";

interface Flags {
  readonly hagrid: string;
  readonly gestures: readonly string[];
  readonly meta?: string | undefined;
  readonly faceModel?: string | undefined;
  readonly faceLandmarks?: string | undefined;
  readonly handCrop: HandCrop;
  /** `name=value` or `name=off`. */
  readonly rule?: readonly string[] | undefined;
  readonly decisions?: string | undefined;
  readonly ageEdges?: readonly number[] | undefined;
  readonly splits: SplitKind;
  readonly out: string;
  readonly seed: number;
  readonly size: number;
  readonly threads: number;
  readonly val: number;
  readonly test: number;
  readonly shard?: ShardChoice | undefined;
  readonly executor: (typeof EXECUTORS)[number];
  readonly shards?: number | undefined;
  readonly sbatch?: readonly string[] | undefined;
  readonly report?: string | undefined;
  readonly json?: boolean | undefined;
}

/** `facehand derive`. */
export function deriveCommand(context: Context): Command {
  return verb("derive", "make aligned face-hand pairs from HaGRID frames, with a ledger of every frame")
    .enablePositionalOptions() // flags after a verb below are that verb's
    .option(
      "--hagrid <dir>",
      "HaGRID's folder: annotations/<split>/<gesture>.json and the frames, or its archives as unpacked",
    )
    .option("--gestures <list>", "e.g. palm,stop,stop_inverted; or all", list("--gestures"))
    .option("--meta <file>", "JSON of age, gender and race by image id, if the annotations have none")
    .option("--face-model <file>", "YuNet face detector (.onnx) instead of the built-in MediaPipe one")
    .option(
      "--face-landmarks <file>",
      "file of annotated face landmarks, as the drawn sample has, instead of detection",
    )
    .addOption(
      new Option(
        "--hand-crop <how>",
        "crop hands turned upright by landmarks (annotated, or a model's), or by their box",
      )
        .choices([...HAND_CROPS])
        .default("landmarks"),
    )
    .option(
      "--rule <name=value>",
      `change thresholds of cleaning rules; the defaults are ${ruleHelp()}`,
      addRules,
    )
    .option("--no-rule <name>", "turn off cleaning rules", dropRules)
    .option(
      "--decisions <file>",
      "CSV or JSONL of decisions about images or users: remove, restore, relabel or erase; by whom, when, why",
    )
    .option(
      "--age-edges <years>",
      "lowest age of each age bucket, e.g. 0,18,40; FairFace's buckets if left out",
      years("--age-edges"),
    )
    .option("--out <dir>", "folder for the dataset; appears in one step at the end")
    .addOption(
      new Option(
        "--splits <kind>",
        "deal subjects so that splits have similar groups, or take HaGRID's own splits",
      )
        .choices([...SPLIT_KINDS])
        .default("balanced"),
    )
    .option(
      "--seed <n>",
      "seed of the split by subject",
      wholeNumber("--seed", 0, Number.MAX_SAFE_INTEGER),
      42,
    )
    .option("--val <share>", "share of the subjects in val", share("--val"), DEFAULT_FRACTIONS.val)
    .option("--test <share>", "share of the subjects in test", share("--test"), DEFAULT_FRACTIONS.test)
    .option("--size <px>", "side of the square crops, px", wholeNumber("--size", 1, 1_000_000), 300)
    .option("--threads <n>", "threads that work on frames, each with its own models", count, DERIVE_THREADS)
    .option("--shard <i/n>", "derive only part i of n of the frames, for derive merge", shardOf)
    .addOption(
      new Option("--executor <name>", "run in this process, or as tasks on an existing Slurm cluster")
        .choices(EXECUTORS)
        .default("local"),
    )
    .option(
      "--shards <n>",
      "number of parts, each a task of a Slurm array",
      wholeNumber("--shards", 1, 100_000),
    )
    .option("--sbatch <option>", "option for sbatch, e.g. --sbatch=--partition=long; repeatable", repeated)
    .option(
      "--report <html>",
      "also write the page that derive report makes; it shows people if the frames do",
    )
    .addOption(jsonOption())
    .action(async (flags: Flags, command: Command) => {
      requireFlags(command, "--hagrid", "--gestures", "--out");
      checkExecutor(flags);
      for (const flag of ["--seed", "--val", "--test"])
        onlyWith(command, flag, "--splits balanced", flags.splits === "balanced");
      if (flags.report !== undefined) checkApart(flags.report, [flags.hagrid, flags.out], "--report");
      if (flags.shard !== undefined) {
        const result = await deriveShardWithProgress(context, optionsOf(flags), flags.shard);
        context.print(shardText(result, flags));
        return;
      }
      const result =
        flags.executor === "slurm"
          ? await deriveOnSlurm(context, slurmPlan(context, flags, command))
          : await deriveWithProgress(context, optionsOf(flags));
      if (flags.report !== undefined)
        await writeLedgerReport(flags.out, flags.report, { examples: REPORT_EXAMPLES });
      context.print(derivedText(result, flags));
    })
    .addCommand(deriveMergeCommand(context))
    .addCommand(deriveReportCommand(context))
    .addCommand(deriveLabelsCommand(context));
}

const EXECUTORS = ["local", "slurm"] as const;

/** Flags of executors that would mean nothing are refused. */
function checkExecutor({ executor, shard, shards, sbatch, report }: Flags): void {
  const refuse = (expected: string, name: string, got: unknown) => {
    throw unexpected("input", { code: "FLAG", expected, name, got });
  };
  if (shard !== undefined && report !== undefined) refuse("the merged dataset", "--report", "--shard");
  if (executor === "slurm" && shards === undefined) refuse("--shards N", "--executor slurm", undefined);
  if (executor === "slurm" && shard !== undefined) refuse("--shards N", "--executor slurm", "--shard");
  if (executor === "local" && shards !== undefined) refuse("--executor slurm", "--shards", "local");
  if (executor === "local" && sbatch !== undefined) refuse("--executor slurm", "--sbatch", "local");
}

/** What a Slurm array needs of the flags: those of the derivation go to each task as they are. */
function slurmPlan(context: Context, flags: Flags, command: Command): SlurmPlan {
  const own = ["--out", "--threads", "--executor", "--shards", "--sbatch", "--report", "--json"];
  const { out, shards = 1, threads, sbatch = [] } = flags;
  return {
    out,
    shards,
    threads,
    sbatch,
    flags: givenWords(command, own),
    decisions: flags.decisions,
    local: () => deriveWithProgress(context, optionsOf(flags)),
  };
}

function ruleHelp(): string {
  return RULE_NAMES.map((name) => `${name} (${RULES[name].threshold})`).join(", ");
}

function addRules(text: string, before: string[] = []): string[] {
  return [...before, ...list("--rule")(text)];
}

function dropRules(text: string, before: string[] = []): string[] {
  return [...before, ...list("--no-rule")(text).map((name) => `${name}=off`)];
}

function ruleChoice(text: string): RuleChoice {
  const [, name = "", value = ""] = /^([^=]+)=(.+)$/.exec(text) ?? [];
  const threshold = value === "off" ? null : decimal(value);
  if (name !== "" && threshold !== undefined) return { name, threshold };
  const e = { code: "FLAG", expected: "name=number or name=off, such as blur=8,", name: "--rule", got: text };
  throw unexpected("input", e);
}

/** Whole numbers between commas. */
function years(name: string): (text: string) => number[] {
  const one = wholeNumber(name, 0, 130);
  return (text) => list(name)(text).map(one);
}

const count = wholeNumber("--threads", 1, 256);

/** `2/4`: the second of four parts. */
function shardOf(text: string): ShardChoice {
  const [shard = 0, of = 0] = (/^(\d+)\/(\d+)$/.exec(text)?.slice(1) ?? []).map(Number);
  if (shard >= 1 && shard <= of) return { shard, of };
  throw unexpected("input", { code: "FLAG", expected: "i/n with i from 1 to n", name: "--shard", got: text });
}

/** An option value that is a share of a whole. */
function share(name: string): (text: string) => number {
  return (text) => {
    const value = decimal(text);
    if (value !== undefined && value >= 0 && value < 1) return value;
    throw unexpected("input", { code: "FLAG", expected: "a share from 0 to below 1", name, got: text });
  };
}

/** Shares of the splits; training takes what the others leave. */
export function fractionsOf(val: number, test: number): Fractions {
  return { train: Math.round((1 - val - test) * 1e9) / 1e9, val, test }; // 0.6, not 0.6000000000000001
}

function optionsOf(flags: Flags): DeriveOptions {
  const { hagrid, gestures, meta, faceModel, faceLandmarks, out, seed, size, threads, val, test } = flags;
  const { handCrop, rule, decisions, ageEdges, splits } = flags;
  return {
    hagridDir: hagrid,
    gestures: gestures.length === 1 && gestures[0] === "all" ? "all" : gestures,
    outDir: out,
    seed,
    sizePx: size,
    threads,
    handCrop,
    splits,
    fractions: fractionsOf(val, test),
    rules: rule === undefined ? undefined : rule.map(ruleChoice),
    decisionsFile: decisions,
    ageEdges,
    metaFile: meta,
    faceModel,
    faceLandmarksFile: faceLandmarks,
  };
}
