// Studies as text for a terminal: plan, status, ranking.

import { formatSeconds } from "../../core/progress.ts";
import { oneLine, visible } from "../../core/visible.ts";
import {
  alignColumns,
  alignTable,
  counted,
  fitLines,
  formatSeeds,
  LABEL_NOTE,
  METRIC_TITLES,
} from "../../report/figure-text.ts";
import type { CellImages } from "../../studies/plan/images.ts";
import type { Ranking } from "../../studies/report/best.ts";
import { nameOf } from "../../studies/run/runner.ts";
import { type StudyStatus, TASK_STATES, type TaskState } from "../../studies/run/status.ts";
import type { Cell, Study } from "../../studies/study.ts";

/** A cell with what is known of it before it runs. */
export interface PlannedCell {
  readonly cell: Cell;
  readonly images: CellImages;
  /** One a seed. */
  readonly states: readonly TaskState[];
  /** Of one seed; null if nothing was measured. */
  readonly seconds: number | null;
  readonly peakBytes: number | null;
}

const gib = (bytes: number) => `${(bytes / 2 ** 30).toFixed(1)} GiB`;

/** The plan as a table, and what all of it takes. */
export function formatPlan(study: Study, cells: readonly PlannedCell[]): string {
  const { seeds, name, about, data, evaluations, comparisons } = study;
  const header = ["cell", "arch", "train", "val", "exists", "time a seed", "memory"];
  const rows = cells.map(({ cell, images, states, seconds, peakBytes }) => [
    `${cell.label}-${cell.hash.slice(0, 8)}`,
    cell.arch,
    String(images.train),
    String(images.val),
    `${states.filter((state) => state === "done").length} of ${seeds.length}`,
    seconds === null ? "-" : formatSeconds(seconds),
    peakBytes === null ? "-" : gib(peakBytes),
  ]);
  const sets = Object.entries(data).map(([set, { sources, train }]) =>
    visible(`  ${set}${train ? "" : " (tested on only)"}: ${sources.join(", ")}`),
  );
  return [
    `${name}${about === "" ? "" : `: ${oneLine(about)}`}`,
    "data",
    ...sets,
    `seeds ${seeds.join(", ")}`,
    "",
    alignTable([header, ...rows]),
    "",
    `${cells.length} cells x ${seeds.length} seeds = ${cells.length * seeds.length} tasks`,
    ...list(
      "evaluations",
      evaluations.map(({ name: own }) => own),
    ),
    ...list(
      "comparisons",
      comparisons.map(
        ({ name: own, metric, pairs }) =>
          `${own} (${METRIC_TITLES[metric]}, ${counted(pairs.length, "pair")})`,
      ),
    ),
    ...total(cells),
  ]
    .map(fitLines)
    .join("\n");
}

function list(title: string, names: readonly string[]): string[] {
  if (names.length === 0) return [];
  return [`${names.length} ${names.length === 1 ? title.slice(0, -1) : title}: ${visible(names.join(", "))}`];
}

function total(cells: readonly PlannedCell[]): string[] {
  if (cells.some(({ seconds }) => seconds === null)) return [];
  const seconds = cells.reduce(
    (sum, cell) => sum + cell.seconds! * cell.states.filter((state) => state !== "done").length,
    0,
  );
  const peak = Math.max(...cells.map(({ peakBytes }) => peakBytes ?? 0));
  return [
    `about ${formatSeconds(seconds)} for what is missing, one task at a time, and ${gib(peak)} of memory a task`,
  ];
}

/** Progress of a study. */
export function formatStatus(study: Study, { tasks, counts, secondsLeft }: StudyStatus): string {
  const rows = tasks
    .filter(({ state }) => state !== "done" && state !== "missing")
    .map((task) => [
      nameOf(task.task),
      task.state,
      `epoch ${task.epochs}/${task.epochsPlanned}`,
      task.evaluationsPlanned === 0 ? "" : `evaluations ${task.evaluations}/${task.evaluationsPlanned}`,
      task.secondsLeft === null ? "" : `${formatSeconds(task.secondsLeft)} left`,
    ]);
  const failed = tasks.filter(({ error }) => error !== null);
  const other = tasks.filter(({ otherCode }) => otherCode !== null);
  return [
    `${study.name}: ${TASK_STATES.map((state) => `${counts[state]} ${state}`).join(", ")} of ${tasks.length} tasks`,
    ...(secondsLeft === null || secondsLeft === 0
      ? []
      : [`about ${formatSeconds(secondsLeft)} left, one task at a time`]),
    ...(rows.length === 0 ? [] : ["", alignColumns(rows)]),
    ...(failed.length === 0 ? [] : ["", "last errors"]),
    ...failed.map(
      ({ task, failures, error }) => `  ${nameOf(task)} (${failures} failures): ${oneLine(error!.message)}`,
    ),
    ...(other.length === 0
      ? []
      : [`${other.length} runs were begun by other code: ${visible(other[0]!.otherCode!)}`]),
  ].join("\n");
}

/** The best cells, validation beside test. */
export function formatBest({ metric, modality, cells, leftOut }: Ranking): string {
  const header = ["cell", "validation", "test", "images"];
  const rows = cells.map(({ cell, validation, test, images }) => [
    cell.id,
    formatSeeds(validation),
    test === null ? "-" : formatSeeds(test),
    String(images),
  ]);
  const unequal = new Set(cells.map(({ images }) => images)).size > 1;
  return [
    `${metric} of ${modality ?? "all"} images, chosen by validation alone`,
    ...(cells.length === 0 ? ["no cell is done"] : [alignTable([header, ...rows])]),
    ...(unequal
      ? ["these cells were validated on different images: compare within --modality hand or face"]
      : []),
    ...leftOut.map(({ cell, reason }) => visible(`left out: ${cell.id}, ${reason}`)),
    LABEL_NOTE,
  ].join("\n");
}
