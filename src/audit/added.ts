// ◇ Browser-safe. Which judgements are new to a log: a line that is sent again, since its answer was lost, is there already.
// Source: our own. Invariants: a line that is there is never written twice, nor another under its id; what would make the log
// one that cannot be read is refused before it is written.
import { unexpected } from "../core/errors.ts";
import type { Annotation } from "./annotation.ts";
import { standing } from "./standing.ts";

/**
 * Those of some judgements that a log does not have yet.
 *
 * @param lines - of the log
 * @param path - of the log, for messages
 * @throws AppError("data", "ANNOTATION_ID") if another line has the id of one; ("data", "ANNOTATION_REVERTS" | "ANNOTATION_SUBJECT")
 *   if one takes back what its annotator did not say, or names another subject
 * @example addedTo(lines, [again]).length // 0
 */
export function addedTo(
  lines: readonly Annotation[],
  judgements: readonly Annotation[],
  path = "the log",
): readonly Annotation[] {
  const known = new Map(lines.map((one, at) => [one.id, { one, at }]));
  const added: Annotation[] = [];
  for (const one of judgements) {
    const there = known.get(one.id);
    if (there !== undefined && said(there.one) === said(one)) continue;
    if (there !== undefined) throw taken(one.id, `${path}:${there.at + 1}`);
    known.set(one.id, { one, at: lines.length + added.length });
    added.push(one);
  }
  if (added.length > 0) standing([...lines, ...added], path);
  return added;
}

/** What a line says, whatever the order of its fields. What was recorded is no part of what somebody said who did not see it. */
function said({ recorded, ...one }: Annotation): string {
  return JSON.stringify(one.seen.label ? { ...one, recorded } : one, sorted);
}

const sorted = (_key: string, value: unknown): unknown =>
  value === null || typeof value !== "object" || Array.isArray(value)
    ? value
    : Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));

function taken(id: string, where: string) {
  const expected = "an id that no other line has, or that line again";
  const hint = "ids are made by chance: send what was said under the id that it was made with";
  return unexpected("data", { code: "ANNOTATION_ID", expected, name: "id", got: id, where, hint });
}
