// How often intervals contain the truth: people and images are drawn from known distributions, again and again.
// `npx tsx bench/coverage.ts [rounds]` prints the table of docs/decisions/0017-intervals-and-small-groups.md.
// A subject's score has a part of its own and a part of each image, so that images of one person are alike.
import { pathToFileURL } from "node:url";
import { Random } from "../src/core/random.ts";
import { bootstrapBySubject } from "../src/evaluate/intervals/bootstrap.ts";
import { clusteredAuc } from "../src/evaluate/intervals/clustered.ts";
import { compareArms } from "../src/evaluate/intervals/compare.ts";
import { bootstrapTables } from "../src/evaluate/intervals/group-intervals.ts";
import type { Interval } from "../src/evaluate/intervals/intervals.ts";
import { normalCdf, normalQuantile } from "../src/evaluate/intervals/normal.ts";
import { metricsByGroup } from "../src/evaluate/metrics/groups.ts";

/** Images of a subject. */
const IMAGES = 3;
/** Variance of the part of a score that all images of a subject share; the rest is the image's own. */
const SHARED = 0.5;

interface Row {
  readonly subject: string;
  readonly target: 0 | 1;
  readonly probability: number;
  readonly group: string;
}

/** Every other subject is recorded as male; each image is right with the probability `rate`. */
function draw(random: Random, subjects: number, rate: number, group = "a"): Row[] {
  const shift = normalQuantile(rate);
  return Array.from({ length: subjects }, (_, s) => {
    const own = Math.sqrt(SHARED) * random.normal();
    const target = (s % 2) as 0 | 1;
    return Array.from({ length: IMAGES }, (): Row => {
      const right = own + Math.sqrt(1 - SHARED) * random.normal() + shift;
      return {
        subject: `${group}${s}`,
        target,
        probability: normalCdf(target === 1 ? right : -right),
        group,
      };
    });
  }).flat();
}

const columns = (rows: readonly Row[]) =>
  [
    rows.map(({ target }) => target),
    rows.map(({ probability }) => probability),
    rows.map(({ subject }) => subject),
  ] as const;

/** The result of one round for one interval. */
export interface Outcome {
  readonly interval: Interval & { readonly method?: string };
  readonly truth: number;
}

/** Kinds of intervals that come of the same draws: how a round is drawn and judged. */
export interface Simulation {
  readonly names: readonly string[];
  readonly subjects: number;
  /** One outcome a name. */
  readonly round: (random: Random, seed: number) => readonly Outcome[];
}

const REPLICATES = 400;
const SIZES = [20, 30, 40, 60] as const;

/** All simulations, sizes within kinds. */
export function simulations(sizes: readonly number[] = SIZES): Simulation[] {
  const all = (
    names: readonly string[],
    round: (subjects: number, random: Random, seed: number) => readonly Outcome[],
  ) =>
    sizes.map(
      (subjects): Simulation => ({
        names,
        subjects,
        round: (random, seed) => round(subjects, random, seed),
      }),
    );
  const of = (name: string, round: (subjects: number, random: Random, seed: number) => Outcome) =>
    all([name], (subjects, random, seed) => [round(subjects, random, seed)]);
  return [
    ...[0.8, 0.95, 0.99].flatMap((rate) =>
      (["accuracy", "tprFemale", "balancedAccuracy"] as const).flatMap((metric) =>
        of(`${metric}, truth ${rate}`, (subjects, random, seed) => {
          const rows = draw(random, metric === "tprFemale" ? 2 * subjects : subjects, rate);
          const intervals = bootstrapBySubject(...columns(rows), { replicates: REPLICATES, seed });
          return { interval: intervals[metric], truth: rate };
        }),
      ),
    ),
    ...of("rocAuc, bootstrap, truth .921", (subjects, random, seed) => ({
      interval: bootstrapBySubject(...columns(draw(random, subjects, normalCdf(1))), {
        replicates: REPLICATES,
        seed,
      }).rocAuc,
      truth: normalCdf(Math.SQRT2),
    })),
    ...of("rocAuc, Obuchowski, truth .921", (subjects, random) => ({
      interval: clusteredAuc(...columns(draw(random, subjects, normalCdf(1)))),
      truth: normalCdf(Math.SQRT2),
    })),
    ...SPREADS.flatMap(({ name, rates }) =>
      all(
        FIGURES.map((figure) => `accuracy of 4 groups, ${name}: ${figure}`),
        (subjects, random, seed) => spread(subjects, rates, random, seed),
      ),
    ),
    ...(["balancedAccuracy", "rocAuc"] as const).flatMap((metric) =>
      [0, 0.5].flatMap((gain) =>
        of(`A minus B in ${metric}, ${gain === 0 ? "no difference" : "A better"}`, (subjects, random, seed) =>
          paired({ subjects, metric, gain }, random, seed),
        ),
      ),
    ),
  ];
}

const SPREADS = [
  { name: "all .85", rates: [0.85, 0.85, 0.85, 0.85] },
  { name: "one .7", rates: [0.9, 0.85, 0.85, 0.7] },
] as const;

const FIGURES = ["difference", "ratio", "worst"] as const;

function spread(subjects: number, rates: readonly number[], random: Random, seed: number): Outcome[] {
  const rows = rates.flatMap((rate, g) => draw(random, subjects, rate, "abcd"[g]!));
  const table = metricsByGroup(rows, ["group"], { minSubjects: 1 }); // of so few, tables show no gap
  const [intervals] = bootstrapTables(rows, [table], { replicates: REPLICATES, seed });
  const { worst } = table.comparisons.find(({ metric }) => metric === "accuracy")!;
  const found = intervals!.spreads.find(({ metric }) => metric === "accuracy")!;
  const [least, most] = [Math.min(...rates), Math.max(...rates)];
  const truths = {
    difference: most - least,
    ratio: least / most,
    worst: rates["abcd".indexOf(worst["group"]!)]!,
  };
  return FIGURES.map((figure) => ({ interval: found[figure], truth: truths[figure] }));
}

/** Two models that see the same people; the scores of B are on another scale. */
function paired(
  { subjects, metric, gain }: { subjects: number; metric: "balancedAccuracy" | "rocAuc"; gain: number },
  random: Random,
  seed: number,
): Outcome {
  const [y, a, b, names]: [number[], number[], number[], string[]] = [[], [], [], []];
  for (let s = 0; s < subjects; s++) {
    const own = random.normal();
    const sign = 2 * (s % 2) - 1;
    for (let i = 0; i < IMAGES; i++) {
      y.push(s % 2);
      names.push(`s${s}`);
      a.push(normalCdf(own + random.normal() + (1 + gain) * sign));
      b.push(1 / (1 + Math.exp(-3 * (own + random.normal() + sign))));
    }
  }
  // Scores have variance 2, and the classes are mirror images of one another.
  const truths = {
    balancedAccuracy: normalCdf((1 + gain) / Math.SQRT2) - normalCdf(1 / Math.SQRT2),
    rocAuc: normalCdf(1 + gain) - normalCdf(1),
  };
  const interval = compareArms(
    { y, subjects: names, first: [a], second: [b] },
    { metric, replicates: REPLICATES, seed },
  );
  return { interval, truth: truths[metric] };
}

/** How one kind of interval did. */
export interface Coverage {
  readonly covered: number;
  /** Rounds without an interval; they are in no share. */
  readonly undecided: number;
  /** Share of intervals that contain their own estimate. */
  readonly ownEstimate: number;
  /** Share covered by the bootstrap's percentiles alone, an interval without width for a rate of 0 or 1. */
  readonly percentiles: number;
  readonly width: number;
}

/** Runs one simulation. */
export function coverageOf({ names, round }: Simulation, rounds: number, seed = 1): Record<string, Coverage> {
  const random = Random.of(seed).split("coverage");
  const outcomes = Array.from({ length: rounds }, (_, k) => round(random, k));
  return Object.fromEntries(names.map((name, i) => [name, judge(outcomes.map((each) => each[i]!))]));
}

function judge(outcomes: readonly Outcome[]): Coverage {
  let [decided, covered, own, alone, width] = [0, 0, 0, 0, 0];
  for (const { interval, truth } of outcomes) {
    const { estimate, low, high, method } = interval;
    if (low === null || high === null) continue;
    decided++;
    const hit = low <= truth + 1e-12 && truth <= high + 1e-12;
    if (hit) covered++;
    if (hit && method !== "wilson") alone++;
    if (low <= estimate! && estimate! <= high) own++;
    width += high - low;
  }
  return {
    covered: covered / decided,
    undecided: outcomes.length - decided,
    ownEstimate: own / decided,
    percentiles: alone / decided,
    width: width / decided,
  };
}

function main(rounds: number): void {
  console.log(
    "| interval | subjects | covers | percentiles alone | mean width | contains its estimate | no interval |",
  );
  console.log("| --- | ---: | ---: | ---: | ---: | ---: | ---: |");
  const rows = simulations().flatMap((simulation) =>
    Object.entries(coverageOf(simulation, rounds)).map(([name, found]) => {
      const { covered, percentiles, width, ownEstimate, undecided } = found;
      const share = (value: number) => `${(100 * value).toFixed(1)} %`;
      const alone = /^(accuracy|tpr)\w*, /.test(name) ? share(percentiles) : "";
      return {
        name,
        row: `| ${name} | ${simulation.subjects} | ${share(covered)} | ${alone} | ${width.toFixed(3)} | ${share(ownEstimate)} | ${undecided} of ${rounds} |`,
      };
    }),
  );
  // Sizes within kinds.
  for (const name of new Set(rows.map((each) => each.name)))
    for (const each of rows) if (each.name === name) console.log(each.row);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) main(Number(process.argv[2] ?? 1000));
