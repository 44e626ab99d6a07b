// ◇ Browser-safe. Undo and redo, as far back as the log goes: what is undone is the last judgement that stands, what is redone the
// last undoing since a judgement was made.
// Source: our own. Invariant: both follow from the log alone, so that they go on after a reload.
import type { Annotation } from "../../../audit/annotation.ts";
import { takenBack } from "../../../audit/standing.ts";

/** What the keys for undo and redo would act on. */
export interface History {
  /** The judgement that would be taken back. */
  readonly undo?: Annotation | undefined;
  /** The line whose taking back would restore a judgement. */
  readonly redo?: Annotation | undefined;
  /** The judgement that redo restores. */
  readonly restored?: Annotation | undefined;
}

/**
 * What can be undone and redone.
 *
 * @param lines - of one person in one queue, the oldest first
 */
export function historyOf(lines: readonly Annotation[]): History {
  const taken = takenBack(lines);
  const byId = new Map(lines.map((line) => [line.id, line]));
  const made = lines.findLastIndex(({ choice }) => choice !== undefined);
  const undo = lines.findLast(({ id, choice }) => choice !== undefined && !taken.has(id));
  const redo = lines
    .slice(made + 1)
    .findLast(({ id, reverts }) => !taken.has(id) && byId.get(reverts ?? "")?.choice !== undefined);
  return { undo, redo, restored: byId.get(redo?.reverts ?? "") };
}
