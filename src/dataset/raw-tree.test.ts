import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { findAnnotations, findFrames, framePlaces } from "./raw-tree.ts";

let dir = "";
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "facehand-raw-"));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

async function put(...paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await writeFile(join(dir, path), "{}");
  }
}
const annotations = async () =>
  (await findAnnotations(dir)).map(({ file, split, isSplitKnown }) => [
    relative(dir, file),
    split,
    isSplitKnown,
  ]);
const folders = async (gesture: string) =>
  (await findFrames(dir, ["palm", "stop"])).foldersOf(gesture).map((path) => relative(dir, path));

describe("findAnnotations", () => {
  it.each([
    ["annotations/val/palm.json", "val", true],
    ["hagrid_annotations/train/palm.json", "train", true],
    ["annotations/annotations/test/palm.json", "test", true],
    ["train/palm.json", "train", true],
    ["annotations/palm.json", "train", false],
    ["hagrid_annotations/palm.json", "train", false],
    ["ann_train_val/palm.json", "train", false],
    ["ann_test/palm.json", "test", true],
    ["ann_subsample/palm.json", "train", false],
    ["annotations/ann_subsample/palm.json", "train", false],
    ["subsample/ann_subsample/palm.json", "train", false],
    ["train/ann_train_val/palm.json", "train", false],
    ["hagrid-sample-30k-384p/ann_train_val/palm.json", "train", false],
  ] as const)("finds %s", async (path, split, isSplitKnown) => {
    await put(path, `${dirname(path)}/._palm.json`, "__MACOSX/annotations/train/stop.json", "meta.json");
    expect(await annotations()).toEqual([[path, split, isSplitKnown]]);
  });

  it("takes the parts of the first HaGRID together, the subsample last, as it repeats the others", async () => {
    await put(
      "ann_subsample/palm.json",
      "ann_test/palm.json",
      "ann_train_val/palm.json",
      "ann_train_val/stop.json",
    );
    expect((await annotations()).map(([file]) => file)).toEqual([
      ...[
        "ann_train_val/palm.json",
        "ann_train_val/stop.json",
        "ann_test/palm.json",
        "ann_subsample/palm.json",
      ],
    ]);
  });

  it("chooses none of two sets", async () => {
    await put("annotations/train/palm.json", "hagrid_annotations/train/palm.json");
    await expect(findAnnotations(dir)).rejects.toMatchObject({
      code: "ANNOTATIONS_TWICE",
      message: `Expected one set of annotations for HaGRID's folder, got "annotations and hagrid_annotations" (${dir})`,
      hint: "move away those that are not meant",
    });
    await rm(join(dir, "hagrid_annotations"), { recursive: true });
    await put("annotations/palm.json");
    await expect(findAnnotations(dir)).rejects.toThrow("annotations and annotations/*.json");
  });

  it("finds none in a folder that is none", async () => {
    expect(await findAnnotations(join(dir, "nowhere"))).toEqual([]);
  });
});

describe("findFrames", () => {
  it.each([
    "palm",
    "images/palm",
    "hagrid_dataset/palm",
    "hagrid_dataset_512/palm",
    "HaGRIDv2_dataset_512/palm",
    "train_val_palm",
    "subsample/palm",
    "test/palm",
    "train/train_val_palm",
    "hagrid-sample-30k-384p/hagrid_30k/train_val_palm",
  ])("finds %s", async (folder) => {
    await put(`${folder}/a.jpg`, "annotations/train/palm.json", "stop/b.jpg");
    expect(await folders("palm")).toEqual([folder]);
    expect(await folders("stop")).toEqual(["stop"]);
  });

  it("gives several in a fixed order, the tree's own and its images first, and none of others' gestures", async () => {
    await put("a/palm/1.jpg", "images/palm/1.jpg", "palm/1.jpg", "train_val_palm/1.jpg", "like/palm/1.jpg");
    expect(await folders("palm")).toEqual(["palm", "train_val_palm", "images/palm", "a/palm"]);
    expect(await folders("stop")).toEqual([]);
  });
});

describe("framePlaces", () => {
  const places = async (...names: string[]) =>
    (await framePlaces(names.map((name) => join(dir, name))))("a").map((path) => relative(dir, path));

  it("names HaGRID's own ending alone where no frame has another", async () => {
    await put("palm/a.jpg", "palm/._b.png", "palm/notes.txt", "palm/b.jpg.part");
    await symlink("gone", join(dir, "linked"));
    expect(await places("palm", "linked")).toEqual(["palm/a.jpg", "linked/a.jpg"]);
    expect(await places()).toEqual([]);
  });

  it("names the other endings of pictures that are there, as they are written, after HaGRID's own", async () => {
    await put("palm/a.png", "palm/b.JPG", "palm/c.jpeg", "images/palm/a.jpg", "images/palm/d.PNG");
    expect(await places("palm", "images/palm")).toEqual([
      ...["palm/a.jpg", "images/palm/a.jpg"],
      ...["palm/a.JPG", "palm/a.jpeg", "palm/a.png", "images/palm/a.PNG"],
    ]);
  });
});
