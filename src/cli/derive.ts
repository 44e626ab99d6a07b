// `facehand derive`: HaGRID frames in, a dataset of aligned face-hand pairs out.
// Stopped by Ctrl-C it leaves its staging folder; the same command goes on from there.
import { type Command, Option } from "commander";
import { Interrupted, unexpected } from "../core/errors.ts";
import { type Progress, startProgress } from "../core/progress.ts";
import { planLayout } from "../data/layout.ts";
import type { Manifest } from "../data/manifest.ts";
import { SPLITS } from "../data/record.ts";
import { RULE_NAMES, RULES, type RuleChoice } from "../derive/clean.ts";
import { HAND_CROPS, type HandCrop } from "../derive/hand-source.ts";
import type { DeriveOptions } from "../derive/options.ts";
import { type DeriveResult, derive } from "../derive/pipeline.ts";
import { DEFAULT_FRACTIONS, type Fractions, SPLIT_KINDS, type SplitKind } from "../derive/splits.ts";
import { LABEL_NOTE } from "../evaluate/format.ts";
import { type Context, jsonOption, list, verb, wholeNumber } from "./context.ts";

interface Flags {
  readonly hagrid: string;
  readonly gestures: readonly string[];
  readonly meta?: string;
  readonly faceModel?: string;
  readonly faceLandmarks?: string;
  readonly handCrop: HandCrop;
  readonly rule?: readonly RuleChoice[];
  readonly decisions?: string;
  readonly ageEdges?: readonly number[];
  readonly splits: SplitKind;
  readonly out: string;
  readonly seed: number;
  readonly size: number;
  readonly threads: number;
  readonly val: number;
  readonly test: number;
  readonly json?: boolean;
}

/** `facehand derive`. */
export function deriveCommand(context: Context): Command {
  return verb("derive", "make aligned face-hand pairs from HaGRID frames, with a ledger of every frame")
    .requiredOption("--hagrid <dir>", "HaGRID's folder: annotations/<split>/<gesture>.json and the frames")
    .requiredOption("--gestures <list>", "e.g. palm,stop,stop_inverted; or all", list("--gestures"))
    .option("--meta <file>", "JSON of age, gender and race by image id, if the annotations have none")
    .option("--face-model <file>", "YuNet face detector (.onnx) instead of the built-in MediaPipe one")
    .option("--face-landmarks <file>", "annotated face landmarks instead of detection (the drawn sample's)")
    .addOption(
      new Option(
        "--hand-crop <how>",
        "hands turned upright by landmarks (annotated, or a model's), or by box",
      )
        .choices([...HAND_CROPS])
        .default("landmarks"),
    )
    .option("--rule <name=value>", `another threshold of a cleaning rule: ${ruleHelp()}`, addRule)
    .option("--no-rule <name>", "turns a cleaning rule off; may be repeated, as --rule", dropRule)
    .option(
      "--decisions <file>",
      "CSV or JSONL: who, when, what (remove, restore, relabel), why, by image or user",
    )
    .option("--age-edges <years>", "lowest age of each bucket; FairFace's if left out", years("--age-edges"))
    .requiredOption("--out <dir>", "folder of the dataset; made in one step at the end")
    .addOption(
      new Option("--splits <kind>", "subjects dealt with like groups in each split, or HaGRID's own splits")
        .choices([...SPLIT_KINDS])
        .default("balanced"),
    )
    .option("--seed <n>", "of the split by subject", wholeNumber("--seed", 0, Number.MAX_SAFE_INTEGER), 42)
    .option("--val <share>", "share of the subjects in val", share("--val"), DEFAULT_FRACTIONS.val)
    .option("--test <share>", "share of the subjects in test", share("--test"), DEFAULT_FRACTIONS.test)
    .option("--size <px>", "side of the square crops, px", wholeNumber("--size", 1, 1_000_000), 300)
    .option("--threads <n>", "threads of the detector; twice as many frames at once", count, 2)
    .addOption(jsonOption())
    .action(async (flags: Flags) => {
      const result = await deriveWithProgress(context, optionsOf(flags));
      context.print(
        flags.json === true ? JSON.stringify(toJson(result, flags.out), null, 2) : told(result, flags.out),
      );
    });
}

function ruleHelp(): string {
  return RULE_NAMES.map((name) => `${name} (${RULES[name].threshold})`).join(", ");
}

function addRule(text: string, before: RuleChoice[] = []): RuleChoice[] {
  const [, name, value] = /^([^=]+)=(.+)$/.exec(text) ?? [];
  if (name === undefined || Number.isNaN(Number(value))) {
    const e = { code: "FLAG", expected: "a rule's name and a number, such as blur=8,", name: "--rule" };
    throw unexpected("input", { ...e, got: text });
  }
  return [...before, { name, threshold: Number(value) }];
}

function dropRule(name: string, before: RuleChoice[] = []): RuleChoice[] {
  return [...before, { name, threshold: null }];
}

/** Whole numbers between commas. */
function years(name: string): (text: string) => number[] {
  const one = wholeNumber(name, 0, 130);
  return (text) => list(name)(text).map(one);
}

const count = wholeNumber("--threads", 1, 256);

/** An option value that is a share of a whole. */
function share(name: string): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== "" && value >= 0 && value < 1) return value;
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
    ...(rule === undefined ? {} : { rules: rule }),
    ...(decisions === undefined ? {} : { decisionsFile: decisions }),
    ...(ageEdges === undefined ? {} : { ageEdges }),
    ...(meta === undefined ? {} : { metaFile: meta }),
    ...(faceModel === undefined ? {} : { faceModel }),
    ...(faceLandmarks === undefined ? {} : { faceLandmarksFile: faceLandmarks }),
  };
}

/**
 * Derives with a progress line; an abort becomes Interrupted, which tells how to go on.
 *
 * @throws AppError as `derive` does, Interrupted after the context's signal
 */
export async function deriveWithProgress(
  { signal }: Pick<Context, "signal">,
  options: DeriveOptions,
): Promise<DeriveResult> {
  let line: Progress | undefined;
  try {
    return await derive({
      ...options,
      signal,
      progress: (frames) => {
        line = startProgress("derive", frames, { unit: "frames" });
        return line;
      },
    });
  } catch (error) {
    // Not every error after Ctrl-C is because of it: a broken annotation still has to be told.
    if (!signal.aborted || error !== signal.reason) throw error;
    throw new Interrupted(`Stopped; the same command goes on with ${options.outDir}.partial`);
  } finally {
    line?.done();
  }
}

function toJson({ manifest, alreadyComplete, worked }: DeriveResult, out: string) {
  const { recipeHash, derivationHash, drawn, counts } = manifest;
  const { root, ledger } = planLayout(out);
  const note = LABEL_NOTE;
  return { note, out: root, ledger, alreadyComplete, worked, drawn, recipeHash, derivationHash, counts };
}

function told({ manifest, alreadyComplete }: DeriveResult, out: string): string {
  const head = alreadyComplete ? [`${out} was derived before by the same recipe; nothing was done.`] : [];
  return [...head, formatCounts(manifest), `ledger    ${planLayout(out).ledger}`, LABEL_NOTE].join("\n");
}

/** Kept, removed by reason, and the splits, one line each. */
export function formatCounts({ counts, drawn }: Pick<Manifest, "counts" | "drawn">): string {
  const { frames, kept, removed, pairs, subjects } = counts;
  const reasons = Object.entries(removed).filter(([, n]) => n > 0);
  const all = reasons.reduce((sum, [, n]) => sum + n, 0);
  return [
    `frames    ${frames}${drawn ? " (drawn: nobody shown is real)" : ""}`,
    `kept      ${kept}`,
    `removed   ${all}`,
    ...reasons.map(([reason, n]) => `  ${reason.padEnd(20)} ${n}`),
    ...SPLITS.map((name) => `${name.padEnd(9)} ${pairs[name]} pairs of ${subjects[name]} subjects`),
  ].join("\n");
}
