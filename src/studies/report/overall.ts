// ◇ Browser-safe. What a report tells of a study as a whole, before its single runs: the page computes the same.
// Invariant: the same predictions give the same tables, wherever they are computed.
import type { ReportTable } from "../../report/table.ts";
import { type ComparedFamily, comparisonTable } from "./comparison-table.ts";
import { figuresTables } from "./figures-tables.ts";
import { evaluationTables, fusionTable, gateTable } from "./result-tables.ts";
import type { StudyResults } from "./results.ts";
import { namesTable } from "./summary.ts";

/**
 * Tables over all configurations, in order.
 *
 * @param families - of `compareFamilies`
 * @param minSubjects - figures that rest on fewer are too small
 */
export function overallTables(
  results: StudyResults,
  families: readonly ComparedFamily[],
  minSubjects: number,
): ReportTable[] {
  const single = (table: ReportTable | undefined) => (table === undefined ? [] : [table]);
  return [
    ...single(namesTable(results)),
    ...figuresTables(results, minSubjects),
    ...single(comparisonTable(families, results)),
    ...single(gateTable(results, minSubjects)),
    ...single(fusionTable(results, minSubjects)),
    ...evaluationTables(results, minSubjects),
  ];
}
