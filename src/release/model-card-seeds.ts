// The card of one configuration that was trained over several seeds: what model-card.ts is for one run, with every figure
// as mean and sample standard deviation over the seeds.

import { markdownCode, markdownText } from "../core/markdown-text.ts";
import {
  type SeedJudgement,
  type SeedsSummary,
  type SeedTable,
  summarizeSeeds,
} from "../evaluate/analysis/seed-summary.ts";
import { withinId, withinWords } from "../evaluate/analysis/strata.ts";
import { GROUP_METRICS, METRICS, type MetricName } from "../evaluate/metrics/table.ts";
import type { Prediction } from "../evaluate/stored/prediction-row.ts";
import { sha256File } from "../machine/files.ts";
import { describeModel } from "../models/files/describe.ts";
import type { SeedRun } from "../predict/run-folder.ts";
import { runPaths } from "../predict/run-folder.ts";
import { FEW, LABEL_NOTE, METRIC_TITLES } from "../report/figure-text.ts";
import { withoutTwin } from "../report/format.ts";
import { groupName } from "../report/format-groups.ts";
import { meanText, seedsText } from "../report/format-seeds.ts";
import { toMarkdown } from "../report/render.ts";
import { count, type ReportTable, type TableCell, withoutSmallColumns, words } from "../report/table.ts";
import type { Labelled } from "../studies/report/results.ts";
import { storedPredictions } from "../train/exchange/evaluation.ts";
import { readLog, readRunConfig } from "../train/run.ts";
import { bestEpoch } from "../train/runlog.ts";
import { frontMatter } from "./markdown.ts";
import { data, ETHICS, factors, INTENDED_USE, LAW, modelLines } from "./model-card.ts";

/** Metrics of the tables of groups. */

/**
 * The card of a folder of seeds as Markdown.
 *
 * @param runs - finished, of one configuration: see seedRuns
 * @param minSubjects - figures that rest on fewer are not shown
 * @param licence - of the models: an SPDX name or words, for the card's head
 * @throws AppError("data", "SEED_IMAGES") as summarizeSeeds; ("input", "NOT_LABELLED") without labels
 * @example await seedsCard((await seedRuns("runs/umcc"))!, 20)
 */
export async function seedsCard(
  runs: readonly SeedRun[],
  minSubjects: number,
  licence?: string,
): Promise<string> {
  const all: { seed: number; rows: readonly Prediction[] }[] = [];
  for (const { seed, dir } of runs) all.push({ seed, rows: await storedPredictions(dir) });
  const split = all[0]!.rows.some((row) => row.split === "test" && row.target !== null) ? "test" : "val";
  const given = all.map(({ seed, rows }) => ({ seed, rows: rows.filter((row) => row.split === split) }));
  const labelled = given[0]!.rows.filter((row): row is Labelled => row.target !== null);
  const summary = summarizeSeeds(given, { minSubjects });
  const [first] = runs;
  const model = await describeModel(runPaths(first!.dir).best);
  const config = await readRunConfig(first!.dir);
  const [accuracy, balancedAccuracy] = (["accuracy", "balancedAccuracy"] as const).map((metric) => {
    const { mean = null, std } = summary.overall.metrics[metric] ?? {};
    return { value: mean, about: { std, seeds: runs.length, subjects: summary.overall.nSubjects } };
  });
  const figures = { accuracy: accuracy!, balancedAccuracy: balancedAccuracy! };
  return [
    ...frontMatter(model.facts!, { split, sources: summary.sources, ...figures, licence }),
    `# Model card: ${markdownText(model.facts!.tag)}, ${seedsText(summary.seeds)}`,
    "",
    `> ${LABEL_NOTE} These models predict what such recorders would write about a picture of a hand or a face, with their errors.`,
    "",
    "## Model details",
    "",
    ...modelLines(model, config),
    `- Tag: ${markdownCode(model.facts!.tag)}, trained ${runs.length} times with batch ${config.batch} and AdamW:`,
    ...(await Promise.all(runs.map((run) => runLine(run, config.epochs)))),
    "",
    ...INTENDED_USE,
    ...factors(labelled),
    ...metrics(summary),
    ...data(labelled, split, model.facts!.trainedOn),
    "## Quantitative analyses",
    "",
    toMarkdown(overallTable(summary)),
    ...summary.byGroup.map((table) => toMarkdown(groupTable(table, split))),
    ...ETHICS,
    ...LAW,
  ].join("\n");
}

async function runLine({ seed, dir }: SeedRun, most: number): Promise<string> {
  const log = await readLog(dir);
  const best = bestEpoch(log).epoch;
  const hash = await sha256File(runPaths(dir).best);
  return `  - seed ${seed}: ${log.length} of at most ${most} epochs, epoch ${best} chosen by validation balanced accuracy; SHA-256 \`${hash}\``;
}

function metrics({ seeds, split, minSubjects }: SeedsSummary): string[] {
  const spread =
    seeds.length === 1
      ? ""
      : " The standard deviation says how much seeds differ, not how much other people would.";
  return [
    "## Metrics",
    "",
    `Agreement of decisions with the recorded label on split ${split}: mean ± sample standard deviation (ddof 1) over ${seedsText(seeds)}.${spread} A figure of a group, a modality or a recorded label that rests on under ${minSubjects} subjects is counted and not judged; groups are compared within one modality.`,
    "",
  ];
}

const cell = (judged: SeedJudgement, metric: MetricName): TableCell => {
  const mean = judged.metrics[metric]?.mean;
  return { text: meanText(judged, metric), value: mean };
};

function overallTable({ overall, byModality, split, seeds, minSubjects }: SeedsSummary): ReportTable {
  const parts = withoutTwin([overall, ...byModality]);
  const row = (title: string, cells: ReportTable["rows"][number]["cells"]) => ({
    cells: [words(title), ...cells],
    sources: [],
  });
  const few = overall.few.length === 0 ? "" : ` ${FEW}: of under ${minSubjects} subjects.`;
  return {
    id: "card-overall",
    title: `Overall and by modality, split ${split}`,
    note: `Mean ± sample std over ${seedsText(seeds)}.${few}`,
    header: ["figure", ...parts.map(({ name }) => name)],
    rows: [
      row(
        "images",
        parts.map(({ nImages }) => count(nImages)),
      ),
      row(
        "subjects",
        parts.map(({ nSubjects }) => count(nSubjects)),
      ),
      ...METRICS.map((metric) =>
        row(
          METRIC_TITLES[metric],
          parts.map((part) => cell(part, metric)),
        ),
      ),
    ],
  };
}

function groupTable({ keys, within, groups, minSubjects }: SeedTable, split: string): ReportTable {
  const name = keys.join(" x ");
  return withoutSmallColumns(
    {
      id: `card-${keys.join("-")}-${withinId(within)}`,
      title: `By recorded ${name}, ${withinWords(within)}, split ${split}`,
      note: "Mean ± sample std over the seeds.",
      header: [name, "images", "subjects", ...GROUP_METRICS.map((metric) => METRIC_TITLES[metric])],
      rows: groups.map((group) => ({
        cells: [
          words(groupName(group.group)),
          count(group.nImages),
          count(group.nSubjects),
          ...GROUP_METRICS.map((metric) => cell(group, metric)),
        ],
        sources: [],
      })),
    },
    minSubjects,
  );
}
