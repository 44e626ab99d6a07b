// From the journal to the tables: pairs, splits, ledger, crops that were taken out, manifest.
// Source: our own. Invariants: everything here follows from the journal and the derivation alone, so that it can
// be done again after a kill, with the same bytes; memory holds an id and a few numbers a frame, no rows.
import { basename } from "node:path";
import { AppError } from "../../core/errors.ts";
import { SPLITS, type Split } from "../../core/words.ts";
import { MEASURES } from "../../dataset/ledger-columns.ts";
import {
  type Derivation,
  hashDerivation,
  hashRecipe,
  MANIFEST_FORMAT,
  type Manifest,
} from "../../dataset/manifest.ts";
import { openPairTables } from "../../dataset/store.ts";
import { sha256File, writeJson } from "../../machine/files.ts";
import { type Court, type DecidedFrame, openCourt } from "../judge/decide.ts";
import { parseDecisions, Unmet } from "../judge/decisions.ts";
import type { Reason } from "../judge/reasons.ts";
import { skinTone } from "../judge/skin.ts";
import { BalanceTally } from "../tables/balance.ts";
import { Crops } from "../tables/crop-list.ts";
import { type LedgerCounts, type LedgerRow, openLedger } from "../tables/ledger.ts";
import { assignSplits, Strata, sourceSplits } from "../tables/splits.ts";
import { type Stage, sweep } from "./stage.ts";

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
  const { strata, kept, sourceOf, crops, removed } = await gather(court);
  if (kept === 0) throw noPairs(removed);
  const { splits, fractions, seed } = derivation.selection;
  const of = splits === "hagrid" ? sourceSplits(sourceOf) : assignSplits(strata, fractions, seed);
  const unmet = new Unmet(parseDecisions(derivation.source.decisions));
  const written = await writeTables(stage, court, of, unmet);
  await sweep(stage, crops);
  const manifest = await describe(stage, derivation, written, of);
  await writeJson(stage.layout.manifest, manifest);
  return manifest;
}

/** What the splits and the sweep need, as counts: no pair stays in memory. */
async function gather(court: Court) {
  const strata = new Strata();
  const sourceOf = new Map<string, Set<Split>>();
  const removed = new Map<string, number>();
  const crops = new Crops();
  let kept = 0;
  for await (const { pair, verdict, result } of court.frames()) {
    crops.add(result.imageId, result.crops ?? [], pair !== undefined);
    if (pair === undefined) {
      removed.set(verdict!.reason, (removed.get(verdict!.reason) ?? 0) + 1);
      continue;
    }
    kept++;
    const { userId: subject, gender, age, race, gesture } = pair;
    strata.add({ subject, groups: [gender, age, race, gesture] });
    sourceOf.set(subject, (sourceOf.get(subject) ?? new Set()).add(result.split));
  }
  return { strata, kept, sourceOf, crops, removed };
}

interface Written {
  readonly counts: LedgerCounts;
  /** Images and subjects of decisions that are of no frame. */
  readonly unmet: number;
  readonly pairs: Readonly<Record<Split, number>>;
  readonly balance: Manifest["balance"];
}

/** The tables of pairs and the ledger, in one reading of the journal. */
async function writeTables(
  { root, layout }: Stage,
  court: Court,
  splits: ReadonlyMap<string, Split>,
  unmet: Unmet,
): Promise<Written> {
  const ledger = await openLedger({ csv: layout.ledger, parquet: layout.ledgerParquet });
  const tables = await openPairTables(root);
  const balance = new BalanceTally();
  const pairs: Record<Split, number> = { train: 0, val: 0, test: 0 };
  try {
    for await (const frame of court.frames()) {
      unmet.meet(frame.result);
      const split = splits.get(frame.result.userId);
      await ledger.add(ledgerRow(frame, split));
      if (frame.pair === undefined) continue;
      await tables.add(split!, frame.pair);
      balance.add(split!, frame.pair);
      pairs[split!]++;
    }
    await tables.close();
    return { counts: await ledger.close(), pairs, balance: balance.result(), unmet: unmet.count };
  } finally {
    await tables.discard();
    await ledger.discard();
  }
}

/** What to do, by the reason that most frames were removed for. */
const NO_PAIRS_HINTS: Readonly<Partial<Record<Reason, string>>> = {
  removed_by_decision: "check the file of --decisions: it takes out what is left",
  missing_label:
    "give the apparent gender of the frames by --meta FILE, or use HaGRIDv2 annotations, which have it",
  image_missing:
    "unpack the images into folders of their gestures, each called as the annotations call it, in the same case, e.g. palm/<id>.jpg",
  image_unreadable: "fetch or unpack the images again: they cannot be read as images",
};

function noPairs(removed: ReadonlyMap<string, number>): AppError {
  const byCount = [...removed].sort(([, a], [, b]) => b - a);
  const reasons = byCount.map(([reason, count]) => `${reason} ${count}`).join(", ");
  return new AppError("data", "NO_PAIRS", `Expected face-hand pairs, got none (${reasons || "no frames"})`, {
    hint: NO_PAIRS_HINTS[byCount[0]?.[0] as Reason] ?? "check the images of the source folder",
  });
}

function ledgerRow(frame: DecidedFrame, split: Split | undefined): LedgerRow {
  const { result, label, facts, verdict, overruled, decision, pair } = frame;
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
    recorded_gender: label.gender ?? null,
    gender_agreement: votes === 0 ? null : Number(label.agreement.toFixed(4)),
    gender_votes: votes,
    gender_entries: facts.gender_entries ?? null,
    age: text(frame.age),
    race: text(frame.race),
    skin_tone: measures.ita === undefined ? null : skinTone(measures.ita),
    width: result.size?.[0] ?? null,
    height: result.size?.[1] ?? null,
    annotated_in: result.annotatedIn ?? null,
    faces_in: result.facesIn ?? null,
    faces: result.faces ?? null,
    face_score: result.faceScore ?? null,
    face_box: result.faceBox?.join(" ") ?? null,
    face_square: result.faceSquare?.join(" ") ?? null,
    face_points: result.facePoints?.join(" ") ?? null,
    hand_box: result.handBox?.join(" ") ?? null,
    hand_square: result.handSquare?.join(" ") ?? null,
    hand_points: result.handPoints?.join(" ") ?? null,
    hand_from: result.hand ?? null,
    ...(Object.fromEntries(MEASURES.map((name) => [name, measures[name] ?? null])) as Record<
      (typeof MEASURES)[number],
      number | null
    >),
    look: result.look ?? null,
    twin: text(facts.twin),
    twin_bits: facts.twin_bits ?? null,
    sha256: result.sha256 ?? null,
  };
}

function text(value: string | undefined): string | null {
  return value === undefined || value === "" ? null : value;
}

async function describe(
  { layout }: Stage,
  derivation: Derivation,
  { counts, pairs, balance, unmet }: Written,
  splits: ReadonlyMap<string, Split>,
): Promise<Manifest> {
  const { frames, kept, removed, restored, hands, annotatedIn, decided } = counts;
  const subjects: Record<Split, number> = { train: 0, val: 0, test: 0 };
  for (const split of splits.values()) subjects[split]++;
  const files: Record<string, string> = {};
  for (const path of [...SPLITS.map((split) => layout.csv[split]), layout.ledger, layout.ledgerParquet]) {
    files[basename(path)] = await sha256File(path);
  }
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
      annotatedIn,
      decisions: { inFile: source.decisions?.length ?? 0, frames: decided, ...(unmet > 0 && { unmet }) },
      pairs,
      subjects,
    },
    balance,
    files,
  };
}
