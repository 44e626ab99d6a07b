// ◇ Browser-safe. Whose picture a prediction is. Intervals draw subjects: if the person is not recorded, each image
// counts as another person, and every interval is too narrow.
// Invariants: a recorded person is never replaced by the image; people of two sources are never one; where no person is
// recorded, the image stands for one, and every output states that.
import { AppError, unexpected } from "../../core/errors.ts";
import { accept, faultError } from "../../core/spelling.ts";
import { SubjectKeys, sourceKey } from "../../core/subject.ts";

/** A prediction's fields about the person. */
export interface OfSubject {
  readonly id: string;
  readonly source: string;
  readonly subject: string;
}

/** With the recorded label, where there is one. */
export type LabelledSubject = OfSubject & { readonly target?: 0 | 1 | null | undefined };

/** Names of the person's column in tables of others: both are the same everywhere. */
export const SUBJECT_COLUMNS = ["subject", "user_id"] as const;

/** What else such a column is called, without case, blanks, `_` and `-`. */
const LIKELY = /^(subject|user|person|participant|individual|identity)(id|key|no|nr|number|uuid|hash)?s?$/;

/** The subject of an image whose person is not recorded: no recorded one can be the same. */
export const imageSubject = ({ source, id }: Omit<OfSubject, "subject">) => `${source}:image ${id}`;

/** True for an image that stands for a person; UTKFace and FairFace, which record none, have the bare file name. */
export function isImageSubject({ source, id, subject }: OfSubject): boolean {
  return subject === `${source}:${id}` || subject === imageSubject({ source, id });
}

/** Reads the person of a row of a table, and finds two spellings of one. */
export class SubjectReader {
  readonly #columns: readonly string[];
  readonly #keys = new SubjectKeys();

  /**
   * @param header - the table's columns
   * @throws AppError("data", "SUBJECT_COLUMN") if a column is likely to be the person's, but has another name
   */
  constructor(header: readonly string[], path: string) {
    this.#columns = SUBJECT_COLUMNS.filter((name) => header.includes(name));
    const likely = header.find((name) => LIKELY.test(name.toLowerCase().replace(/[^a-z]/g, "")));
    if (this.recorded || likely === undefined) return;
    throw unexpected("data", {
      code: "SUBJECT_COLUMN",
      expected: "subject or user_id as the name of the person's column",
      name: path,
      got: likely,
      where: `${path}:1`,
      hint: `rename the column to subject, or to another name if it does not say whose picture it is`,
    });
  }

  /** Whether the table records people. */
  get recorded(): boolean {
    return this.#columns.length > 0;
  }

  /**
   * The person of a row as a subject, `<source>:<person>`.
   *
   * @throws AppError("data", "SUBJECT_TWICE") if two columns disagree, and for what is no key (core/subject)
   */
  read(values: Readonly<Record<string, string | undefined>>, source: string, where: string): string {
    const [column, other] = this.#columns;
    const got = values[column!] ?? "";
    if (other !== undefined && values[other] !== got) {
      const e = { code: "SUBJECT_TWICE", expected: `${show(got)}, as in column ${column},`, where };
      throw unexpected("data", { ...e, name: `column ${other}`, got: values[other] });
    }
    const place = { name: `column ${column}`, got, where };
    const prefix = `${source}:`;
    const key = accept(sourceKey(got.startsWith(prefix) ? got.slice(prefix.length) : got, source), place);
    const fault = this.#keys.add(key, where, source);
    if (fault !== undefined) throw faultError(fault, place);
    return prefix + key;
  }
}

const show = (text: string) => JSON.stringify(text);

/** How subjects were counted, for the first line of figures and for JSON. */
export interface SubjectFacts {
  /** Images whose person is not recorded: each counts as a subject of its own. */
  readonly nImagesAlone: number;
  /** People's ids that stand in several sources: they count as a subject of each. */
  readonly nIdsShared: number;
  /** People of whom some images are recorded as female and others as male: one of the two is no record of them. */
  readonly nBothLabels: number;
  /** The same in words; empty if there is nothing to add. */
  readonly note: string;
}

/**
 * How the subjects of some images were counted.
 *
 * @example subjectFacts(rows).note // "every image counted as its own subject"
 */
export function subjectFacts(rows: readonly LabelledSubject[]): SubjectFacts {
  const nImagesAlone = rows.filter(isImageSubject).length;
  const sources = new Map<string, Set<string>>();
  for (const row of rows) {
    if (isImageSubject(row)) continue;
    const id = row.subject.slice(row.subject.indexOf(":") + 1);
    sources.set(id, (sources.get(id) ?? new Set()).add(row.source));
  }
  const nIdsShared = [...sources.values()].filter(({ size }) => size > 1).length;
  const alone =
    nImagesAlone === 0
      ? []
      : nImagesAlone === rows.length
        ? ["every image counted as its own subject"]
        : [`${nImagesAlone} images without a recorded subject, each counted as its own`];
  const shared = nIdsShared === 0 ? [] : [`${nIdsShared} subject ids of several sources counted apart`];
  const nBothLabels = countBothLabels(rows);
  const both =
    nBothLabels === 0
      ? []
      : [`${nBothLabels} ${nBothLabels === 1 ? "subject" : "subjects"} recorded as female and as male`];
  return { nImagesAlone, nIdsShared, nBothLabels, note: [...alone, ...shared, ...both].join("; ") };
}

function countBothLabels(rows: readonly LabelledSubject[]): number {
  const of = (label: 0 | 1) => new Set(rows.flatMap((row) => (row.target === label ? [row.subject] : [])));
  const male = of(1);
  return [...of(0)].filter((subject) => male.has(subject)).length;
}

/**
 * How many images of how many people, and what was not counted by recorded people.
 *
 * @example formatSubjects(rows) // "320 images of 218 subjects (200 images without a recorded subject, each counted as its own)"
 */
export function formatSubjects(rows: readonly LabelledSubject[], images = "images"): string {
  const { note } = subjectFacts(rows);
  const subjects = new Set(rows.map(({ subject }) => subject)).size;
  return `${rows.length} ${images} of ${subjects} subjects${note === "" ? "" : ` (${note})`}`;
}

/**
 * Gives predictions the people of a joined table, where they have none; where they have, both must mean the same ones.
 *
 * @param people - subject of each row as the table has it; undefined where it has none
 * @throws AppError("data", "JOIN_SUBJECT") if one recorded person is two in the table, or two are one
 */
export function joinSubjects<R extends OfSubject>(
  rows: readonly R[],
  people: readonly (string | undefined)[],
  path: string,
): R[] {
  const theirs = new Map<string, string>();
  const ours = new Map<string, string>();
  return rows.map((row, i) => {
    const joined = people[i];
    if (joined === undefined) return row;
    if (isImageSubject(row)) return { ...row, subject: joined };
    const [before, known] = [theirs.get(row.subject) ?? joined, ours.get(joined) ?? row.subject];
    if (before !== joined || known !== row.subject) {
      const message = `Expected the same people in ${path} as in the predictions, got ${row.subject} for ${before} and ${joined}`;
      const other = `Expected the same people in ${path} as in the predictions, got ${joined} for ${known} and ${row.subject}`;
      throw new AppError("data", "JOIN_SUBJECT", before === joined ? other : message, {
        hint: "join the table that the predicted data was made with",
      });
    }
    theirs.set(row.subject, joined);
    ours.set(joined, row.subject);
    return row;
  });
}
