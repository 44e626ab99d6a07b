// ◇ Browser-safe. The figures of one configuration that was trained over several seeds: mean and sample standard
// deviation (ddof 1) of every metric, overall, by modality and by recorded group.
// Invariants: all seeds answered the same images, of which the same was recorded; a metric that one of them does not
// define has no mean.
import { unexpected } from "../../core/errors.ts";
import { overSeeds, type SeedSummary } from "../intervals/seeds.ts";
import { probabilityOf } from "../metrics/binary.ts";
import type { GroupMetrics, GroupTable } from "../metrics/groups.ts";
import type { Judgement } from "../metrics/small.ts";
import { METRICS, type MetricName } from "../metrics/table.ts";
import type { Prediction } from "../stored/prediction-row.ts";
import { recordedOtherwise } from "../stored/recorded.ts";
import { type Part, type Summary, type SummaryOptions, summarize } from "./summary.ts";

/** Predictions of one seed. */
export interface SeedRows {
  readonly seed: number;
  readonly rows: readonly Prediction[];
}

/** Every metric over seeds; null where it is undefined for one of them. */
export type SeedMetrics = Readonly<Record<MetricName, SeedSummary | null>>;

/** Figures over seeds, and which of them rest on too few subjects in some seed (of decided classes each has its own). */
export interface SeedJudgement extends Pick<Judgement, "tooSmall" | "few"> {
  readonly metrics: SeedMetrics;
}

/** A part of the images, with its metrics over seeds; counts are those of the images, which all seeds share. */
export type SeedPart = Pick<Part, "name" | "nImages" | "nSubjects" | "nSubjectsFemale" | "nSubjectsMale"> &
  SeedJudgement;

/** A recorded group likewise. */
export type SeedGroup = Omit<GroupMetrics, "metrics" | "compared" | "tooSmall"> & SeedJudgement;

/** The groups of one table. */
export type SeedTable = Pick<GroupTable, "keys" | "within" | "minSubjects"> & {
  readonly groups: readonly SeedGroup[];
};

/** The figures of several seeds for one split. */
export interface SeedsSummary
  extends Pick<Summary, "split" | "sources" | "threshold" | "nUnlabelled" | "subjects" | "minSubjects"> {
  /** In order; all of them are in every figure. */
  readonly seeds: readonly number[];
  readonly overall: SeedPart;
  readonly byModality: readonly SeedPart[];
  readonly byGroup: readonly SeedTable[];
  /** The same of each seed alone. */
  readonly runs: readonly { readonly seed: number; readonly summary: Summary }[];
}

/**
 * Every figure of one split over seeds.
 *
 * @param given - predictions of one split, one entry a seed, at least one
 * @throws AppError("data", "SEED_IMAGES") if the seeds answered different images, or what was recorded
 *   of one is not the same in all; as summarize
 * @example summarizeSeeds([{ seed: 42, rows }, { seed: 123, rows: others }]).overall.metrics.accuracy
 */
export function summarizeSeeds(
  given: readonly SeedRows[],
  options: Pick<SummaryOptions, "groups" | "threshold" | "minSubjects"> = {},
): SeedsSummary {
  checkImages(given);
  const runs = given.map(({ seed, rows }) => ({
    seed,
    summary: summarize(rows, { ...options, replicates: 0 }),
  }));
  const all = runs.map(({ summary }) => summary);
  const { split, sources, threshold, nUnlabelled, subjects, minSubjects, byModality, byGroup } = all[0]!;
  return {
    seeds: given.map(({ seed }) => seed),
    split,
    sources,
    threshold,
    nUnlabelled,
    subjects,
    minSubjects,
    overall: partOf(all.map(({ overall }) => overall)),
    byModality: byModality.map((_, i) => partOf(all.map((summary) => summary.byModality[i]!))),
    byGroup: byGroup.map(({ keys, within, groups }, t) => ({
      keys,
      within,
      minSubjects,
      groups: groups.map((_group, g) => groupOf(all.map((summary) => summary.byGroup[t]!.groups[g]!))),
    })),
    runs,
  };
}

/**
 * The ensemble of several seeds: of each image the mean of their log-odds. Further targets are not in it.
 *
 * @throws AppError("data", "SEED_IMAGES") as summarizeSeeds
 */
export function ensembleRows(given: readonly SeedRows[]): Prediction[] {
  checkImages(given);
  const [first, ...others] = given.map(({ rows }) => rows);
  const maps = others.map((rows) => new Map(rows.map((row) => [keyOf(row), row])));
  return first!.map((row) => {
    const { ageProbabilities: _age, raceProbabilities: _race, ...own } = row;
    const all = [row, ...maps.map((map) => map.get(keyOf(row))!)];
    const logit = all.reduce((sum, one) => sum + one.logit, 0) / all.length;
    return { ...own, logit, probability: probabilityOf(logit) };
  });
}

const keyOf = ({ source, id }: Prediction) => JSON.stringify([source, id]);

function checkImages([first, ...others]: readonly SeedRows[]): void {
  const wanted = new Map(first!.rows.map((row) => [keyOf(row), row]));
  for (const { seed, rows } of others) {
    const odd = rows.map((row) => oddity(row, wanted.get(keyOf(row)))).find((text) => text !== undefined);
    if (odd === undefined && rows.length === wanted.size) continue;
    throw unexpected("data", {
      code: "SEED_IMAGES",
      expected: `the ${wanted.size} images of seed ${first!.seed}, recorded as there,`,
      name: `seed ${seed}`,
      got: odd ?? `${rows.length} images`,
      hint: "evaluate all seeds on one set: --data SOURCE predicts the same images with each",
    });
  }
}

/** Figures over seeds take people and groups from the first: the others have to have the same ones. */
function oddity(row: Prediction, wanted: Prediction | undefined): string | undefined {
  const image = `${row.source} ${row.id}`;
  if (wanted === undefined) return `${image}, which is not among them`;
  const other = recordedOtherwise(row, wanted);
  return other === undefined ? undefined : `${image} with ${other}`;
}

function judged(
  all: readonly (Pick<Judgement, "metrics" | "tooSmall"> & Partial<Judgement>)[],
): SeedJudgement {
  const entries = METRICS.map((name) => [name, overSeeds(all.map(({ metrics }) => metrics[name]))]);
  const inAny = (lists: readonly (readonly MetricName[])[]) =>
    METRICS.filter((name) => lists.some((list) => list.includes(name)));
  return {
    metrics: Object.fromEntries(entries) as SeedMetrics,
    tooSmall: inAny(all.map(({ tooSmall }) => tooSmall)),
    few: inAny(all.map(({ few = [] }) => few)),
  };
}

function partOf(parts: readonly Part[]): SeedPart {
  const { name, nImages, nSubjects, nSubjectsFemale, nSubjectsMale } = parts[0]!;
  return { name, nImages, nSubjects, nSubjectsFemale, nSubjectsMale, ...judged(parts) };
}

function groupOf(groups: readonly GroupMetrics[]): SeedGroup {
  const { compared: _compared, ...counts } = groups[0]!;
  return { ...counts, ...judged(groups) };
}
