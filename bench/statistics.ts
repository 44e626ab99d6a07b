// Order statistics of repeated timings. Medians and quartiles, because other work on a machine only ever adds time.

export interface Spread {
  readonly median: number;
  readonly p25: number;
  readonly p75: number;
  readonly min: number;
  readonly max: number;
}

/** Quantile by linear interpolation between order statistics (numpy's default). */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = q * (sorted.length - 1);
  const [low, high] = [sorted[Math.floor(at)]!, sorted[Math.ceil(at)]!];
  return low + (high - low) * (at - Math.floor(at));
}

/** Median and spread, rounded to three decimals. */
export function spread(values: readonly number[]): Spread {
  const at = (q: number) => Number(quantile(values, q).toFixed(3));
  return { median: at(0.5), p25: at(0.25), p75: at(0.75), min: at(0), max: at(1) };
}

/** Ours over the peer's, pair by pair: what slows both sides at once cancels out. */
export function pairedRatio(ours: readonly number[], peer: readonly number[]): Spread {
  return spread(ours.map((ms, i) => ms / peer[i]!));
}
