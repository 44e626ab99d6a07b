// The time of all cores dealt out to campaigns by weight. Source: McNaughton (1959): campaigns are laid end to end and
// cut into as many equal lengths as there are cores; at most one more worker a core is opened than there are campaigns.

/** A part of one core's time. */
export interface Share<T> {
  readonly campaign: T;
  /** Of the whole of one core's time, beside the other shares of this core. */
  readonly weight: number;
}

/**
 * Deals campaigns out.
 *
 * @returns for each core its shares in order
 * @example dealShares([{ weight: 3 }, { weight: 1 }], 2) // core 1: a for all of its time; core 2: a and b, a half each
 */
export function dealShares<T extends { readonly weight?: number | undefined }>(
  campaigns: readonly T[],
  cores: number,
): Share<T>[][] {
  const total = campaigns.reduce((sum, { weight = 1 }) => sum + weight, 0);
  const length = total / cores;
  const shares: Share<T>[][] = Array.from({ length: cores }, () => []);
  let at = 0;
  for (const campaign of campaigns) {
    const end = at + (campaign.weight ?? 1);
    shares.forEach((list, core) => {
      const weight = Math.min(end, (core + 1) * length) - Math.max(at, core * length);
      if (weight > 1e-9 * total) list.push({ campaign, weight });
    });
    at = end;
  }
  return shares;
}
