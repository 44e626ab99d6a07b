// `facehand release ...`: what is needed to publish a dataset.
import { type Command, Option } from "commander";
import { readAnnotations } from "../../audit/log.ts";
import { standing } from "../../audit/standing.ts";
import { summarizeAudit } from "../../audit/summary.ts";
import { AppError, unexpected } from "../../core/errors.ts";
import { startProgress } from "../../core/progress.ts";
import { visible } from "../../core/visible.ts";
import type { CheckedDataset } from "../../dataset/check/check.ts";
import { locate } from "../../dataset/layout.ts";
import { readManifest } from "../../dataset/manifest.ts";
import { keyedPseudonyms } from "../../dataset/pseudonyms.ts";
import { refuseErased } from "../../derive/judge/remains.ts";
import { writeAtomic } from "../../machine/files.ts";
import { withLock } from "../../machine/lock.ts";
import { checkApart } from "../../machine/true-path.ts";
import { type BundleNote, croissantOf, writeBundle } from "../../release/bundle.ts";
import { datasetCard } from "../../release/dataset-card.ts";
import { datasetFacts, type ReleaseInfo } from "../../release/facts.ts";
import { type HashKey, openHashKey } from "../../release/hash-key.ts";
import { chooseLicence, type LicenceChoice } from "../../release/licence.ts";
import { auditFields } from "../../release/rai.ts";
import { count } from "../../report/figure-text.ts";
import { writeStaticPage } from "../../server/static-page.ts";
import { type Context, jsonOption, verb } from "../context.ts";
import { checkWithProgress } from "../data/check.ts";
import { erasesText, refusingOption } from "../erases.ts";
import { packageVersion } from "../version.ts";
import { spaceCommand } from "./space.ts";

/** `facehand release`. */
export function releaseCommand(context: Context): Command {
  return verb("release", "publish a dataset: bundle, page, card, Croissant metadata; or a model's page")
    .addCommand(bundleCommand(context))
    .addCommand(pageCommand(context))
    .addCommand(spaceCommand(context))
    .addCommand(cardCommand(context))
    .addCommand(croissantCommand(context));
}

interface InfoFlags {
  readonly licence?: string | undefined;
  readonly release: string;
  readonly date: string;
  readonly creator: string;
  readonly url: string;
  readonly title?: string | undefined;
  readonly annotations?: string | undefined;
}

/** Flags for what only the publisher knows. */
function withInfo(command: Command): Command {
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
    .option("--title <name>", "name of the dataset (default: one that states where its images come from)");
}

const TITLES: Readonly<Record<LicenceChoice, string>> = {
  hagrid: "Face-hand pairs derived from HaGRID",
  drawn: "Face-hand pairs of drawn people",
};
const VERSION = { pattern: /^\d+\.\d+\.\d+$/, expected: "a version such as 1.0.0" };
const DATE = {
  pattern: /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/,
  expected: "a day such as 2026-11-24",
};
const URL_FORM = { pattern: /^https?:\/\/[^\s"]+$/, expected: "an address that begins with https://" };

function matching(name: string, { pattern, expected }: typeof VERSION): (text: string) => string {
  return (text) => {
    if (pattern.test(text)) return text;
    throw unexpected("input", { code: "FLAG", expected, name, got: text });
  };
}

/** Statements of the publisher; the licence is judged before any image is opened. */
async function infoOf(dir: string, flags: InfoFlags): Promise<ReleaseInfo> {
  const manifest = await readManifest((await locate(dir)).root);
  const licence = chooseLicence(flags.licence, manifest?.drawn === true);
  const { title: name = TITLES[licence], release: version, date, creator, url } = flags;
  return { name, version, date, creator, url, licence };
}

const annotationsOption = () =>
  new Option(
    "--annotations <log>",
    "log of people's judgements of the pairs, for agreement and label error in the metadata",
  );

/** Refuses a log of another dataset. */
async function withAudit(
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

function bundleCommand(context: Context): Command {
  return withInfo(
    verb("bundle", "write aligned_dataset.zip, tables, card, datasheet, Croissant, licence and hashes"),
  )
    .requiredOption("--out <dir>", "new folder; appears complete or not at all")
    .option("--with-removed", "also publish the crops that cleaning removed")
    .option(
      "--hash-subjects",
      "replace ids of subjects, pairs and frames by their HMAC-SHA256, in tables and file names",
    )
    .option(
      "--key <file>",
      "with --hash-subjects: file with the key, 32 bytes or more (default: <out>.key, made if absent)",
    )
    .addOption(annotationsOption())
    .addOption(refusingOption())
    .addOption(jsonOption())
    .action(async (dir: string, flags: BundleFlags) => {
      const { out, key: file, withRemoved = false, hashSubjects = false, decisions } = flags;
      if (file !== undefined && !hashSubjects) {
        throw unexpected("input", {
          code: "FLAG",
          expected: "--hash-subjects",
          name: "--key",
          got: undefined,
        });
      }
      const info = await infoOf(dir, flags);
      const erases = decisions === undefined ? undefined : await refuseErased(dir, decisions);
      const checked = await checkWithProgress(context, dir);
      const audited = await withAudit(info, flags.annotations, checked);
      const [note, key] = await withLock(out, `the folder ${out}`, async () => {
        const key = hashSubjects ? await openHashKey(file, out) : undefined;
        const pseudonyms = key && keyedPseudonyms(key.key);
        const about = { madeBy: packageVersion(), withRemoved, pseudonyms };
        const note = await packing(context, checked, out, (options) =>
          writeBundle(checked, audited, out, { ...options, ...about }),
        );
        return [note, key] as const;
      });
      context.print(
        flags.json === true
          ? JSON.stringify({ out, ...note, ...(key && { key: key.path }), erases }, null, 2)
          : [bundleText(note, out, key), ...erasesText(erases, decisions)].join("\n"),
      );
    });
}

interface PageFlags extends Pick<BundleFlags, "out" | "decisions" | "json">, InfoFlags {
  readonly withPictures?: boolean | undefined;
}

function pageCommand(context: Context): Command {
  return withInfo(
    verb("page", "write the page of `facehand serve`, with this dataset's tables, as files for any web host"),
  )
    .requiredOption("--out <dir>", "new folder; appears complete or not at all")
    .option("--with-pictures", "also publish the crops of the pairs")
    .addOption(refusingOption())
    .addOption(jsonOption())
    .action(async (dir: string, flags: PageFlags) => {
      const { out, withPictures, decisions } = flags;
      const info = await infoOf(dir, flags);
      const erases = decisions === undefined ? undefined : await refuseErased(dir, decisions);
      const checked = await checkWithProgress(context, dir);
      const about = { version: packageVersion(), withPictures };
      const made = await packing(context, checked, out, (options) =>
        writeStaticPage(checked, info, out, { ...options, ...about }),
      );
      const { pairs, pictures } = made;
      const text = `${pairs} pairs in ${out}, ${pictures === 0 ? "without images" : `${pictures} images`}; any web server can serve it, also from a subfolder`;
      context.print(
        flags.json === true
          ? JSON.stringify({ out, ...made, erases }, null, 2)
          : [text, ...erasesText(erases, decisions)].join("\n"),
      );
    });
}

interface BundleFlags extends InfoFlags {
  readonly out: string;
  readonly withRemoved?: boolean | undefined;
  readonly hashSubjects?: boolean | undefined;
  readonly key?: string | undefined;
  readonly decisions?: string | undefined;
  readonly json?: boolean | undefined;
}

function bundleText(
  { pairs, subjects, info, withoutRemoved }: BundleNote,
  out: string,
  key?: HashKey,
): string {
  return [
    `${pairs} pairs of ${subjects} subjects in ${out}, ${info.name} ${info.version}; hashes in SHA256SUMS`,
    ...(withoutRemoved === 0
      ? []
      : [`${withoutRemoved} crops that cleaning removed are left out; --with-removed publishes them`]),
    ...(key === undefined
      ? []
      : [`key of the hashed ids, never to be published: ${key.path}${key.isNew ? " (made now)" : ""}`]),
  ].join("\n");
}

function croissantCommand(context: Context): Command {
  return withInfo(verb("croissant", "print the Croissant 1.1 metadata that a bundle would contain"))
    .option("--out <file>", "write it to this file instead")
    .addOption(annotationsOption())
    .action(async (dir: string, flags: InfoFlags & { readonly out?: string | undefined }) => {
      const info = await infoOf(dir, flags);
      const checked = await checkWithProgress(context, dir);
      const audited = await withAudit(info, flags.annotations, checked);
      const document = await packing(context, checked, undefined, (options) =>
        croissantOf(checked, audited, options),
      );
      await emit(context, JSON.stringify(document, null, 2), flags.out, checked);
    });
}

function cardCommand(context: Context): Command {
  return withInfo(verb("card", "print a dataset's card (the README.md of its bundle)"))
    .option("--out <file>", "write it to this file instead")
    .action(async (dir: string, flags: InfoFlags & { readonly out?: string | undefined }) => {
      const info = await infoOf(dir, flags);
      const checked = await checkWithProgress(context, dir);
      if (checked.totals.serious > 0) {
        const message = `Expected no serious findings in ${checked.root}, got ${checked.totals.serious}`;
        throw new AppError("data", "CHECK_FAILED", message, { hint: `facehand data check ${checked.root}` });
      }
      await emit(context, datasetCard(info, await datasetFacts(checked)).trimEnd(), flags.out, checked);
    });
}

async function emit(
  { print }: Context,
  text: string,
  out: string | undefined,
  { root }: CheckedDataset,
): Promise<void> {
  if (out === undefined) return print(text);
  checkApart(out, [root]);
  await writeAtomic(out, `${text}\n`);
  print(out);
}

async function packing<T>(
  { signal, report }: Context,
  { images, root }: CheckedDataset,
  out: string | undefined,
  work: (options: { readonly signal: AbortSignal; readonly onFile: () => void }) => Promise<T>,
): Promise<T> {
  let begun = out === undefined;
  const progress = startProgress("pack", images, { unit: "images" });
  try {
    return await work({
      signal,
      onFile: () => {
        if (!begun) report(visible(`pack: ${count(images)} images of ${root}, into ${out}`));
        begun = true; // not before: what is refused has begun nothing
        progress.tick();
      },
    });
  } finally {
    progress.done();
  }
}
