// Do published figures fit together? Means and standard deviations of few rounded values, and accuracies of n images.
// Sources: Brown and Heathers 2017 (GRIM), Anaya 2016 (GRIMMER); here by intervals: a value rounded to
// d digits stands for [value - u/2, value + u/2] with u = 10^-d, and a figure is consistent if some choice within gives it.
// Invariant: "inconsistent" means impossible under rounding half up, down or to even, not merely unlikely.
import { unexpected } from "../../core/errors.ts";
import { seedSummary } from "../../evaluate/intervals/seeds.ts";

/** A published number: its value and the digits that it was printed with. */
export interface Printed {
  readonly text: string;
  readonly value: number;
  /** Digits after the point. */
  readonly digits: number;
}

/** One check of a published figure. */
export interface AuditFinding {
  readonly what: "mean" | "mean of the printed values" | "std, ddof 1" | "std, ddof 0" | "accuracy of n";
  readonly consistent: boolean;
  /** What follows from the values, as text. */
  readonly expected: string;
  readonly published: string;
}

/** What is known of one published row. */
export interface PublishedRow {
  /** Values by seed, as printed. */
  readonly values: readonly string[];
  readonly mean?: string | undefined;
  readonly std?: string | undefined;
  /** Images that each value is an accuracy of; then each value has to be a whole number of them. */
  readonly n?: number | undefined;
}

/**
 * Reads a printed number.
 *
 * @throws AppError("input", "AUDIT_NUMBER")
 * @example printed("0.9100") // { value: .91, digits: 4, text: "0.9100" }
 */
export function printed(text: string): Printed {
  const trimmed = text.trim();
  if (!/^-?(\d+(\.\d*)?|\.\d+)$/.test(trimmed)) {
    const expected = "a decimal number as it was printed";
    throw unexpected("input", { code: "AUDIT_NUMBER", expected, name: "a published figure", got: text });
  }
  return { text: trimmed, value: Number(trimmed), digits: trimmed.split(".")[1]?.length ?? 0 };
}

/**
 * Checks one published row.
 *
 * @throws AppError("input", "AUDIT_NUMBER" | "AUDIT_VALUES" | "AUDIT_N")
 * @example auditRow({ values: ["0.9100", "0.9085", "0.9137"], mean: "0.9108", std: "0.0027" })
 */
export function auditRow({ values, mean, std, n }: PublishedRow): AuditFinding[] {
  if (values.length === 0) {
    throw unexpected("input", {
      code: "AUDIT_VALUES",
      expected: "at least one value",
      name: "a row",
      got: "none",
    });
  }
  const numbers = values.map(printed);
  return [
    ...(mean === undefined ? [] : meanFindings(numbers, printed(mean))),
    ...(std === undefined || numbers.length < 2 ? [] : stdFindings(numbers, printed(std))),
    ...(n === undefined ? [] : numbers.map((value) => grim(value, n))),
  ];
}

/** Two questions: does the mean follow from what is printed, and could it from unrounded values? */
function meanFindings(values: readonly Printed[], mean: Printed): AuditFinding[] {
  const exact = values.reduce((sum, { value }) => sum + value, 0) / values.length;
  const slack = values.reduce((sum, value) => sum + halfUnit(value), 0) / values.length;
  const low = exact - slack;
  const high = exact + slack;
  return [
    {
      what: "mean of the printed values",
      consistent: within(mean, exact, exact),
      expected: `${exact.toFixed(mean.digits + 2)}, rounded ${exact.toFixed(mean.digits)}`,
      published: mean.text,
    },
    {
      what: "mean",
      consistent: within(mean, low, high),
      expected: `from ${low.toFixed(mean.digits + 2)} to ${high.toFixed(mean.digits + 2)} before rounding`,
      published: mean.text,
    },
  ];
}

function stdFindings(values: readonly Printed[], std: Printed): AuditFinding[] {
  return ([1, 0] as const).map((ddof) => {
    const { low, high, exact } = stdRange(values, ddof);
    return {
      what: `std, ddof ${ddof}` as const,
      consistent: within(std, low, high),
      expected: `${exact.toFixed(std.digits + 1)} of the printed values (${low.toFixed(std.digits + 1)} to ${high.toFixed(std.digits + 1)} before rounding)`,
      published: std.text,
    };
  });
}

/**
 * Range of the standard deviation over all values within their rounding. It is convex in the values, so the largest
 * lies at a corner; the smallest is found by alternating minimisation.
 */
function stdRange(values: readonly Printed[], ddof: 0 | 1) {
  const of = (list: readonly number[]) => {
    const { std, n } = seedSummary(list);
    return ddof === 1 ? std! : std! * Math.sqrt((n - 1) / n);
  };
  const centre = values.map(({ value }) => value);
  const halves = values.map(halfUnit);
  const mean = seedSummary(centre).mean;
  const apart = centre.map((value, i) => value + Math.sign(value - mean || 1) * halves[i]!);
  // Nearest to a common centre, again and again: both halves of the step lower the same sum of squares.
  let close = [...centre];
  for (let round = 0; round < 200; round++) {
    const common = seedSummary(close).mean;
    close = centre.map((value, i) => Math.min(Math.max(common, value - halves[i]!), value + halves[i]!));
  }
  return { low: of(close), high: Math.max(of(apart), cornerMax(centre, halves, of)), exact: of(centre) };
}

/** All corners for the few values of a seed study; the outward one alone for many. */
function cornerMax(
  centre: readonly number[],
  halves: readonly number[],
  of: (list: readonly number[]) => number,
): number {
  if (centre.length > 10) return 0;
  let most = 0;
  for (let signs = 0; signs < 2 ** centre.length; signs++) {
    most = Math.max(most, of(centre.map((value, i) => value + ((signs >> i) & 1 ? 1 : -1) * halves[i]!)));
  }
  return most;
}

/** GRIM: an accuracy of n images is k / n for a whole k. */
function grim(value: Printed, n: number): AuditFinding {
  if (!Number.isInteger(n) || n < 1) {
    const expected = "a whole number from 1";
    throw unexpected("input", { code: "AUDIT_N", expected, name: "the number of images", got: n });
  }
  const nearest = [Math.floor(value.value * n), Math.ceil(value.value * n)].map((k) => k / n);
  const consistent = nearest.some((share) => within(value, share, share));
  return {
    what: "accuracy of n",
    consistent,
    expected: nearest.map((share) => share.toFixed(value.digits + 2)).join(" or "),
    published: value.text,
  };
}

const halfUnit = ({ digits }: Printed) => 0.5 * 10 ** -digits;

/** True if some number in [low, high] rounds to what is printed, whichever way halves are rounded. */
function within(published: Printed, low: number, high: number): boolean {
  const slack = halfUnit(published) + 1e-9;
  return high >= published.value - slack && low <= published.value + slack;
}
