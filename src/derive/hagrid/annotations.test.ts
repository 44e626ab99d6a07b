import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { shared, WHY_SKIPPED } from "../../../test/shared.ts";
import { type AnnotationOptions, readAnnotations } from "./annotations.ts";
import type { Frame } from "./frame.ts";

const USER = "0123456789abcdef0123456789abcdef";
const BOX = [0.1, 0.2, 0.3, 0.4];
const HAND = Array.from({ length: 21 }, (_, i) => [i / 40, 0.5]);
const V1 = {
  bboxes: [BOX, [0.5, 0.5, 0.2, 0.2]],
  labels: ["no_gesture", "palm"],
  landmarks: [null, HAND],
  leading_hand: "right",
  leading_conf: 1.0,
  user_id: USER,
};
const V20 = { bboxes: [BOX], labels: ["palm"], user_id: USER + USER };
const V2 = {
  bboxes: [BOX],
  labels: ["palm"],
  united_bbox: null,
  united_label: null,
  user_id: USER,
  hand_landmarks: [[]],
  meta: { age: [24.41], gender: ["female"], race: ["White"] },
};

let dir = "";
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "facehand-annotations-"));
});

async function put(path: string, content: unknown): Promise<string> {
  const file = join(dir, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, typeof content === "string" ? content : JSON.stringify(content));
  return file;
}

async function collect(root: string, options: AnnotationOptions): Promise<Frame[]> {
  const frames: Frame[] = [];
  for await (const frame of readAnnotations(root, options)) frames.push(frame);
  return frames;
}

async function read(options: AnnotationOptions = { gestures: "all" }): Promise<Frame[]> {
  return collect(dir, options);
}

const reject = async (record: unknown, message: RegExp) => {
  await put("annotations/train/palm.json", { good: V20, bad: record });
  await expect(read()).rejects.toThrow(message);
};

describe("readAnnotations", () => {
  it("reads all three generations into one shape", async () => {
    await put("annotations/val/palm.json", { one: V1, two: V20, three: V2 });
    const [one, two, three] = await read();
    expect(one).toEqual({
      imageId: "one",
      gesture: "palm",
      split: "val",
      userId: USER,
      boxes: [
        { x: 0.1, y: 0.2, width: 0.3, height: 0.4 },
        { x: 0.5, y: 0.5, width: 0.2, height: 0.2 },
      ],
      labels: ["no_gesture", "palm"],
      handLandmarks: [undefined, HAND.map(([x, y]) => ({ x, y }))],
      path: join(dir, "palm", "one.jpg"),
    });
    expect(two!.handLandmarks).toBeUndefined();
    expect(two?.userId).toHaveLength(64);
    expect(three).toMatchObject({
      handLandmarks: [undefined],
      meta: { age: [24.41], gender: ["female"], race: ["White"] },
    });
  });

  it("orders frames by gesture and split and takes only the gestures asked for", async () => {
    await put("annotations/train/stop.json", { a: V20 });
    await put("annotations/test/palm.json", { c: V20, b: V20 });
    await put("annotations/train/palm.json", { d: V20 });
    expect((await read()).map(({ imageId }) => imageId)).toEqual(["d", "c", "b", "a"]);
    expect((await read({ gestures: ["stop"] })).map(({ imageId }) => imageId)).toEqual(["a"]);
  });

  it("finds images in the folder `images` too", async () => {
    await put("annotations/train/stop.json", { a: V20 });
    await put("images/stop/a.jpg", "");
    expect((await read())[0]?.path).toBe(join(dir, "images", "stop", "a.jpg"));
  });

  it("finds frames that were encoded again under other endings, HaGRID's own first", async () => {
    await put("annotations/train/stop.json", { a: V20, b: V20, c: V20, d: V20 });
    for (const name of ["a.jpeg", "b.JPG", "c.png", "d.jpg", "d.png"]) await put(`images/stop/${name}`, "");
    expect((await read()).map(({ path }) => relative(join(dir, "images", "stop"), path))).toEqual([
      "a.jpeg",
      "b.JPG",
      "c.png",
      "d.jpg",
    ]);
    await rm(join(dir, "images", "stop", "a.jpeg"));
    expect((await read())[0]?.path).toBe(join(dir, "images", "stop", "a.jpg")); // which the ledger records as missing
  });

  it("lets a meta file replace the meta of the annotations", async () => {
    await put("annotations/train/palm.json", { a: V2, b: V2 });
    const metaFile = await put("meta.json", {
      a: { age: [50], gender: ["male"], race: [], gender_probability: [0.9] },
    });
    const [a, b] = await read({ gestures: "all", metaFile });
    expect(a?.meta).toEqual({ age: [50], gender: ["male"], race: [] });
    expect(b?.meta?.age).toEqual([24.41]);
  });

  it("refuses records that break the format, naming file, image and key", async () => {
    await reject({ ...V20, extra: 1 }, /Expected a known key for the record, got "extra" \(.*, image bad\)/);
    await reject({ ...V20, leading_hand: "right", meta: {} }, /a known key .* got "meta"/);
    await reject(
      { ...V20, user_id: "me" },
      /Expected 32 or 64 hex.* for user_id, got "me" \(.*palm\.json, image bad\)/,
    );
    await reject({ ...V20, labels: ["palm", "palm"] }, /Expected 1 labels, one a box for labels/);
    await reject(
      { ...V2, hand_landmarks: [[[0.5, 0.5]]] },
      /Expected 21 points or none for landmarks, got 1/,
    );
    await reject(
      { ...V2, meta: { ...V2.meta, gender: ["unknown"] } },
      /Expected Male or Female for meta\.gender\.0/,
    );
    await reject([], /image bad/);
    await reject({ ...V20, bboxes: [], labels: [] }, /for bboxes/);
  });

  it("takes ids and words in any case as one, and refuses unknown words with the nearest", async () => {
    const meta = { age: [24], gender: ["Female"], race: ["east_asian"] };
    await put("annotations/train/palm.json", {
      a: { ...V2, user_id: USER.toUpperCase(), labels: ["Palm"], meta },
    });
    expect((await read())[0]).toMatchObject({
      ...{ userId: USER, labels: ["palm"], meta: { gender: ["female"], race: ["East Asian"] } },
    });
    await reject({ ...V20, user_id: `${USER} ` }, /32 or 64 hex digits/);
    await reject(
      { ...V2, meta: { ...meta, race: ["nan"] } },
      /Expected a recorded value for meta\.race\.0, got "nan"/,
    );
    await reject(
      { ...V2, meta: { ...meta, race: ["Whit"] } },
      /Expected a known race or skin tone for meta\.race\.0, got "Whit"/,
    );
    await reject(
      { ...V20, labels: ["plam"] },
      /Expected a known gesture for labels\.0, got "plam" \(.*, image bad\)/,
    );
  });

  it("refuses files that are named after no gesture, if they are asked for", async () => {
    const file = await put("annotations/train/Palm.json", { a: V20 });
    await expect(read()).rejects.toMatchObject({
      code: "GESTURE_VALUE",
      message: `Expected palm for an annotation file's name, got "Palm" (${file})`,
      hint: "rename the file, and the folder of its images, to palm",
    });
    const stray = await put("annotations/test/summary.json", {});
    await put("annotations/test/stop.json", { a: V20 });
    expect(await read({ gestures: ["stop"] })).toHaveLength(1);
    await expect(read({ gestures: ["summary"] })).rejects.toThrow(
      `Expected a known gesture for an annotation file's name, got "summary" (${stray})`,
    );
  });

  it("refuses a box outside the frame beyond rounding", async () => {
    const inside = { ...V20, bboxes: [[0.7, 0.2, 0.31, 0.4]] };
    await put("annotations/train/palm.json", { a: inside });
    expect(await read()).toHaveLength(1);
    for (const box of [
      [0.7, 0.2, 0.33, 0.4],
      [-0.03, 0.2, 0.3, 0.4],
      [12, 20, 100, 100],
      [0.1, 0.1, 0, 0.2],
      [0.1, 0.1, 0.2],
    ])
      await reject({ ...V20, bboxes: [box] }, / for bboxes\.0.*, got .*image bad/);
  });

  it("refuses image ids that are no file names", async () => {
    await put("annotations/train/palm.json", { "../../etc/passwd": V20 });
    await expect(read()).rejects.toThrow(/for an image id, got "\.\.\/\.\.\/etc\/passwd" \(.*palm\.json\)/);
  });

  it("reports where JSON is cut in the middle", async () => {
    const text = JSON.stringify({ a: V20, b: V20 });
    await put("annotations/train/palm.json", text.slice(0, -20));
    await expect(read()).rejects.toMatchObject({
      kind: "data",
      code: "JSON_SYNTAX",
      message: expect.stringMatching(/palm\.json, got .*line 1, byte \d+, after record a$/),
    });
    await put("annotations/train/palm.json", "[1]");
    await expect(read()).rejects.toThrow(/before the first record/);
  });

  it("names the gestures that there are", async () => {
    await put("annotations/train/palm.json", { a: V20 });
    await expect(read({ gestures: ["plam"] })).rejects.toMatchObject({
      kind: "input",
      code: "UNKNOWN_GESTURE",
      message: 'Expected one of palm for --gestures, got "plam"',
      hint: "the nearest is palm",
    });
  });

  it("refuses folders without annotations and missing meta files", async () => {
    await expect(read()).rejects.toMatchObject({ code: "ANNOTATIONS_MISSING" });
    await put("annotations/train/palm.json", { a: V20 });
    await expect(read({ gestures: "all", metaFile: join(dir, "no.json") })).rejects.toMatchObject({
      code: "FILE_MISSING",
    });
  });
});

describe.skipIf(shared("data", "hagrid464") === undefined)(`real annotations (${WHY_SKIPPED})`, () => {
  it("streams every real record", async () => {
    const root = shared("data", "hagrid464") ?? "";
    const frames = await collect(root, { gestures: "all" });
    expect(frames).toHaveLength(464);
    expect(frames.filter(({ boxes }) => boxes.length === 2)).toHaveLength(81);
  });
});

describe("layouts of HaGRID's archives", () => {
  it("finds each frame of the first HaGRID in its own folder", async () => {
    const record = V1;
    await put("ann_train_val/palm.json", { a: record });
    await put("ann_test/palm.json", { b: record });
    await put("ann_subsample/palm.json", { a: record, c: record });
    for (const path of [
      "train_val_palm/a.jpg",
      "test/palm/b.jpg",
      "subsample/palm/a.jpg",
      "subsample/palm/c.jpg",
    ])
      await put(path, "x");
    const found = (await read()).map(({ imageId, split, path }) => [
      imageId,
      split,
      path.slice(dir.length + 1),
    ]);
    expect(found).toEqual([
      ["a", "train", "train_val_palm/a.jpg"],
      ["b", "test", "test/palm/b.jpg"],
      ["a", "train", "train_val_palm/a.jpg"], // again: a repeated id, which the ledger counts
      ["c", "train", "subsample/palm/c.jpg"],
    ]);
  });

  it("takes nulls for hands that are not united", async () => {
    await put("hagrid_annotations/val/palm.json", {
      a: { ...V2, united_bbox: [null], united_label: [null] },
    });
    await put("hagrid_dataset/palm/a.jpg", "x");
    expect((await read())[0]).toMatchObject({ split: "val", path: join(dir, "hagrid_dataset/palm/a.jpg") });
  });
});

describe("bad records", () => {
  const bad = { ...V20, user_id: "me" };

  it("are named all in one run, over all files, after the good ones came", async () => {
    await put("annotations/train/palm.json", { a: V20, b: bad, "c d": V20 });
    await put("annotations/val/palm.json", '{"e": {"bboxes": [');
    await put("annotations/test/stop.json", { f: V20, g: { ...V20, labels: [] } });
    const meta = await put("meta.json", { a: { age: ["x"], gender: [], race: [] } });
    const seen: string[] = [];
    const reading = (async () => {
      for await (const { imageId } of readAnnotations(dir, { gestures: "all", metaFile: meta }))
        seen.push(imageId);
    })();
    const error = await reading.catch((caught: unknown) => caught as Error);
    expect(seen).toEqual(["a", "f"]);
    expect(error).toMatchObject({ kind: "data", code: "BAD_RECORDS" });
    const [head, ...lines] = String((error as Error).message).split("\n");
    expect(head).toBe(`Expected good records in ${dir}, got 5 bad ones:`);
    expect(lines).toHaveLength(5);
    for (const [i, parts] of [
      ["meta.json, image a", "age.0"],
      ["train/palm.json, image b", "user_id"],
      ["train/palm.json", '"c d"'],
      ["val/palm.json", "before the first record"],
      ["stop.json, image g", "labels"],
    ].entries())
      for (const part of parts) expect(lines[i]).toContain(part);
  });

  it("are named up to 20, with the count of all", async () => {
    const records = Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`r${i}`, bad]));
    await put("annotations/train/palm.json", records);
    const error = await read().catch((caught: unknown) => caught as Error);
    const lines = String((error as Error).message).split("\n");
    expect(lines[0]).toMatch(/got 33 bad ones:$/);
    expect(lines).toHaveLength(22);
    expect(lines[20]).toContain("image r19");
    expect(lines[21]).toBe("  and 13 more");
  });
});
