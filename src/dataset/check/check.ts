// `data check`: everything about a dataset that a program can find wrong, and its counts.
// Tables, files and images are checked in this order; nothing is changed. Source of the rules: findings.ts.
// "One subject under two ids" means nearly the same photograph of a face: nobody is recognised here.

import { type Layout, locate } from "../layout.ts";
import { readManifest } from "../manifest.ts";
import { type CountedPair, countedPairs, countPairs, type DatasetCounts } from "./counts.ts";
import { scanFiles } from "./files.ts";
import { FINDINGS, type Finding, type FindingCode, SEVERITIES, type Severity } from "./findings.ts";
import { checkImages, type ImageCheckOptions } from "./images.ts";
import { checkBetweenRows } from "./subjects.ts";
import { type ScannedRow, scanTables } from "./tables.ts";

/** How to check, and who gets its progress. */
export interface CheckOptions extends Omit<ImageCheckOptions, "sizePx"> {
  /** Called once, before the images: how many there are to open. */
  readonly onTotal?: ((images: number) => void) | undefined;
}

/** The result of a check. */
export interface CheckReport {
  /** Absolute path of the dataset. */
  readonly root: string;
  readonly counts: DatasetCounts;
  /** Images that were opened. */
  readonly images: number;
  readonly totals: Readonly<Record<Severity, number>>;
  /** Serious ones first, then in the order of FINDINGS, file and row. */
  readonly findings: readonly Finding[];
}

/** What a check has read of the tables, for further checks. */
export interface CheckedDataset extends CheckReport {
  readonly layout: Layout;
  readonly rows: readonly ScannedRow[];
  readonly pairs: readonly CountedPair[];
}

/**
 * Checks a paired dataset.
 *
 * @param dir - as for `locate`
 * @throws AppError("data", "DATASET_MISSING" | "DATASET_CSV_MISSING" | "DATASET_IMAGES_MISSING") if there is no dataset
 *   to check, Interrupted after the signal; whatever else is wrong is a finding
 * @example (await checkDataset("data/pairs")).totals.serious
 */
export async function checkDataset(dir: string, options: CheckOptions = {}): Promise<CheckedDataset> {
  const layout = await locate(dir);
  const manifest = await readManifest(layout.root);
  const { rows, findings } = await scanTables(layout);
  const files = await scanFiles(layout, rows);
  const complete = rows.filter((row) => !files.incomplete.has(row));
  const names = complete.flatMap(({ cells }) => [cells.hand_image_name, cells.face_image_name]);
  const images = new Set(names).size;
  options.onTotal?.(images);
  const sizePx = manifest?.recipe.sizePx;
  const pictures = await checkImages(layout, complete, {
    ...options,
    sizePx,
  });
  const pairs = countedPairs(rows);
  const all = [...findings, ...checkBetweenRows(rows), ...files.findings, ...pictures];
  return { root: layout.root, ...sortFindings(all), counts: countPairs(pairs), images, layout, rows, pairs };
}

/** Findings in the order of a report, and how many there are of each severity. */
export function sortFindings(findings: readonly Finding[]): Pick<CheckReport, "findings" | "totals"> {
  const codes = Object.keys(FINDINGS) as FindingCode[];
  const rank = ({ code, severity }: Finding) =>
    SEVERITIES.indexOf(severity) * codes.length + codes.indexOf(code);
  const sorted = findings
    .map((finding, index) => ({ finding, index, rank: rank(finding) }))
    .sort((a, b) => a.rank - b.rank || a.index - b.index)
    .map(({ finding }) => finding);
  const count = (severity: Severity) => findings.filter((finding) => finding.severity === severity).length;
  return {
    findings: sorted,
    totals: { serious: count("serious"), warning: count("warning"), note: count("note") },
  };
}
