// `facehand derive report`: a self-contained page of what a derivation kept and removed, with images.
// Invariant: of the ledger only the frames that are shown are in memory.
import type { Command } from "commander";
import { unexpected } from "../../core/errors.ts";
import { MODALITIES, type Modality } from "../../core/words.ts";
import { cleanedFolder, type Layout, locate } from "../../dataset/layout.ts";
import { type Manifest, readManifest } from "../../dataset/manifest.ts";
import { RULE_NAMES, type RuleName, ruleOf } from "../../derive/judge/clean.ts";
import { cropName } from "../../derive/run/work.ts";
import { exists, readBytes, writeAtomic } from "../../machine/files.ts";
import { checkApart } from "../../machine/true-path.ts";
import { decodeImage, encodeJpeg } from "../../pixels/image.ts";
import { resizeBilinear } from "../../pixels/pixels.ts";
import { ledgerLosses } from "../../report/ledger/losses.ts";
import { type LedgerPicture, type LedgerReportInput, ledgerReport } from "../../report/ledger/page.ts";
import { type Chosen, chooseRows, type Group, type ShownRow } from "../../report/ledger/rows.ts";
import { type Context, minSubjectsOption, verb, wholeNumber } from "../context.ts";

/** Side of the images in the report, px. */
const PICTURE_PX = 160;
export const REPORT_EXAMPLES = 12;

interface Flags {
  readonly out: string;
  readonly examples: number;
  readonly minSubjects: number;
}

/** `facehand derive report`. */
export function deriveReportCommand({ print }: Context): Command {
  return verb(
    "report",
    "write a page about what a derivation kept and removed, with images from both sides of each rule",
  )
    .argument("<dir>", "a derived dataset")
    .requiredOption("--out <html>", "file to write; it shows people if the dataset does")
    .option(
      "--examples <n>",
      "images for each side of each rule",
      wholeNumber("--examples", 1, 500),
      REPORT_EXAMPLES,
    )
    .addOption(minSubjectsOption())
    .action(async (dir: string, { out, examples, minSubjects }: Flags) => {
      await writeLedgerReport(dir, out, { examples, minSubjects });
      print(`report    ${out}`);
    });
}

/**
 * Writes the report of a derived dataset.
 *
 * @param options - images for each rule and side, and how few subjects a rate may rest on
 * @throws AppError("data", "NOT_DERIVED") if the dataset has no ledger; AppError("data", "FILE_MISSING")
 */
export async function writeLedgerReport(
  dir: string,
  out: string,
  { examples, minSubjects }: { readonly examples: number; readonly minSubjects?: number | undefined },
): Promise<void> {
  const layout = await locate(dir);
  checkApart(out, [layout.root]);
  const manifest = await readManifest(layout.root);
  if (manifest === undefined) {
    const e = { code: "NOT_DERIVED", expected: "a dataset with manifest.json", name: "the report" };
    throw unexpected("data", { ...e, got: "none", where: layout.root, hint: "derive it with this program" });
  }
  const chosen = await chooseRows(layout.ledger, manifest, examples);
  const losses = await ledgerLosses(layout.ledger, { minSubjects });
  await writeAtomic(out, ledgerReport({ ...(await illustrate(layout, manifest, chosen)), losses }));
}

async function illustrate(
  layout: Layout,
  manifest: Manifest,
  chosen: Chosen,
): Promise<Omit<LedgerReportInput, "losses">> {
  const show = (rows: readonly ShownRow[], name?: RuleName) =>
    Promise.all(rows.map((row) => illustrateRow(layout, row, name)));
  const groups = (map: ReadonlyMap<string, Group>) =>
    Promise.all(
      [...map].map(async ([title, { frames, rows }]) => ({ title, frames, pictures: await show(rows) })),
    );
  return {
    manifest,
    kept: await show(chosen.kept),
    rules: await Promise.all(
      RULE_NAMES.map(async (name) => {
        const { reason, title, removes, beside = false } = ruleOf(name);
        const { removed, kept } = chosen.ruled[name];
        return {
          ...{ name, reason, title, removes, threshold: manifest.rules[name] ?? null },
          beside,
          removedFrames: removed.frames,
          removed: await show(removed.rows, name),
          kept: await show(kept.rows, name),
        };
      }),
    ),
    others: await groups(chosen.others),
    decided: await groups(chosen.decided),
  };
}

async function illustrateRow(
  layout: Layout,
  { row, facts }: ShownRow,
  name: RuleName | undefined,
): Promise<LedgerPicture> {
  const pictures: Partial<Record<Modality, Uint8Array>> = {};
  for (const modality of MODALITIES) {
    const folder = row.status === "kept" ? layout.images[modality] : cleanedFolder(layout, modality);
    const jpeg = await readIfThere(`${folder}/${cropName(modality, row.image_id)}`);
    if (jpeg === undefined) continue;
    const small = resizeBilinear(await decodeImage(jpeg), PICTURE_PX, PICTURE_PX);
    pictures[modality] = await encodeJpeg(small, { quality: 80 });
  }
  const value = name === undefined ? undefined : ruleOf(name).value(facts);
  const measured = value === undefined || row.detail !== "" ? row.detail : `${name} ${value}`;
  const parts = [row.gesture, measured, row.image_id]; // the id: what a decision names
  return { ...pictures, caption: parts.filter((part) => part !== "").join(", ") };
}

async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  return (await exists(path)) ? await readBytes(path, "a crop") : undefined;
}
