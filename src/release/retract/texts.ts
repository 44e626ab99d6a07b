// What people wrote, without the person who is taken out: tables and logs row by row. Invariants: a row about the person goes; in
// rows about others an id of theirs becomes `(erased)`; a reason that names them is refused.

import type { Annotation } from "../../audit/annotation.ts";
import { readAnnotations } from "../../audit/log.ts";
import { unexpected } from "../../core/errors.ts";
import { idForm } from "../../core/spelling.ts";
import type { Erasure } from "../../derive/judge/erase.ts";
import { csvText, readRecords } from "../../formats/csv.ts";

/** Shorter ids are numbers and words that any sentence has. */
const LONG_ID = 6;

/** Letters and digits alone, small: what an id is recognised by however it is broken up. */
const bare = (text: string) =>
  text
    .normalize("NFKC")
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]/gu, "");

/**
 * Refuses a reason that names the person: it is published.
 *
 * @param ids - all that names them: as given, as the tables have it, as it was published, and of their images
 * @throws AppError("input", "REASON_NAMES")
 */
export function checkReason(reason: string, ids: readonly string[]): void {
  const whole = bare(reason);
  const words = reason.split(/\s+/).map(idForm);
  const named = ids.some((id) => {
    const text = bare(id);
    return text.length >= LONG_ID ? whole.includes(text) : words.includes(idForm(id));
  });
  if (!named) return;
  throw unexpected("input", {
    code: "REASON_NAMES",
    expected: "a reason without the subject's id or those of their images",
    name: "--reason",
    got: "one that has it",
    hint: "the reason is published in the changelog: state why, not who",
  });
}

/**
 * A table without its rows about the person.
 *
 * @param isAbout - of a row's cells by column
 */
export async function tableWithout(
  path: string,
  erasure: Erasure,
  isAbout: (row: Readonly<Record<string, string>>) => boolean,
): Promise<string> {
  let header: readonly string[] | undefined;
  const rows: string[][] = [];
  for await (const { record } of readRecords(path)) {
    if (header === undefined) {
      header = record;
      continue;
    }
    const row = Object.fromEntries(record.map((cell, i) => [header![i] ?? "", cell]));
    if (!isAbout(row)) rows.push(record.map((cell) => erasure.clean(cell)));
  }
  return csvText(header ?? [], rows);
}

/** A row as far as it names an image or a subject. */
interface Named {
  readonly image_id?: string | undefined;
  readonly user_id?: string | undefined;
}

/** True for a row whose subject or image is the person's. */
export function isOf(erasure: Erasure): (row: Named) => boolean {
  return ({ image_id: image = "", user_id: user = "" }) => erasure.names(image) || erasure.names(user);
}

/** A log of judgements without those about the person, and without lines that take such back. */
export async function judgementsWithout(path: string, erasure: Erasure): Promise<string> {
  const { lines } = await readAnnotations(path);
  const gone = new Set<string>();
  const about = isOf(erasure);
  const stay = lines.filter((line) => {
    const isGone = about(line) || (line.reverts !== undefined && gone.has(line.reverts));
    if (isGone) gone.add(line.id);
    return !isGone;
  });
  const clean = (text: string | undefined) => (text === undefined ? undefined : erasure.clean(text));
  const written = stay.map(
    (line): Annotation => ({ ...line, note: clean(line.note), reason: clean(line.reason) }),
  );
  return written.map((line) => `${JSON.stringify(line)}\n`).join("");
}
