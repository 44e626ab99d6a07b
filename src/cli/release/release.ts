// `facehand release ...`: what is needed to publish a dataset.
import type { Command } from "commander";
import { AppError, unexpected } from "../../core/errors.ts";
import { startProgress } from "../../core/progress.ts";
import { visible } from "../../core/visible.ts";
import type { CheckedDataset } from "../../dataset/check/check.ts";
import { keyedPseudonyms } from "../../dataset/pseudonyms.ts";
import { refuseErased } from "../../derive/judge/remains.ts";
import { writeAtomic } from "../../machine/files.ts";
import { withLock } from "../../machine/lock.ts";
import { checkApart } from "../../machine/true-path.ts";
import { checkAnswers } from "../../release/answers.ts";
import { type BundleNote, croissantOf, writeBundle } from "../../release/bundle.ts";
import { cardFiles } from "../../release/card-files.ts";
import { datasetCard } from "../../release/dataset-card.ts";
import { datasetFacts } from "../../release/facts.ts";
import { type HashKey, openHashKey } from "../../release/hash-key.ts";
import { count } from "../../report/figure-text.ts";
import { writeStaticPage } from "../../server/static-page.ts";
import { type Context, jsonOption, verb } from "../context.ts";
import { checkWithProgress } from "../data/check.ts";
import { erasesText, refusingOption } from "../erases.ts";
import { packageVersion } from "../version.ts";
import { annotationsOption, type InfoFlags, infoOf, withAudit, withInfo } from "./info.ts";
import { pushCommand } from "./push.ts";
import { questionsCommand } from "./questions.ts";
import { retractCommand } from "./retract.ts";
import { spaceCommand } from "./space.ts";

/** `facehand release`. */
export function releaseCommand(context: Context): Command {
  return verb(
    "release",
    "publish a dataset: bundle, page, card, Croissant metadata, or without one person; or a model's page",
  )
    .addCommand(questionsCommand(context))
    .addCommand(bundleCommand(context))
    .addCommand(pushCommand(context))
    .addCommand(pageCommand(context))
    .addCommand(spaceCommand(context))
    .addCommand(retractCommand(context))
    .addCommand(cardCommand(context))
    .addCommand(croissantCommand(context));
}

function bundleCommand(context: Context): Command {
  return withInfo(
    verb(
      "bundle",
      "write aligned_dataset.zip, tables, Parquet, card, datasheet, Croissant, licence and hashes",
    ),
  )
    .requiredOption("--out <dir>", "new folder; appears complete or not at all")
    .option("--with-removed", "also publish the crops that cleaning removed")
    .option(
      "--no-parquet",
      "leave out the Parquet shards, which hold the pairs once more for load_dataset and the hub's viewer",
    )
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
      const { out, key: file, withRemoved = false, hashSubjects = false, decisions, parquet } = flags;
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
        const about = { madeBy: packageVersion(), withRemoved, pseudonyms, parquet };
        const note = await packing(context, checked, { out, twice: parquet }, (options) =>
          writeBundle(checked, audited, out, { ...options, ...about }),
        );
        return [note, key] as const;
      });
      context.print(
        flags.json === true
          ? JSON.stringify({ out, ...note, key: key?.path, erases }, null, 2)
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
      const made = await packing(context, checked, { out }, (options) =>
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
  readonly parquet: boolean;
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

/** Of verbs that print what a bundle would contain. */
interface PrintFlags extends InfoFlags {
  readonly out?: string | undefined;
  readonly parquet: boolean;
}

function croissantCommand(context: Context): Command {
  return withInfo(verb("croissant", "print the Croissant 1.1 metadata that a bundle would contain"))
    .option("--out <file>", "write it to this file instead")
    .option("--no-parquet", "as of a bundle without Parquet shards")
    .addOption(annotationsOption())
    .action(async (dir: string, flags: PrintFlags) => {
      const info = await infoOf(dir, flags);
      const checked = await checkWithProgress(context, dir);
      const audited = await withAudit(info, flags.annotations, checked);
      const { parquet } = flags;
      const document = await packing(context, checked, { out: undefined, twice: parquet }, (options) =>
        croissantOf(checked, audited, { ...options, parquet, madeBy: packageVersion() }),
      );
      await emit(context, JSON.stringify(document, null, 2), flags.out, checked);
    });
}

function cardCommand(context: Context): Command {
  return withInfo(verb("card", "print a dataset's card (the README.md of its bundle)"))
    .option("--out <file>", "write it to this file instead")
    .option("--no-parquet", "as of a bundle without Parquet shards")
    .action(async (dir: string, flags: PrintFlags) => {
      const info = await infoOf(dir, flags);
      const checked = await checkWithProgress(context, dir);
      if (checked.totals.serious > 0) {
        const message = `Expected no serious findings in ${checked.root}, got ${checked.totals.serious}`;
        throw new AppError("data", "CHECK_FAILED", message, { hint: `facehand data check ${checked.root}` });
      }
      const facts = await datasetFacts(checked);
      checkAnswers(info, facts);
      const { sizes, content } = await cardFiles(checked, undefined);
      const files = { sizes: flags.parquet ? sizes : undefined, content };
      await emit(context, datasetCard(info, facts, files).trimEnd(), flags.out, checked);
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
  { out, twice = false }: { readonly out: string | undefined; readonly twice?: boolean | undefined },
  work: (options: { readonly signal: AbortSignal; readonly onFile: () => void }) => Promise<T>,
): Promise<T> {
  let begun = out === undefined;
  const progress = startProgress("pack", twice ? 2 * images : images, { unit: "images" });
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
