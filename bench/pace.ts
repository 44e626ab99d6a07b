// How soon a training is as good as asked: curves of held-out figures over time, and what is computed of them. Pure.

import type { Kernels } from "../src/engine/lower/nchwc/blocked.ts";
import { seedSummary } from "../src/evaluate/intervals/seeds.ts";
import type { PeerPictures, PeerSetup } from "./peer-job.ts";
import { quantile } from "./statistics.ts";

/** One seed's training, by epochs. */
export interface PaceCurve {
  readonly seed: number;
  readonly points: readonly PacePoint[];
}

export interface PacePoint {
  /** From the start of the process to the end of the epoch with its validation, s. */
  readonly s: number;
  /** Processor time of the process and its children until then, s; null where nothing tells it. */
  readonly cpuS: number | null;
  /** Balanced accuracy in validation. */
  readonly value: number;
}

/** Who trains how. */
export interface Contender {
  readonly side: "here" | "PyTorch";
  /** plain: the same settings on both sides; best: those that were found to be the fastest. */
  readonly recipe: "plain" | "best";
  /** The peer's. */
  readonly setup?: PeerSetup | undefined;
  readonly pictures?: PeerPictures | undefined;
  /** Ours: by operators of our own, in float32 too. */
  readonly kernels?: Kernels | undefined;
}

/** A contender, and how it fared. */
export interface Paced extends Contender {
  readonly versions: Readonly<Record<string, string>>;
  readonly curves: readonly PaceCurve[];
}

/** Means over seeds, of the epochs that all of them have. */
export function meanPoints(curves: readonly PaceCurve[]): Pick<PacePoint, "s" | "value">[] {
  const count = Math.min(...curves.map(({ points }) => points.length));
  return Array.from({ length: count }, (_, i) => ({
    s: seedSummary(curves.map(({ points }) => points[i]!.s)).mean,
    value: seedSummary(curves.map(({ points }) => points[i]!.value)).mean,
  }));
}

/** True where both what multiplies and what adds is float32. */
export const isFull = ({ setup }: Contender) => setup !== "bf16";

/** True for those whose end is what is to be reached: kernels are an option, and are judged by what is reached without. */
export const setsLevel = (one: Contender) =>
  one.recipe === "plain" && one.kernels === undefined && isFull(one);

/** What plain settings reach at their end, mean over seeds: on the side that ends lower, so that it is there on both. */
export function levelOf(all: readonly Paced[]): number {
  const plain = all.filter(setsLevel);
  return Math.min(...plain.map(({ curves }) => meanPoints(curves).at(-1)!.value));
}

/** Seconds until the first epoch that is at least as good as a level; null if none is. */
export function reachedAt(points: readonly Pick<PacePoint, "s" | "value">[], level: number): number | null {
  return points.find(({ value }) => value >= level)?.s ?? null;
}

/** Seconds until the mean over seeds has reached a level; `without` leaves one of several seeds out. */
export function timeTo(level: number, { curves }: Paced, without?: number): number | null {
  return reachedAt(meanPoints(curves.filter(({ seed }) => seed !== without)), level);
}

/** Seeds that reach a level by themselves. */
export function seedsAt(level: number, { curves }: Paced): number {
  return curves.filter(({ points }) => reachedAt(points, level) !== null).length;
}

/** A figure of all seeds, and its least and most with each of them left out in turn; null where it is not reached. */
export interface LeftOut {
  readonly all: number | null;
  /** Null for a single seed. */
  readonly range: readonly [low: number | null, high: number | null] | null;
}

/** The time to a level, of one contender, or over another's. */
export function leftOut(level: number, paced: Paced, over?: Paced): LeftOut {
  const of = (without?: number) => {
    const [own, other] = [
      timeTo(level, paced, without),
      over === undefined ? 1 : timeTo(level, over, without),
    ];
    return own === null || other === null ? null : own / other;
  };
  const seeds = paced.curves.length < 2 ? [] : paced.curves.map(({ seed }) => seed);
  const each = seeds.map(of);
  const known = each.filter((value) => value !== null);
  const low = known.length === 0 ? null : Math.min(...known);
  const high = known.length < each.length ? null : Math.max(...known);
  return { all: of(), range: seeds.length === 0 ? null : [low, high] };
}

/** Student's t by degrees of freedom, the quantile .975. */
const T = [12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.306, 2.2622];

export interface RatioInterval {
  readonly mean: number;
  /** Ends of the interval of 95 %; null for one ratio, which has no spread, and for more than ten. */
  readonly low: number | null;
  readonly high: number | null;
}

/** Geometric mean of ratios, one a seed, with the interval of 95 % by Student's t of their logarithms. */
export function ratioInterval(ratios: readonly number[]): RatioInterval {
  const { n, mean, std } = seedSummary(ratios.map(Math.log));
  const t = T[n - 2];
  if (std === null || t === undefined) return { mean: Math.exp(mean), low: null, high: null };
  const half = (t * std) / Math.sqrt(n);
  return { mean: Math.exp(mean), low: Math.exp(mean - half), high: Math.exp(mean + half) };
}

/** Median seconds of an epoch after the first, which opens everything; by the clock, or by the processor. */
export function epochSeconds(curves: readonly PaceCurve[], of: "s" | "cpuS"): number | null {
  const steps = curves.flatMap(({ points }) =>
    points.slice(1).map((point, i) => {
      const [now, before] = [point[of], points[i]![of]];
      return now === null || before === null ? null : now - before;
    }),
  );
  const known = steps.filter((step) => step !== null);
  return known.length === 0 ? null : quantile(known, 0.5);
}

/** An epoch's time over that of another contender, by seeds that both have; null without such seeds. */
export function epochRatio({ curves }: Paced, other: Paced): RatioInterval | null {
  const ratios = curves.flatMap((curve) => {
    const own = epochSeconds([curve], "s");
    const theirs = epochSeconds(
      other.curves.filter(({ seed }) => seed === curve.seed),
      "s",
    );
    return own === null || theirs === null ? [] : [own / theirs];
  });
  return ratios.length === 0 ? null : ratioInterval(ratios);
}

/** The fastest of PyTorch's in full precision: what all are compared with. */
export function strongest(all: readonly Paced[], level: number): Paced | undefined {
  const reached = (paced: Paced) => timeTo(level, paced) ?? Number.POSITIVE_INFINITY;
  const peers = all.filter((paced) => paced.side === "PyTorch" && isFull(paced));
  return peers.sort((a, b) => reached(a) - reached(b))[0];
}
