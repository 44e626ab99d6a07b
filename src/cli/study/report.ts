// `facehand study report` and `facehand study audit`: what a study shows, and whether published figures are consistent.

import type { Command } from "commander";
import { decimal } from "../../core/decimal.ts";
import { unexpected } from "../../core/errors.ts";
import { visible } from "../../core/visible.ts";
import { REPLICATES } from "../../evaluate/intervals/intervals.ts";
import { readRecords } from "../../formats/csv.ts";
import { withLock } from "../../machine/lock.ts";
import { checkApart } from "../../machine/true-path.ts";
import { type AuditFinding, auditRow, type PublishedRow } from "../../studies/report/audit.ts";
import { readStudy } from "../../studies/study.ts";
import {
  type Context,
  jsonOption,
  list,
  minSubjectsOption,
  onlyWith,
  verb,
  wholeNumber,
} from "../context.ts";

interface ReportFlags {
  readonly out: string;
  readonly check?: boolean | undefined;
  readonly bootstrap: number;
  readonly minSubjects: number;
}

/** `facehand study report`. */
export function reportCommand({ print }: Context): Command {
  return verb("report", "write tables and figures of a study, computed from its stored predictions")
    .argument("<dir>", "study folder")
    .requiredOption(
      "--out <dir>",
      "folder for report.md, report.html, tables/*.csv and *.tex, final_metrics_...csv",
    )
    .option("--check", "write nothing; fail (exit code 3) if a file there differs from what is recomputed")
    .option(
      "--bootstrap <n>",
      "bootstrap draws and permutations over subjects",
      wholeNumber("--bootstrap", 100, 1_000_000),
      REPLICATES,
    )
    .addOption(minSubjectsOption())
    .action(async (dir: string, { out, check, bootstrap, minSubjects }: ReportFlags) => {
      // Figures need 300 modules, which the other verbs of studies do not load.
      const { checkReport, makeReport, writeReport } = await import("../../studies/report/report.ts");
      const make = () => makeReport(dir, { outDir: out, replicates: bootstrap, minSubjects });
      if (check === true) {
        const report = await make();
        const same = await checkReport(report, out);
        const missing = report.files.size - same;
        const absent = missing === 0 ? "" : `; ${missing} more of the report are not there`;
        print(`${same} files in ${out} match what ${report.results.runs.length} runs give${absent}`);
        return;
      }
      await readStudy(dir); // what is no study is reported as such
      checkApart(out, [dir]);
      const report = await withLock(out, `the folder ${out}`, async () => {
        const made = await make();
        await writeReport(made, out);
        return made;
      });
      const { runs, missing } = report.results;
      const open = missing.length === 0 ? "" : `; ${missing.length} runs are not done, and are in no figure`;
      print(`${report.files.size} files in ${out}, from ${runs.length} runs${open}`);
    });
}

interface AuditFlags {
  readonly values?: readonly string[] | undefined;
  readonly mean?: string | undefined;
  readonly std?: string | undefined;
  readonly n?: number | undefined;
  readonly json?: boolean | undefined;
}

/** `facehand study audit`. */
export function auditCommand({ print }: Context): Command {
  return verb(
    "audit",
    "check whether published figures are consistent: mean and std of values by seed, accuracies of n images",
  )
    .argument("[file]", "CSV with columns values (separated by spaces), mean, std, n; instead of the flags")
    .option(
      "--values <list>",
      "values by seed, exactly as printed, e.g. 0.9100,0.9085,0.9137",
      list("--values"),
    )
    .option("--mean <number>", "their published mean")
    .option("--std <number>", "their published standard deviation")
    .option(
      "--n <images>",
      "number of images behind each value, if it is an accuracy",
      wholeNumber("--n", 1, 1e9),
    )
    .addOption(jsonOption())
    .action(async (file: string | undefined, flags: AuditFlags, command: Command) => {
      for (const flag of ["--values", "--mean", "--std", "--n"])
        onlyWith(command, flag, "it in place of a file", file === undefined);
      const rows = file === undefined ? [{ name: "", row: fromFlags(flags) }] : await fromFile(file);
      const audited = rows.map(({ name, row }) => ({ name, ...row, findings: auditRow(row) }));
      if (flags.json === true) print(JSON.stringify(audited, null, 2));
      else
        print(
          audited.flatMap(({ name, findings }) => findings.map((f) => formatFinding(name, f))).join("\n"),
        );
    });
}

function fromFlags({ values, mean, std, n }: AuditFlags): PublishedRow {
  if (values === undefined) {
    const expected = "--values, or a CSV file";
    throw unexpected("input", { code: "FLAG", expected, name: "study audit", got: undefined });
  }
  return { values, mean, std, n };
}

async function fromFile(path: string): Promise<{ name: string; row: PublishedRow }[]> {
  const rows: { name: string; row: PublishedRow }[] = [];
  let header: readonly string[] | undefined;
  for await (const { record, row } of readRecords(path)) {
    if (header === undefined) {
      header = record;
      if (header.includes("values")) continue;
      const got = header.join(", ");
      throw unexpected("data", {
        code: "CSV_COLUMNS",
        expected: "column values",
        name: path,
        got,
        where: `${path}:1`,
      });
    }
    const of = (name: string) => record[header!.indexOf(name)]?.trim() || undefined;
    const n = of("n");
    const values = (of("values") ?? "").split(/[\s;]+/).filter((text) => text !== "");
    const published = {
      mean: of("mean"),
      std: of("std"),
      n: n === undefined ? undefined : (decimal(n) ?? Number.NaN),
    };
    rows.push({ name: `${of("name") ?? `row ${row}`}: `, row: { values, ...published } });
  }
  return rows;
}

function formatFinding(name: string, { what, consistent, expected, published }: AuditFinding): string {
  const verdict = consistent ? "agrees" : "does not follow";
  return visible(`${name}${what} ${published} ${verdict}: ${expected}`);
}
