import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DATASET_NAME, imagePath, locate, planLayout } from "./layout.ts";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "facehand-layout-"));
});
afterEach(() => rm(dir, { recursive: true }));

async function lay(root: string, imageFolder: string): Promise<void> {
  for (const part of ["faces", "hands"]) await mkdir(join(root, imageFolder, part), { recursive: true });
  for (const split of ["train", "val", "test"]) await writeFile(join(root, `${split}.csv`), "");
}

describe("locate", () => {
  it("finds the published layout", async () => {
    await lay(dir, "images/content/aligned_dataset");
    const layout = await locate(dir);
    expect(layout).toEqual(planLayout(dir));
    expect(layout.doubled).toBe(false);
    expect(imagePath(layout, "face", "F_a.jpg")).toBe(
      join(dir, "images/content/aligned_dataset/faces/F_a.jpg"),
    );
    expect(imagePath(layout, "hand", "H_a.jpg")).toBe(
      join(dir, "images/content/aligned_dataset/hands/H_a.jpg"),
    );
  });

  it("finds what the published unzip step leaves, and prefers the right place", async () => {
    await lay(dir, "images/content/content/aligned_dataset");
    expect((await locate(dir)).images.face).toBe(join(dir, "images/content/content/aligned_dataset/faces"));
    expect((await locate(dir)).doubled).toBe(true);
    await lay(dir, "images/content/aligned_dataset");
    expect((await locate(dir)).doubled).toBe(false);
  });

  it("accepts the parent folder", async () => {
    await lay(join(dir, DATASET_NAME), "images/content/aligned_dataset");
    expect((await locate(dir)).root).toBe(join(dir, DATASET_NAME));
  });

  it("reports that the folder is missing", async () => {
    await expect(locate(join(dir, "none"))).rejects.toMatchObject({
      kind: "data",
      code: "DATASET_MISSING",
      message: `Expected a dataset folder at ${join(dir, "none")}, got no such folder`,
    });
  });

  it("names the absent CSVs and what is there instead", async () => {
    await lay(dir, "images/content/aligned_dataset");
    await rm(join(dir, "val.csv"));
    await expect(locate(dir)).rejects.toMatchObject({
      kind: "data",
      code: "DATASET_CSV_MISSING",
      message: `Expected train.csv, val.csv and test.csv in ${dir}, got no val.csv (${dir} holds images, test.csv, train.csv)`,
    });
  });

  it("names the missing image folders and what is there instead", async () => {
    await lay(dir, "images/content/aligned_dataset");
    const aligned = join(dir, "images/content/aligned_dataset");
    await rm(join(aligned, "faces"), { recursive: true });
    await expect(locate(dir)).rejects.toMatchObject({
      kind: "data",
      code: "DATASET_IMAGES_MISSING",
      message: `Expected folders faces and hands in ${aligned}, got not both (${aligned} holds hands)`,
    });
  });
});
