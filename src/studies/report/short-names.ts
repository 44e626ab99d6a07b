// ◇ Browser-safe. Short names of configurations in reports and in the page: what varies among those that are shown together.
// Invariant: equal names are given to nobody; where what varies does not tell all of them apart, all keep their labels.

/** A configuration among others. */
export interface Named {
  readonly id: string;
  /** Its whole name. */
  readonly label: string;
  /** What it may differ in, with its value as text. */
  readonly axes: Readonly<Record<string, string>>;
}

/** Axes that name their value by their letter. */
const LETTERS = ["F", "A", "L", "Z"];
/** Axes whose value says enough. */
const BARE = ["arch", "backbone", "modality", "data", "gating", "folder"];
/** The value of an axis that an architecture lacks. */
const ABSENT = "-";

/**
 * Short names by id: the values of the axes that vary; the labels where these do not tell all apart.
 *
 * @example shortNames([
 *   { id: "a", label: "x_F0", axes: { arch: "umcc", F: "0" } },
 *   { id: "b", label: "x_F1", axes: { arch: "umcc", F: "1" } },
 * ]).get("b") // "F1"
 */
export function shortNames(all: readonly Named[]): ReadonlyMap<string, string> {
  const keys = [...new Set(all.flatMap(({ axes }) => Object.keys(axes)))];
  const varying = keys.filter((key) => new Set(all.map(({ axes }) => axes[key])).size > 1);
  const names = all.map(({ axes }) => nameOf(axes, varying));
  const isTold = names.every((name) => name !== "") && new Set(names).size === names.length;
  return new Map(all.map(({ id, label }, i) => [id, isTold ? names[i]! : label]));
}

/**
 * The shortest such names: an axis that tells nothing apart which those before it do not is left out. For configurations of
 * anybody, which differ in many things at once; equal names may remain.
 *
 * @example leastNames([
 *   { id: "a", label: "x_F0", axes: { arch: "umcc", lr: "0.1" } },
 *   { id: "b", label: "y_F0", axes: { arch: "mag", lr: "0.2" } },
 * ]).get("b") // "mag"
 */
export function leastNames(all: readonly Named[]): ReadonlyMap<string, string> {
  const keys = [...new Set(all.flatMap(({ axes }) => Object.keys(axes)))];
  const apart = (of: readonly string[]) =>
    new Set(all.map(({ axes }) => JSON.stringify(of.map((key) => axes[key] ?? ABSENT)))).size;
  const telling: string[] = [];
  for (const key of keys) if (apart([...telling, key]) > apart(telling)) telling.push(key);
  return new Map(all.map(({ id, label, axes }) => [id, nameOf(axes, telling) || label]));
}

function nameOf(axes: Named["axes"], varying: readonly string[]): string {
  const parts = varying.flatMap((key) => {
    const value = axes[key];
    if (value === undefined || value === ABSENT) return [];
    if (LETTERS.includes(key)) return [`${key}${value}`];
    return [BARE.includes(key) ? value : `${key}=${value}`];
  });
  return parts.join(" ");
}
