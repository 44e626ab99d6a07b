// Upstream's table of all results: `final_metrics_with_full_configurations.csv`, read, and written of a study.
// Source: UnifiedGenderNet's print_best_runs script reads `category`, and of `configuration`, a Python dict literal,
// `mean_acc` and `flag_on`. Other columns and keys stay as they are. One row is one configuration over its seeds.
import { unexpected } from "../../core/errors.ts";
import { overSeeds } from "../../evaluate/intervals/seeds.ts";
import { METRICS } from "../../evaluate/metrics/table.ts";
import { csvText, readRecords } from "../../formats/csv.ts";
import { type Literal, readLiteral, writeLiteral } from "../../formats/python-literal.ts";
import { parseTag } from "../../models/tags.ts";
import { metricsOf, rowsOf, runsOf, type StudyResults } from "./results.ts";

export const FINAL_METRICS_FILE = "final_metrics_with_full_configurations.csv";

/** One row of such a table. */
export interface FinalMetrics {
  readonly category: string;
  readonly configuration: Readonly<Record<string, Literal>>;
  /** All other columns, as text. */
  readonly figures: Readonly<Record<string, string>>;
}

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
  return tableText(rows);
}

/** Such a table as text; the first row names the figures. */
function tableText(rows: readonly FinalMetrics[]): string {
  const columns = Object.keys(rows[0]?.figures ?? {});
  return csvText(
    ["category", "configuration", ...columns],
    rows.map(({ category, configuration, figures }) => [
      category,
      writeLiteral(configuration),
      ...columns.map((name) => figures[name] ?? ""),
    ]),
  );
}

/**
 * Reads such a table, upstream's or ours.
 *
 * @throws AppError("data", "FILE_MISSING" | "CSV_COLUMNS" | "PYTHON_LITERAL" | "FINAL_CONFIGURATION" | ...)
 * @example (await readFinalMetrics("metrics.csv")).filter(({ category }) => category === "ablation")
 */
export async function readFinalMetrics(path: string): Promise<FinalMetrics[]> {
  const out: FinalMetrics[] = [];
  let header: readonly string[] | undefined;
  for await (const { record, row } of readRecords(path)) {
    if (header === undefined) {
      header = checkHeader(record, path);
      continue;
    }
    const values = Object.fromEntries(header.map((name, k) => [name, record[k] ?? ""]));
    const where = `${path}:${row}`;
    const { category = "", configuration = "", ...figures } = values;
    const literal = readLiteral(configuration, where);
    if (literal === null || typeof literal !== "object" || Array.isArray(literal)) {
      const expected = "a Python dict";
      throw unexpected("data", {
        code: "FINAL_CONFIGURATION",
        expected,
        name: "column configuration",
        got: configuration,
        where,
      });
    }
    out.push({ category, configuration: literal as FinalMetrics["configuration"], figures });
  }
  return out;
}

function checkHeader(header: readonly string[], path: string): readonly string[] {
  for (const column of ["category", "configuration"]) {
    if (header.includes(column)) continue;
    throw unexpected("data", {
      code: "CSV_COLUMNS",
      expected: `column ${column}`,
      name: path,
      got: header.join(", "),
      where: `${path}:1`,
    });
  }
  return header;
}
