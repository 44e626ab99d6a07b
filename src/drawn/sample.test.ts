import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Random } from "../core/random.ts";
import { SPLITS } from "../core/words.ts";
import { sha256, sha256File } from "../machine/files.ts";
import { decodeImage, renderSvg } from "../pixels/image.ts";
import { drawPerson } from "./people.ts";
import { drawSample, type FaceLandmarks, type SampleManifest } from "./sample.ts";
import { BAD_KINDS, drawFrame, GESTURES } from "./scene.ts";

interface RawRecord {
  bboxes: [number, number, number, number][];
  labels: string[];
  user_id: string;
  hand_landmarks: [number, number][][];
  united_bbox: null;
  meta?: { age: number[]; gender: string[]; race: string[] };
}

const OPTIONS = { subjects: 30, framesPerSubject: 4, seed: 3, sizePx: 96 };
let dir: string;
let manifest: SampleManifest;
const records = new Map<string, RawRecord & { split: string; gesture: string }>();
let faces: FaceLandmarks;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "facehand-sample-"));
  manifest = await drawSample(join(dir, "a"), OPTIONS);
  for (const split of SPLITS) {
    for (const gesture of GESTURES) {
      const text = await readFile(join(dir, "a", "annotations", split, `${gesture}.json`), "utf8");
      for (const [id, record] of Object.entries(JSON.parse(text) as Record<string, RawRecord>)) {
        records.set(id, { ...record, split, gesture });
      }
    }
  }
  faces = JSON.parse(await readFile(join(dir, "a", "face_landmarks.json"), "utf8")) as FaceLandmarks;
});
afterAll(() => rm(dir, { recursive: true }));

async function treeHash(root: string): Promise<string> {
  const names = (await readdir(root, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  const hashes = await Promise.all(
    names.map(async (name) => `${name.slice(root.length)} ${await sha256File(name)}`),
  );
  return sha256(hashes.join("\n"));
}

const badOf = (id: string) => manifest.bad[id];
const idOf = (kind: (typeof BAD_KINDS)[number]) =>
  Object.entries(manifest.bad).find(([, bad]) => bad === kind)![0];

describe("drawSample", () => {
  it("gives the same bytes for the same options, also after an interruption, and others for another seed", async () => {
    await mkdir(join(dir, "b.part", "palm"), { recursive: true });
    await writeFile(join(dir, "b.part", "palm", "old.jpg"), "left by a killed run");
    await drawSample(join(dir, "b"), OPTIONS);
    expect(await treeHash(join(dir, "b"))).toBe(await treeHash(join(dir, "a")));
    expect(await readdir(dir)).toEqual(["a", "b"]);
    await drawSample(join(dir, "b2"), { ...OPTIONS, subjects: 2, seed: 4 });
    expect(await readdir(join(dir, "b2", "palm"))).not.toEqual(await readdir(join(dir, "b", "palm")));
  });

  it("leaves a finished sample as it is and refuses any other folder", async () => {
    let frames = 0;
    expect(await drawSample(join(dir, "a"), { ...OPTIONS, onFrame: () => frames++ })).toEqual(manifest);
    expect(frames).toBe(0);
    await expect(drawSample(join(dir, "a"), { ...OPTIONS, seed: 9 })).rejects.toMatchObject({
      kind: "input",
      code: "OUT_EXISTS",
      message: `Expected a new folder for the sample at ${join(dir, "a")}, got a sample of other options`,
    });
    await expect(drawSample(dir, OPTIONS)).rejects.toMatchObject({
      code: "OUT_EXISTS",
      message: `Expected a new folder for the sample at ${dir}, got something else`,
    });
  });

  it.each([
    [{ subjects: 1 }, "Expected an integer from 2 to 10000 for subjects, got 1"],
    [{ framesPerSubject: 0.5 }, "Expected an integer from 1 to 100 for framesPerSubject, got 0.5"],
    [{ sizePx: 100 }, "Expected an integer from 96 to 2048 that is a multiple of 3 for sizePx, got 100"],
  ])("refuses %j", async (options, message) => {
    await expect(drawSample(join(dir, "c"), options)).rejects.toMatchObject({
      code: "SAMPLE_OPTION",
      message,
    });
  });

  it("states that it is drawn", async () => {
    expect(manifest.drawn).toBe(true);
    expect(JSON.parse(await readFile(join(dir, "a", "sample.json"), "utf8"))).toEqual(manifest);
    const readme = await readFile(join(dir, "a", "README.txt"), "utf8");
    expect(readme).toMatch(/drawn by a program. It shows no real person/);
    expect(readme).toMatch(/prove nothing about accuracy/);
  });
});

describe("annotations", () => {
  it("has one record and one decodable frame each, but for the truncated one", async () => {
    expect(records.size).toBe(120);
    expect(manifest.frames).toBe(120);
    for (const [id, { gesture }] of records) {
      const decoded = decodeImage(join(dir, "a", gesture, `${id}.jpg`));
      if (badOf(id) === "truncated") await expect(decoded).rejects.toMatchObject({ code: "IMAGE_BROKEN" });
      else expect(await decoded).toMatchObject({ width: 96, height: 128 });
    }
  });

  it("has HaGRIDv2's fields", () => {
    let first = 0;
    let without = 0;
    for (const [id, record] of records) {
      expect(record.user_id).toMatch(/^[0-9a-f]{64}$/);
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/);
      expect(record.labels.filter((label) => label !== "no_gesture")).toEqual([record.gesture]);
      expect(record.bboxes).toHaveLength(record.labels.length);
      expect(record.hand_landmarks).toHaveLength(record.labels.length);
      expect(record.united_bbox).toBeNull();
      if (record.labels[0] === "no_gesture") first++;
      for (const hand of record.hand_landmarks) {
        if (hand.length === 0) without++;
        else expect(hand).toHaveLength(21);
      }
    }
    expect(first).toBeGreaterThan(0);
    expect(without).toBeGreaterThan(0);
  });

  it("has the landmarks in their boxes, and both in the frame, but for the bad frames made for that", () => {
    const inside = (
      [x, y]: readonly [number, number],
      [bx, by, w, h]: readonly [number, number, number, number],
    ) => x >= bx && y >= by && x <= bx + w && y <= by + h;
    for (const [id, { bboxes, hand_landmarks }] of records) {
      const bad = badOf(id);
      if (bad !== "hand-cut" && bad !== "wrong-landmarks") {
        hand_landmarks.forEach((hand, i) => {
          for (const point of hand) expect(inside(point, bboxes[i]!)).toBe(true);
        });
      }
      for (const [x, y, w, h] of bboxes) {
        const over = Math.max(-x, -y, x + w - 1, y + h - 1);
        if (bad === "box-outside") expect(over).toBeCloseTo(0.01, 6);
        else expect(over).toBeLessThanOrEqual(1e-7);
      }
      for (const face of faces[id]!)
        for (const point of face.points) expect(inside(point, face.box)).toBe(true);
    }
    const cut = records.get(idOf("hand-cut"))!;
    const box = cut.bboxes[0]!;
    expect(Math.min(box[0], 1 - box[0] - box[2])).toBeCloseTo(0, 6);
  });

  it("has every kind of bad frame", async () => {
    expect(new Set(Object.values(manifest.bad))).toEqual(new Set(BAD_KINDS));
    expect(faces[idOf("no-face")]).toEqual([]);
    const path = (id: string) => join(dir, "a", records.get(id)!.gesture, `${id}.jpg`);
    const same = async (id: string) => {
      const bytes = await readFile(path(id));
      const other = await Promise.all(
        [...records.keys()].map(async (key) => (await readFile(path(key))).equals(bytes)),
      );
      return other.filter(Boolean).length;
    };
    expect(await same(idOf("duplicate"))).toBe(2);
    expect(await same(idOf("near-duplicate"))).toBe(1);
    expect(faces[idOf("two-people")]).toHaveLength(2);
    expect(records.get(idOf("two-people"))!.meta!.gender).toHaveLength(2);
    expect(faces[idOf("tiny-face")]![0]!.box[2]).toBeLessThan(0.05);
    expect(records.get(idOf("no-meta"))).not.toHaveProperty("meta");
  });

  it("keeps subjects in one split and gives each one sex and skin class", () => {
    const seen = new Map<string, string>();
    for (const { user_id, split, meta } of records.values()) {
      if (meta === undefined) continue;
      const text = `${split} ${meta.gender[0]} ${meta.race[0]}`;
      expect(seen.get(user_id) ?? text).toBe(text);
      seen.set(user_id, text);
    }
    expect(seen.size).toBe(30);
    for (const split of SPLITS) expect([...seen.values()].some((text) => text.startsWith(split))).toBe(true);
  });
});

describe("drawn people", () => {
  const people = Array.from({ length: 200 }, (_, i) => drawPerson(1, i));
  const of = (sex: string) => people.filter((person) => person.sex === sex);
  const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;

  it.each([
    ["hand breadth", (p: (typeof people)[number]) => p.hand.breadth],
    ["finger thickness", (p: (typeof people)[number]) => p.hand.thickness],
    ["jaw", (p: (typeof people)[number]) => p.face.jaw],
    ["brows", (p: (typeof people)[number]) => p.face.brow],
  ])("differ between the recorded sexes in %s, and overlap", (_, trait) => {
    const female = of("female").map(trait);
    const male = of("male").map(trait);
    expect(mean(male) - mean(female)).toBeGreaterThan(0.1);
    expect(Math.max(...female)).toBeGreaterThan(Math.min(...male));
  });

  it("come in all skin classes and many ages, independent of sex", () => {
    for (const sex of ["female", "male"])
      expect(new Set(of(sex).map((person) => person.skinClass)).size).toBe(6);
    expect(Math.min(...people.map((person) => person.ageYears))).toBeGreaterThanOrEqual(18);
    expect(Math.max(...people.map((person) => person.ageYears))).toBeGreaterThan(60);
    expect(
      Math.abs(mean(of("male").map((p) => p.ageYears)) - mean(of("female").map((p) => p.ageYears))),
    ).toBeLessThan(6);
  });

  it("carry the word DRAWN in every frame", async () => {
    for (const bad of [undefined, ...BAD_KINDS]) {
      const frame = drawFrame(
        people[0]!,
        people[1]!,
        "palm",
        bad,
        Random.of(1).split("frame", bad ?? "good"),
      );
      const { data, width } = await renderSvg(frame.svg);
      expect(width).toBe(384);
      const at = (x: number, y: number) => [...data.subarray((y * width + x) * 3, (y * width + x) * 3 + 3)];
      // The stem of the D: white, with black left of it.
      expect(Math.min(...at(8, 499))).toBeGreaterThan(180);
      expect(Math.max(...at(6, 499))).toBeLessThan(130);
    }
  });
});
