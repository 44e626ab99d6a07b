// The value of `--groups`: fields separated by commas, and by + within one table. A column of others may have either
// sign in its name, so that the text is read when the columns are known: a whole name goes before what it would divide into.
import { unexpected } from "../../core/errors.ts";
import type { Prediction } from "../../evaluate/stored/prediction-row.ts";

/**
 * Sets of keys, one a table.
 *
 * @param texts - values of the flag, in order
 * @param rows - what is to be broken down; their string fields are the names
 * @throws AppError("input", "FLAG") for empty or repeated names
 * @example groupSets(["race,age+gender"], rows) // [["race"], ["age", "gender"]]
 */
export function groupSets(
  texts: readonly string[] | undefined,
  rows: readonly Prediction[],
): string[][] | undefined {
  const fields = Object.entries(rows[0] ?? {}).flatMap(([name, value]) =>
    typeof value === "string" ? [name] : [],
  );
  const known = new Set([...fields, "gender"]);
  return texts?.flatMap((text) => {
    const sets = pieces(text, ",", known).map((part) => pieces(part, "+", known));
    if (sets.every((keys) => !keys.includes("") && new Set(keys).size === keys.length)) return sets;
    const expected = "fields separated by commas, and by + within one table";
    throw unexpected("input", { code: "FLAG", expected, name: "--groups", got: text });
  });
}

/** A text divided at a sign, but for names that have it: the longest that begins at a place is taken. */
function pieces(text: string, sign: string, known: ReadonlySet<string>): string[] {
  const parts = text.split(sign);
  const found: string[] = [];
  for (let from = 0; from < parts.length; ) {
    let to = parts.length;
    const name = () => parts.slice(from, to).join(sign);
    while (to > from + 1 && !known.has(name()) && !known.has(name().trim())) to--;
    found.push(known.has(name()) ? name() : name().trim());
    from = to;
  }
  return found;
}
