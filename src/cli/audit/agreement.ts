// `facehand audit agreement`: how far people who judged the same pairs agree, and the label error estimated from that.
import type { Command } from "commander";
import { type AuditSummary, summarizeAudit } from "../../audit/summary.ts";
import { REPLICATES } from "../../evaluate/intervals/intervals.ts";
import {
  AGREEMENT_HEAD,
  AGREEMENT_NOTE,
  agreementCells,
  labelErrorText,
  NO_AGREEMENT,
} from "../../report/audit.ts";
import { alignColumns, LABEL_NOTE, TOO_SMALL } from "../../report/figure-text.ts";
import { type Context, jsonOption, minSubjectsOption, verb, wholeNumber } from "../context.ts";
import { openLog } from "./open-log.ts";

interface Flags {
  readonly bootstrap: number;
  readonly minSubjects: number;
  readonly json?: boolean | undefined;
}

/** `facehand audit agreement`. */
export function auditAgreementCommand({ print }: Context): Command {
  return verb(
    "agreement",
    "print percent agreement, Cohen's kappa, Krippendorff's alpha, and the estimated label error",
  )
    .argument("<log>", "log of judgements, annotations.jsonl")
    .option(
      "--bootstrap <n>",
      "bootstrap draws over subjects, for the intervals",
      wholeNumber("--bootstrap", 100, 1_000_000),
      REPLICATES,
    )
    .addOption(minSubjectsOption())
    .addOption(jsonOption())
    .action(async (path: string, { bootstrap, minSubjects, json }: Flags) => {
      const { log, heading, unfinishedBytes } = await openLog(path);
      const summary = summarizeAudit(log, { replicates: bootstrap, minSubjects });
      const { reverted, replaced } = log;
      const found = { note: LABEL_NOTE, ...summary, reverted, replaced, unfinishedBytes };
      print(json === true ? JSON.stringify(found, null, 2) : text(heading, summary, minSubjects));
    });
}

function text(heading: string, { rows, errors, perThing }: AuditSummary, minSubjects: number): string {
  const shown = rows.filter(({ small }) => !small);
  const small = rows.length - shown.length;
  return [
    `${heading} ${perThing.toFixed(2)} judgements each.`,
    ...(rows.length === 0 ? [NO_AGREEMENT] : []),
    ...(shown.length === 0 ? [] : [alignColumns([[...AGREEMENT_HEAD], ...shown.map(agreementCells)])]),
    ...(small === 0
      ? []
      : [`${small} rows rest on fewer than ${minSubjects} subjects: ${TOO_SMALL} for a figure.`]),
    ...errors.map(labelErrorText),
    AGREEMENT_NOTE,
    LABEL_NOTE,
  ].join("\n");
}
