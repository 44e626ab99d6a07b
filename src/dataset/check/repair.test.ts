import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { aPair, layPairs } from "../../../test/dataset.ts";
import { Interrupted } from "../../core/errors.ts";
import { sha256 } from "../../machine/files.ts";
import { locate, planLayout } from "../layout.ts";
import { readPairs } from "../store.ts";
import { applyRepair, finishRepair, isRepairPending } from "./repair.ts";
import { planRepair } from "./repair-plan.ts";

let root: string;
const csv = (split: "train" | "val" | "test") => planLayout(root).csv[split];
const HEADER = "id,user_id,age,gender,race,labels,hand_image_name,face_image_name";

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "facehand-repair-"));
  await layPairs(root, {
    train: [aPair("a1", "anna", { gender: "female" }), aPair("b1", "ben")],
    val: [aPair("c1", "cem")],
    test: [aPair("d1", "dora"), aPair("d2", "dora")],
  });
});
afterEach(() => rm(root, { recursive: true, force: true }));

/** Faults of every kind that is mended, and two that are not. */
async function spoil(): Promise<void> {
  await writeFile(
    csv("train"),
    `\ufeffid, USER_ID,age,gender,race,labels,hand_image_name,face_image_name
a1,anna,20-29,FEMALE,tan,palm,/content/hands/H_a1.jpg,faces\\F_a1.jpg
b1,ben ,20-29,Male,tan,palm,H_b1.jpg,F_b1.jpg
b1,ben ,20-29,Male,tan,palm,H_b1.jpg,F_b1.jpg
`,
  );
  await writeFile(
    csv("val"),
    `${HEADER}
c1,cem,20-29,?,tan,palm,H_c1.jpg,F_c1.jpg
c2,cem,20-29,Male,tan,palm,c2.jpg,F_c2.jpg
`,
  );
  const aligned = join(root, "images/content/aligned_dataset");
  await rm(join(aligned, "faces/F_d2.jpg"));
  for (const name of ["hands/H_zz.jpg", "hands/H_c2.jpg"]) await writeFile(join(aligned, name), name);
  await mkdir(join(root, "removed/hands"), { recursive: true });
  await writeFile(join(root, "removed/hands/H_zz.jpg"), "an earlier one");
  await mkdir(join(root, "images/content/content"));
  await rename(aligned, join(root, "images/content/content/aligned_dataset"));
}

/** Every file of the folder with its hash. */
async function snapshot(dir = root): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((e) => join(e.parentPath, e.name));
  return Promise.all(files.sort().map(async (f) => `${f.slice(dir.length)} ${sha256(await readFile(f))}`));
}

describe("a repair that somebody else left pending", () => {
  it.each([
    ["../outside.csv", "train.csv"],
    ["train.csv", "../outside.csv"],
    ["train.csv", "/tmp/outside.csv"],
    ["train.csv", "a\\b"],
    ["link/x", "train.csv"],
  ])("is refused where it would move %s to %s", async (from, to) => {
    const elsewhere = await mkdtemp(join(tmpdir(), "facehand-elsewhere-"));
    await symlink(elsewhere, join(root, "link"));
    await mkdir(join(root, ".repair"));
    const moves = [
      { from: "val.csv", to: "kept.csv", replaces: false },
      { from, to, replaces: true },
    ];
    await writeFile(join(root, ".repair/moves.json"), JSON.stringify({ format: "facehand-repair/1", moves }));
    const before = await snapshot();
    await expect(finishRepair(root)).rejects.toMatchObject({ kind: "data", code: "PATH_OUTSIDE" });
    expect(await snapshot()).toEqual(before);
    await rm(elsewhere, { recursive: true });
  });
});

describe("planRepair", () => {
  it("changes nothing, and lists every change and everything left", async () => {
    await spoil();
    const before = await snapshot();
    const { repairs, left } = await planRepair(root);
    expect(await snapshot()).toEqual(before);
    const doubled = "images/content/content/aligned_dataset";
    expect(repairs.map(({ what, file, row, reason, after }) => [what, file, row, reason, after])).toEqual([
      ["header", "train.csv", 1, "TABLE_BOM", ""],
      ["header", "train.csv", 1, "COLUMN_NAME", "user_id"],
      ["cell", "train.csv", 2, "GENDER_CASE", "Female"],
      ["cell", "train.csv", 2, "IMAGE_FOLDER", "H_a1.jpg"],
      ["cell", "train.csv", 2, "IMAGE_FOLDER", "F_a1.jpg"],
      ["cell", "train.csv", 3, "FIELD_BLANKS", "ben"],
      ["cell", "train.csv", 4, "FIELD_BLANKS", "ben"],
      ["row", "train.csv", 4, "ROW_DUPLICATE", ""],
      ["row", "test.csv", 3, "IMAGE_MISSING", ""],
      ["image", `${doubled}/hands/H_d2.jpg`, "", "IMAGE_ORPHAN", "removed/hands/H_d2.jpg"],
      ["image", `${doubled}/hands/H_zz.jpg`, "", "IMAGE_ORPHAN", "removed/hands/H_zz.2.jpg"],
      ["folder", doubled, "", "LAYOUT_DOUBLED", "images/content/aligned_dataset"],
    ]);
    expect(left.map(({ code, file, row }) => `${code} ${file}:${row}`)).toEqual([
      "GENDER_VALUE val.csv:2",
      "IMAGE_NAME val.csv:3",
      "PAIR_MISMATCH val.csv:3",
      "IMAGE_MISSING val.csv:3",
      "IMAGE_MISSING val.csv:3",
    ]);
  });

  it("has nothing to do for a good dataset", async () => {
    expect(await planRepair(root)).toMatchObject({ repairs: [], moves: [], left: [] });
  });

  it("refuses to take most rows out", async () => {
    for (const id of ["a1", "b1", "c1"]) {
      await rm(join(root, `images/content/aligned_dataset/hands/H_${id}.jpg`));
    }
    await expect(planRepair(root)).rejects.toThrow(
      `Expected images for most rows of ${root}, got none for 3 of 5`,
    );
  });

  it("leaves images alone while a table cannot be read", async () => {
    await writeFile(csv("val"), "id,who\n");
    const { repairs, left } = await planRepair(root);
    expect(repairs).toEqual([]);
    expect(left.map(({ code }) => code)).toContain("IMAGE_ORPHAN");
  });
});

describe("applyRepair", () => {
  it("makes the changes, and none the second time", async () => {
    await spoil();
    await writeFile(csv("val"), `${HEADER}\nc1,cem,20-29,male,tan,palm,H_c1.jpg,F_c1.jpg\n`);
    await applyRepair(await planRepair(root));
    expect((await locate(root)).doubled).toBe(false);
    const pairs = await readPairs(root);
    expect([pairs.train, pairs.val, pairs.test].map((of) => of.map(({ id }) => id))).toEqual([
      ["a1", "b1"],
      ["c1"],
      ["d1"],
    ]);
    expect(await readFile(join(root, "removed/hands/H_zz.2.jpg"), "utf8")).toBe("hands/H_zz.jpg");
    expect(await readFile(join(root, "removed/hands/H_zz.jpg"), "utf8")).toBe("an earlier one");
    const ledger = await readFile(join(root, "removed/repairs.csv"), "utf8");
    expect(ledger).toContain("cell,val.csv,2,GENDER_CASE,male,Male\n");
    expect(ledger).toContain('row,test.csv,3,IMAGE_MISSING,"[""d2"",""dora""');
    expect(await readdir(root)).toEqual(["images", "removed", "test.csv", "train.csv", "val.csv"]);
    expect((await planRepair(root)).repairs).toEqual([]);
  });

  it("adds to the ledger of earlier repairs", async () => {
    await writeFile(csv("val"), `${HEADER}\nc1,cem,20-29,male,tan,palm,H_c1.jpg,F_c1.jpg\n`);
    await applyRepair(await planRepair(root));
    await writeFile(csv("val"), `${HEADER}\nc1,cem ,20-29,Male,tan,palm,H_c1.jpg,F_c1.jpg\n`);
    await applyRepair(await planRepair(root));
    const ledger = await readFile(join(root, "removed/repairs.csv"), "utf8");
    expect(ledger.trim().split("\n").slice(1)).toEqual([
      "cell,val.csv,2,GENDER_CASE,male,Male",
      "cell,val.csv,2,FIELD_BLANKS,cem ,cem",
    ]);
  });

  it("ends in the same files wherever it is stopped", async () => {
    await spoil();
    const copy = `${root}-copy`;
    await cp(root, copy, { recursive: true });
    await applyRepair(await planRepair(copy));
    const expected = await snapshot(copy);
    await rm(copy, { recursive: true });
    for (let stopAfter = 0; ; stopAfter++) {
      await cp(root, copy, { recursive: true });
      let moves = 0;
      const stop = new AbortController();
      if (stopAfter === 0) stop.abort();
      const onMove = () => {
        if (++moves === stopAfter) stop.abort();
      };
      const run = applyRepair(await planRepair(copy), { onMove, signal: stop.signal });
      const stopped = await run.then(
        () => false,
        (error) => error instanceof Interrupted,
      );
      expect(await isRepairPending(copy)).toBe(stopped);
      await finishRepair(copy);
      expect(await snapshot(copy)).toEqual(expected);
      await rm(copy, { recursive: true });
      if (!stopped) return expect(stopAfter).toBeGreaterThan(4);
    }
  });

  it("begins again if it was stopped before anything was moved", async () => {
    await spoil();
    await mkdir(join(root, ".repair/new"), { recursive: true });
    await writeFile(join(root, ".repair/new/train.csv"), "half a ta");
    await applyRepair(await planRepair(root));
    expect((await readFile(csv("train"), "utf8")).split("\n")).toHaveLength(4);
  });

  it("does not write over a file that came in between", async () => {
    await spoil();
    const plan = await planRepair(root);
    await writeFile(join(root, "removed/hands/H_d2.jpg"), "new");
    await expect(applyRepair(plan)).rejects.toThrow(
      `Expected nothing at ${root}/removed/hands/H_d2.jpg, where images/content/content/aligned_dataset/hands/H_d2.jpg is moved to, got a file or folder`,
    );
    expect(await readFile(join(root, "removed/hands/H_d2.jpg"), "utf8")).toBe("new");
    await rm(join(root, "removed/hands/H_d2.jpg"));
    await finishRepair(root);
    expect(await readFile(join(root, "removed/hands/H_d2.jpg"), "utf8")).toBe("image");
  });
});
