// ◇ Browser-safe. The pairs that are judged: kept rows of the dataset's table, or without labels as a blind page gets them.
// Source: our own. Invariants: labels are the words of the vocabulary, as the log has them; a cell that cannot be read is no
// label, and is reported by `data check`, not here; what a pair of a table has is read when it is asked for, so that half a million need
// no texts of their own.
import type { Reading } from "../../../core/spelling.ts";
import { subjectKey } from "../../../core/subject.ts";
import { parseAge, parseRace, readSex } from "../../../core/vocabulary.ts";
import type { BlindPairs } from "../../../server/api.ts";
import { pictureName } from "../../pairs/pictures.ts";
import { columnOf, type Table, textAt, type Words } from "../../table/column.ts";
import type { Judged, Labels } from "./line.ts";

/** A pair. */
export interface AuditPair {
  readonly id: string;
  readonly user: string;
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

/** Pairs of a table, by its rows. */
export interface TablePairs {
  /** False of a frame that was removed. */
  readonly isPair: (row: number) => boolean;
  readonly at: (row: number) => AuditPair;
  readonly all: readonly AuditPair[];
}

const readers = new WeakMap<Table, TablePairs>();

/** Pairs of a dataset's table, found once. */
export function pairsOfTable(table: Table): TablePairs {
  const known = readers.get(table) ?? readTable(table);
  readers.set(table, known);
  return known;
}

function readTable(table: Table): TablePairs {
  const status = columnOf(table, "status", "words");
  const kept = status?.words.indexOf("kept");
  const read = reader(table);
  const isPair = (row: number) => status?.codes[row] === kept;
  const at = (row: number) => new TablePair(read, row);
  const all: AuditPair[] = [];
  for (let row = 0; row < table.rows; row++) if (isPair(row)) all.push(at(row));
  return { isPair, at, all };
}

/** What is read of a row; words are read once, not for each row. */
interface Reader {
  readonly table: Table;
  readonly user: (row: number) => string;
  readonly labels: (row: number) => Labels;
}

function reader(table: Table): Reader {
  const by = <T>(name: string, readWord: (word: string) => T) => {
    const column: Words | undefined = columnOf(table, name, "words");
    const found = column?.words.map(readWord);
    return (row: number) => found?.[column!.codes[row]!];
  };
  const user = by("user_id", (word) => wordIn(subjectKey(word)) ?? word);
  const gender = by("gender", (word) => wordIn(readSex(word)));
  const age = by("age", (word) => wordIn(parseAge(word)));
  const race = by("race", (word) => wordIn(parseRace(word, "pairs")));
  return {
    table,
    user: (row) => user(row) ?? "",
    labels: (row) => ({ gender: gender(row), age: age(row), race: race(row) }),
  };
}

class TablePair implements AuditPair {
  readonly #read: Reader;
  readonly #row: number;

  constructor(read: Reader, row: number) {
    this.#read = read;
    this.#row = row;
  }

  get id(): string {
    return textAt(this.#read.table.columns.get("image_id"), this.#row);
  }

  get user(): string {
    return this.#read.user(this.#row);
  }

  get hand(): string {
    return pictureName(this.#read.table, this.#row, "hand");
  }

  get face(): string {
    return pictureName(this.#read.table, this.#row, "face");
  }

  get labels(): Labels {
    return this.#read.labels(this.#row);
  }
}

const wordIn = <T extends string>(reading: Reading<T>): T | undefined =>
  "value" in reading && reading.value !== "" ? reading.value : undefined;

/** Pairs as a blind page gets them. */
export function pairsOfBlind({ users, pairs }: BlindPairs): AuditPair[] {
  return pairs.map(([id, user, hand, face]) => ({
    ...{ id, user: users[user] ?? "", hand, face },
    labels: {},
  }));
}

/** A pair as something to be judged. */
export const itemOf = (pair: AuditPair, why?: string): Item => new PairItem(pair, why);

class PairItem implements Item {
  readonly why: string | undefined;
  readonly #pair: AuditPair;

  constructor(pair: AuditPair, why: string | undefined) {
    this.#pair = pair;
    this.why = why;
  }

  get image(): string {
    return this.#pair.id;
  }

  get user(): string {
    return this.#pair.user;
  }

  get recorded(): Labels {
    return this.#pair.labels;
  }

  get pairs(): readonly AuditPair[] {
    return [this.#pair];
  }
}

/** A subject with all of its pairs; of its labels those on which all of them agree. */
export function itemOfSubject(user: string, pairs: readonly AuditPair[], why?: string): Item {
  const same = <L extends keyof Labels>(label: L): Labels[L] => {
    const words = new Set(pairs.map(({ labels }) => labels[label]));
    return words.size === 1 ? [...words][0] : undefined;
  };
  const recorded = { gender: same("gender"), age: same("age"), race: same("race") };
  return { user, recorded, pairs, why };
}
