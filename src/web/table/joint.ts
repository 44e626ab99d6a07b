// ◇ Browser-safe. Counts by two columns: pairs and subjects of each cell.
import type { Words } from "./column.ts";

/** One cell. */
export interface JointCell {
  readonly pairs: number;
  /** Different ones; where no person is recorded they are not known. */
  readonly subjects: number;
}

/**
 * Counts rows by the codes of two columns.
 *
 * @param rows - which
 * @param people - the column of subjects, if there is one
 * @returns cells[code of down][code of across]
 */
export function jointCounts(
  rows: Uint32Array,
  down: Words,
  across: Words,
  people: Words | undefined,
): readonly (readonly JointCell[])[] {
  const width = across.words.length;
  const cells = width * down.words.length;
  const pairs = new Uint32Array(cells);
  const subjects = new Uint32Array(cells);
  const seen = new Set<number>();
  for (const row of rows) {
    const cell = down.codes[row]! * width + across.codes[row]!;
    pairs[cell]!++;
    const person = people?.codes[row] ?? 0;
    if (person === 0) continue;
    const key = person * cells + cell;
    if (seen.has(key)) continue;
    seen.add(key);
    subjects[cell]!++;
  }
  return down.words.map((_, i) =>
    across.words.map((_, k) => ({ pairs: pairs[i * width + k]!, subjects: subjects[i * width + k]! })),
  );
}
