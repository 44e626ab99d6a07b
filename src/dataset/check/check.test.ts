import {
  appendFile,
  copyFile,
  mkdir,
  mkdtemp,
  readFile,
  rename,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { aPair } from "../../../test/dataset.ts";
import { blob, layPictures } from "../../../test/pictures.ts";
import { Interrupted } from "../../core/errors.ts";
import { decodeImage, encodeJpeg } from "../../pixels/image.ts";
import { resizeBilinear } from "../../pixels/pixels.ts";
import { type Layout, planLayout } from "../layout.ts";
import { type CheckOptions, checkDataset } from "./check.ts";
import { FINDINGS, type FindingCode } from "./findings.ts";
import { formatCheck } from "./report.ts";

let root: string;
let layout: Layout;
const face = (id: string) => join(layout.images.face, `F_${id}.jpg`);
const hand = (id: string) => join(layout.images.hand, `H_${id}.jpg`);
const edit = async (split: "train" | "val" | "test", from: string | RegExp, to: string) => {
  const text = await readFile(layout.csv[split], "utf8");
  expect(text.replace(from, to)).not.toBe(text);
  await writeFile(layout.csv[split], text.replace(from, to));
};
const check = (options?: CheckOptions) => checkDataset(root, options);
/** What is found: code and message, without the dataset's path. */
const found = async () => (await check()).findings.map(({ code, message }) => `${code} ${message}`);

const PAIRS = {
  train: [
    aPair("a1", "anna", { gender: "female" }),
    aPair("a2", "anna", { gender: "female", gesture: "stop" }),
    aPair("b1", "ben"),
  ],
  val: [aPair("c1", "cem", { race: "light" })],
  test: [aPair("d1", "dora", { gender: "female", age: "" })],
};

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "facehand-check-"));
  layout = planLayout(root);
  await layPictures(root, PAIRS);
});
afterEach(() => rm(root, { recursive: true, force: true }));

describe("checkDataset", () => {
  it("finds nothing wrong with a good dataset, and counts it", async () => {
    const ticks = { total: 0, done: 0 };
    const report = await check({
      onTotal: (n) => {
        ticks.total = n;
      },
      onImage: () => ticks.done++,
    });
    expect(report.findings).toEqual([]);
    expect(ticks).toEqual({ total: 10, done: 10 });
    expect(report.counts.splits).toEqual([
      { split: "train", pairs: 3, subjects: 2 },
      { split: "val", pairs: 1, subjects: 1 },
      { split: "test", pairs: 1, subjects: 1 },
      { split: "all", pairs: 5, subjects: 4 },
    ]);
    const anna = { split: "train", gender: "Female", age: "20-29", race: "tan" };
    expect(report.counts.joint.slice(0, 2)).toEqual([
      { ...anna, gesture: "palm", pairs: 1, subjects: 1 },
      { ...anna, gesture: "stop", pairs: 1, subjects: 1 },
    ]);
    expect(formatCheck(report)).toContain("gender Female     2 (1*)       -  1 (1*)  3 (2*)");
    expect(formatCheck(report)).toContain("age (unknown)          -       -  1 (1*)  1 (1*)");
    expect(formatCheck(report)).toContain("10 images opened; findings: 0 serious, 0 warnings, 0 notes");
  });

  it.each<[FindingCode, string, () => Promise<unknown>]>([
    [
      "TABLE_UNREADABLE",
      "Expected a complete CSV table for val.csv, got",
      () => appendFile(layout.csv.val, 'x,"open\n'),
    ],
    [
      "TABLE_UNREADABLE",
      'got "palm\\u0000" (val.csv:2); try: write the table again: a NUL comes from a damaged or cut file',
      () => edit("val", /palm|stop_inverted|stop/, "palm\0"),
    ],
    [
      "TABLE_UNREADABLE",
      'got "a Git LFS pointer to a file of 9 bytes"; try: fetch the file that it stands for: git lfs pull',
      () => writeFile(layout.csv.val, "version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 9\n"),
    ],
    [
      "COLUMN_MISSING",
      'Expected column race for the header, got "id,user_id,age,gender,',
      () => edit("val", ",race,", ",raze,"),
    ],
    [
      "COLUMN_UNKNOWN",
      'each once for a column, got "raze" (val.csv:1)',
      () => edit("val", ",race,", ",raze,"),
    ],
    [
      "COLUMN_NAME",
      'Expected user_id for the column\'s name, got " User ID" (val.csv:1)',
      () => edit("val", ",user_id,", ", User ID,"),
    ],
    [
      "TABLE_BOM",
      'Expected plain UTF-8 for the table\'s first bytes, got "a byte order mark" (val.csv:1)',
      () => edit("val", /^/, "\ufeff"),
    ],
    [
      "FIELD_BLANKS",
      'Expected no blanks around the value for column user_id, got "cem " (val.csv:2)',
      () => edit("val", ",cem,", ",cem ,"),
    ],
    [
      "FIELD_EMPTY",
      'Expected a value for column user_id, got "" (val.csv:2)',
      () => edit("val", ",cem,", ",,"),
    ],
    [
      "GENDER_CASE",
      'Expected Male for column gender, got "mALE" (val.csv:2)',
      () => edit("val", "Male", "mALE"),
    ],
    [
      "GENDER_VALUE",
      'Expected Male or Female for column gender, got "M" (val.csv:2)',
      () => edit("val", "Male", "M"),
    ],
    [
      "IMAGE_FOLDER",
      'Expected a file name without folders for column hand_image_name, got "/data/hands/H_c1.jpg" (val.csv:2)',
      () => edit("val", "H_c1", "/data/hands/H_c1"),
    ],
    [
      "IMAGE_NAME",
      'Expected a file name H_<id>.jpg without folders for column hand_image_name, got "c1.jpg" (val.csv:2)',
      () => edit("val", "H_c1", "c1"),
    ],
    [
      "IMAGE_MISSING",
      'Expected an image that exists in the folder faces for column face_image_name, got "F_c1.jpg" (val.csv:2)',
      () => rm(face("c1")),
    ],
    [
      "IMAGE_SHARED",
      'not already at train.csv:3 for column hand_image_name, got "H_a2.jpg" (train.csv:4)',
      () => edit("train", "H_b1", "H_a2"),
    ],
    [
      "IMAGE_SHARED",
      'not already at train.csv:3 (H_a2.jpg, the same file where case does not count) for column hand_image_name, got "H_A2.jpg" (train.csv:4)',
      () => edit("train", "H_b1", "H_A2"),
    ],
    [
      "PAIR_MISMATCH",
      'Expected F_a2 for the face of the pair, got "F_b1.jpg" (train.csv:4)',
      () => edit("train", "H_b1", "H_a2"),
    ],
    [
      "ROW_DUPLICATE",
      'Expected each row once for train.csv\'s rows, got "b1" (train.csv:5)',
      () => edit("train", /(b1,.*\n)/, "$1$1"),
    ],
    [
      "ID_DUPLICATE",
      'Expected a value that is not already at train.csv:2 for column id, got "a1" (val.csv:2)',
      () => edit("val", /^c1/m, "a1"),
    ],
    [
      "SUBJECT_IN_TWO_SPLITS",
      'a subject of train only (train.csv:2 has it) for subject anna, got "1 of its rows in val" (val.csv:2)',
      () => edit("val", ",cem,", ",anna,"),
    ],
    [
      "SUBJECT_GENDER",
      'Expected one gender for subject anna, got "1 x Female, 1 x Male" (train.csv:3)',
      () => edit("train", /(a2,.*)Female/, "$1Male"),
    ],
    [
      "SUBJECT_AGE",
      'Expected one age for subject anna, got "1 x 20-29, 1 x 30-39" (train.csv:3)',
      () => edit("train", /(a2,.*)20-29/, "$130-39"),
    ],
    [
      "SUBJECT_RACE",
      'Expected one race for subject anna, got "1 x dark, 1 x tan" (train.csv:3)',
      () => edit("train", /(a2,.*)tan/, "$1dark"),
    ],
    [
      "IMAGE_ORPHAN",
      'Expected an image that a row names for the hand images, got "H_zz.jpg"',
      async () => writeFile(hand("zz"), await encodeJpeg(blob("zz"))),
    ],
    ["FILE_UNKNOWN", 'got "a file me.jpg" (me.jpg)', () => writeFile(join(root, "me.jpg"), "x")],
    [
      "FILE_UNKNOWN",
      'got "a link or device F_a1.jpg" (images/content/aligned_dataset/faces/F_a1.jpg)',
      async () => {
        await rename(face("a1"), join(root, "elsewhere.jpg"));
        await symlink(join(root, "elsewhere.jpg"), face("a1"));
      },
    ],
    ["FILE_UNKNOWN", 'got "a folder private" (images/private)', () => mkdir(join(root, "images/private"))],
    [
      "IMAGE_UNREADABLE",
      "Expected a complete image for column face_image_name, got",
      async () => writeFile(face("c1"), (await readFile(face("c1"))).subarray(0, 600)),
    ],
    [
      "IMAGE_SIZE",
      'Expected 64 x 64 px for the size of images/content/aligned_dataset/hands/H_c1.jpg, got "64 x 40 px" (val.csv:2)',
      async () => writeFile(hand("c1"), await encodeJpeg(resizeBilinear(blob("other"), 64, 40))),
    ],
    [
      "IMAGE_DUPLICATE",
      'Expected a hand unlike that of train.csv:2 for column hand_image_name, got "the same bytes" (train.csv:4)',
      () => copyFile(hand("a1"), hand("b1")),
    ],
    [
      "IMAGE_DUPLICATE_ACROSS",
      'Expected a hand unlike that of train.csv:2 for column hand_image_name, got "the same bytes" (val.csv:2)',
      () => copyFile(hand("a1"), hand("c1")),
    ],
    [
      "NEAR_DUPLICATE",
      "Expected a face unlike that of train.csv:2 for column face_image_name, got",
      () => copyWorse(face("a1"), face("a2")),
    ],
    [
      "NEAR_DUPLICATE_ACROSS",
      "Expected a hand unlike that of val.csv:2 for column hand_image_name, got",
      () => copyWorse(hand("c1"), hand("d1")),
    ],
    [
      "SUBJECT_TWO_IDS",
      "Expected the same user_id, or a face unlike that of train.csv:2 for column face_image_name, got",
      () => copyWorse(face("a1"), face("b1")),
    ],
    [
      "SUBJECT_TWO_IDS_ACROSS",
      "Expected the same user_id, or a face unlike that of val.csv:2 for column face_image_name, got",
      () => copyWorse(face("c1"), face("d1")),
    ],
  ])("finds %s: %s", async (code, message, spoil) => {
    await spoil();
    const { findings, totals } = await check();
    const mine = findings.filter((finding) => finding.code === code);
    expect(mine.map((finding) => finding.message).join("\n")).toContain(message);
    expect(mine[0]!.severity).toBe(FINDINGS[code].severity);
    expect(totals[FINDINGS[code].severity]).toBeGreaterThanOrEqual(1);
  });

  it("finds the doubled folder of the published unzip step, and reads it", async () => {
    await mkdir(join(root, "images/content/content"));
    await rename(
      join(root, "images/content/aligned_dataset"),
      join(root, "images/content/content/aligned_dataset"),
    );
    expect(await found()).toEqual([
      expect.stringContaining(
        'LAYOUT_DOUBLED Expected images/content/aligned_dataset for the folder of the images, got "images/content/content/aligned_dataset"',
      ),
    ]);
  });

  it("puts serious findings first, and shows a few of each kind", async () => {
    await edit("train", /Male|Female/g, "?");
    await writeFile(join(root, "notes.txt"), "x");
    const report = await check();
    expect(report.findings.map(({ code }) => code)).toEqual([
      "GENDER_VALUE",
      "GENDER_VALUE",
      "GENDER_VALUE",
      "FILE_UNKNOWN",
    ]);
    expect(formatCheck(report, 2)).toContain("  … and 1 more (--json has all)");
    expect(formatCheck(report)).toContain("findings: 3 serious, 1 warnings, 0 notes");
  });

  it("stops on request", async () => {
    await expect(check({ signal: AbortSignal.abort() })).rejects.toThrow(Interrupted);
  });

  it("reports where a dataset should be if there is none", async () => {
    await expect(checkDataset(join(root, "nowhere"))).rejects.toMatchObject({ code: "DATASET_MISSING" });
  });
});

/** The same picture, smaller and compressed again. */
async function copyWorse(from: string, to: string): Promise<void> {
  await writeFile(to, await encodeJpeg(resizeBilinear(await decodeImage(from), 60, 60), { quality: 80 }));
}
