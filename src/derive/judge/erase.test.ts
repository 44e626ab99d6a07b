import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { laySample } from "../../../test/sample.ts";
import { findTraces, type Traces } from "../../../test/traces.ts";
import { readManifest } from "../../dataset/manifest.ts";
import { readPairs } from "../../dataset/store.ts";
import { exists, sha256File } from "../../machine/files.ts";
import { mergeShards } from "../run/merge.ts";
import type { DeriveOptions } from "../run/options.ts";
import { derive } from "../run/pipeline.ts";
import { deriveShard } from "../run/shard.ts";
import type { Decision } from "./decisions.ts";
import { Erasure } from "./erase.ts";

let dir = "";
const at = (name: string) => join(dir, name);
const HEAD = "who,when,what,why,image_id,user_id";
/** Somebody whose frames were removed before, for a reason that names them; and one picture of another. */
let person = "";
let picture = "";
let traces: Traces = {};
/** Files of the derivation that began with the wish. */
let fresh: string[] = [];

const optionsTo = (outDir: string, decisions?: string): DeriveOptions => ({
  hagridDir: at("raw"),
  gestures: "all",
  outDir,
  seed: 3,
  faceLandmarksFile: at("raw/face_landmarks.json"),
  sizePx: 64,
  handCrop: "box",
  ...(decisions === undefined ? {} : { decisionsFile: at(decisions) }),
});

async function treeOf(root: string): Promise<string[]> {
  const found = await readdir(root, { recursive: true, withFileTypes: true });
  const files = found.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Promise.all(
    files.sort().map(async (file) => `${file.slice(root.length)} ${await sha256File(file)}`),
  );
}

/** Derives until `frames` of them are done, then stops as a kill would. */
async function begin(options: DeriveOptions, frames: number): Promise<void> {
  const stop = new AbortController();
  let ticks = 0;
  const progress = () => ({ tick: () => ++ticks === frames && stop.abort(), note() {}, done() {} });
  await expect(derive({ ...options, signal: stop.signal, progress })).rejects.toThrow(/abort/i);
}

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "facehand-erase-"));
  await laySample(at("raw"), { subjects: 9, framesPerSubject: 2, seed: 5 });
  await derive(optionsTo(at("plain")));
  const { train } = await readPairs(at("plain"));
  person = train[0]!.userId;
  const theirs = train.filter(({ userId }) => userId === person);
  const other = train.find(({ userId }) => userId !== person)!;
  picture = other.id;
  const another = train.find(({ userId }) => userId !== person && userId !== other.userId)!.id;
  await writeFile(
    at("before.csv"),
    [
      HEAD,
      `Ann Other,2026-01-02,remove,asked by letter,,${person}`,
      `Ben,2026-01-03,remove,blurred beside ${picture},${another},`,
      "",
    ].join("\n"),
  );
  await writeFile(
    at("after.csv"),
    `${await readFile(at("before.csv"), "utf8")}Cleo,2026-02-01,erase,their wish,,${person.toUpperCase()}\nCleo,2026-02-01,erase,wish,${picture},\n`,
  );
  const bytes = async (name: string) =>
    readFile(at(`plain/images/content/aligned_dataset/${name.startsWith("H") ? "hands" : "faces"}/${name}`));
  const crops = [...theirs, other].flatMap(({ handImage, faceImage }) => [handImage, faceImage]);
  traces = {
    ...{
      person,
      picture,
      "the name": "Ann Other",
      "the note": "asked by letter",
      "the wish": "their wish",
      Cleo: "Cleo",
    },
    ...Object.fromEntries(theirs.map(({ id }) => [`image ${id}`, id])),
    ...Object.fromEntries(
      await Promise.all(crops.map(async (name) => [`pixels ${name}`, await bytes(name)])),
    ),
  };
  await derive(optionsTo(at("removed"), "before.csv"));
  await derive(optionsTo(at("fresh"), "after.csv"));
  fresh = await treeOf(at("fresh"));
});
afterAll(() => rm(dir, { recursive: true }));

describe("erase", () => {
  it("leaves nothing of a subject and of an image, where remove leaves all", async () => {
    expect((await findTraces(at("removed"), traces)).length).toBeGreaterThan(12);
    expect(await findTraces(at("fresh"), traces)).toEqual([]);
    const { source, counts } = (await readManifest(at("fresh")))!;
    const before = (await readManifest(at("removed")))!;
    expect(source.erased).toMatchObject({ decisions: 2, frames: 3, unmatched: 0 });
    expect(counts.frames).toBe(before.counts.frames - 3);
    expect(source.decisions).toMatchObject([{ who: "Ben", why: "blurred beside (erased)" }]);
    expect(await readPairs(at("fresh"))).toBeTruthy();
  });

  it("takes the place of a dataset that has the crops, with the bytes of one that never had", async () => {
    for (const [name, from] of [
      ["again", "removed"],
      ["again without", "plain"],
    ] as const) {
      await cp(at(from), at(name), { recursive: true });
      expect(await derive(optionsTo(at(name), "after.csv"))).toMatchObject({ alreadyComplete: false });
      expect(await treeOf(at(name))).toEqual(fresh);
      expect(await derive(optionsTo(at(name), "after.csv"))).toMatchObject({ alreadyComplete: true });
    }
    expect((await readdir(dir)).filter((name) => name.startsWith("again")).sort()).toEqual([
      "again",
      "again without",
    ]);
  });

  it("ends what a kill between two renames left", async () => {
    await cp(at("fresh"), at("swapped.partial"), { recursive: true });
    await cp(at("removed"), at("swapped.partial.before"), { recursive: true });
    await derive(optionsTo(at("swapped"), "after.csv"));
    expect(await treeOf(at("swapped"))).toEqual(fresh);
    await cp(at("removed"), at("swapped.partial.before"), { recursive: true });
    await derive(optionsTo(at("swapped"), "after.csv"));
    expect((await readdir(dir)).filter((name) => name.startsWith("swapped"))).toEqual(["swapped"]);
  });

  it("does not bring back what was erased before", async () => {
    await cp(at("fresh"), at("back"), { recursive: true });
    const lines = (await readFile(at("after.csv"), "utf8")).split("\n");
    await writeFile(at("fewer.csv"), [...lines.slice(0, 3), lines[4], ""].join("\n"));
    for (const decisions of ["fewer.csv", "before.csv"]) {
      await expect(derive(optionsTo(at("back"), decisions))).rejects.toMatchObject({ code: "OUT_OTHER" });
    }
    expect(await treeOf(at("back"))).toEqual(fresh);
  });

  it("continues a derivation that was stopped, whatever it had reached", async () => {
    await begin(optionsTo(at("stopped"), "before.csv"), 12);
    const { worked } = await derive(optionsTo(at("stopped"), "after.csv"));
    expect(worked).toBeLessThan(15); // of 15 frames that are not erased
    expect(await treeOf(at("stopped"))).toEqual(fresh);
    // After the tables were written, before the folder had its name; with and without the journal.
    await begin(optionsTo(at("nearly"), "before.csv"), 5);
    await deriveShard(optionsTo(at("all"), "before.csv"), { shard: 1, of: 1 });
    const journal = await readFile(at("all/journal.jsonl"));
    const stage = await readFile(at("nearly.partial/stage.json"));
    for (const staged of [{ "journal.jsonl": journal, "stage.json": stage }, { "stage.json": stage }, {}]) {
      await rm(at("nearly.partial"), { recursive: true, force: true });
      await rm(at("nearly"), { recursive: true, force: true });
      await cp(at("removed"), at("nearly.partial"), { recursive: true });
      for (const [name, data] of Object.entries(staged)) await writeFile(at(`nearly.partial/${name}`), data);
      await derive(optionsTo(at("nearly"), "after.csv"));
      expect(await treeOf(at("nearly"))).toEqual(fresh);
    }
  });

  it("refuses a stage without the wish only where another is asked for", async () => {
    await begin(optionsTo(at("other"), "after.csv"), 5);
    await expect(derive(optionsTo(at("other"), "before.csv"))).rejects.toMatchObject({ code: "STAGE_OTHER" });
    await derive(optionsTo(at("other"), "after.csv"));
    expect(await treeOf(at("other"))).toEqual(fresh);
  });

  it("refuses to take the place of a dataset whose frames are gone", async () => {
    await cp(at("raw"), at("poor"), { recursive: true });
    await cp(at("removed"), at("copy"), { recursive: true });
    const { gesture, id } = (await readPairs(at("fresh"))).train[0]!;
    const frame = [at(`poor/${gesture}/${id}.jpg`), at(`poor/images/${gesture}/${id}.jpg`)];
    for (const path of frame) await rm(path, { force: true });
    const options = { ...optionsTo(at("copy"), "after.csv"), hagridDir: at("poor") };
    const before = await treeOf(at("copy"));
    for (const _ of [1, 2]) {
      await expect(derive(options)).rejects.toThrow(
        /^Expected the frames that .*copy was derived from, to erase from it, got 1 that are missing$/,
      );
    }
    expect(await treeOf(at("copy"))).toEqual(before);
    expect(await exists(at("copy.partial"))).toBe(false);
  });

  it("holds for shards that were derived before, and for what is merged of them", async () => {
    const dirs = [1, 2, 3].map((n) => at(`shards/${n}`));
    const all = async (decisions: string) => {
      const made = [];
      for (const [i, outDir] of dirs.entries())
        made.push(await deriveShard(optionsTo(outDir, decisions), { shard: i + 1, of: 3 }));
      return made;
    };
    await all("before.csv");
    await mergeShards({ shardDirs: dirs, outDir: at("merged") });
    expect(await treeOf(at("merged"))).toEqual(await treeOf(at("removed")));
    const again = await all("after.csv");
    expect(again.map(({ worked, alreadyComplete }) => [worked, alreadyComplete])).toEqual([
      ...[
        [0, false],
        [0, false],
        [0, false],
      ],
    ]);
    expect(await findTraces(at("shards"), traces)).toEqual([]);
    await mergeShards({ shardDirs: dirs, outDir: at("merged") });
    expect(await treeOf(at("merged"))).toEqual(fresh);
  });

  it("reports how many wishes match nobody", async () => {
    const line = `Cleo,2026-02-01,erase,wish,,${"0".repeat(64)}`;
    await writeFile(at("nobody.csv"), [HEAD, line, line, ""].join("\n"));
    const { manifest } = await derive(optionsTo(at("nobody"), "nobody.csv"));
    expect(manifest.source.erased).toMatchObject({ decisions: 1, frames: 0, unmatched: 1 });
    expect(await findTraces(at("nobody"), { id: "0".repeat(64) })).toEqual([]);
  });
});

describe("Erasure", () => {
  const decision = (more: Partial<Decision>): Decision => ({
    who: "me",
    when: "2026-01-01",
    what: "erase",
    why: "x",
    ...more,
  });

  it("takes hexadecimal ids of people and all of images in either case, no other ids of people", () => {
    const erasure = new Erasure([
      decision({ user_id: "ABC0ABC0ABC0ABC0" }),
      decision({ image_id: "Picture_A" }),
      decision({ user_id: "Ann" }),
    ]);
    expect(erasure.has({ imageId: "x", userId: "abc0abc0abc0abc0" })).toBe(true);
    expect(erasure.has({ imageId: "Picture_A", userId: "y" })).toBe(true);
    expect(erasure.has({ imageId: "picture_a", userId: "y" })).toBe(true);
    expect(erasure.has({ imageId: "x", userId: "ann" })).toBe(false);
  });

  it("binds its hash to the annotations, and to all that is named in any order", () => {
    const [a, b] = [decision({ user_id: "a1" }), decision({ image_id: "b" })];
    const hash = (list: Decision[], annotations = { x: "1" }) => new Erasure(list).hash(annotations);
    expect(hash([a, b])).toBe(hash([b, a, a]));
    expect(hash([a])).not.toBe(hash([b]));
    expect(hash([a])).not.toBe(hash([a], { x: "2" }));
  });
});

describe("two image ids that differ in case", () => {
  it("are one file on many systems: the second is no frame of its own, and one wish reaches both", async () => {
    const file = at("raw/annotations/train/stop.json");
    const { train } = await readPairs(at("plain"));
    const records = JSON.parse(await readFile(file, "utf8"));
    const [first, second] = train.map(({ id }) => id).filter((id) => id in records) as [string, string];
    const other = first.toUpperCase();
    expect(other).not.toBe(first);
    await cp(at("raw"), at("cased"), { recursive: true });
    await cp(at(`raw/stop/${second}.jpg`), at(`cased/stop/${other}.jpg`));
    await rm(at(`cased/stop/${second}.jpg`)); // not the same bytes twice
    const { [second]: moved, ...left } = records;
    await writeFile(at("cased/annotations/train/stop.json"), JSON.stringify({ ...left, [other]: moved }));
    const options = { ...optionsTo(at("cased pairs")), hagridDir: at("cased") };
    await derive(options);
    const ledger = await readFile(at("cased pairs/ledger.csv"), "utf8");
    expect(ledger.split("\n").find((row) => row.startsWith(other))).toContain(
      "duplicate_image,image id seen before",
    );
    expect(await readdir(at("cased pairs/images/content/aligned_dataset/hands"))).not.toContain(
      `H_${other}.jpg`,
    );
    await writeFile(at("cased.csv"), `${HEAD}\nx,2026-02-02,erase,w,${first},\n`);
    const { manifest } = await derive({ ...options, decisionsFile: at("cased.csv") });
    expect(manifest.source.erased).toMatchObject({ decisions: 1, frames: 2, unmatched: 0 });
    expect(await findTraces(at("cased pairs"), { first, other })).toEqual([]);
  }, 120_000);
});
