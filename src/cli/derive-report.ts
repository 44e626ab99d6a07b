// `facehand derive report`: a self-contained page of what a derivation kept and removed, with pictures.
// Invariant: of the ledger only the frames that are shown are held in memory.
import type { Command } from "commander";
import { unexpected } from "../core/errors.ts";
import { exists, readBytes, writeAtomic } from "../core/files.ts";
import { decodeImage, encodeJpeg } from "../data/image.ts";
import { cleanedFolder, type Layout, locate } from "../data/layout.ts";
import { type Manifest, readManifest } from "../data/manifest.ts";
import { resizeBilinear } from "../data/pixels.ts";
import { MODALITIES, type Modality } from "../data/record.ts";
import { judgedColumns, RULE_NAMES, RULES, type RuleName } from "../derive/clean.ts";
import { LEDGER_COLUMNS, type LedgerColumn } from "../derive/ledger.ts";
import { REASONS, type Reason } from "../derive/reasons.ts";
import { cropName } from "../derive/work.ts";
import { readCsv } from "../formats/csv.ts";
import { type LedgerPicture, type LedgerReportInput, ledgerReport } from "../studies/ledger-report.ts";
import { type Context, verb, wholeNumber } from "./context.ts";

type Row = Readonly<Record<LedgerColumn, string>>;

/** Side of the pictures in the report, px. */
const PICTURE_PX = 160;
export const REPORT_EXAMPLES = 12;

interface Flags {
  readonly out: string;
  readonly examples: number;
}

/** `facehand derive report`. */
export function deriveReportCommand({ print }: Context): Command {
  return verb(
    "report",
    "write a page of what a derivation kept and removed, with pictures of both sides of each rule",
  )
    .argument("<dir>", "a derived dataset")
    .requiredOption("--out <html>", "file to write; it shows people if the dataset does")
    .option("--examples <n>", "pictures a rule and side", wholeNumber("--examples", 1, 500), REPORT_EXAMPLES)
    .action(async (dir: string, { out, examples }: Flags) => {
      await writeLedgerReport(dir, out, examples);
      print(`report    ${out}`);
    });
}

/**
 * Writes the report of a derived dataset.
 *
 * @param examples - pictures for each rule and side
 * @throws AppError("data", "NOT_DERIVED") if the dataset has no ledger; AppError("data", "FILE_MISSING")
 */
export async function writeLedgerReport(dir: string, out: string, examples: number): Promise<void> {
  const layout = await locate(dir);
  const manifest = await readManifest(layout.root);
  if (manifest === undefined) {
    const e = { code: "NOT_DERIVED", expected: "a dataset with manifest.json", name: "the report" };
    throw unexpected("data", { ...e, got: "none", where: layout.root, hint: "derive it with this program" });
  }
  const chosen = await chooseRows(layout, manifest, examples);
  await writeAtomic(out, ledgerReport(await illustrate(layout, manifest, chosen)));
}

/** Keeps the `limit` rows of lowest cost, in the order of their cost. */
class Nearest {
  readonly #limit: number;
  readonly #rows: { readonly cost: number; readonly row: Row }[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  offer(row: Row, cost: number): void {
    if (this.#rows.length === this.#limit && cost >= this.#rows.at(-1)!.cost) return;
    const at = this.#rows.findIndex((other) => cost < other.cost);
    this.#rows.splice(at === -1 ? this.#rows.length : at, 0, { cost, row });
    if (this.#rows.length > this.#limit) this.#rows.pop();
  }

  get rows(): Row[] {
    return this.#rows.map(({ row }) => row);
  }
}

interface Chosen {
  readonly removed: Readonly<Record<Reason, Nearest>>;
  readonly ruled: Readonly<Record<RuleName, { readonly removed: Nearest; readonly kept: Nearest }>>;
  readonly restored: Nearest;
  readonly kept: Row[];
}

async function chooseRows(layout: Layout, manifest: Manifest, examples: number): Promise<Chosen> {
  const some = () => new Nearest(examples);
  const chosen: Chosen = {
    removed: Object.fromEntries(REASONS.map((reason) => [reason, some()])) as Chosen["removed"],
    ruled: Object.fromEntries(
      RULE_NAMES.map((name) => [name, { removed: some(), kept: some() }]),
    ) as Chosen["ruled"],
    restored: some(),
    kept: [],
  };
  const every = Math.max(1, Math.floor(manifest.counts.kept / (2 * examples)));
  let [index, kept] = [0, 0];
  for await (const { values } of readCsv(layout.ledger, LEDGER_COLUMNS)) {
    const isKept = values.status === "kept";
    if (isKept && kept++ % every === 0 && chosen.kept.length < 2 * examples) chosen.kept.push(values);
    if (values.overruled !== "") chosen.restored.offer(values, index);
    if (!isKept) chosen.removed[values.reason as Reason].offer(values, index);
    offerToRules(values, isKept, manifest, chosen);
    index++;
  }
  return chosen;
}

function offerToRules(row: Row, isKept: boolean, { rules }: Manifest, { ruled }: Chosen): void {
  for (const name of RULE_NAMES) {
    const threshold = rules[name];
    const value = judgedValue(row, name);
    if (threshold === null || threshold === undefined || value === undefined) continue;
    const far = Math.abs(value - threshold);
    if (isKept) ruled[name].kept.offer(row, far);
    else if (row.reason === RULES[name].reason && breaksAt(name, value, threshold))
      ruled[name].removed.offer(row, far);
  }
}

function breaksAt(name: RuleName, value: number, threshold: number): boolean {
  return RULES[name].removes === "below" ? value < threshold : value > threshold;
}

/** The number that a rule judges; undefined if the row has none. */
function judgedValue(row: Row, name: RuleName): number | undefined {
  const cells = judgedColumns(name)
    .map((column) => row[column as LedgerColumn])
    .filter((cell) => cell !== "");
  return cells.length === 0 ? undefined : Math.min(...cells.map(Number));
}

/** Reasons that belong to no rule. */
const OTHERS = REASONS.filter((reason) => !RULE_NAMES.some((name) => RULES[name].reason === reason));

async function illustrate(layout: Layout, manifest: Manifest, chosen: Chosen): Promise<LedgerReportInput> {
  const show = (rows: readonly Row[], name?: RuleName) =>
    Promise.all(rows.map((row) => illustrateRow(layout, row, name)));
  const { removed: counts } = manifest.counts;
  return {
    manifest,
    kept: await show(chosen.kept),
    restored: await show(chosen.restored.rows),
    rules: await Promise.all(
      RULE_NAMES.map(async (name) => {
        const { reason, about, removes } = RULES[name];
        const judged = judgedColumns(name).length > 0;
        const rows = judged ? chosen.ruled[name].removed.rows : chosen.removed[reason].rows;
        return {
          ...{ name, reason, about, removes, threshold: manifest.rules[name] ?? null },
          removedFrames: counts[reason] ?? 0,
          removed: await show(rows, name),
          kept: await show(chosen.ruled[name].kept.rows, name),
        };
      }),
    ),
    others: await Promise.all(
      OTHERS.map(async (reason) => ({
        reason,
        frames: counts[reason] ?? 0,
        pictures: await show(chosen.removed[reason].rows),
      })),
    ),
  };
}

async function illustrateRow(layout: Layout, row: Row, name: RuleName | undefined): Promise<LedgerPicture> {
  const pictures: Partial<Record<Modality, Uint8Array>> = {};
  for (const modality of MODALITIES) {
    const folder = row.status === "kept" ? layout.images[modality] : cleanedFolder(layout, modality);
    const jpeg = await readIfThere(`${folder}/${cropName(modality, row.image_id)}`);
    if (jpeg === undefined) continue;
    const small = resizeBilinear(await decodeImage(jpeg), PICTURE_PX, PICTURE_PX);
    pictures[modality] = await encodeJpeg(small, { quality: 80 });
  }
  const value = name === undefined ? undefined : judgedValue(row, name);
  const measured = value === undefined || row.detail !== "" ? row.detail : `${name} ${value}`;
  const parts = [row.gesture, measured];
  return { ...pictures, caption: parts.filter((part) => part !== "").join(", ") };
}

async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  return (await exists(path)) ? await readBytes(path, "a crop") : undefined;
}
