// Decisions of people about single images or subjects: who, when, what, why. Every derivation replays them.
// Source: our own. CSV or JSONL (one object a line). Invariants: two decisions about one thing that disagree are refused,
// for nobody can know which of them is valid; the case of image ids does not matter, as that of file names does
// not; a decision that names no frame is counted; a decision about an image overrides one about its subject.
import { z } from "zod";
import { unexpected } from "../../core/errors.ts";
import { foldName } from "../../core/file-names.ts";
import { parseJson, schemaFault, wordSchema } from "../../core/schema.ts";
import { faultError, nameFault, type Reading } from "../../core/spelling.ts";
import { SubjectKeys, subjectKey } from "../../core/subject.ts";
import { parseAge, parseRace, readSex } from "../../core/vocabulary.ts";
import { readCsv } from "../../formats/csv.ts";
import { readText } from "../../machine/files.ts";

/**
 * What can be decided: `remove` takes a frame out of the pairs for its quality and keeps its row; `erase` leaves nothing of it.
 */
export const ACTIONS = ["remove", "restore", "relabel", "erase"] as const;
export type Action = (typeof ACTIONS)[number];

const DATE = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2})?(\.\d+)?(Z|[+-]\d{2}:\d{2})?)?$/;
const text = z.string().trim().min(1, "expected some text");
/** A cell by one of the house's parsers; an empty one decides nothing. */
const maybe = <T extends string>(parse: (cell: string) => Reading<T>) =>
  z
    .pipe(
      wordSchema((cell): Reading<T | ""> => (cell === "" ? { value: "" } : parse(cell))),
      z.transform((word) => (word === "" ? undefined : word)),
    )
    .optional();

function readId(cell: string): Reading {
  const fault = nameFault(cell);
  return fault === undefined ? { value: cell } : { fault };
}

const decision = z
  .strictObject({
    who: text,
    when: z.string().regex(DATE, "expected a date such as 2026-03-31 or 2026-03-31T12:00Z"),
    what: z.enum(ACTIONS),
    why: text,
    image_id: maybe(readId),
    user_id: maybe(subjectKey),
    gender: maybe(readSex),
    age: maybe(parseAge),
    race: maybe((cell) => parseRace(cell, "pairs")),
  })
  .refine((d) => (d.image_id === undefined) !== (d.user_id === undefined), "expected image_id or user_id")
  .refine(
    (d) => (d.what === "relabel") === [d.gender, d.age, d.race].some((label) => label !== undefined),
    "expected gender, age or race for relabel, and for nothing else",
  );

/** One decision, checked. */
export type Decision = z.output<typeof decision>;

const COLUMNS = ["who", "when", "what", "why"] as const;
const OPTIONAL = ["image_id", "user_id", "gender", "age", "race"] as const;

/** What the decisions about one image or one subject come to. */
export interface Decided {
  /** A removal or a restoration. */
  readonly keep?: Decision | undefined;
  readonly gender?: Decision["gender"] | undefined;
  readonly age?: string | undefined;
  readonly race?: string | undefined;
  /** The last decision of any kind. */
  readonly last?: Decision | undefined;
}

/** Decisions, to be asked about images and subjects. */
export interface Decisions {
  readonly count: number;
  /** What was decided of an image itself. */
  ofImage(imageId: string): Decided;
  /** What was decided of a subject, for all of its images. */
  ofSubject(userId: string): Decided;
  /** Both: what was decided of the image counts before what was decided of its subject. */
  of(imageId: string, userId: string): Decided;
}

/**
 * Reads a decisions file.
 *
 * @param path - `.jsonl` for one JSON object a line, anything else is CSV
 * @param ages - names of the age buckets that there are
 * @returns in the order of the file
 * @throws AppError("data", "FILE_MISSING" | "CSV_COLUMNS" | "JSON_SYNTAX" | "DECISION_INVALID" | "SUBJECT_SPELLING" |
 *   "DECISION_CONFLICT") with file:row
 * @example gatherDecisions(await readDecisions("decisions.csv")).of(imageId, userId).keep?.what
 */
export async function readDecisions(path: string, ages?: readonly string[]): Promise<Decision[]> {
  const found: Decision[] = [];
  const agreed = new Agreement();
  for await (const { value, where } of path.endsWith(".jsonl") ? lines(path) : rows(path)) {
    const one = checkDecision(value, where);
    if (one.age !== undefined && ages?.includes(one.age) === false) {
      const expected = `one of ${ages.join(", ")}`;
      const e = { code: "DECISION_INVALID", expected, name: "age of a decision", got: one.age, where };
      throw unexpected("data", { ...e, hint: "decide for an age bucket that --age-edges makes" });
    }
    agreed.add(one, where);
    found.push(one);
  }
  return found;
}

/** Decisions so far, none of which may be taken back by a later one. */
class Agreement {
  readonly #keys = new SubjectKeys();
  readonly #decided = new Map<string, { readonly text: string; readonly where: string }>();

  add(one: Decision, where: string): void {
    const { image_id: imageId, user_id: userId, what, gender, age, race } = one;
    const fault = userId === undefined ? undefined : this.#keys.add(userId, where);
    if (fault !== undefined) throw faultError(fault, { name: "user_id of a decision", got: userId!, where });
    const about = imageId === undefined ? `subject ${userId}` : `image ${foldName(imageId)}`;
    // Who withdraws is gone, whatever was decided before.
    this.#agree(about, "what", what === "relabel" || what === "erase" ? undefined : what, where);
    for (const [name, text] of Object.entries({ gender, age, race })) this.#agree(about, name, text, where);
  }

  #agree(about: string, name: string, text: string | undefined, where: string): void {
    if (text === undefined) return;
    const key = `${name} of ${about}`;
    const before = this.#decided.get(key);
    if (before === undefined) this.#decided.set(key, { text, where });
    else if (before.text !== text) {
      const expected = `${before.text} as at ${before.where}`;
      const hint = "two decisions disagree: take out the one that no longer holds";
      throw unexpected("data", { code: "DECISION_CONFLICT", expected, name: key, got: text, where, hint });
    }
  }
}

function checkDecision(value: unknown, where: string): Decision {
  const result = decision.safeParse(value);
  if (result.success) return result.data;
  const { key, ...fault } = schemaFault(result.error, value);
  const name = key === "" ? "a decision" : `${key} of a decision`;
  throw unexpected("data", { code: "DECISION_INVALID", name, ...fault, where });
}

/**
 * The decisions of a manifest.
 *
 * @throws AppError("data", "DECISION_INVALID" | "SUBJECT_SPELLING" | "DECISION_CONFLICT") if it was edited
 */
export function parseDecisions(list: readonly Readonly<Record<string, string>>[] = []): Decision[] {
  const agreed = new Agreement();
  return list.map((value, i) => {
    const where = `the manifest's decision ${i + 1}`;
    const one = checkDecision(value, where);
    agreed.add(one, where);
    return one;
  });
}

async function* rows(path: string) {
  for await (const { row, values } of readCsv(path, COLUMNS, { optional: OPTIONAL })) {
    yield { value: values as unknown, where: `${path}:${row}` };
  }
}

async function* lines(path: string) {
  const all = (await readText(path, "a decisions file")).split("\n");
  for (const [i, line] of all.entries()) {
    const where = `${path}:${i + 1}`;
    if (line.trim() !== "") yield { value: parseJson(line, z.unknown(), where), where };
  }
}

const NOTHING: Decided = {};

/** Decisions by what they are about. */
export function gatherDecisions(all: readonly Decision[]): Decisions {
  const images = new Map<string, Decided>();
  const subjects = new Map<string, Decided>();
  for (const one of all) {
    const [map, id] =
      one.image_id === undefined ? [subjects, one.user_id!] : [images, foldName(one.image_id)];
    map.set(id, add(map.get(id) ?? NOTHING, one));
  }
  const ofImage = (id: string) => images.get(foldName(id)) ?? NOTHING;
  const ofSubject = (id: string) => subjects.get(id) ?? NOTHING;
  return {
    count: all.length,
    ofImage,
    ofSubject,
    of: (imageId, userId) => ({ ...ofSubject(userId), ...ofImage(imageId) }),
  };
}

/** Images and subjects that decisions name and no frame has met so far: their ids may be misspelt. */
export class Unmet {
  readonly #images: Set<string>;
  readonly #subjects: Set<string>;

  constructor(all: readonly Decision[]) {
    this.#images = new Set(all.flatMap(({ image_id: id }) => (id === undefined ? [] : [foldName(id)])));
    this.#subjects = new Set(all.flatMap(({ user_id: id }) => id ?? []));
  }

  meet({ imageId, userId }: { readonly imageId: string; readonly userId: string }): void {
    if (this.count === 0) return;
    this.#images.delete(foldName(imageId));
    this.#subjects.delete(userId);
  }

  get count(): number {
    return this.#images.size + this.#subjects.size;
  }
}

function add(sum: Decided, one: Decision): Decided {
  const { gender, age, race } = one;
  const labels = Object.entries({ gender, age, race }).filter(([, label]) => label !== undefined);
  return {
    ...sum,
    ...(one.what === "relabel" ? Object.fromEntries(labels) : { keep: one }),
    last: one,
  };
}

/** No decisions. */
export const NO_DECISIONS: Decisions = gatherDecisions([]);
