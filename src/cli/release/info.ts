// What the verbs of `release` are given by the publisher: flags, answers, and a log of judgements.
import { type Command, Option } from "commander";
import { readAnnotations } from "../../audit/log.ts";
import { standing } from "../../audit/standing.ts";
import { summarizeAudit } from "../../audit/summary.ts";
import { unexpected } from "../../core/errors.ts";
import type { CheckedDataset } from "../../dataset/check/check.ts";
import { locate } from "../../dataset/layout.ts";
import { readManifest } from "../../dataset/manifest.ts";
import { readAnswers } from "../../release/answers.ts";
import type { ReleaseInfo } from "../../release/facts.ts";
import { chooseLicence, type LicenceChoice } from "../../release/licence.ts";
import { auditFields } from "../../release/rai.ts";
import { DATE, matching, URL_FORM, VERSION } from "./forms.ts";

/** What only the publisher knows. */
export interface InfoFlags {
  readonly licence?: string | undefined;
  readonly release: string;
  readonly date: string;
  readonly creator: string;
  readonly url: string;
  readonly title?: string | undefined;
  readonly annotations?: string | undefined;
  readonly answers?: string | undefined;
}

/** Flags for what only the publisher knows. */
export function withInfo(command: Command): Command {
  return command
    .argument("<dir>", "dataset folder (with train.csv, val.csv, test.csv), or its parent")
    .option("--licence <choice>", "hagrid for data derived from HaGRID, drawn for the drawn sample")
    .requiredOption(
      "--release <version>",
      "version of the dataset, e.g. 1.0.0",
      matching("--release", VERSION),
    )
    .requiredOption("--date <yyyy-mm-dd>", "day of publication", matching("--date", DATE))
    .requiredOption("--creator <name>", "who publishes it")
    .requiredOption("--url <url>", "where it is published", matching("--url", URL_FORM))
    .option("--title <name>", "name of the dataset (default: one that states where its images come from)")
    .option("--answers <file>", "YAML with answers to open questions, as release questions writes it");
}

const TITLES: Readonly<Record<LicenceChoice, string>> = {
  hagrid: "Face-hand pairs derived from HaGRID",
  drawn: "Face-hand pairs of drawn people",
};
/** Statements of the publisher; the licence is judged before any image is opened. */
export async function infoOf(dir: string, flags: InfoFlags): Promise<ReleaseInfo> {
  const manifest = await readManifest((await locate(dir)).root);
  const licence = chooseLicence(flags.licence, manifest?.drawn === true);
  const { title: name = TITLES[licence], release: version, date, creator, url } = flags;
  const answers = flags.answers === undefined ? undefined : await readAnswers(flags.answers);
  return { name, version, date, creator, url, licence, answers };
}

/** Of the verbs whose metadata a log of judgements completes. */
export const annotationsOption = () =>
  new Option(
    "--annotations <log>",
    "log of people's judgements of the pairs, for agreement and label error in the metadata",
  );

/** Refuses a log of another dataset. */
export async function withAudit(
  info: ReleaseInfo,
  path: string | undefined,
  { pairs, root }: CheckedDataset,
): Promise<ReleaseInfo> {
  if (path === undefined) return info;
  const { lines } = await readAnnotations(path);
  const log = standing(lines, path);
  const known = new Set(pairs.map(({ subject }) => subject));
  if (log.judgements.some(({ user_id: user }) => known.has(user)))
    return { ...info, rai: auditFields(summarizeAudit(log)) };
  const expected = `judgements of subjects of ${root}`;
  const e = { code: "AUDIT_OTHER", expected, name: "--annotations", got: "none of them", where: path };
  throw unexpected("data", { ...e, hint: "give the log of this dataset, with its own ids" });
}
