// ◇ Browser-safe. Two models on the same stored images: paired by image, tested by subject, overall and by modality.
// Invariants: A against B is A minus B; images that one of them did not answer are counted and left out; an image that
// is recorded otherwise in the two is an error, since no label can judge both; small figures are not shown.
import { unexpected } from "../../core/errors.ts";
import { MODALITIES } from "../../core/words.ts";
import { compareArms, type PairedComparison } from "../intervals/compare.ts";
import { evaluateRows } from "../metrics/groups.ts";
import { checkMinSubjects, judge, type Scored } from "../metrics/small.ts";
import type { ComparedMetric } from "../metrics/weighted.ts";
import type { Prediction } from "../stored/prediction-row.ts";
import { recordedOtherwise } from "../stored/recorded.ts";
import type { SeedRows } from "./seed-summary.ts";

/** What two models are compared in. */
export const AGAINST_METRICS = ["balancedAccuracy", "accuracy", "rocAuc"] as const satisfies ComparedMetric[];

/** One figure of two models. */
export interface AgainstRow {
  /** `all`, or a modality. */
  readonly part: string;
  readonly metric: ComparedMetric;
  /** Null where the figure rests on too few subjects of a modality's images. */
  readonly result: PairedComparison | null;
  /** Of the whole set: shown although it rests on fewer subjects than the limit. */
  readonly isFew: boolean;
}

/** Two models on the images that both answered. */
export interface Against {
  readonly nImages: number;
  readonly nSubjects: number;
  /** Seeds that were paired; null for single runs. */
  readonly seeds: readonly number[] | null;
  /** Images that only one of the two answered, or that have no recorded label. */
  readonly leftOut: { readonly onlyA: number; readonly onlyB: number; readonly unlabelled: number };
  readonly rows: readonly AgainstRow[];
}

/** One arm: a run, or several seeds of one configuration. */
export interface Arm {
  /** As it was named. */
  readonly name: string;
  /** A single run has one entry, whose seed says nothing. */
  readonly runs: readonly SeedRows[];
  readonly isSeeds: boolean;
}

export interface AgainstOptions {
  readonly replicates: number;
  readonly minSubjects: number;
}

/**
 * Compares two models.
 *
 * @throws AppError("input", "NO_SHARED_IMAGES" | "NO_SHARED_SEEDS"), ("data", "RECORDED_OTHERWISE"); as compareArms
 * @example compareAgainst(mag, umcc, { replicates: 2000, minSubjects: 20 }).rows[0].result.estimate // MAG minus UMCC
 */
export function compareAgainst(a: Arm, b: Arm, options: AgainstOptions): Against {
  checkMinSubjects(options.minSubjects);
  const pairs = pairSeeds(a, b);
  const maps = pairs.flat().map(({ rows }) => new Map(rows.map((row) => [imageOf(row), row])));
  const [first, second] = [maps[0]!, maps[1]!];
  const shared = [...first.keys()].filter((key) => maps.every((map) => map.has(key)));
  for (const map of maps) checkSame(shared, first, map, b.name);
  const labelled = shared.filter((key) => first.get(key)!.target !== null);
  if (labelled.length === 0) throw noneShared(a, b);
  const images = labelled.map((key) => first.get(key) as Prediction & Scored);
  const answers = maps.map((map) => labelled.map((key) => map.get(key)!.probability));
  const sides = {
    first: answers.filter((_, i) => i % 2 === 0),
    second: answers.filter((_, i) => i % 2 === 1),
  };
  return {
    nImages: images.length,
    nSubjects: new Set(images.map(({ subject }) => subject)).size,
    seeds: a.isSeeds ? pairs.map(([run]) => run.seed) : null,
    leftOut: {
      onlyA: first.size - shared.length,
      onlyB: second.size - shared.length,
      unlabelled: shared.length - labelled.length,
    },
    rows: partsOf(images).flatMap((part) => partRows(images, sides, part, options)),
  };
}

type Sides = { readonly first: readonly number[][]; readonly second: readonly number[][] };

const imageOf = ({ source, split, id }: Prediction) => JSON.stringify([source, split, id]);

/** `all`, and each modality where there are two. */
function partsOf(images: readonly Prediction[]): string[] {
  const found = MODALITIES.filter((name) => images.some(({ modality }) => modality === name));
  return ["all", ...(found.length > 1 ? found : [])];
}

function partRows(
  images: readonly (Prediction & Scored)[],
  sides: Sides,
  part: string,
  { replicates, minSubjects }: AgainstOptions,
): AgainstRow[] {
  const at = images.flatMap(({ modality }, i) => (part === "all" || modality === part ? [i] : []));
  const rows = at.map((i) => images[i]!);
  const { tooSmall, few } = judge(rows, evaluateRows(rows), { minSubjects, whole: part === "all" });
  const of = (arms: readonly number[][]) => arms.map((arm) => at.map((i) => arm[i]!));
  const arms = {
    y: rows.map(({ target }) => target),
    subjects: rows.map(({ subject }) => subject),
    first: of(sides.first),
    second: of(sides.second),
  };
  return AGAINST_METRICS.map((metric) => ({
    part,
    metric,
    result: tooSmall.includes(metric) ? null : compareArms(arms, { metric, replicates }),
    isFew: few.includes(metric),
  }));
}

/** A run stands beside a run, a seed beside the same seed. */
function pairSeeds(a: Arm, b: Arm): (readonly [SeedRows, SeedRows])[] {
  if (!a.isSeeds && !b.isSeeds) return [[a.runs[0]!, b.runs[0]!]];
  const pairs = a.runs.flatMap((run) => {
    const other = b.runs.find(({ seed }) => seed === run.seed);
    return other === undefined ? [] : [[run, other] as const];
  });
  if (a.isSeeds && b.isSeeds && pairs.length === a.runs.length && pairs.length === b.runs.length)
    return pairs;
  const described = ({ name, runs, isSeeds }: Arm) =>
    isSeeds ? `seeds ${runs.map(({ seed }) => seed).join(", ")} of ${name}` : `the one run ${name}`;
  throw unexpected("input", {
    code: "NO_SHARED_SEEDS",
    expected: "two runs, or the same seeds of both",
    name: "--against",
    got: `${described(a)} and ${described(b)}`,
    hint: "compare one run with one run, or train the seeds that are missing",
  });
}

function checkSame(
  shared: readonly string[],
  first: ReadonlyMap<string, Prediction>,
  other: ReadonlyMap<string, Prediction>,
  name: string,
): void {
  for (const key of shared) {
    const row = first.get(key)!;
    const odd = recordedOtherwise(row, other.get(key)!, ["subject", "modality", "target"]);
    if (odd === undefined) continue;
    throw unexpected("data", {
      code: "RECORDED_OTHERWISE",
      expected: "the same record of each image in both",
      name: `${row.source} ${row.id}`,
      got: `${odd} in ${name}`,
      hint: "compare models on the same release of the data: --data SOURCE predicts it with both",
    });
  }
}

function noneShared(a: Arm, b: Arm) {
  return unexpected("input", {
    code: "NO_SHARED_IMAGES",
    expected: `labelled images that ${a.name} and ${b.name} both answered`,
    name: "--against",
    got: "none",
    hint: "predict the same images with both: --data SOURCE",
  });
}
