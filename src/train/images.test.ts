import { copyFile, mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { aPair, layPairs } from "../../test/dataset.ts";
import { openSource } from "../dataset/sources/sources.ts";
import { splitSamples } from "../dataset/sources/split.ts";
import { encodeJpeg } from "../pixels/image.ts";
import { runPaths } from "../predict/run-folder.ts";
import { parseTrainConfig } from "./config.ts";
import { sourceFacts } from "./data.ts";
import { chooseImages } from "./images.ts";

let dir = "";
const at = (name: string) => join(dir, name);
const faces = (name: string) => `utkface:${at(name)}`;

/** Faces `first` to `last` of a folder; equal numbers are equal names, and so the same person. */
async function layFaces(name: string, first: number, last: number): Promise<void> {
  await mkdir(at(name), { recursive: true });
  const jpeg = await encodeJpeg({ width: 16, height: 16, data: new Uint8Array(16 * 16 * 3).fill(90) });
  for (let i = first; i <= last; i++)
    await writeFile(at(`${name}/${20 + (i % 9)}_${i % 2}_0_2017010900000${i}.jpg`), jpeg);
}

/** A run folder as far as its images go, and what its checkpoint states about them. */
async function layRun(name: string, data: readonly string[]) {
  const split = { splitSeed: 5, val: 0.2, test: 0.25, batch: 8 };
  const tag = "test_efficientnet.none_F1_An_Lb_Z0";
  const config = parseTrainConfig({ arch: "umcc", tag, data, imageSize: 32, ...split });
  await mkdir(at(name), { recursive: true });
  await writeFile(runPaths(at(name)).config, JSON.stringify(config));
  return { trainedOn: await Promise.all(data.map(async (spec) => sourceFacts(await openSource(spec)))) };
}

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "facehand-images-"));
  await layFaces("own", 1, 40);
  await layFaces("more", 41, 60);
  await layFaces("other", 100, 129);
  await layFaces("half", 31, 50); // ten of them are people of "own"
  await layPairs(at("pairs"), {
    train: [aPair("a", "u1"), aPair("b", "u2")],
    val: [aPair("c", "u3")],
    test: [aPair("d", "u4"), aPair("e", "u5"), aPair("f", "u6")],
  });
});
afterAll(() => rm(dir, { recursive: true }));

test("an outside set is evaluated whole", async () => {
  const facts = await layRun("run", [faces("own")]);
  const { samples, counts, batch } = await chooseImages(at("run"), facts, { data: [faces("other")] });
  expect([samples.length, batch]).toEqual([30, 8]);
  expect(counts).toEqual({ split: null, given: 30, used: 30, leftOut: {}, notes: [] });
  const pairs = await chooseImages(at("run"), facts, { data: [`pairs:${at("pairs")}`] });
  expect(pairs.counts).toMatchObject({ split: null, given: 12, used: 12 });
});

test("an image that two rows of a set share is refused, not counted twice", async () => {
  const facts = await layRun("run", [faces("own")]);
  const shared = { handImage: "H_d.jpg", faceImage: "F_d.jpg" };
  await layPairs(at("shared"), {
    train: [aPair("a", "u1")],
    val: [aPair("c", "u3")],
    test: [aPair("d", "u4"), aPair("D", "u4", shared)],
  });
  const asked = chooseImages(at("run"), facts, { data: [`pairs:${at("shared")}`] });
  await expect(asked).rejects.toMatchObject({
    code: "SOURCE_TWICE",
    hint: expect.stringContaining("data check names rows"),
  });
  await expect(asked).rejects.toThrow(/^Expected each image once for --data, got ".*" \(.*H_d\.jpg\)$/);
});

test("a split is taken from an outside set that has it, and none is dealt", async () => {
  const facts = await layRun("run", [faces("own")]);
  const data = [`pairs:${at("pairs")}`];
  const { samples, counts } = await chooseImages(at("run"), facts, { data, split: "test" });
  expect(samples.map(({ subject }) => subject)).toEqual([4, 4, 5, 5, 6, 6].map((u) => `pairs:u${u}`));
  const leftOut = { "split train": 4, "split val": 2 };
  expect(counts).toEqual({ split: "test", given: 12, used: 6, leftOut, notes: [] });
  const none = chooseImages(at("run"), facts, { data: [faces("other")], split: "test" });
  await expect(none).rejects.toThrow(
    `Expected a split that utkface:${at("other")} has (none) for --split, got "test"`,
  );
  await expect(none).rejects.toMatchObject({ hint: "leave out --split to evaluate all of its images" });
});

test("people that the model learnt from are left out of an outside set, and counted", async () => {
  const facts = await layRun("run", [faces("own")]);
  const { samples, counts } = await chooseImages(at("run"), facts, { data: [faces("half")] });
  const own = splitSamples([await openSource(faces("own"))], {
    seed: 5,
    fractions: { val: 0.2, test: 0.25 },
  });
  const unseen = new Set(own.test.map(({ subject }) => subject));
  const expected = (await openSource(faces("half"))).samples.filter(
    ({ subject, id }) => unseen.has(subject) || !own.train.concat(own.val).some((one) => one.id === id),
  );
  expect(samples.map(({ id }) => id)).toEqual(expected.map(({ id }) => id));
  expect(expected.length).toBeLessThan(20);
  expect(counts).toMatchObject({ given: 20, leftOut: { "subject was learnt from": 20 - expected.length } });
  await mkdir(at("own2"));
  const { path } = own.train[0]!;
  await copyFile(path, join(at("own2"), path.split("/").at(-1)!));
  await expect(chooseImages(at("run"), facts, { data: [faces("own2")] })).rejects.toThrow(
    'Expected images of people that the model did not learn from for --data, got "1 left out: subject was learnt from"',
  );
});

test("own data is dealt as the run dealt it, also where only a part of it is named", async () => {
  const facts = await layRun("two", [faces("own"), faces("more")]);
  const sources = await Promise.all([faces("own"), faces("more")].map(openSource));
  const dealt = splitSamples(sources, { seed: 5, fractions: { val: 0.2, test: 0.25 } });
  const { samples, counts } = await chooseImages(at("two"), facts, { data: [faces("own")] });
  const tested = dealt.test.filter(({ path }) => path.startsWith(at("own/")));
  expect(samples.map(({ id }) => id).sort()).toEqual(tested.map(({ id }) => id).sort());
  expect(counts).toMatchObject({ split: "test", given: 40, used: tested.length });
  const val = await chooseImages(at("two"), facts, { data: [faces("own"), faces("more")], split: "val" });
  expect(val.counts.notes).toEqual(["these images chose the epoch"]);
  expect(val.samples.map(({ id }) => id).sort()).toEqual(dealt.val.map(({ id }) => id).sort());
});

test("a checkpoint without its run cannot know how its own data was dealt", async () => {
  const facts = await layRun("run", [faces("own")]);
  await writeFile(at("alone.safetensors"), "");
  await expect(chooseImages(at("alone.safetensors"), facts, { data: [faces("own")] })).rejects.toThrow(
    `Expected all data of the run, which its splits were dealt from for utkface:${at("own")}, got "a part of it`,
  );
  await mkdir(at("run/checkpoints"), { recursive: true });
  await writeFile(runPaths(at("run")).best, "");
  const best = await chooseImages(runPaths(at("run")).best, facts, { data: [faces("own")] });
  expect(best.counts).toMatchObject({ split: "test", given: 40 });
});

test("what cannot be ascertained is reported", async () => {
  const unknown = await chooseImages(at("alone.safetensors"), { trainedOn: [] }, { data: [faces("other")] });
  expect(unknown.counts.notes).toEqual([
    "what the model learnt from is not recorded: its training images may be among these",
  ]);
  await layFaces("gone", 200, 219);
  const facts = await layRun("moved", [faces("gone")]);
  await rename(at("gone"), at("elsewhere"));
  const { counts } = await chooseImages(at("moved"), facts, { data: [faces("other")] });
  expect(counts.notes).toEqual([
    "people of the model's own utkface data may be among these: it could not be opened as it was",
  ]);
  expect((await chooseImages(at("moved"), facts, { data: [`pairs:${at("pairs")}`] })).counts.notes).toEqual(
    [],
  );
});

test("images that are named twice are refused", async () => {
  const facts = await layRun("run", [faces("own")]);
  const twice = chooseImages(at("run"), facts, { data: [faces("other"), faces("other")] });
  await expect(twice).rejects.toThrow("Expected each image once for --data");
});
