import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  appendFile,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { codeArgs, moduleOf } from "../../../test/process.ts";
import { shared, WHY_SKIPPED } from "../../../test/shared.ts";
import { SPLITS } from "../../core/words.ts";
import { rawFrame } from "../../dataset/layout.ts";
import { LEDGER_COLUMNS } from "../../dataset/ledger-columns.ts";
import { readManifest } from "../../dataset/manifest.ts";
import { readPairs } from "../../dataset/store.ts";
import { readCsv } from "../../formats/csv.ts";
import { exists, sha256, sha256File } from "../../machine/files.ts";
import { decodeImage, encodeJpeg } from "../../pixels/image.ts";
import { resizeBilinear } from "../../pixels/pixels.ts";
import { rotate } from "../../pixels/rotate.ts";
import type { Reason } from "../judge/reasons.ts";
import type { DeriveOptions } from "./options.ts";
import { derive } from "./pipeline.ts";

// A made-up HaGRID tree: coloured noise instead of people, faces as annotated.
const FACE = {
  box: [0.3, 0.2, 0.3, 0.3],
  points: [
    [0.55, 0.3],
    [0.48, 0.31],
    [0.35, 0.3],
    [0.42, 0.31],
    [0.45, 0.4],
  ],
};
const HAND = [0.65, 0.3, 0.2, 0.2];
const WIDTH = 160;
const HEIGHT = 200;

interface Entry {
  readonly id: string;
  readonly gesture?: string;
  readonly split?: string;
  readonly user: number;
  readonly gender?: readonly string[];
  readonly labels?: readonly string[];
  readonly faces?: readonly unknown[];
  readonly hand?: readonly number[];
  readonly image?: Uint8Array | "missing";
}

const good = (user: number, k: number): Entry => ({
  id: `good-${user}-${k}`,
  gesture: k === 0 ? "palm" : "stop",
  split: SPLITS[user % 3]!,
  user,
});

const GOOD = Array.from({ length: 12 }, (_, user) => [good(user, 0), good(user, 1)]).flat();
const tiny = { box: [0.4, 0.3, 0.1, 0.1], points: FACE.points.map(([x, y]) => [x! / 4 + 0.3, y! / 4 + 0.2]) };
const beside = { ...FACE, box: [0.68, 0.55, 0.28, 0.25] };

async function badFrames(): Promise<[Entry, Reason][]> {
  const picture = await frameBytes("palm good-0-0");
  return [
    [{ id: "gone", user: 1, image: "missing" }, "image_missing"],
    [{ id: "cut", user: 1, image: picture.subarray(0, picture.length / 2) }, "image_unreadable"],
    [{ id: "empty", user: 1, image: new Uint8Array() }, "image_unreadable"],
    [{ id: "page", user: 1, image: Buffer.from("<html>quota exceeded</html>") }, "image_unreadable"],
    [{ id: "faceless", user: 1, faces: [] }, "no_face"],
    [{ id: "far", user: 1, faces: [tiny] }, "face_too_small"],
    [
      { id: "cyclops", user: 1, faces: [{ ...FACE, points: FACE.points.map(() => [0.4, 0.3]) }] },
      "face_too_small",
    ],
    [{ id: "corner", user: 1, hand: [0, 0, 0.05, 0.6] }, "hand_outside_frame"],
    [{ id: "crowd", user: 1, faces: [FACE, beside] }, "ambiguous_face"],
    [{ id: "idle", user: 1, labels: ["no_gesture"] }, "no_hand_box"],
    [{ id: "unlabelled", user: 1, gender: [] }, "missing_label"],
    [{ id: "tie-1", user: 90, gender: ["male"] }, "label_conflict"],
    [{ id: "tie-2", user: 90, gender: ["female"] }, "label_conflict"],
    [{ id: "good-0-0", gesture: "stop", user: 2 }, "duplicate_image"],
    [{ id: "twin", gesture: "stop", user: 3, image: picture }, "duplicate_image"],
  ];
}

async function frameBytes(id: string): Promise<Uint8Array> {
  const noise = Buffer.from(sha256(id), "hex");
  const data = new Uint8Array(WIDTH * HEIGHT * 3);
  for (let i = 0; i < data.length; i++) {
    const [x, y] = [Math.floor(i / 3) % WIDTH, Math.floor(i / 3 / WIDTH)];
    data[i] = (x + 2 * y + noise[(x >> 4) & 31]! + noise[(y >> 4) & 31]! + 40 * (i % 3)) & 255;
  }
  return encodeJpeg({ width: WIDTH, height: HEIGHT, data });
}

async function makeTree(root: string, entries: readonly Entry[]): Promise<void> {
  const files = new Map<string, Record<string, unknown>>();
  const faces: Record<string, unknown> = {};
  for (const { id, gesture = "palm", split = "train", user, image, ...rest } of entries) {
    const file = join(root, "annotations", split, `${gesture}.json`);
    const gender = rest.gender ?? [user % 2 === 0 ? "female" : "male"];
    const record = {
      bboxes: [rest.hand ?? HAND],
      labels: rest.labels ?? [gesture],
      user_id: sha256(`user ${user}`),
      meta: { age: gender.map(() => 20 + user), gender, race: [] },
    };
    files.set(file, { ...files.get(file), [id]: record });
    faces[id] ??= rest.faces ?? [FACE];
    if (image === "missing") continue;
    await mkdir(join(root, gesture), { recursive: true });
    await writeFile(join(root, gesture, `${id}.jpg`), image ?? (await frameBytes(`${gesture} ${id}`)));
  }
  for (const [file, records] of files) {
    await mkdir(join(file, ".."), { recursive: true });
    await writeFile(file, JSON.stringify(records));
  }
  await writeFile(join(root, "face_landmarks.json"), JSON.stringify(faces));
}

/** Every file of a tree with its hash. */
async function treeOf(root: string): Promise<string[]> {
  const found = await readdir(root, { recursive: true, withFileTypes: true });
  const files = found.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Promise.all(
    files.sort().map(async (file) => `${file.slice(root.length)} ${await sha256File(file)}`),
  );
}

async function ledgerOf(root: string) {
  const rows = [];
  for await (const { values } of readCsv(join(root, "ledger.csv"), LEDGER_COLUMNS)) rows.push(values);
  return rows;
}

let dir = "";
let hagrid = "";
let reference: string[] = [];
const optionsTo = (outDir: string): DeriveOptions => ({
  hagridDir: hagrid,
  gestures: "all",
  outDir,
  seed: 7,
  faceLandmarksFile: join(hagrid, "face_landmarks.json"),
  sizePx: 64,
  handCrop: "box", // nothing to find in noise
});

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "facehand-derive-"));
  hagrid = join(dir, "hagrid");
  const bad = (await badFrames()).map(([entry]) => entry);
  await makeTree(hagrid, [...GOOD, ...bad]);
  await derive(optionsTo(join(dir, "reference")));
  reference = await treeOf(join(dir, "reference"));
});
afterAll(() => rm(dir, { recursive: true }));

let out = "";
let runs = 0;
beforeEach(() => {
  out = join(dir, `run ${++runs}`, "pairs");
});

describe("derive", () => {
  it("keeps the good frames and removes each bad one with its reason", async () => {
    const rows = await ledgerOf(join(dir, "reference"));
    const bad = await badFrames();
    expect(rows).toHaveLength(GOOD.length + bad.length);
    const kept = rows.filter(({ status }) => status === "kept").map(({ image_id }) => image_id);
    expect(kept.sort()).toEqual(GOOD.map(({ id }) => id).sort());
    const removed = rows.filter(({ status }) => status === "removed");
    expect(removed.map(({ image_id, reason }) => [image_id, reason]).sort()).toEqual(
      bad.map(([{ id }, reason]) => [id, reason]).sort(),
    );
    expect(rows.find(({ image_id }) => image_id === "page")?.detail).toBe("IMAGE_FORMAT");
    expect(rows.find(({ image_id }) => image_id === "twin")?.detail).toBe("same bytes as good-0-0");
  });

  it("writes a dataset that reads back, with crops and a manifest that fit", async () => {
    const root = join(dir, "reference");
    const pairs = await readPairs(root);
    const all = SPLITS.flatMap((split) => pairs[split]);
    expect(all).toHaveLength(GOOD.length);
    expect(all.find(({ id }) => id === "good-3-1")).toEqual({
      id: "good-3-1",
      userId: sha256("user 3"),
      age: "20-29",
      gender: "male",
      race: "",
      gesture: "stop",
      handImage: "H_good-3-1.jpg",
      faceImage: "F_good-3-1.jpg",
    });
    const images = join(root, "images", "content", "aligned_dataset");
    expect(await readdir(join(images, "faces"))).toHaveLength(GOOD.length);
    expect(await decodeImage(join(images, "hands", "H_good-3-1.jpg"))).toMatchObject({
      width: 64,
      height: 64,
    });
    const manifest = await readManifest(root);
    expect(manifest?.counts).toMatchObject({ frames: 39, kept: 24, removed: { duplicate_image: 2 } });
    expect(manifest?.files["train.csv"]).toBe(await sha256File(join(root, "train.csv")));
    expect(manifest?.drawn).toBe(false);
    expect((await readdir(root)).sort()).toEqual([
      ...["images", "ledger.csv", "ledger.parquet", "manifest.json", "removed_faces", "removed_hands"],
      ...["test.csv", "train.csv", "val.csv"],
    ]);
    for (const name of ["ledger.csv", "manifest.json"]) {
      expect(await readFile(join(root, name), "utf8")).not.toContain(dir);
    }
  });

  it("gives the same bytes again and with other threads", async () => {
    await derive({ ...optionsTo(out), threads: 5, framesPerThread: 13 }); // three threads of 13 frames
    expect(await treeOf(out)).toEqual(reference);
  });

  it("reports that a dataset is complete, and refuses a folder of another one", async () => {
    await cp(join(dir, "reference"), out, { recursive: true });
    expect(await derive(optionsTo(out))).toMatchObject({ alreadyComplete: true, worked: 0 });
    await expect(derive({ ...optionsTo(out), seed: 8 })).rejects.toMatchObject({
      kind: "input",
      code: "OUT_OTHER",
      message: `Expected an empty or new folder for --out, got a dataset of another recipe, selection or source in ${out}`,
    });
    await rm(join(out, "manifest.json"));
    await expect(derive(optionsTo(out))).rejects.toThrow(/got other files in/);
    expect(await exists(`${out}.partial`)).toBe(false);
  });

  it("refuses the staging folder of another derivation", async () => {
    await mkdir(`${out}.partial`, { recursive: true });
    await writeFile(join(`${out}.partial`, "stage.json"), '{"derivationHash":"other"}');
    await expect(derive(optionsTo(out))).rejects.toMatchObject({ kind: "input", code: "STAGE_OTHER" });
  });

  it("stops on a signal and continues to the same bytes", async () => {
    const stop = new AbortController();
    let ticks = 0;
    const progress = () => ({
      tick: () => {
        if (++ticks === 6) stop.abort();
      },
      note() {},
      done() {},
    });
    await expect(derive({ ...optionsTo(out), signal: stop.signal, progress })).rejects.toThrow(/abort/i);
    expect(await exists(out)).toBe(false);
    const { worked } = await derive(optionsTo(out));
    expect(worked).toBeLessThan(39);
    expect(await treeOf(out)).toEqual(reference);
  });

  it("drops a line that a kill cut off, and files it left", async () => {
    const stage = `${out}.partial`;
    await rename(await killedStage(out), stage);
    const faces = join(stage, "images", "content", "aligned_dataset", "faces");
    await writeFile(join(faces, ".F_good-1-0.jpg.99.tmp"), "half");
    await appendFile(join(stage, "journal.jsonl"), '{"imageId":"good-0-0","ges');
    const { worked } = await derive(optionsTo(out));
    expect(worked).toBeLessThan(39);
    expect(await treeOf(out)).toEqual(reference);
  });

  it("publishes what was finished before the kill", async () => {
    await cp(join(dir, "reference"), `${out}.partial`, { recursive: true });
    await writeFile(join(`${out}.partial`, ".ledger.csv.7.tmp"), "half");
    expect(await derive(optionsTo(out))).toMatchObject({ worked: 0, alreadyComplete: false });
    expect(await treeOf(out)).toEqual(reference);
  });

  it("refuses a journal of other frames", async () => {
    await rename(await killedStage(out), `${out}.partial`);
    const path = join(`${out}.partial`, "journal.jsonl");
    const lines = (await readFile(path, "utf8")).split("\n");
    await writeFile(path, [lines[1], lines[0], ...lines.slice(2)].join("\n"));
    await expect(derive(optionsTo(out))).rejects.toMatchObject({ code: "JOURNAL_DAMAGED" });
    await writeFile(path, ["{}", ...lines.slice(1)].join("\n"));
    await expect(derive(optionsTo(out))).rejects.toThrow(
      /Expected the journal line of a derived frame at .*:1/,
    );
  });

  it("notices a line that is not the one that was written, and reads lines of before without checksums", async () => {
    await rename(await killedStage(out), `${out}.partial`);
    const path = join(`${out}.partial`, "journal.jsonl");
    const text = await readFile(path, "utf8");
    const [first = "", ...rest] = text.split("\n");
    expect(first).toMatch(/\}\t[0-9a-f]{8}$/);
    const other = first.replace(/"faces":\d/, '"faces":7');
    expect(other).not.toBe(first);
    await writeFile(path, [other, ...rest].join("\n"));
    await expect(derive(optionsTo(out))).rejects.toThrow(
      /Expected the journal line of a derived frame at .*:1/,
    );
    const before = text
      .replace(/"source":\{[^}]*\},?/g, "")
      .replace(/,\}/g, "}")
      .replace(/\t[0-9a-f]{8}$/gm, "");
    await writeFile(path, before);
    const { worked } = await derive(optionsTo(out));
    expect(worked).toBeLessThan(39);
    expect(await treeOf(out)).toEqual(reference);
  });

  it("continues a journal of an earlier version: the ledger has no squares and points of its frames", async () => {
    await rename(await killedStage(out), `${out}.partial`);
    const path = join(`${out}.partial`, "journal.jsonl");
    const text = await readFile(path, "utf8");
    const before = text
      .replace(/,"(face|hand)(Square|Points)":\[[^\]]*\]/g, "")
      .replace(/\t[0-9a-f]{8}$/gm, "");
    expect(before).not.toMatch(/Square|Points/);
    await writeFile(path, before);
    await derive(optionsTo(out));
    const [rows, whole] = [await ledgerOf(out), await ledgerOf(join(dir, "reference"))];
    const columns = ["face_square", "face_points", "hand_square", "hand_points"] as const;
    const has = (row: (typeof rows)[number]) => columns.some((column) => row[column] !== "");
    const done = text.trimEnd().split("\n").length;
    expect(rows.slice(0, done).some(has)).toBe(false);
    expect(whole.slice(0, done).some(has)).toBe(true);
    expect(rows.slice(done)).toEqual(whole.slice(done));
    const without = (row: (typeof rows)[number]) => ({
      ...row,
      ...Object.fromEntries(columns.map((name) => [name, ""])),
    });
    expect(rows.map(without)).toEqual(whole.map(without));
  });

  describe("continues with frames that were", () => {
    /** A stage of a few frames, and the frame of its first line, which is put back afterwards. */
    async function withFirst(work: (path: string, bytes: Buffer) => Promise<void>): Promise<void> {
      await rename(await killedStage(out), `${out}.partial`);
      const [line = ""] = (await readFile(join(`${out}.partial`, "journal.jsonl"), "utf8")).split("\n");
      const { imageId, gesture } = JSON.parse(line.split("\t")[0]!) as { imageId: string; gesture: string };
      const path = rawFrame(optionsTo(out).hagridDir, gesture, imageId);
      const [bytes, { atime, mtime }] = [await readFile(path), await stat(path)];
      try {
        await work(path, bytes);
      } finally {
        await writeFile(path, bytes);
        await utimes(path, atime, mtime);
      }
    }
    const refused = () =>
      expect(derive(optionsTo(out))).rejects.toMatchObject({
        kind: "data",
        code: "SOURCE_CHANGED",
        message: expect.stringMatching(
          /^Expected the file that was read before for frame .+\/.+, got .+ at /,
        ),
        hint: expect.stringContaining("bring the file back, or remove"),
      });

    it("exchanged: refused, also by a file of the same size", async () => {
      await withFirst(async (path, bytes) => {
        await writeFile(path, Buffer.concat([bytes.subarray(0, -1), Buffer.from([bytes.at(-1)! ^ 1])]));
        await utimes(path, new Date(0), new Date(0));
        await refused();
      });
    });

    it("removed: refused", async () => {
      await withFirst(async (path) => {
        await rm(path);
        await refused();
      });
    });

    it("touched, or copied: taken, for their bytes are the same", async () => {
      await withFirst(async (path, bytes) => {
        await rm(path);
        await writeFile(path, bytes);
        await utimes(path, new Date(0), new Date(0));
        const { worked } = await derive(optionsTo(out));
        expect(worked).toBeLessThan(39);
      });
      expect(await treeOf(out)).toEqual(reference);
    });
  });

  it("refuses to publish what is not all that was made", async () => {
    await cp(join(dir, "reference"), `${out}.partial`, { recursive: true });
    await rm(join(`${out}.partial`, "images", "content", "aligned_dataset", "hands", "H_good-0-0.jpg"));
    await expect(derive(optionsTo(out))).rejects.toMatchObject({ kind: "internal", code: "PUBLISH_COUNT" });
    expect(await exists(out)).toBe(false);
  });

  it("refuses an output among the frames, or around them, also through a link", async () => {
    const { hagridDir } = optionsTo(out);
    await mkdir(dirname(out), { recursive: true });
    await symlink(hagridDir, `${out} link`);
    for (const outDir of [join(hagridDir, "pairs"), join(`${out} link`, "deep", "pairs"), dirname(hagridDir)])
      await expect(derive({ ...optionsTo(out), outDir })).rejects.toMatchObject({ code: "OUT_INSIDE" });
    await rm(`${out} link`);
  });

  it("refuses a staging folder that lost a crop", async () => {
    await rename(await killedStage(out), `${out}.partial`);
    await rm(join(`${out}.partial`, "images", "content", "aligned_dataset", "hands", "H_good-0-0.jpg"));
    await expect(derive(optionsTo(out))).rejects.toThrow(
      /Expected the crop H_good-0-0\.jpg in .*hands, got no such/,
    );
  });

  // At any other moment: `npm run harden -- --only kills`.
  it("ends with the same bytes after kill -9 behind each group of its journal", {
    timeout: 120_000,
  }, async () => {
    for (const lines of [1, 33]) {
      await killAt(out, lines);
      expect([await exists(out), await exists(`${out}.partial`)]).toEqual([false, true]);
    }
    await derive(optionsTo(out));
    expect(await treeOf(out)).toEqual(reference);
  });

  it("derives a tree as the first HaGRID unpacks, and makes up no splits of it", async () => {
    const made = join(dir, "first-made");
    const tree = join(dir, "first");
    await makeTree(
      made,
      GOOD.map((entry) => ({ ...entry, split: "train" })),
    );
    await cp(join(made, "annotations", "train"), join(tree, "ann_train_val"), { recursive: true });
    for (const gesture of ["palm", "stop"])
      await cp(join(made, gesture), join(tree, `train_val_${gesture}`), { recursive: true });
    const faceLandmarksFile = join(made, "face_landmarks.json");
    const options = { ...optionsTo(out), hagridDir: tree, faceLandmarksFile };
    expect((await derive(options)).manifest.counts).toMatchObject({ frames: 24, kept: 24 });
    await expect(derive({ ...options, splits: "hagrid", outDir: `${out} 2` })).rejects.toMatchObject({
      code: "SPLITS_UNKNOWN",
      message: `Expected annotations in folders train, val and test for --splits hagrid, got "${join(tree, "ann_train_val", "palm.json")}"`,
      hint: "--splits balanced deals the subjects anew",
    });
  });

  it("leaves nothing behind when there is nothing to derive", async () => {
    const empty = join(dir, "unlabelled");
    await makeTree(empty, [{ id: "a", user: 1, gender: [] }]);
    const options = { ...optionsTo(out), hagridDir: empty };
    await expect(derive(options)).rejects.toMatchObject({
      kind: "data",
      code: "NO_PAIRS",
      message: "Expected face-hand pairs, got none (missing_label 1)",
      hint: expect.stringContaining("--meta"),
    });
    await writeFile(join(empty, "annotations", "train", "palm.json"), '{"a": {"bboxes"');
    await expect(derive(options)).rejects.toMatchObject({ code: "JSON_SYNTAX" });
    expect([await exists(out), await exists(`${out}.partial`)]).toEqual([false, false]);
  });

  it("reports what most frames lack: a few without a label are not why nothing is left", async () => {
    const moved = join(dir, "moved");
    await makeTree(moved, [{ id: "a", user: 1, gender: [] }, ...GOOD]);
    await rm(join(moved, "palm"), { recursive: true, force: true });
    await rm(join(moved, "stop"), { recursive: true, force: true });
    await expect(derive({ ...optionsTo(out), hagridDir: moved })).rejects.toMatchObject({
      code: "NO_PAIRS",
      message: `Expected face-hand pairs, got none (image_missing ${GOOD.length}, missing_label 1)`,
      hint: expect.stringContaining("in the same case, e.g. palm/<id>.jpg"),
    });
  });

  it("refuses bad options", async () => {
    const refuse = (options: Partial<DeriveOptions>, message: string) =>
      expect(derive({ ...optionsTo(out), ...options })).rejects.toThrow(message);
    await refuse({ sizePx: 20 }, "Expected an integer from 32 to 1024 for --size, got 20");
    await refuse({ threads: 0 }, "Expected an integer from 1 to 256 for --threads, got 0");
    await refuse({ seed: 0.5 }, "for --seed, got 0.5");
    await refuse({ gestures: [] }, "Expected gesture names or all for --gestures, got []");
    await refuse({ faceModel: "x.onnx" }, "Expected a face model or annotated face landmarks for the faces");
    await refuse({ gestures: ["plam"] }, "Expected one of palm, stop for --gestures");
  });
});

/**
 * Runs the derivation in a process of its own, which kills itself once its journal has more than that many lines: behind the
 * append, since a test that watches the file may look only when the process is done.
 */
async function killAt(outDir: string, lines: number): Promise<void> {
  const code = `
    const { open, readFile } = await import("node:fs/promises");
    const [options, lines] = JSON.parse(process.argv[1]);
    const file = await open(process.execPath);
    const proto = Object.getPrototypeOf(file);
    const { appendFile } = proto;
    proto.appendFile = async function (...args) {
      await appendFile.apply(this, args);
      const text = await readFile(options.outDir + ".partial/journal.jsonl", "utf8");
      if (text.split("\\n").length > lines + 1) process.kill(process.pid, "SIGKILL");
    };
    await file.close();
    const { derive } = await import(${moduleOf("derive/run/pipeline.ts")});
    await derive(options);`;
  const args = codeArgs(code, JSON.stringify([optionsTo(outDir), lines]));
  const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "inherit"] });
  const [, signal] = await once(child, "exit");
  expect(signal).toBe("SIGKILL");
}

async function killedStage(outDir: string): Promise<string> {
  await killAt(`${outDir} killed`, 3);
  return `${outDir} killed.partial`;
}

const real = shared("data", "hagrid464");
describe.skipIf(real === undefined)(`derive on real frames (${WHY_SKIPPED})`, () => {
  it("keeps nearly every frame of two gestures, with no subject in two splits", {
    timeout: 120_000,
  }, async () => {
    const { manifest } = await derive({
      hagridDir: real!,
      gestures: ["palm", "stop"],
      metaFile: join(real!, "meta.json"),
      outDir: out,
      seed: 42,
    });
    const { frames, kept, removed } = manifest.counts;
    expect(frames).toBe(48);
    expect(kept + Object.values(removed).reduce((a, b) => a + b, 0)).toBe(48);
    expect(kept).toBeGreaterThanOrEqual(40);
    const pairs = await readPairs(out); // refuses a subject in two splits and missing images
    expect(SPLITS.map((split) => pairs[split].length).reduce((a, b) => a + b, 0)).toBe(kept);
    expect(manifest.recipe.detector.name).toBe("mediapipe-full-range/1");
  });
});

describe("derive with photos as cameras and phones leave them", () => {
  /** EXIF: the picture is stored lying on its left side, to be turned a quarter clockwise. */
  const lying = (jpeg: Uint8Array) => {
    const tiff = [0x4d, 0x4d, 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0];
    const body = [0x45, 0x78, 0x69, 0x66, 0, 0, ...tiff];
    const head = [0xff, 0xd8, 0xff, 0xe1, 0, body.length + 2, ...body];
    return Buffer.concat([Uint8Array.from(head), jpeg.subarray(2)]);
  };

  it("refuses a turned picture that shows no hand, splits as HaGRID does, and by other age buckets", async () => {
    const tree = join(dir, "exif");
    const upright = await decodeImage(await frameBytes("palm upright"));
    const entries = Array.from({ length: 6 }, (_, user) => good(user, 0));
    const turned = rotate(square(upright), 90); // counter-clockwise: what the EXIF turn undoes
    const plain: Entry = { id: "plain", user: 7, image: await encodeJpeg(square(upright), { quality: 100 }) };
    const exif: Entry = { id: "exif", user: 8, image: lying(await encodeJpeg(turned, { quality: 100 })) };
    await makeTree(tree, [...entries, plain, exif]);
    const options = {
      ...optionsTo(out),
      hagridDir: tree,
      faceLandmarksFile: join(tree, "face_landmarks.json"),
    };
    const rules = [{ name: "near_duplicate", threshold: null }];
    await derive({ ...options, rules, splits: "hagrid", ageEdges: [0, 25, 65] });
    const rows = await ledgerOf(out);
    expect(rows.find(({ image_id }) => image_id === "plain")).toMatchObject({
      status: "kept",
      annotated_in: "",
    });
    expect(rows.find(({ image_id }) => image_id === "exif")).toMatchObject({
      ...{ status: "removed", reason: "annotation_misplaced", annotated_in: "" },
      detail: "no hand where it is in stored and in turned pixels, EXIF 6",
    });
    const pairs = await readPairs(out);
    expect(pairs.val.map(({ id }) => id).sort()).toEqual(["good-1-0", "good-4-0"]);
    expect(pairs.train.map(({ age }) => age)).toContain("25-64"); // 27 and 28 years
    const twice = [...entries, { ...good(0, 1), split: "val" }];
    await makeTree(join(dir, "twice"), twice);
    const divided = {
      ...options,
      hagridDir: join(dir, "twice"),
      faceLandmarksFile: join(dir, "twice", "face_landmarks.json"),
      splits: "hagrid" as const,
      outDir: `${out} 2`,
    };
    await expect(derive(divided)).rejects.toMatchObject({ code: "SUBJECT_IN_TWO_SPLITS" });
    expect(await exists(`${out} 2.partial`)).toBe(false);
  });
});

/** A picture made square, so that a quarter turn keeps its size. */
function square(image: Awaited<ReturnType<typeof decodeImage>>) {
  return resizeBilinear(image, WIDTH, WIDTH);
}
