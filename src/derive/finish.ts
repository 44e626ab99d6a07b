// From the journal to the tables: labels, duplicates, splits, ledger, CSVs, manifest.
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
import { type Pair, type Sex, SPLITS, type Split } from "../data/record.ts";
import { writePairs } from "../data/store.ts";
import { type FrameResult, readJournal } from "./journal.ts";
import { ageLabel, raceLabel, type SubjectLabel, subjectLabels } from "./labels.ts";
import { type LedgerCounts, type LedgerRow, type Reason, writeLedger } from "./ledger.ts";
import { assignSplits } from "./splits.ts";
import { type Stage, sweep } from "./stage.ts";
import { cropName } from "./work.ts";

const LICENCE =
  "HaGRID: public licence with attribution and conditions reserved, a variant of CC BY-SA 4.0 " +
  "(https://github.com/hukenovs/hagrid); derived data carry the same licence and attribution.";
const LICENCE_DRAWN = "Drawn by facehand; nobody shown is real. MIT, as the code.";

/** A frame with the last word about it. */
interface Decided {
  readonly result: FrameResult;
  readonly label: SubjectLabel;
  readonly reason?: Reason;
  readonly detail: string;
  readonly pair?: Pair;
}

/**
 * Writes every table of the staged dataset, then its manifest.
 *
 * @throws AppError("data", "NO_PAIRS" | "TOO_FEW_SUBJECTS") if there is nothing to split
 */
export async function finish(stage: Stage, derivation: Derivation): Promise<Manifest> {
  const labels = await subjectLabels(readJournal(stage.journal));
  const pairs: Pair[] = [];
  const removed = new Map<string, number>();
  for await (const { pair, reason } of decide(stage.journal, labels)) {
    if (pair !== undefined) pairs.push(pair);
    else removed.set(reason!, (removed.get(reason!) ?? 0) + 1);
  }
  if (pairs.length === 0) throw noPairs(removed);
  const splits = splitPairs(pairs, derivation);
  await writePairs(stage.root, splits.pairs);
  const counts = await writeLedger(stage.layout.ledger, ledgerRows(stage.journal, labels, splits.of));
  await sweep(stage, {
    face: new Set(pairs.map(({ faceImage }) => faceImage)),
    hand: new Set(pairs.map(({ handImage }) => handImage)),
  });
  const manifest = await describe(stage, derivation, splits.pairs, counts);
  await writeJson(stage.layout.manifest, manifest);
  return manifest;
}

function noPairs(removed: ReadonlyMap<string, number>): AppError {
  const told = [...removed].map(([reason, count]) => `${reason} ${count}`).join(", ");
  return new AppError("data", "NO_PAIRS", `Expected face-hand pairs, got none (${told || "no frames"})`, {
    hint: removed.has("missing_label")
      ? "give the apparent gender of the frames by --meta FILE, or use HaGRIDv2 annotations, which have it"
      : "check the images of the source folder",
  });
}

async function* decide(journal: string, labels: ReadonlyMap<string, SubjectLabel>): AsyncGenerator<Decided> {
  const bytesSeen = new Map<string, string>();
  for await (const result of readJournal(journal)) {
    const label = labels.get(result.userId)!;
    const first = result.sha256 === undefined ? undefined : bytesSeen.get(result.sha256);
    if (result.reason !== undefined) {
      yield { result, label, reason: result.reason, detail: result.detail ?? "" };
    } else if (first !== undefined) {
      yield { result, label, reason: "duplicate_image", detail: `same bytes as ${first}` };
    } else if (label.gender === undefined) {
      const detail = `votes female ${label.female}, male ${label.male}`;
      yield { result, label, reason: "label_conflict", detail };
    } else {
      bytesSeen.set(result.sha256!, result.imageId);
      yield { result, label, detail: "", pair: toPair(result, label.gender) };
    }
  }
}

function toPair({ imageId, userId, gesture, meta }: FrameResult, gender: Sex): Pair {
  return {
    id: imageId,
    userId,
    age: ageLabel(meta.age),
    gender,
    race: raceLabel(meta.race),
    gesture,
    handImage: cropName("hand", imageId),
    faceImage: cropName("face", imageId),
  };
}

function splitPairs(pairs: readonly Pair[], { selection }: Derivation) {
  const strata = pairs.map(({ userId, gender, age, race, gesture }) => ({
    subject: userId,
    groups: [gender, age, race, gesture],
  }));
  const of = assignSplits(strata, selection.fractions, selection.seed);
  const bySplit: Record<Split, Pair[]> = { train: [], val: [], test: [] };
  for (const pair of pairs) bySplit[of.get(pair.userId)!].push(pair);
  return { of, pairs: bySplit };
}

async function* ledgerRows(
  journal: string,
  labels: ReadonlyMap<string, SubjectLabel>,
  splits: ReadonlyMap<string, Split>,
): AsyncGenerator<LedgerRow> {
  for await (const { result, label, reason, detail, pair } of decide(journal, labels)) {
    yield {
      image_id: result.imageId,
      gesture: result.gesture,
      source_split: result.split,
      user_id: result.userId,
      status: pair === undefined ? "removed" : "kept",
      reason: reason ?? "",
      detail,
      split: pair === undefined ? "" : splits.get(result.userId)!,
      gender: pair?.gender ?? "",
      gender_agreement: label.female + label.male === 0 ? "" : Number(label.agreement.toFixed(4)),
      gender_votes: label.female + label.male,
      age: ageLabel(result.meta.age),
      race: raceLabel(result.meta.race),
      width: result.size?.[0] ?? "",
      height: result.size?.[1] ?? "",
      faces: result.faces ?? "",
      face_score: result.faceScore ?? "",
      face_box: result.faceBox?.join(" ") ?? "",
      hand_box: result.handBox?.join(" ") ?? "",
      sha256: result.sha256 ?? "",
    };
  }
}

async function describe(
  { layout }: Stage,
  derivation: Derivation,
  pairs: Readonly<Record<Split, readonly Pair[]>>,
  { frames, kept, removed }: LedgerCounts,
): Promise<Manifest> {
  const files: Record<string, string> = {};
  for (const path of [...SPLITS.map((split) => layout.csv[split]), layout.ledger]) {
    files[basename(path)] = await sha256File(path);
  }
  const count = (of: (split: Split) => number) => ({ train: of("train"), val: of("val"), test: of("test") });
  const { recipe, selection, source, drawn } = derivation;
  return {
    format: MANIFEST_FORMAT,
    drawn,
    licence: drawn ? LICENCE_DRAWN : LICENCE,
    recipe,
    recipeHash: hashRecipe(recipe),
    selection,
    source,
    derivationHash: hashDerivation(derivation),
    counts: {
      frames,
      kept,
      removed,
      pairs: count((split) => pairs[split].length),
      subjects: count((split) => new Set(pairs[split].map(({ userId }) => userId)).size),
    },
    files,
  };
}
