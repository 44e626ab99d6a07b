// Derivations as the command line runs them: with a progress line, an interruption that states how to continue, and
// the words of the result.

import { Interrupted } from "../../core/errors.ts";
import { type Progress, startProgress } from "../../core/progress.ts";
import { visible } from "../../core/visible.ts";
import { SPLITS } from "../../core/words.ts";
import { SMALL_GROUP } from "../../dataset/check/counts.ts";
import { planLayout } from "../../dataset/layout.ts";
import type { Manifest } from "../../dataset/manifest.ts";
import { type MergeOptions, mergeShards } from "../../derive/run/merge.ts";
import { DERIVE_THREADS, type DeriveOptions } from "../../derive/run/options.ts";
import { type DeriveResult, derive } from "../../derive/run/pipeline.ts";
import { deriveShard, type ShardChoice, type ShardResult } from "../../derive/run/shard.ts";
import { type Deviation, worstDeviations } from "../../derive/tables/balance.ts";
import { count, counted, LABEL_NOTE } from "../../report/figure-text.ts";
import type { Context } from "../context.ts";

type Signal = Pick<Context, "signal" | "report">;
type Start = (total: number) => Progress;

/** What is printed of a derivation at its start, and on its line. */
interface Announced {
  readonly label: string;
  readonly unit: string;
  readonly from: string;
  readonly outDir: string;
  readonly threads?: number | undefined;
}

/** Runs `work` with a progress line; an abort becomes Interrupted, which states how to continue. */
async function withProgress<R>(
  { signal, report }: Signal,
  { label, unit, from, outDir, threads }: Announced,
  work: (progress: Start) => Promise<R>,
): Promise<R> {
  let line: Progress | undefined;
  try {
    return await work((total) => {
      const by = threads === undefined ? "" : ` on ${counted(threads, "thread")}`;
      const end = "if it is stopped, the same command continues";
      const begun = visible(`${label}: ${count(total)} ${unit} of ${from}${by}, into ${outDir}; ${end}`);
      const own = startProgress(label, total, { unit });
      line = own;
      let isReported = false;
      const tick: Progress["tick"] = (...units) => {
        if (!isReported) report(begun);
        isReported = true; // not before: what is refused has begun nothing
        own.tick(...units);
      };
      return { ...own, tick };
    });
  } catch (error) {
    // Not every error after Ctrl-C is because of it: a broken annotation still has to be reported.
    if (!signal.aborted || error !== signal.reason) throw error;
    throw new Interrupted(`Stopped; the same command continues from ${outDir}.partial`);
  } finally {
    line?.done();
  }
}

/**
 * Derives with a progress line; an abort becomes Interrupted, which states how to continue.
 *
 * @throws AppError as `derive` does, Interrupted after the context's signal
 */
export function deriveWithProgress(context: Signal, options: DeriveOptions): Promise<DeriveResult> {
  const { signal } = context;
  const { hagridDir: from, outDir, threads = DERIVE_THREADS } = options;
  return withProgress(context, { label: "derive", unit: "frames", from, outDir, threads }, (progress) =>
    derive({ ...options, signal, progress }),
  );
}

/** The same for one shard, as `deriveShard` does it. */
export function deriveShardWithProgress(
  context: Signal,
  options: DeriveOptions,
  choice: ShardChoice,
): Promise<ShardResult> {
  const { signal } = context;
  const label = `derive ${choice.shard}/${choice.of}`;
  const { hagridDir: from, outDir, threads = DERIVE_THREADS } = options;
  return withProgress(context, { label, unit: "frames", from, outDir, threads }, (progress) =>
    deriveShard({ ...options, signal, progress }, choice),
  );
}

/** The same for a merge, as `mergeShards` does it. */
export function mergeWithProgress(
  context: Signal,
  options: Pick<MergeOptions, "shardDirs" | "outDir">,
): Promise<DeriveResult> {
  const { signal } = context;
  const from = `${options.shardDirs.length} shards`;
  return withProgress(context, { label: "merge", unit: "crops", from, outDir: options.outDir }, (progress) =>
    mergeShards({ ...options, signal, progress }),
  );
}

interface Output {
  readonly out: string;
  readonly json?: boolean | undefined;
}

/** What a derivation gave, as text or JSON. */
export function derivedText(result: DeriveResult, { out, json }: Output): string {
  const { manifest, alreadyComplete, worked } = result;
  const { root, ledger } = planLayout(out);
  const { erased } = manifest.source;
  if (json === true) {
    const { recipeHash, derivationHash, drawn, counts, balance } = manifest;
    const note = LABEL_NOTE;
    const summary = {
      note,
      out: root,
      ledger,
      alreadyComplete,
      worked,
      drawn,
      recipeHash,
      derivationHash,
      counts,
      erased: erased && { ...erased, sha256: undefined },
      balance,
    };
    return JSON.stringify(summary, null, 2);
  }
  const head = alreadyComplete ? [`${out} was derived before by the same recipe; nothing was done.`] : [];
  return [
    ...erasedText(erased),
    ...unmetText(manifest.counts.decisions),
    ...head,
    formatFrameCounts(manifest),
    `ledger    ${ledger}`,
    LABEL_NOTE,
  ].join("\n");
}

/** Erasures that matched nobody come first: their ids may be misspelt. */
function erasedText(erased: Manifest["source"]["erased"]): string[] {
  if (erased === undefined) return [];
  const { decisions, frames, unmatched } = erased;
  const warning = `erase: ${unmatched} of ${decisions} subjects and images to be erased are not in these frames; check their ids`;
  const line = `erased    ${frames} frames of ${decisions - unmatched} subjects and images; what was made from them before, elsewhere, still contains them`;
  return [...(unmatched === 0 ? [] : [warning]), line];
}

/** A removal that removes nothing may be a misspelt one. */
function unmetText({ unmet = 0 }: Manifest["counts"]["decisions"]): string[] {
  if (unmet === 0) return [];
  return [
    `decisions: ${unmet} of the images and subjects in the decisions file are not in these frames; check their ids`,
  ];
}

/** What a shard gave, as text or JSON. */
export function shardText({ record, alreadyComplete, worked }: ShardResult, { out, json }: Output): string {
  const { shard, of, from, to, frames, images, derivationHash } = record;
  if (json === true) {
    const summary = {
      out,
      shard,
      of,
      from,
      to,
      frames,
      crops: images.count,
      derivationHash,
      alreadyComplete,
      worked,
    };
    return JSON.stringify(summary, null, 2);
  }
  return [
    ...(alreadyComplete ? [`${out} was derived before by the same recipe; nothing was done.`] : []),
    `shard     ${shard}/${of}: frames ${from} to ${to} of ${frames}, ${images.count} crops`,
    `next      facehand derive merge with the folders of all ${of} shards`,
  ].join("\n");
}

/** Kept, removed by reason, and the splits, one line each. */
export function formatFrameCounts({
  counts,
  balance,
  drawn,
}: Pick<Manifest, "counts" | "balance" | "drawn">): string {
  const { frames, kept, removed, restored, hands, annotatedIn = {}, pairs, subjects } = counts;
  const total = (of: Readonly<Record<string, number>>) => Object.values(of).reduce((sum, n) => sum + n, 0);
  const reasons = Object.entries(removed).filter(([, n]) => n > 0);
  return [
    `frames    ${frames}${drawn ? " (drawn: nobody shown is real)" : ""}`,
    `kept      ${kept}`,
    `removed   ${total(removed)}`,
    ...reasons.map(([reason, n]) => `  ${visible(reason).padEnd(20)} ${n}`),
    ...(total(restored) === 0 ? [] : [`restored  ${total(restored)} by decisions`]),
    `hands     ${Object.entries(hands)
      .map(([from, n]) => `${n} cut by ${HAND_WORDS[from] ?? visible(from)}`)
      .join(", ")}`,
    ...(total(annotatedIn) === 0 ? [] : [`turned    ${turnedText(annotatedIn)}`]),
    ...SPLITS.map((name) => `${name.padEnd(9)} ${pairs[name]} pairs of ${subjects[name]} subjects`),
    ...worstDeviations(balance, pairs).map(formatDeviation),
  ].join("\n");
}

const HAND_WORDS: Readonly<Record<string, string>> = {
  annotation: "annotated landmarks",
  model: "a model's landmarks",
  box: "their box",
};

/** Of the frames that EXIF turns, which pixels their annotations were found to refer to. */
function turnedText(annotatedIn: Readonly<Record<string, number>>): string {
  const words: Readonly<Record<string, string>> = { stored: "stored pixels", upright: "turned pixels" };
  const parts = Object.entries(annotatedIn).map(
    ([where, n]) => `${n} annotated in ${words[where] ?? visible(where)}`,
  );
  return `${parts.join(", ")} (frames that EXIF turns)`;
}

/** Where a recorded group is farthest from its share of all pairs. */
function formatDeviation({ by, value, split, points, subjects }: Deviation): string {
  const sign = points < 0 ? "-" : "+";
  const small = subjects < SMALL_GROUP ? `, too few subjects (${subjects}) to compare` : "";
  return `balance   ${by} ${visible(value)}: ${sign}${Math.abs(points).toFixed(1)} points in ${split}${small}`;
}
