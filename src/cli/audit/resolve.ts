// `facehand audit resolve`: agreed judgements as a decisions file for `derive --decisions`.
import type { Command } from "commander";
import { DECISION_COLUMNS, resolveAudit } from "../../audit/resolve.ts";
import { writeCsv } from "../../formats/csv.ts";
import { checkApart } from "../../machine/true-path.ts";
import { count, LABEL_NOTE } from "../../report/figure-text.ts";
import { type Context, verb } from "../context.ts";
import { openLog } from "./open-log.ts";

/** `facehand audit resolve`. */
export function auditResolveCommand({ print }: Context): Command {
  return verb("resolve", "write a decisions file of what people agree on; refused while there are disputes")
    .argument("<log>", "log of judgements, annotations.jsonl")
    .requiredOption("--out <csv>", "decisions file for derive; it names the annotators, so do not publish it")
    .action(async (path: string, { out }: { readonly out: string }) => {
      checkApart(out, [path]);
      const { log, heading } = await openLog(path);
      const { decisions, alone, confirmed, open } = resolveAudit(log);
      await writeCsv(out, DECISION_COLUMNS, decisions);
      print(
        [
          heading,
          `${count(decisions.length)} decisions, ${count(alone)} of them by one person alone; ` +
            `${count(confirmed)} stay as recorded, ${count(open)} are open.`,
          `written to ${out}`,
          LABEL_NOTE,
        ].join("\n"),
      );
    });
}
