// Manifest, ledger and logs of the version without a person. Invariants: counts and hashes are those of what is written; splits
// stay; a manifest whose decisions change gets the hash of what is left of them.
import { join } from "node:path";
import { SPLITS, type Split } from "../../core/words.ts";
import type { ScannedRow } from "../../dataset/check/tables.ts";
import { rewriteLedger, type TextRow } from "../../dataset/export/publish.ts";
import { type Layout, planLayout } from "../../dataset/layout.ts";
import type { LedgerColumn } from "../../dataset/ledger-columns.ts";
import { hashDerivation, type Manifest, readManifest } from "../../dataset/manifest.ts";
import { pairOf } from "../../dataset/pair-cells.ts";
import type { Erasure } from "../../derive/judge/erase.ts";
import { BalanceTally } from "../../derive/tables/balance.ts";
import { type LedgerCounts, LedgerTally } from "../../derive/tables/ledger.ts";
import { readCsv } from "../../formats/csv.ts";
import { exists, sha256File, writeAtomic, writeJson } from "../../machine/files.ts";
import type { Taken } from "./taken.ts";
import { isOf, judgementsWithout, tableWithout } from "./texts.ts";

/** Files that people may have laid beside the tables, and how each is written without the person. */
const LOGS: Readonly<Record<string, (path: string, erasure: Erasure) => Promise<string>>> = {
  "decisions.csv": (path, erasure) => tableWithout(path, erasure, isOf(erasure)),
  "annotations.jsonl": judgementsWithout,
};

/** Of a repair; its place is below the dataset. */
const REPAIRS = "removed/repairs.csv";

/** Files that are written again by `writeLogs`, where they are. */
export const REWRITTEN: readonly string[] = [...Object.keys(LOGS), REPAIRS];

/** Writes logs without the person. */
export async function writeLogs({ root }: Layout, dir: string, erasure: Erasure): Promise<void> {
  for (const [name, without] of Object.entries(LOGS)) {
    const path = join(root, name);
    if (await exists(path)) await writeAtomic(join(dir, name), await without(path, erasure));
  }
  const repairs = join(root, REPAIRS);
  if (!(await exists(repairs))) return;
  const isAbout = (row: Readonly<Record<string, string>>) =>
    Object.values(row).some((cell) => erasure.clean(cell, true) !== cell);
  await writeAtomic(join(dir, REPAIRS), await tableWithout(repairs, erasure, isAbout));
}

/**
 * Writes the ledger without the person.
 *
 * @returns its counts, and the ids of frames that cleaning removed; no counts where there is no ledger
 */
export async function writeLedger(
  layout: Layout,
  dir: string,
  erasure: Erasure,
): Promise<{ readonly counts?: LedgerCounts; readonly removed: ReadonlySet<string> }> {
  const tally = new LedgerTally();
  const removed = new Set<string>();
  const rowsOf = async function* (columns: readonly LedgerColumn[]): AsyncGenerator<TextRow> {
    for await (const { values } of readCsv(layout.ledger, columns)) {
      const row = withoutPerson(values, erasure);
      if (row === undefined) continue;
      tally.add({ ...EMPTY, ...row });
      if (row.status === "removed") removed.add(row.image_id ?? "");
      yield row;
    }
  };
  const written = await rewriteLedger(layout, dir, rowsOf);
  return written.length === 0 ? { removed } : { counts: tally.counts, removed };
}

const EMPTY = { status: "", reason: "", overruled: "", hand_from: "", annotated_in: "", decision: "" };
/** Columns of a ledger in which people or rules wrote words. */
const WRITTEN = ["detail", "decided_by", "decided_why"] as const;

function withoutPerson(row: TextRow, erasure: Erasure): TextRow | undefined {
  const { image_id: imageId = "", user_id: userId = "" } = row;
  if (erasure.has({ imageId, userId })) return undefined;
  const out = { ...row };
  for (const column of WRITTEN)
    if (out[column]) out[column] = erasure.clean(out[column], column === "detail");
  if (out.twin && erasure.names(out.twin)) out.twin = "";
  return out;
}

/** Writes the manifest of what was written into `dir`; nothing where the dataset has none. */
export async function writeManifest(
  layout: Layout,
  dir: string,
  { stay, gone, frames, alike, erasure }: Taken,
  ledger: LedgerCounts | undefined,
): Promise<Manifest | undefined> {
  const before = await readManifest(layout.root);
  if (before === undefined) return undefined;
  const source = withoutDecisions(before.source, erasure);
  const changed = JSON.stringify(source) !== JSON.stringify(before.source);
  const files: Record<string, string> = {};
  for (const name of Object.keys(before.files)) files[name] = await sha256File(join(dir, name));
  const { subjects, frames: out } = before.retracted ?? { subjects: 0, frames: 0 };
  const after: Manifest = {
    ...before,
    source,
    derivationHash: changed ? hashDerivation({ ...before, source }) : before.derivationHash,
    counts: {
      ...before.counts,
      ...countsOf(before, stay, ledger, gone.length),
      ...decided(before, source, ledger),
    },
    balance: balanceOf(stay),
    files,
    retracted: { subjects: subjects + 1, frames: out + frames + alike },
    ...(before.repaired && { repaired: { ...before.repaired, ledger: await repairsHash(before, dir) } }),
  };
  await writeJson(planLayout(dir).manifest, after);
  return after;
}

async function repairsHash({ repaired }: Manifest, dir: string): Promise<string> {
  const path = join(dir, REPAIRS);
  return (await exists(path)) ? await sha256File(path) : repaired!.ledger;
}

type Source = Manifest["source"];

/** Decisions about others, without the person's ids in what was written. */
function withoutDecisions(source: Source, erasure: Erasure): Source {
  const { decisions } = source;
  if (decisions === undefined) return source;
  const isGone = isOf(erasure);
  const stay = decisions
    .filter((one) => !isGone(one))
    .map((one) => {
      const written = (["who", "why"] as const).filter((key) => one[key] !== undefined);
      return { ...one, ...Object.fromEntries(written.map((key) => [key, erasure.clean(one[key]!)])) };
    });
  return { ...source, decisions: stay };
}

type Counts = Manifest["counts"];

function countsOf(
  { counts }: Manifest,
  stay: readonly ScannedRow[],
  ledger: LedgerCounts | undefined,
  gone: number,
): Partial<Counts> {
  const pairs: Record<Split, number> = { train: 0, val: 0, test: 0 };
  const subjects = { train: new Set<string>(), val: new Set<string>(), test: new Set<string>() };
  for (const { split, cells } of stay) {
    pairs[split]++;
    subjects[split].add(cells.user_id);
  }
  const sizes = Object.fromEntries(
    SPLITS.map((split) => [split, subjects[split].size]),
  ) as Counts["subjects"];
  const tables = { pairs, subjects: sizes };
  if (ledger === undefined) return { ...tables, frames: counts.frames - gone, kept: counts.kept - gone };
  const { frames, kept, removed, restored, hands, annotatedIn } = ledger;
  return {
    ...tables,
    ...{ frames, kept, removed, restored, hands },
    ...(counts.annotatedIn && { annotatedIn }),
  };
}

function decided(
  { counts }: Manifest,
  { decisions }: Source,
  ledger: LedgerCounts | undefined,
): Partial<Counts> {
  const { frames, ...before } = counts.decisions;
  return {
    decisions: { ...before, inFile: decisions?.length ?? 0, frames: ledger?.decided ?? frames },
  };
}

function balanceOf(rows: readonly ScannedRow[]): Manifest["balance"] {
  const tally = new BalanceTally();
  for (const { split, cells, place } of rows) tally.add(split, pairOf(cells, `${place.file}:${place.row}`));
  return tally.result();
}
