// Who is to be taken out: of the subjects that a dataset has, the one whose id was given, as the tables have it or, with the
// key of a bundle, as the other of the two. Invariant: nobody is guessed at: an id that could be two, or none, is refused.
import { type AppError, unexpected } from "../../core/errors.ts";
import { faultError, idForm, wordHint } from "../../core/spelling.ts";
import { subjectKey } from "../../core/subject.ts";
import type { Pseudonyms } from "../../dataset/pseudonyms.ts";

/** What is known of the ids of a dataset. */
export interface Ids {
  /** Folder of the dataset, for messages. */
  readonly root: string;
  /** Keys of all subjects, of the tables and of the ledger. */
  readonly all: readonly string[];
  /** True if keyed hashes stand in the place of the original ids: a bundle with hashed ids was fetched. */
  readonly hashed: boolean;
  /** By the key of the bundle, if it was given. */
  readonly pseudonyms?: Pseudonyms | undefined;
}

/**
 * The subject that an id means, as the dataset's tables have it.
 *
 * @param asked - as the tables have it; with a key also the original id where they have published ones, or the published
 *   id where they have original ones
 * @throws AppError("input", "SUBJECT_UNKNOWN" | "SUBJECT_AMBIGUOUS"), AppError("data", ...) for what is no id
 */
export function findPerson(asked: string, ids: Ids): string {
  const reading = subjectKey(asked);
  if ("fault" in reading) throw faultError(reading.fault, { name: "--subject", got: asked });
  const { all, hashed, pseudonyms } = ids;
  const loose = idForm(reading.value);
  const alike = all.filter((id) => idForm(id) === loose);
  const other =
    pseudonyms === undefined ? [] : all.filter((id) => isOther(id, reading.value, hashed, pseudonyms));
  const found = [...new Set([...alike, ...other])];
  if (found.length > 1) throw ambiguous(asked, found, ids);
  const [one] = found;
  if (one === undefined || (one !== reading.value && !other.includes(one))) throw unknown(asked, ids);
  return one;
}

function isOther(id: string, asked: string, hashed: boolean, pseudonyms: Pseudonyms): boolean {
  return hashed ? pseudonyms.subject(asked) === id : pseudonyms.subject(id) === asked.toLowerCase();
}

/** Which id is expected, in words. */
function expectation({ root, hashed, pseudonyms }: Ids): string {
  const [own, others] = hashed ? ["published", "original"] : ["original", "published"];
  const more = pseudonyms === undefined ? "" : `, or by --key the ${others} one,`;
  return `the ${own} id of a subject as in the tables of ${root}${more}`;
}

function unknown(asked: string, ids: Ids): AppError {
  const { all, hashed, pseudonyms } = ids;
  const others = hashed ? "an original id" : "the id of a bundle with hashed ids";
  const nearest = all.length === 0 ? "the dataset has no subjects" : wordHint(asked, all);
  return unexpected("input", {
    code: "SUBJECT_UNKNOWN",
    expected: expectation(ids),
    name: "--subject",
    got: asked,
    hint: pseudonyms === undefined ? `${nearest}; for ${others} also give the bundle's --key` : nearest,
  });
}

function ambiguous(asked: string, found: readonly string[], ids: Ids): AppError {
  return unexpected("input", {
    code: "SUBJECT_AMBIGUOUS",
    expected: `${expectation(ids)} that means one subject`,
    name: "--subject",
    got: asked,
    hint: `it could be each of ${found.join(", ")}: write them apart in the tables, or give the id without --key`,
  });
}
