// From the journal to the tables: pairs, splits, ledger, crops that were taken out, manifest.
// Source: our own. Invariant: everything here follows from the journal and the derivation alone, so that it can
// be done again after a kill, with the same bytes.
import { basename } from "node:path";
import { AppError } from "../core/errors.ts";
import { sha256File, writeJson } from "../core/files.ts";
import {
  type Derivation,
  hashDerivation,
  hashRecipe,
  MANIFEST_FORMAT,
  type Manifest,
} from "../data/manifest.ts";
import { type Modality, type Pair, SPLITS, type Split } from "../data/record.ts";
import { writePairs } from "../data/store.ts";
import { balanceOf } from "./balance.ts";
import { type Court, type DecidedFrame, openCourt } from "./decide.ts";
import { type LedgerCounts, type LedgerRow, writeLedger } from "./ledger.ts";
import { MEASURES } from "./measures.ts";
import { skinTone } from "./skin.ts";
import { assignSplits, sourceSplits } from "./splits.ts";
import { type CropNames, type Stage, sweep } from "./stage.ts";
import { cropName } from "./work.ts";

const LICENCE =
  "HaGRID: public licence with attribution and conditions reserved, a variant of CC BY-SA 4.0 " +
  "(https://github.com/hukenovs/hagrid); derived data carry the same licence and attribution.";
const LICENCE_DRAWN = "Drawn by facehand; nobody shown is real. MIT, as the code.";

/**
 * Writes every table of the staged dataset, then its manifest.
 *
 * @throws AppError("data", "NO_PAIRS" | "TOO_FEW_SUBJECTS" | "SUBJECT_IN_TWO_SPLITS") if it cannot be split
 */
export async function finish(stage: Stage, derivation: Derivation): Promise<Manifest> {
  const court = await openCourt(stage.journal, derivation);
  const { pairs, sourceOf, names, removed } = await gather(court);
  if (pairs.length === 0) throw noPairs(removed);
  const of = dealSplits(pairs, sourceOf, derivation);
  const bySplit: Record<Split, Pair[]> = { train: [], val: [], test: [] };
  for (const pair of pairs) bySplit[of.get(pair.userId)!].push(pair);
  await writePairs(stage.root, bySplit);
  const { ledger: csv, ledgerParquet: parquet } = stage.layout;
  const counts = await writeLedger({ csv, parquet }, ledgerRows(court, of));
  await sweep(stage, names);
  const manifest = await describe(stage, derivation, bySplit, counts);
  await writeJson(stage.layout.manifest, manifest);
  return manifest;
}

async function gather(court: Court) {
  const pairs: Pair[] = [];
  const sourceOf = new Map<string, Set<Split>>();
  const removed = new Map<string, number>();
  const names: Record<Modality, Record<keyof CropNames, Set<string>>> = {
    hand: { kept: new Set(), removed: new Set() },
    face: { kept: new Set(), removed: new Set() },
  };
  for await (const { pair, verdict, result } of court.frames()) {
    for (const modality of result.crops ?? []) {
      names[modality][pair === undefined ? "removed" : "kept"].add(cropName(modality, result.imageId));
    }
    if (pair === undefined) {
      removed.set(verdict!.reason, (removed.get(verdict!.reason) ?? 0) + 1);
      continue;
    }
    pairs.push(pair);
    sourceOf.set(pair.userId, (sourceOf.get(pair.userId) ?? new Set()).add(result.split));
  }
  return { pairs, sourceOf, names, removed };
}

function noPairs(removed: ReadonlyMap<string, number>): AppError {
  const told = [...removed].map(([reason, count]) => `${reason} ${count}`).join(", ");
  return new AppError("data", "NO_PAIRS", `Expected face-hand pairs, got none (${told || "no frames"})`, {
    hint: removed.has("missing_label")
      ? "give the apparent gender of the frames by --meta FILE, or use HaGRIDv2 annotations, which have it"
      : "check the images of the source folder",
  });
}

function dealSplits(
  pairs: readonly Pair[],
  sourceOf: ReadonlyMap<string, ReadonlySet<Split>>,
  { selection }: Derivation,
): ReadonlyMap<string, Split> {
  if (selection.splits === "hagrid") return sourceSplits(sourceOf);
  const strata = pairs.map(({ userId, gender, age, race, gesture }) => ({
    subject: userId,
    groups: [gender, age, race, gesture],
  }));
  return assignSplits(strata, selection.fractions, selection.seed);
}

async function* ledgerRows(court: Court, splits: ReadonlyMap<string, Split>): AsyncGenerator<LedgerRow> {
  for await (const frame of court.frames()) yield ledgerRow(frame, splits.get(frame.result.userId));
}

function ledgerRow(frame: DecidedFrame, split: Split | undefined): LedgerRow {
  const { result, label, verdict, overruled, decision, pair } = frame;
  const { measures = {} } = result;
  const votes = label.female + label.male;
  return {
    image_id: result.imageId,
    gesture: result.gesture,
    source_split: result.split,
    user_id: result.userId,
    status: pair === undefined ? "removed" : "kept",
    reason: verdict?.reason ?? null,
    detail: text(verdict?.detail ?? overruled?.detail),
    overruled: overruled?.reason ?? null,
    decision: decision?.what ?? null,
    decided_by: decision?.who ?? null,
    decided_at: decision?.when ?? null,
    decided_why: decision?.why ?? null,
    split: pair === undefined ? null : split!,
    gender: pair?.gender ?? null,
    gender_agreement: votes === 0 ? null : Number(label.agreement.toFixed(4)),
    gender_votes: votes,
    age: text(frame.age),
    race: text(frame.race),
    skin_tone: measures.ita === undefined ? null : skinTone(measures.ita),
    width: result.size?.[0] ?? null,
    height: result.size?.[1] ?? null,
    faces: result.faces ?? null,
    face_score: result.faceScore ?? null,
    face_box: result.faceBox?.join(" ") ?? null,
    hand_box: result.handBox?.join(" ") ?? null,
    hand_from: result.hand ?? null,
    ...(Object.fromEntries(MEASURES.map((name) => [name, measures[name] ?? null])) as Record<
      (typeof MEASURES)[number],
      number | null
    >),
    look: result.look ?? null,
    sha256: result.sha256 ?? null,
  };
}

function text(value: string | undefined): string | null {
  return value === undefined || value === "" ? null : value;
}

async function describe(
  { layout }: Stage,
  derivation: Derivation,
  pairs: Readonly<Record<Split, readonly Pair[]>>,
  { frames, kept, removed, restored, hands, decided }: LedgerCounts,
): Promise<Manifest> {
  const files: Record<string, string> = {};
  for (const path of [...SPLITS.map((split) => layout.csv[split]), layout.ledger, layout.ledgerParquet]) {
    files[basename(path)] = await sha256File(path);
  }
  const count = (of: (split: Split) => number) => ({ train: of("train"), val: of("val"), test: of("test") });
  const { recipe, rules, labels, selection, source, drawn } = derivation;
  return {
    format: MANIFEST_FORMAT,
    drawn,
    licence: drawn ? LICENCE_DRAWN : LICENCE,
    recipe,
    recipeHash: hashRecipe(recipe),
    rules,
    labels,
    selection,
    source,
    derivationHash: hashDerivation(derivation),
    counts: {
      frames,
      kept,
      removed,
      restored,
      hands,
      decisions: { inFile: source.decisions?.length ?? 0, frames: decided },
      pairs: count((split) => pairs[split].length),
      subjects: count((split) => new Set(pairs[split].map(({ userId }) => userId)).size),
    },
    balance: balanceOf(pairs),
    files,
  };
}
