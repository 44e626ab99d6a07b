// ◇ Browser-safe. The pairs that are judged: of the dataset's tables, or without labels as a blind page gets them.
// Source: our own. Invariants: labels are the words of the vocabulary, as the log has them; a cell that cannot be read is no
// label, and is told by `data check`, not here.
import { parse } from "csv-parse/browser/esm/sync";
import type { Reading } from "../../../core/spelling.ts";
import { subjectKey } from "../../../core/subject.ts";
import { parseAge, parseRace, readSex } from "../../../core/vocabulary.ts";
import type { BlindPairs } from "../../../server/api.ts";
import type { Judged, Labels } from "./line.ts";

/** A pair. */
export interface AuditPair {
  readonly id: string;
  readonly user: string;
  readonly split: string;
  readonly gesture: string;
  /** Names of the pictures. */
  readonly hand: string;
  readonly face: string;
  /** Empty for a blind page. */
  readonly labels: Labels;
}

/** Something to be judged, with its pictures. */
export interface Item extends Judged {
  /** One, or all of a subject. */
  readonly pairs: readonly AuditPair[];
  /** Why it is in its queue; not shown to whoever is blind. */
  readonly why?: string | undefined;
}

type Row = Readonly<Record<string, string>>;

/** Rows of a table as CSV text. */
const rowsOfCsv = (text: string): Row[] => parse(text, { bom: true, columns: true, skip_empty_lines: true });

/** Pairs of one of a dataset's three tables. */
export function pairsOfTable(split: string, text: string): AuditPair[] {
  return rowsOfCsv(text).map((row) => ({
    id: row["id"] ?? "",
    user: read(subjectKey(row["user_id"] ?? "")) ?? row["user_id"] ?? "",
    split,
    gesture: row["labels"] ?? "",
    hand: row["hand_image_name"] ?? "",
    face: row["face_image_name"] ?? "",
    labels: labelsOf(row),
  }));
}

function labelsOf(row: Row): Labels {
  return {
    gender: read(readSex(row["gender"] ?? "")),
    age: read(parseAge(row["age"] ?? "")),
    race: read(parseRace(row["race"] ?? "", "pairs")),
  };
}

const read = <T extends string>(reading: Reading<T>): T | undefined =>
  "value" in reading && reading.value !== "" ? reading.value : undefined;

/** Pairs as a blind page gets them. */
export function pairsOfBlind({ users, pairs }: BlindPairs): AuditPair[] {
  return pairs.map(([id, user, hand, face]) => ({
    ...{ id, user: users[user] ?? "", hand, face },
    ...{ split: "", gesture: "", labels: {} },
  }));
}

/** A pair as something to be judged. */
export const itemOf = (pair: AuditPair, why?: string): Item => ({
  image: pair.id,
  user: pair.user,
  recorded: pair.labels,
  pairs: [pair],
  why,
});

/** A subject with all of its pairs; of its labels those on which all of them agree. */
export function itemOfSubject(user: string, pairs: readonly AuditPair[], why?: string): Item {
  const same = <L extends keyof Labels>(label: L): Labels[L] => {
    const words = new Set(pairs.map(({ labels }) => labels[label]));
    return words.size === 1 ? [...words][0] : undefined;
  };
  const recorded = { gender: same("gender"), age: same("age"), race: same("race") };
  return { user, recorded, pairs, why };
}
