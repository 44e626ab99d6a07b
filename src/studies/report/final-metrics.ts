// A study's results as upstream's table of all results (evaluate/stored/final-metrics).

import { overSeeds } from "../../evaluate/intervals/seeds.ts";
import { METRICS } from "../../evaluate/metrics/metrics.ts";
import { type FinalMetrics, finalMetricsText } from "../../evaluate/stored/final-metrics.ts";
import { parseTag } from "../../models/tags.ts";
import { metricsOf, rowsOf, runsOf, type StudyResults } from "./results.ts";

/** A study's results in upstream's columns; cells without a finished run are left out. */
export function finalMetrics(results: StudyResults): string {
  const { split, study } = results;
  const rows = study.cells.flatMap((cell) => {
    const runs = runsOf(results, cell);
    if (runs.length === 0) return [];
    const validation = runs.map((run) => metricsOf(rowsOf(run.rows, "val")));
    const accuracy = overSeeds(validation.map((metrics) => metrics?.accuracy ?? null));
    const { backbone, pretrain, flag, augment, loss, frozen, gating = null } = parseTag(cell.tag);
    const configuration: FinalMetrics["configuration"] = {
      ...{ name: cell.id, tag: cell.tag, arch: cell.arch, backbone, pretrain, flag_on: flag },
      ...{ augment, loss, frozen, gating, seeds: runs.map(({ seed }) => seed) },
      seed_acc: validation.map((metrics) => metrics?.accuracy ?? null),
      mean_acc: accuracy?.mean ?? null,
      std_acc: accuracy?.std ?? null,
      ddof: 1,
    };
    const figures = METRICS.flatMap((metric) => {
      const summary = overSeeds(runs.map((run) => metricsOf(rowsOf(run.rows, split))?.[metric] ?? null));
      return [
        [`${split}_${metric}_mean`, String(summary?.mean ?? "")],
        [`${split}_${metric}_std`, String(summary?.std ?? "")],
      ];
    });
    return [{ category: study.name, configuration, figures: Object.fromEntries(figures) }];
  });
  return finalMetricsText(rows);
}
