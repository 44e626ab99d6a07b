import { cp, mkdtemp, readdir, readFile, rename, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { laySample } from "../../../test/sample.ts";
import { exists, sha256File } from "../../machine/files.ts";
import { mergeShards } from "./merge.ts";
import type { DeriveOptions } from "./options.ts";
import { derive } from "./pipeline.ts";
import { deriveShard, readShard, shardRange } from "./shard.ts";

let dir = "";
let reference: string[] = [];
const at = (name: string) => join(dir, name);
const optionsTo = (outDir: string, raw = "raw"): DeriveOptions => ({
  hagridDir: at(raw),
  gestures: "all",
  outDir,
  seed: 3,
  faceLandmarksFile: at(`${raw}/face_landmarks.json`),
  sizePx: 64,
  handCrop: "box", // a model for landmarks would be loaded for every shard
});
const shards = (...numbers: readonly number[]) => numbers.map((n) => at(`shards/${n}`));

/** Every file of a tree with its hash. */
async function treeOf(root: string): Promise<string[]> {
  const found = await readdir(root, { recursive: true, withFileTypes: true });
  const files = found.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Promise.all(
    files.sort().map(async (file) => `${file.slice(root.length)} ${await sha256File(file)}`),
  );
}

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "facehand-shards-"));
  await laySample(at("raw"), { subjects: 14, framesPerSubject: 2, seed: 5 });
  await derive(optionsTo(at("reference")));
  reference = await treeOf(at("reference"));
  for (const shard of [3, 1, 2]) await deriveShard(optionsTo(at(`shards/${shard}`)), { shard, of: 3 });
});
afterAll(() => rm(dir, { recursive: true }));

describe("shardRange", () => {
  it("deals every frame once, in order, in nearly equal parts", () => {
    for (const [frames, of] of [
      [10, 3],
      [2, 5],
      [0, 2],
      [1_100_000, 64],
    ] as const) {
      const ranges = Array.from({ length: of }, (_, i) => shardRange({ shard: i + 1, of }, frames));
      expect(ranges[0]!.from).toBe(0);
      expect(ranges.at(-1)!.to).toBe(frames);
      for (const [i, range] of ranges.entries()) expect(ranges[i + 1]?.from ?? frames).toBe(range.to);
      const lengths = ranges.map(({ from, to }) => to - from);
      expect(Math.max(...lengths) - Math.min(...lengths)).toBeLessThanOrEqual(1);
    }
  });
});

describe("shards", () => {
  it("merge into the bytes of one machine, in any order, and stay as they are", async () => {
    const before = await treeOf(at("shards"));
    const { manifest, alreadyComplete } = await mergeShards({
      shardDirs: shards(2, 3, 1),
      outDir: at("merged"),
    });
    expect([manifest.counts.frames, alreadyComplete]).toEqual([28, false]);
    expect(await treeOf(at("merged"))).toEqual(reference);
    expect(await treeOf(at("shards"))).toEqual(before);
    expect(await mergeShards({ shardDirs: shards(1, 2, 3), outDir: at("merged") })).toMatchObject({
      alreadyComplete: true,
    });
    expect(await derive(optionsTo(at("merged")))).toMatchObject({ alreadyComplete: true });
  });

  it("carry decisions and rules with them, and put removed crops away, also after a killed merge", async () => {
    const [id] = (await readdir(at("reference/images/content/aligned_dataset/faces"))).sort();
    const decisionsFile = at("decisions.csv");
    const row = `A,2026-01-02,remove,a test,${id!.slice(2, -4)}`;
    await writeFile(decisionsFile, `who,when,what,why,image_id\n${row}\n`);
    const options = { decisionsFile, rules: [{ name: "blur", threshold: null }] } as const;
    await derive({ ...optionsTo(at("decided")), ...options });
    const shardDirs = [1, 2].map((n) => at(`decided shards/${n}`));
    for (const [i, outDir] of shardDirs.entries()) {
      await deriveShard({ ...optionsTo(outDir), ...options }, { shard: i + 1, of: 2 });
    }
    const expected = await treeOf(at("decided"));
    expect(expected.some((line) => line.includes(`/removed_faces/${id}`))).toBe(true);
    await mergeShards({ shardDirs, outDir: at("merged decided") });
    expect(await treeOf(at("merged decided"))).toEqual(expected);
    // A kill after crops were put away: the stage has them there already.
    await rename(at("merged decided"), at("merged decided.partial"));
    await rm(at("merged decided.partial/manifest.json"));
    const { derivationHash } = await readShard(shardDirs[0]!);
    await writeFile(at("merged decided.partial/stage.json"), JSON.stringify({ derivationHash }));
    await mergeShards({ shardDirs, outDir: at("merged decided") });
    expect(await treeOf(at("merged decided"))).toEqual(expected);
    const record = join(shardDirs[1]!, "shard.json");
    await writeFile(record, (await readFile(record, "utf8")).replace("a test", "a rest"));
    await expect(mergeShards({ shardDirs, outDir: at("x") })).rejects.toThrow("got another shard.json");
  });

  it("may be more than there are frames", async () => {
    const of = 6;
    await laySample(at("few"), { subjects: 4, framesPerSubject: 1, seed: 1 });
    await derive(optionsTo(at("few reference"), "few"));
    const dirs = Array.from({ length: of }, (_, i) => at(`many/${i + 1}`));
    const sizes = [];
    for (const [i, outDir] of dirs.entries()) {
      sizes.push((await deriveShard(optionsTo(outDir, "few"), { shard: i + 1, of })).worked);
    }
    expect(sizes.filter((n) => n === 0)).toHaveLength(2);
    await mergeShards({ shardDirs: dirs, outDir: at("merged of many") });
    expect(await treeOf(at("merged of many"))).toEqual(await treeOf(at("few reference")));
  });

  it("continue after a stop, and are not made twice", async () => {
    const stop = new AbortController();
    const outDir = at("stopped");
    let ticks = 0;
    const progress = () => ({ tick: () => ++ticks === 3 && stop.abort(), note() {}, done() {} });
    const choice = { shard: 2, of: 3 };
    await expect(
      deriveShard({ ...optionsTo(outDir), signal: stop.signal, progress }, choice),
    ).rejects.toThrow(/abort/i);
    await expect(deriveShard(optionsTo(outDir), { shard: 1, of: 3 })).rejects.toMatchObject({
      code: "STAGE_OTHER",
    });
    const { worked, record } = await deriveShard(optionsTo(outDir), choice);
    expect(worked).toBeLessThan(record.to - record.from);
    expect(await treeOf(outDir)).toEqual(await treeOf(at("shards/2")));
    expect(await deriveShard(optionsTo(outDir), choice)).toMatchObject({ alreadyComplete: true, worked: 0 });
    await expect(deriveShard(optionsTo(outDir), { shard: 3, of: 3 })).rejects.toThrow(
      /Expected an empty or new folder for --out, got shard 2\/3 of that or another dataset in/,
    );
  });

  it("merge on from a merge that was killed", async () => {
    const outDir = at("killed merge");
    const stop = new AbortController();
    let ticks = 0;
    const progress = () => ({ tick: () => ++ticks === 7 && stop.abort(), note() {}, done() {} });
    const options = { shardDirs: shards(1, 2, 3), outDir };
    await expect(mergeShards({ ...options, signal: stop.signal, progress })).rejects.toThrow(/abort/i);
    expect([await exists(outDir), await exists(`${outDir}.partial`)]).toEqual([false, true]);
    await writeFile(join(`${outDir}.partial`, "journal.jsonl"), "half a li");
    await mergeShards(options);
    expect(await treeOf(outDir)).toEqual(reference);
  });

  it("are refused if one is lost, cut, doubled or of another derivation", async () => {
    const merge = (...shardDirs: string[]) => mergeShards({ shardDirs, outDir: at("refused") });
    const [one, two, three] = shards(1, 2, 3) as [string, string, string];
    await expect(merge(one, three)).rejects.toThrow("Expected all 3 shards, got none of 2/3");
    await expect(merge(one, one, two, three)).rejects.toThrow(
      `Expected each shard once, got 1/3 in ${one} and in ${one}`,
    );
    await expect(merge(one, two, at("nowhere"))).rejects.toMatchObject({
      kind: "data",
      code: "SHARD_MISSING",
      message: `Expected a finished shard with shard.json in ${at("nowhere")}, got none`,
    });
    const other = at("other");
    await deriveShard({ ...optionsTo(other), seed: 4 }, { shard: 2, of: 3 });
    await expect(merge(one, other, three)).rejects.toMatchObject({ code: "SHARD_OTHER" });
    const damage = async (what: string, change: (copy: string) => Promise<void>) => {
      const copy = at(`damaged: ${what}`);
      await cp(two, copy, { recursive: true });
      await change(copy);
      await expect(merge(one, copy, three)).rejects.toThrow(what);
      await expect(readShard(copy)).rejects.toMatchObject({ kind: "data", code: "SHARD_DAMAGED" });
    };
    const hands = join("images", "content", "aligned_dataset", "hands");
    const crop = (await readdir(join(two, hands)))[0]!;
    await damage("got another journal", (copy) => truncate(join(copy, "journal.jsonl"), 100));
    await damage("got no ", (copy) => rm(join(copy, "journal.jsonl")));
    await damage("got no ", (copy) => rm(join(copy, hands), { recursive: true }));
    await damage("crops where there were", (copy) => rm(join(copy, hands, crop)));
    await damage("crops of other names or sizes", (copy) => truncate(join(copy, hands, crop), 100));
    expect([await exists(at("refused")), await exists(at("refused.partial"))]).toEqual([false, false]);
    await expect(deriveShard(optionsTo(at("x")), { shard: 4, of: 3 })).rejects.toThrow(
      'Expected i/n with i from 1 to n for --shard, got "4/3"',
    );
  });
});
