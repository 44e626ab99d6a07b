// `data repair --apply`: carries a plan out so that a kill at any moment leaves either the old dataset, or one that
// the same command finishes. Source: redo logging. New files are written into `.repair/new`; then `.repair/moves.json`
// lists the renames to be made; from there on the repair is only ever finished, never begun again.
// Invariant: every step is one rename; images are moved, never deleted; `removed/repairs.csv` has every change.
import { rename, rm, rmdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { z } from "zod";
import { AppError, hasErrno, Interrupted, isNotFound } from "../../core/errors.ts";
import { COLUMNS, type Split } from "../../core/words.ts";
import { readCsv, writeCsv } from "../../formats/csv.ts";
import { exists, readJson, sha256File, writeJson } from "../../machine/files.ts";
import { withLock } from "../../machine/lock.ts";
import { makeFolders } from "../../machine/make-folders.ts";
import { placeBelow } from "../../machine/true-path.ts";
import { readManifest } from "../manifest.ts";
import type { RepairPlan } from "./repair-plan.ts";

const WORK = ".repair";
const LEDGER = "removed/repairs.csv";
export const REPAIR_COLUMNS = ["what", "file", "row", "reason", "before", "after"] as const;

const movesSchema = z.strictObject({
  format: z.literal("facehand-repair/1"),
  moves: z.array(z.strictObject({ from: z.string(), to: z.string(), replaces: z.boolean() })),
});
type Moves = z.output<typeof movesSchema>["moves"];

/** How a repair is watched and stopped. */
export interface RepairOptions {
  /** Called after each file that was moved. */
  readonly onMove?: (() => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** True if a repair was begun and not finished: `finishRepair` has to come first. */
export async function isRepairPending(root: string): Promise<boolean> {
  return await exists(join(root, WORK, "moves.json"));
}

/**
 * Carries a plan out.
 *
 * @throws Interrupted after the signal, AppError("data", "REPAIR_TARGET") if a file stands where one is moved to;
 *   both leave a repair that the next call finishes
 */
export function applyRepair(plan: RepairPlan, options: RepairOptions = {}): Promise<void> {
  const { root } = plan.layout;
  return withLock(root, `the dataset ${root}`, () => apply(plan, options));
}

async function apply(plan: RepairPlan, options: RepairOptions): Promise<void> {
  const { layout } = plan;
  const work = join(layout.root, WORK);
  await rm(work, { recursive: true, force: true }); // begun, but nothing was moved yet
  const replaced = await writeNew(plan, join(work, "new"));
  const moves: Moves = [
    ...plan.moves
      .filter(({ from }) => !isFolderMove(plan, from))
      .map((move) => ({ ...move, replaces: false })),
    ...replaced.map((name) => ({ from: `${WORK}/new/${name}`, to: name, replaces: true })),
    ...plan.moves
      .filter(({ from }) => isFolderMove(plan, from))
      .map((move) => ({ ...move, replaces: false })),
  ];
  await writeJson(join(work, "moves.json"), { format: "facehand-repair/1", moves });
  await finishRepair(layout.root, options);
}

/** The folder of the images goes last: until then images have their old paths. */
const isFolderMove = ({ repairs }: RepairPlan, from: string) =>
  repairs.some(({ what, before }) => what === "folder" && before === from);

/**
 * Continues a repair that was stopped; does nothing if there is none.
 *
 * @throws AppError("input", "LOCKED"), and as applyRepair
 */
export async function finishRepair(root: string, options: RepairOptions = {}): Promise<void> {
  if (!(await isRepairPending(root))) return;
  await withLock(root, `the dataset ${root}`, () => finish(root, options));
}

async function finish(root: string, { onMove, signal }: RepairOptions): Promise<void> {
  const journal = join(root, WORK, "moves.json");
  const { moves } = await readJson(journal, movesSchema, "the journal of a repair");
  for (const name of moves.flatMap(({ from, to }) => [from, to])) placeBelow(root, name, journal);
  for (const move of moves) {
    if (signal?.aborted === true) throw new Interrupted("Stopped; the same command finishes the repair");
    await makeMove(root, move);
    onMove?.();
  }
  await rmEmpty(join(root, "images", "content", "content"));
  await rm(join(root, WORK), { recursive: true, force: true });
}

async function makeMove(root: string, { from, to, replaces }: Moves[number]): Promise<void> {
  const [source, target] = [join(root, from), join(root, to)];
  if (!(await exists(source))) return; // made before the repair was stopped
  if (!replaces && (await exists(target))) {
    const message = `Expected nothing at ${target}, where ${from} is moved to, got a file or folder`;
    throw new AppError("data", "REPAIR_TARGET", message, {
      hint: "move it away, then repair again with --apply",
    });
  }
  await makeFolders(dirname(target));
  await rename(source, target);
}

async function rmEmpty(folder: string): Promise<void> {
  try {
    await rmdir(folder);
  } catch (error) {
    if (!isNotFound(error) && !hasErrno(error, "ENOTEMPTY")) throw error;
  }
}

/** Writes what replaces files of the dataset; names relative to it. */
async function writeNew(plan: RepairPlan, folder: string): Promise<string[]> {
  const names: string[] = [];
  for (const [split, rows] of plan.tables) {
    await writeCsv(
      join(folder, `${split}.csv`),
      COLUMNS,
      rows.map(({ cells }) => cells),
    );
    names.push(`${split}.csv`);
  }
  await writeCsv(join(folder, LEDGER), REPAIR_COLUMNS, await ledgerRows(plan));
  names.push(LEDGER);
  if (await writeManifest(plan, folder)) names.push("manifest.json");
  return names;
}

type LedgerRow = Readonly<Record<(typeof REPAIR_COLUMNS)[number], string | number>>;

async function ledgerRows({ layout, repairs }: RepairPlan): Promise<LedgerRow[]> {
  const rows: LedgerRow[] = [];
  const before = join(layout.root, LEDGER);
  if (await exists(before)) {
    for await (const { values } of readCsv(before, REPAIR_COLUMNS)) rows.push(values);
  }
  return [...rows, ...repairs.map((repair) => ({ ...repair }))];
}

/**
 * A derived dataset's manifest has the hashes of its tables, and from now on records that they were repaired. A table that
 * was not the manifest's before is not made to be: either the repair gave it back, or it still has to be explained.
 */
async function writeManifest({ layout, tables, repairs }: RepairPlan, folder: string): Promise<boolean> {
  const manifest = await readManifest(layout.root);
  const files = { ...manifest?.files };
  const pairs = { ...manifest?.counts.pairs } as Record<Split, number>;
  const subjects = { ...manifest?.counts.subjects } as Record<Split, number>;
  let changed = false;
  for (const [split, rows] of tables) {
    const name = `${split}.csv`;
    const after = await sha256File(join(folder, name));
    if (after === files[name] || (await sha256File(layout.csv[split])) !== files[name]) continue;
    changed = true;
    files[name] = after;
    pairs[split] = rows.length;
    subjects[split] = new Set(rows.map(({ cells }) => cells.user_id)).size;
  }
  if (manifest === undefined || !changed) return false;
  const changes = (manifest.repaired?.changes ?? 0) + repairs.length;
  const repaired = { changes, ledger: await sha256File(join(folder, LEDGER)) };
  const counts = { ...manifest.counts, pairs, subjects };
  await writeJson(join(folder, "manifest.json"), { ...manifest, counts, files, repaired });
  return true;
}
