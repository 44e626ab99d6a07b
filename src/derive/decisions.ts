// Decisions of people about single images or subjects: who, when, what, why. Replayed by every derivation.
// Source: our own. CSV or JSONL (one object a line). Invariants: of two decisions about one thing the later line
// counts; what is decided of an image counts before what is decided of its subject.
import { z } from "zod";
import { unexpected } from "../core/errors.ts";
import { parseJson, readText } from "../core/files.ts";
import { SEXES } from "../data/record.ts";
import { readCsv } from "../formats/csv.ts";

/** What can be decided. */
export const ACTIONS = ["remove", "restore", "relabel"] as const;
export type Action = (typeof ACTIONS)[number];

const DATE = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2})?(\.\d+)?(Z|[+-]\d{2}:\d{2})?)?$/;
const text = z.string().trim().min(1, "expected some text");
const none = z.literal("").transform(() => undefined);
const maybe = <S extends z.ZodType>(schema: S) => z.union([none, schema]).optional();

const decision = z
  .strictObject({
    who: text,
    when: z.string().regex(DATE, "expected a date such as 2026-03-31 or 2026-03-31T12:00Z"),
    what: z.enum(ACTIONS),
    why: text,
    image_id: maybe(text),
    user_id: maybe(text),
    gender: maybe(z.enum(SEXES)),
    age: maybe(text),
    race: maybe(text),
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

/** The last word of the decisions about one image or one subject. */
export interface Decided {
  /** The last removal or restoration. */
  readonly keep?: Decision;
  readonly gender?: Decision["gender"];
  readonly age?: string;
  readonly race?: string;
  /** The last decision of any kind. */
  readonly last?: Decision;
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
 * @returns in the order of the file
 * @throws AppError("data", "FILE_MISSING" | "CSV_COLUMNS" | "JSON_SYNTAX" | "DECISION_INVALID") with file:row
 * @example gatherDecisions(await readDecisions("decisions.csv")).of(imageId, userId).keep?.what
 */
export async function readDecisions(path: string): Promise<Decision[]> {
  const found: Decision[] = [];
  for await (const { value, where } of path.endsWith(".jsonl") ? lines(path) : rows(path)) {
    found.push(checkDecision(value, where));
  }
  return found;
}

function checkDecision(value: unknown, where: string): Decision {
  const result = decision.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  const name = issue.path.length === 0 ? "a decision" : `${issue.path.join(".")} of a decision`;
  const e = { code: "DECISION_INVALID", expected: `a valid value (${issue.message})`, name, where };
  throw unexpected("data", { ...e, got: issue.path.length === 0 ? value : at(value, issue.path[0]!) });
}

function at(value: unknown, key: PropertyKey): unknown {
  return typeof value === "object" && value !== null ? (value as Record<PropertyKey, unknown>)[key] : value;
}

/**
 * The decisions of a manifest.
 *
 * @throws AppError("data", "DECISION_INVALID") if it was edited
 */
export function parseDecisions(list: readonly Readonly<Record<string, string>>[] = []): Decision[] {
  return list.map((value, i) => checkDecision(value, `the manifest's decision ${i + 1}`));
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
    const [map, id] = one.image_id === undefined ? [subjects, one.user_id!] : [images, one.image_id];
    map.set(id, add(map.get(id) ?? NOTHING, one));
  }
  const ofImage = (id: string) => images.get(id) ?? NOTHING;
  const ofSubject = (id: string) => subjects.get(id) ?? NOTHING;
  return {
    count: all.length,
    ofImage,
    ofSubject,
    of: (imageId, userId) => ({ ...ofSubject(userId), ...ofImage(imageId) }),
  };
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
