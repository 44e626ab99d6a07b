// `facehand release retract`: a new version of a dataset without one person.
import type { Command } from "commander";
import { startProgress } from "../../core/progress.ts";
import { visible } from "../../core/visible.ts";
import { keyedPseudonyms } from "../../dataset/pseudonyms.ts";
import { openHashKey } from "../../release/hash-key.ts";
import type { Retracted } from "../../release/retract/options.ts";
import { retract } from "../../release/retract/retract.ts";
import { BEYOND } from "../../release/retract/sign-off.ts";
import { count } from "../../report/figure-text.ts";
import { type Context, jsonOption, repeated, verb } from "../context.ts";
import { checkWithProgress } from "../data/check.ts";
import { packageVersion } from "../version.ts";
import { DATE, matching, VERSION } from "./forms.ts";

interface Flags {
  readonly subject: string;
  readonly key?: string | undefined;
  readonly reason?: string | undefined;
  readonly runs?: string[] | undefined;
  readonly release?: string | undefined;
  readonly date?: string | undefined;
  readonly out: string;
  readonly json?: boolean | undefined;
}

/** `facehand release retract`. */
export function retractCommand(context: Context): Command {
  return verb(
    "retract",
    "write a new version of a dataset without one person, and list the models that saw them",
  )
    .argument("<dir>", "dataset folder (with train.csv, val.csv, test.csv), or its parent")
    .requiredOption("--subject <id>", "whom to take out: user_id as in the tables, or by --key the other id")
    .requiredOption("--out <dir>", "new folder; appears complete or not at all")
    .option(
      "--key <file>",
      "key of a bundle with hashed ids: --subject may be its id of the person in a dataset of original ids, or the original id in a dataset of hashed ones",
    )
    .option("--reason <text>", "why, for the changelog; must not name the person")
    .option(
      "--runs <dir>",
      "folder to search for runs, checkpoints and predictions that saw the person; repeatable",
      repeated,
    )
    .option(
      "--release <version>",
      "version of the new dataset (default: the next minor one of release.json, if there is one)",
      matching("--release", VERSION),
    )
    .option("--date <yyyy-mm-dd>", "day of the changelog's entry", matching("--date", DATE))
    .addOption(jsonOption())
    .action(async (dir: string, flags: Flags) => {
      const made = await retractWithProgress(context, dir, flags);
      context.print(
        flags.json === true
          ? JSON.stringify({ out: flags.out, ...made, cannotBeErasedHere: BEYOND }, null, 2)
          : retractedText(made, flags),
      );
    });
}

async function retractWithProgress(context: Context, dir: string, flags: Flags): Promise<Retracted> {
  const { subject, key: file, reason, runs, release: version, date, out } = flags;
  const key = file === undefined ? undefined : await openHashKey(file, out);
  const checked = await checkWithProgress(context, dir);
  const { signal, report } = context;
  const progress = startProgress("retract", checked.images, { unit: "images" });
  let begun = false;
  try {
    return await retract(checked, out, {
      ...{ subject, reason, runs, version, date, signal, madeBy: packageVersion() },
      pseudonyms: key && keyedPseudonyms(key.key),
      onFile: () => {
        if (!begun)
          report(visible(`retract: ${count(checked.images)} images of ${checked.root}, into ${out}`));
        begun = true; // not before: what is refused has begun nothing
        progress.tick();
      },
    });
  } finally {
    progress.done();
  }
}

function retractedText(made: Retracted, { out, runs = [] }: Flags): string {
  const { pairs, subjects, taken, version, lookAlikes, leftOut, seen, beside } = made;
  const name = version === null ? "" : `, version ${version}`;
  const alike =
    taken.alike === 0 ? "" : `, ${taken.alike} of them under other ids, which show the same photographs`;
  const models =
    runs.length === 0
      ? "not searched: give --runs with the folders of runs and models"
      : `${seen.certain.length} saw the person, ${seen.possible.length} may have; ${seen.files} files searched`;
  const rest = (name: string, all: readonly string[], what: string) =>
    all.length === 0 ? [] : [`${name} ${all.join(", ")}: ${what}`];
  return [
    `retracted ${taken.pairs} pairs and ${taken.frames} frames of one subject${alike}`,
    `new       ${pairs} pairs of ${subjects} subjects in ${out}${name}; nobody else changed splits`,
    ...rest(
      "review   ",
      lookAlikes,
      "pictures like theirs; if they show the person, retract that subject too",
    ),
    ...rest("left out ", leftOut, "make these again from the new version"),
    `models    ${models}`,
    `to sign   ${beside.filter((path) => path.endsWith(".md")).join(", ")}`,
    "",
    "What this cannot erase:",
    ...BEYOND.map((text) => `- ${text}`),
  ]
    .map(visible)
    .join("\n");
}
