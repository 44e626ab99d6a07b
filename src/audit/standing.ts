// ◇ Browser-safe. Which judgements of a log stand: those that nobody took back, the last of each person about each thing.
// Source: our own. Invariants: only who made a judgement takes it back; taking back a line that takes back restores; one
// pair is of one subject.
import { unexpected } from "../core/errors.ts";
import { type Annotation, thingOf } from "./annotation.ts";

/** A log, read. */
export interface Standing {
  /** In the order of the log. */
  readonly judgements: readonly Annotation[];
  /** Lines with a choice that were taken back. */
  readonly reverted: number;
  /** Lines with a choice in whose place a later one of the same person about the same thing stands. */
  readonly replaced: number;
  /** Everybody who judged, in the order of the log: number i is published as `A<i + 1>`. */
  readonly annotators: readonly string[];
}

/**
 * The judgements that stand.
 *
 * @param lines - of one log, the oldest first
 * @param path - of the log, for messages
 * @throws AppError("data", "ANNOTATION_ID" | "ANNOTATION_REVERTS" | "ANNOTATION_SUBJECT") with the line
 * @example standing(await readAnnotations("annotations.jsonl")).judgements
 */
export function standing(lines: readonly Annotation[], path = "the log"): Standing {
  checkLines(lines, path);
  const taken = takenBack(lines);
  const chosen = lines.filter(({ choice }) => choice !== undefined);
  const alive = chosen.filter(({ id }) => !taken.has(id));
  const last = new Map<string, string>();
  // Who settles a dispute does so beside a judgement of their own.
  const place = (one: Annotation) => JSON.stringify([one.annotator, thingOf(one), one.settles === true]);
  for (const one of alive) last.set(place(one), one.id);
  const judgements = alive.filter((one) => last.get(place(one)) === one.id);
  return {
    judgements,
    reverted: chosen.length - alive.length,
    replaced: alive.length - judgements.length,
    annotators: [...new Set(lines.map(({ annotator }) => annotator))],
  };
}

/**
 * Ids of lines that another takes back, which is not taken back itself.
 *
 * @param lines - of one log, the oldest first
 */
export function takenBack(lines: readonly Pick<Annotation, "id" | "reverts">[]): ReadonlySet<string> {
  const taken = new Set<string>();
  for (const { id, reverts } of lines.toReversed()) {
    if (reverts !== undefined && !taken.has(id)) taken.add(reverts);
  }
  return taken;
}

function checkLines(lines: readonly Annotation[], path: string): void {
  const known = new Map<string, Annotation>();
  const subjects = new Map<string, { readonly user: string; readonly where: string }>();
  for (const [i, one] of lines.entries()) {
    const where = `${path}:${i + 1}`;
    checkReference(one, known, where);
    known.set(one.id, one);
    if (one.image_id === undefined) continue;
    const thing = thingOf(one);
    const before = subjects.get(thing);
    if (before === undefined) subjects.set(thing, { user: one.user_id, where });
    else if (before.user !== one.user_id) {
      const expected = `the subject of ${before.where}, since it is the same image`;
      const hint = "the log mixes datasets: keep one log for each";
      throw unexpected("data", {
        code: "ANNOTATION_SUBJECT",
        expected,
        name: "user_id",
        got: one.user_id,
        where,
        hint,
      });
    }
  }
}

function checkReference(one: Annotation, known: ReadonlyMap<string, Annotation>, where: string): void {
  if (known.has(one.id)) {
    const hint = "lines were copied, or two logs put together: keep each line once";
    const e = {
      code: "ANNOTATION_ID",
      expected: "an id that no other line has",
      name: "id",
      got: one.id,
      where,
      hint,
    };
    throw unexpected("data", e);
  }
  if (one.reverts === undefined || known.get(one.reverts)?.annotator === one.annotator) return;
  const expected = `the id of an earlier line of ${one.annotator}`;
  const hint = "people take back what they said themselves; a dispute is settled by a line of its own";
  throw unexpected("data", {
    code: "ANNOTATION_REVERTS",
    expected,
    name: "reverts",
    got: one.reverts,
    where,
    hint,
  });
}
