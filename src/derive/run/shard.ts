// One shard of a derivation: a range of its frames, worked on by itself, to be merged with the others (merge.ts).
// Source: our own. A shard's folder is a staging folder whose journal stays, with `shard.json` beside it.
// Invariant: `shard.json` is written last; with it a lost or cut file is noticed.
import { createHash } from "node:crypto";
import { readdir, rm, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { z } from "zod";
import { AppError, unexpected } from "../../core/errors.ts";
import { type Layout, planLayout } from "../../dataset/layout.ts";
import { type Derivation, hashDerivation } from "../../dataset/manifest.ts";
import { exists, readJson, sha256File, writeJson } from "../../machine/files.ts";
import type { Lock } from "../../machine/lock.ts";
import { erasesFrom } from "../judge/erase.ts";
import { countShard } from "./count.ts";
import type { DeriveOptions } from "./options.ts";
import { alone, countFrames, type FrameRange, openDerivation, workFrames } from "./pipeline.ts";
import { purge } from "./purge.ts";
import { isTemporary, markOf, openStage, publish, type Stage, shardJournal, stageAgain } from "./stage.ts";

const hash = z.string().regex(/^[0-9a-f]{64}$/, "expected 64 hex digits");
const count = z.number().int().min(0);
const recordSchema = z.strictObject({
  format: z.literal("facehand-shard/1"),
  shard: z.number().int().min(1),
  of: z.number().int().min(1),
  /** Of the whole input. */
  frames: count,
  from: count,
  to: count,
  derivationHash: hash,
  /** Distinguished from others by its hash. */
  derivation: z.custom<Derivation>((value) => typeof value === "object" && value !== null),
  /** SHA-256 of the journal. */
  journal: hash,
  /** Crops, and SHA-256 of their names and sizes. */
  images: z.strictObject({ count, sha256: hash }),
});

/** What is written of a shard. */
export type ShardRecord = z.output<typeof recordSchema>;

/** Which shard: 1 to `of`. */
export interface ShardChoice {
  readonly shard: number;
  readonly of: number;
}

/** What deriving a shard gives. */
export interface ShardResult {
  readonly record: ShardRecord;
  /** True if the shard was there already. */
  readonly alreadyComplete: boolean;
  /** Frames that this call worked on. */
  readonly worked: number;
}

const recordPath = (dir: string) => join(resolve(dir), "shard.json");

/** The frames of a shard: ranges of nearly the same length, in the order of the input. */
export function shardRange({ shard, of }: ShardChoice, frames: number): FrameRange {
  return { from: Math.floor((frames * (shard - 1)) / of), to: Math.floor((frames * shard) / of) };
}

/**
 * Derives one shard into `options.outDir`; called again after a kill, it continues.
 *
 * @throws as `derive` does; AppError("input", "SHARD_RANGE" | "OUT_OTHER"), AppError("data", "SHARD_DAMAGED")
 * @example await deriveShard({ hagridDir, gestures: "all", outDir: "shards/2", seed: 42 }, { shard: 2, of: 4 })
 */
export async function deriveShard(options: DeriveOptions, choice: ShardChoice): Promise<ShardResult> {
  const { shard, of } = choice;
  if (!(Number.isInteger(shard) && Number.isInteger(of) && shard >= 1 && shard <= of)) {
    const expected = "i/n with i from 1 to n";
    throw unexpected("input", { code: "SHARD_RANGE", expected, name: "--shard", got: `${shard}/${of}` });
  }
  return await alone(options, (lock) => deriveRange(options, choice, lock));
}

async function deriveRange(options: DeriveOptions, choice: ShardChoice, lock: Lock): Promise<ShardResult> {
  const { shard, of } = choice;
  const opened = await openDerivation(options);
  const { derivation } = opened;
  try {
    const derivationHash = hashDerivation(derivation);
    const there = await findShard(options.outDir, derivation, choice);
    if (there !== undefined) return { record: there, alreadyComplete: true, worked: 0 };
    const frames = await countFrames(options);
    const range = shardRange(choice, frames);
    const stage = await openStage(options.outDir, lock, markOf(derivation, choice), (root) =>
      purge(root, opened.erasure),
    );
    await rm(recordPath(stage.root), { force: true }); // a kill left it: it is made again from the files
    const worked = await workFrames(options, stage, opened, range);
    const record = {
      format: "facehand-shard/1" as const,
      ...{ shard, of, frames, ...range, derivationHash, derivation },
      ...(await measure(stage)),
    };
    await writeJson(recordPath(stage.root), record);
    await publish(stage, await countShard(stage), true);
    return { record, alreadyComplete: false, worked };
  } finally {
    await opened.close();
  }
}

async function measure({ journal, layout }: Pick<Stage, "journal" | "layout">) {
  const names = createHash("sha256");
  let crops = 0;
  for await (const { folder, name } of listCrops(layout)) {
    names.update(`${name} ${(await stat(join(folder, name))).size}\n`);
    crops++;
  }
  const images = { count: crops, sha256: names.digest("hex") };
  return { journal: await sha256File(journal), images };
}

/** Crops of a staged dataset, sorted by folder and name; what a kill left in the middle of a write is removed. */
export async function* listCrops({ images }: Layout): AsyncGenerator<{ folder: string; name: string }> {
  for (const folder of [images.face, images.hand]) {
    for (const name of (await readdir(folder)).sort()) {
      if (isTemporary(name)) await rm(join(folder, name));
      else yield { folder, name };
    }
  }
}

async function findShard(
  dir: string,
  derivation: Derivation,
  { shard, of }: ShardChoice,
): Promise<ShardRecord | undefined> {
  const found = await exists(dir).then((is) => (is ? readdir(dir) : []));
  if (found.length === 0) return undefined;
  const record = (await exists(recordPath(dir))) ? await readShard(dir) : undefined;
  if (record?.shard === shard && record.of === of) {
    if (record.derivationHash === hashDerivation(derivation)) return record;
    if (erasesFrom(derivation, record.derivation)) return reopen(dir, record);
  }
  const got =
    record === undefined ? "other files" : `shard ${record.shard}/${record.of} of that or another dataset`;
  const message = `Expected an empty or new folder for --out, got ${got} in ${dir}`;
  throw new AppError("input", "OUT_OTHER", message, { hint: "give another folder, or remove this one" });
}

/** Makes a finished shard a staging folder again, of which `openStage` takes what is to be erased. */
async function reopen(dir: string, { derivation, shard, of }: ShardRecord): Promise<undefined> {
  await stageAgain(dir, markOf(derivation, { shard, of }));
}

/**
 * The record of a finished shard, its files checked against it.
 *
 * @throws AppError("data", "SHARD_MISSING") if the folder is no finished shard, AppError("data", "SHARD_DAMAGED")
 *   if a file of it was lost or cut
 */
export async function readShard(dir: string): Promise<ShardRecord> {
  if (!(await exists(recordPath(dir)))) {
    const message = `Expected a finished shard with shard.json in ${dir}, got none`;
    const hint = "derive --shard i/n --out DIR makes it; it continues where it was stopped";
    throw new AppError("data", "SHARD_MISSING", message, { hint });
  }
  const record = await readJson(recordPath(dir), recordSchema, "the record of a shard");
  const damaged = (what: string) => {
    const message = `Expected shard ${record.shard}/${record.of} as it was derived in ${dir}, got ${what}`;
    const hint = "remove the folder and derive this shard again";
    return new AppError("data", "SHARD_DAMAGED", message, { hint });
  };
  if (hashDerivation(record.derivation) !== record.derivationHash) throw damaged("another shard.json");
  const layout = planLayout(dir);
  const journal = shardJournal(dir);
  for (const path of [journal, layout.images.face, layout.images.hand]) {
    if (!(await exists(path))) throw damaged(`no ${path}`);
  }
  const now = await measure({ journal, layout });
  if (now.journal !== record.journal) throw damaged("another journal");
  if (now.images.count !== record.images.count)
    throw damaged(`${now.images.count} crops where there were ${record.images.count}`);
  if (now.images.sha256 !== record.images.sha256) throw damaged("crops of other names or sizes");
  return record;
}
