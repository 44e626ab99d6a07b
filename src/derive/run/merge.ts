// The shards of one derivation put together: the journals in the order of the input, then the tables as always.
// Source: our own. Invariant: the bytes are those of `derive` on one machine; killed, it continues; shards stay whole.
import { link } from "node:fs/promises";
import { basename, join } from "node:path";
import { AppError, hasErrno } from "../../core/errors.ts";
import type { Progress } from "../../core/progress.ts";
import { planLayout } from "../../dataset/layout.ts";
import { exists, readBytes, readChunks, writeAtomic, writeFailed } from "../../machine/files.ts";
import { type Lock, withLock } from "../../machine/lock.ts";
import { mapOrdered } from "../../machine/pool.ts";
import { checkApart } from "../../machine/true-path.ts";
import { countDataset } from "./count.ts";
import { type DeriveResult, finishOrDiscard } from "./pipeline.ts";
import { listCrops, readShard, type ShardRecord } from "./shard.ts";
import { findComplete, markOf, openStage, replace, type Stage, shardJournal } from "./stage.ts";

/** Links under way at once. */
const AT_ONCE = 16;

/** Which shards to merge, and into what. */
export interface MergeOptions {
  /** Folders of all shards, in any order. */
  readonly shardDirs: readonly string[];
  readonly outDir: string;
  readonly signal?: AbortSignal | undefined;
  /** Called with the number of crops; the caller ends the line. */
  readonly progress?: ((crops: number) => Progress) | undefined;
}

interface Found {
  readonly dir: string;
  readonly record: ShardRecord;
}

/**
 * Merges shards into a dataset.
 *
 * Crops are hard links where the file system can, copies where it cannot; the shards are left as they are.
 *
 * @returns as `derive` does; `worked` is 0
 * @throws AppError("data", "SHARD_MISSING" | "SHARD_DAMAGED" | "SHARD_OTHER" | "SHARD_TWICE"), and as `derive` does
 * @throws the signal's reason if it is aborted; a later call continues from there
 * @example await mergeShards({ shardDirs: ["shards/1", "shards/2"], outDir: "pairs" })
 */
export async function mergeShards(options: MergeOptions): Promise<DeriveResult> {
  const { outDir, shardDirs } = options;
  checkApart(outDir, shardDirs);
  return await withLock(outDir, `the folder ${outDir}`, (lock) => mergeAlone(options, lock));
}

async function mergeAlone(options: MergeOptions, lock: Lock): Promise<DeriveResult> {
  const shards: Found[] = [];
  for (const dir of options.shardDirs) shards.push({ dir, record: await readShard(dir) });
  checkComplete(shards);
  shards.sort((a, b) => a.record.shard - b.record.shard);
  const { derivation } = shards[0]!.record;
  const there = await findComplete(options.outDir, derivation);
  if (there?.isAsked === true) return { manifest: there.manifest, alreadyComplete: true, worked: 0 };
  const stage = await openStage(options.outDir, lock, markOf(derivation));
  if (stage.finished === undefined) {
    await takeCrops(shards, stage, options);
    await writeAtomic(stage.journal, concatenate(shards));
  }
  const manifest = stage.finished ?? (await finishOrDiscard(stage, derivation));
  await replace(stage, there?.manifest, manifest, await countDataset(stage, manifest));
  return { manifest, alreadyComplete: false, worked: 0 };
}

function checkComplete(shards: readonly Found[]): void {
  const first = shards[0];
  if (first === undefined) throw new AppError("input", "NO_SHARDS", "Expected folders of shards, got none");
  const { of, derivationHash } = first.record;
  const seen = new Map<number, string>();
  for (const { dir, record } of shards) {
    if (record.derivationHash !== derivationHash || record.of !== of) {
      const message = `Expected shards of one derivation into ${of}, got another one in ${dir} than in ${first.dir}`;
      throw new AppError("data", "SHARD_OTHER", message, {
        hint: "derive all shards with the same flags, program and source files",
      });
    }
    const before = seen.get(record.shard);
    if (before !== undefined) {
      const message = `Expected each shard once, got ${record.shard}/${of} in ${before} and in ${dir}`;
      throw new AppError("data", "SHARD_TWICE", message, { hint: "give each folder once" });
    }
    seen.set(record.shard, dir);
  }
  const absent = Array.from({ length: of }, (_, i) => i + 1).filter((shard) => !seen.has(shard));
  if (absent.length === 0) return;
  const message = `Expected all ${of} shards, got none of ${absent.map((shard) => `${shard}/${of}`).join(", ")}`;
  throw new AppError("data", "SHARD_MISSING", message, {
    hint: `derive --shard ${absent[0]}/${of} with the flags of the others, then merge all of them`,
  });
}

async function takeCrops(shards: readonly Found[], stage: Stage, options: MergeOptions): Promise<void> {
  const total = shards.reduce((sum, { record }) => sum + record.images.count, 0);
  const progress = options.progress?.(total);
  for (const { dir } of shards) {
    const crops = listCrops(planLayout(dir));
    const taken = mapOrdered(crops, AT_ONCE, ({ folder, name }) => {
      options.signal?.throwIfAborted();
      const { images } = stage.layout;
      const target = basename(folder) === basename(images.face) ? images.face : images.hand;
      return take(join(folder, name), join(target, name));
    });
    for await (const _ of taken) progress?.tick();
  }
}

/** Links, or copies whole; what an earlier merge took stays. */
async function take(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    if (hasErrno(error, "EEXIST")) return;
    if (!["EXDEV", "EPERM", "ENOTSUP", "EMLINK"].some((name) => hasErrno(error, name))) {
      throw writeFailed(to, error);
    }
    if (!(await exists(to))) await writeAtomic(to, await readBytes(from, "a crop"));
  }
}

async function* concatenate(shards: readonly Found[]): AsyncGenerator<Uint8Array> {
  for (const { dir } of shards) {
    yield* readChunks(shardJournal(dir), "the journal of a shard");
  }
}
