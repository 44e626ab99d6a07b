// ◇ Browser-safe. Histograms: each row's bin is found once, so that counts of a filter need no comparison.
// Invariants: bins are equally wide from a low to a high quantile; the first and the last also hold what lies beyond; what is
// missing has the bin behind the last.

/** Bins of a histogram. */
export const BINS = 40;
/** The bin of rows without a number. */
export const MISSING_BIN = BINS;

/** A column in bins. */
export interface Binned {
  readonly bins: Uint8Array;
  /** Edges of the drawing; further values lie in the end bins. */
  readonly low: number;
  readonly high: number;
  /** Smallest and largest value. */
  readonly least: number;
  readonly most: number;
  readonly missing: number;
}

/** Values that quantiles are taken from, at most. */
const SAMPLE = 20_000;
/** Share of values that lie in the end bins at each end, at most. */
const TAIL = 0.005;

/**
 * Finds bins for a column.
 *
 * @returns undefined where no row has a number
 */
export function binned(values: Float64Array): Binned | undefined {
  let [least, most, missing] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0];
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (Number.isNaN(value)) missing++;
    if (value < least) least = value;
    if (value > most) most = value;
  }
  if (!(least <= most)) return undefined;
  const [low, high] = edges(values, least, most);
  const scale = high > low ? BINS / (high - low) : 0;
  const bins = new Uint8Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    bins[i] = Number.isNaN(value)
      ? MISSING_BIN
      : Math.min(BINS - 1, Math.max(0, Math.floor((value - low) * scale)));
  }
  return { bins, low, high, least, most, missing };
}

/** Quantiles of a sample, drawn evenly; the ends themselves where the tails are short. */
function edges(values: Float64Array, least: number, most: number): readonly [number, number] {
  const step = Math.max(1, Math.floor(values.length / SAMPLE));
  const sample = Float64Array.from({ length: Math.floor(values.length / step) }, (_, i) => values[i * step]!)
    .filter((value) => !Number.isNaN(value))
    .sort();
  if (sample.length === 0) return [least, most];
  const at = (share: number) => sample[Math.round(share * (sample.length - 1))]!;
  const [low, high] = [at(TAIL), at(1 - TAIL)];
  if (!(low < high)) return [least, most];
  const near = 0.25 * (high - low);
  return [low - least < near ? least : low, most - high < near ? most : high];
}

/** Values of a bin: from, to. */
export function binRange(
  { low, high }: Pick<Binned, "low" | "high">,
  bin: number,
): readonly [number, number] {
  const width = (high - low) / BINS;
  return [low + bin * width, bin === BINS - 1 ? high : low + (bin + 1) * width];
}
