import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { aPair, layPairs } from "../../../test/dataset.ts";
import { shared, WHY_SKIPPED } from "../../../test/shared.ts";
import { openSource } from "./sources.ts";
import { splitSamples } from "./split.ts";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "facehand-sources-"));
});
afterEach(() => rm(dir, { recursive: true }));

it.each(["", "pairs", "pairs:", ":x", "imagenet:x", "utkface"])("refuses the spec %j", async (spec) => {
  await expect(openSource(spec)).rejects.toMatchObject({
    kind: "input",
    code: "SOURCE_SPEC",
    message: `Expected pairs:DIR, utkface:DIR, hands11k:DIR, fairface:DIR for --data, got ${JSON.stringify(spec)}`,
  });
});

describe("pairs", () => {
  const pairs = { train: [aPair("a", "u1", { gender: "female" })], val: [aPair("b", "u2")], test: [] };

  it("gives two samples a pair, with the dataset's split", async () => {
    await layPairs(dir, pairs);
    const source = await openSource(`pairs:${dir}`);
    expect(source.samples[1]).toEqual({
      id: "a/face",
      subject: "pairs:u1",
      modality: "face",
      sex: "female",
      path: join(dir, "images/content/aligned_dataset/faces/F_a.jpg"),
      source: "pairs",
      groups: { age: "20-29", race: "tan", gesture: "palm" },
    });
    expect([...source.split!]).toEqual([
      ["a/hand", "train"],
      ["a/face", "train"],
      ["b/hand", "val"],
      ["b/face", "val"],
    ]);
    expect(source.samples[0]!.path).toBe(join(dir, "images/content/aligned_dataset/hands/H_a.jpg"));
  });

  it("hashes labels, splits, image sizes and the manifest", async () => {
    const hashes = new Set<string>();
    const take = async () => hashes.add((await openSource(`pairs:${dir}`)).manifestHash).size;
    await layPairs(dir, pairs);
    expect(await take()).toBe(1);
    expect(await take()).toBe(1);
    await layPairs(dir, { ...pairs, train: [aPair("a", "u1", { gender: "male" })] });
    expect(await take()).toBe(2);
    await layPairs(dir, { ...pairs, val: [], test: pairs.val });
    expect(await take()).toBe(3);
    await writeFile(join(dir, "images/content/aligned_dataset/faces/F_a.jpg"), "other image");
    expect(await take()).toBe(4);
    await writeFile(join(dir, "manifest.json"), "{}");
    expect(await take()).toBe(5);
  });
});

describe("utkface", () => {
  it("reads age, gender (0 = male) and race from the names", async () => {
    await writeFile(join(dir, "26_0_2_20170104.jpg.chip.jpg"), "image");
    await writeFile(join(dir, "7_1_4_20170105.jpg"), "image");
    await writeFile(join(dir, "readme.txt"), "no image");
    const { samples, dropped, split } = await openSource(`utkface:${dir}`);
    expect(samples).toEqual([
      {
        id: "26_0_2_20170104.jpg.chip.jpg",
        subject: "utkface:26_0_2_20170104.jpg.chip.jpg",
        modality: "face",
        sex: "male",
        path: join(dir, "26_0_2_20170104.jpg.chip.jpg"),
        source: "utkface",
        groups: { age: "20-29", race: "Asian", gesture: "" },
      },
      expect.objectContaining({ sex: "female", groups: { age: "3-9", race: "Others", gesture: "" } }),
    ]);
    expect(dropped).toEqual({});
    expect(split).toBeUndefined();
  });

  it.each([
    "61_1_20170109142408075.jpg.chip.jpg",
    "53__0_2017.jpg",
    "20_2_0_2017.jpg",
    "200_0_0_2017.jpg",
    "x.png",
  ])("refuses the name %s", async (name) => {
    await writeFile(join(dir, "26_0_2_20170104.jpg.chip.jpg"), "image");
    await writeFile(join(dir, name), "image");
    await expect(openSource(`utkface:${dir}`)).rejects.toMatchObject({
      kind: "data",
      code: "UTKFACE_NAME",
      message: `Expected age_gender_race_date.jpg for images in ${dir}, got ${name}`,
    });
  });

  it("refuses an empty folder and a missing one", async () => {
    await expect(openSource(`utkface:${dir}`)).rejects.toMatchObject({
      code: "SOURCE_EMPTY",
      message: `Expected UTKFace images in ${dir}, got none`,
    });
    await expect(openSource(`utkface:${dir}/none`)).rejects.toMatchObject({
      code: "SOURCE_MISSING",
      message: `Expected a UTKFace folder at ${dir}/none, got no such folder`,
    });
  });
});

describe("hands11k", () => {
  const HEADER = "id,age,gender,skinColor,accessories,nailPolish,aspectOfHand,imageName,irregularities";
  const ROW = ["0000000", "27", "male", "fair", "0", "0", "dorsal right", "Hand_1.jpg", "0"];

  async function lay(rows: readonly (readonly string[])[], images: readonly string[]): Promise<void> {
    await writeFile(join(dir, "HandInfo.csv"), [HEADER, ...rows.map((row) => row.join(","))].join("\n"));
    await mkdir(join(dir, "Hands"), { recursive: true });
    for (const name of images) await writeFile(join(dir, "Hands", name), "image");
  }

  it("reads hands with their person, and counts what it leaves out", async () => {
    const rows = [
      ROW,
      ROW.with(7, "Hand_2.jpg"),
      ["7", "75", "female", ...ROW.slice(3, 7), "Hand_3.jpg", "1"],
    ];
    await lay(rows, ["Hand_1.jpg", "Hand_3.jpg", "Hand_9.jpg"]);
    const { samples, dropped } = await openSource(`hands11k:${dir}`);
    expect(samples).toEqual([
      {
        id: "Hand_1.jpg",
        subject: "hands11k:0000000",
        modality: "hand",
        sex: "male",
        path: join(dir, "Hands", "Hand_1.jpg"),
        source: "hands11k",
        groups: { age: "20-29", race: "fair", gesture: "dorsal right" },
      },
      expect.objectContaining({ id: "Hand_3.jpg", sex: "female", subject: "hands11k:0000007" }),
    ]);
    expect(dropped).toEqual({ "image absent": 1, "image not in HandInfo.csv": 1 });
  });

  it("knows a person whatever a spreadsheet made of the id, and keeps the file's own ids", async () => {
    const ids = ["0000000", "0", "0.0", "00000000", "0000012", "12", "12.0"];
    const rows = ids.map((id, i) => ROW.with(0, id).with(7, `Hand_${i}.jpg`));
    await lay(
      rows,
      ids.map((_, i) => `Hand_${i}.jpg`),
    );
    const subjects = (await openSource(`hands11k:${dir}`)).samples.map(({ subject }) => subject);
    expect(subjects).toEqual([
      ...Array<string>(4).fill("hands11k:0000000"),
      ...Array<string>(3).fill("hands11k:0000012"),
    ]);
  });

  it("finds images by back slashes and in other case, but not one of two", async () => {
    const rows = [
      ROW.with(7, "Hands\\Hand_1.jpg"),
      ROW.with(7, "Hand_2.jpg"),
      ROW.with(7, "hands/hand_3.JPG"),
    ];
    await lay(rows, ["Hand_1.jpg", "Hand_2.JPG", "Hand_3.jpg", "._Hand_4.jpg"]);
    const { samples, dropped } = await openSource(`hands11k:${dir}`);
    expect(samples.map(({ id, path }) => [id, path.slice(dir.length)])).toEqual([
      ["Hand_1.jpg", "/Hands/Hand_1.jpg"],
      ["Hand_2.jpg", "/Hands/Hand_2.JPG"],
      ["hand_3.JPG", "/Hands/Hand_3.jpg"],
    ]);
    expect(dropped).toEqual({});
    await lay(rows, ["Hand_2.Jpg"]);
    await expect(openSource(`hands11k:${dir}`)).rejects.toMatchObject({
      code: "IMAGE_AMBIGUOUS",
      message: `Expected one file of this name in any case (there are Hand_2.JPG, Hand_2.Jpg) for an image, got "Hand_2.jpg" (${dir}/HandInfo.csv:3)`,
    });
  });

  it("gives no image to two rows", async () => {
    await lay([ROW, ROW.with(7, "Hand_1.JPG")], ["Hand_1.jpg"]);
    await expect(openSource(`hands11k:${dir}`)).rejects.toMatchObject({
      code: "IMAGE_DUPLICATE",
      message: `Expected an image that is not already at ${dir}/HandInfo.csv:2 for an image, got "Hand_1.JPG" (${dir}/HandInfo.csv:3)`,
    });
  });

  it("finds images beside the table", async () => {
    await lay([ROW], []);
    await writeFile(join(dir, "Hand_1.jpg"), "image");
    expect((await openSource(`hands11k:${dir}`)).samples[0]!.path).toBe(join(dir, "Hand_1.jpg"));
  });

  it.each([
    [0, "", "FIELD_EMPTY", 'Expected a value for column id, got ""'],
    [1, "old", "AGE_VALUE", 'Expected whole years from 0 to 130 for column age, got "old"'],
    [2, "0", "GENDER_VALUE", 'Expected male or female for column gender, got "0"'],
    [0, "1E+06", "SUBJECT_ROUNDED", 'Expected an id with all of its digits for column id, got "1E+06"'],
    [0, "nan", "FIELD_NOTHING", 'Expected a recorded value for column id, got "nan"'],
    [3, "light", "RACE_VALUE", 'Expected a known race or skin tone for column skinColor, got "light"'],
    [6, "dorsal", "GESTURE_VALUE", 'Expected a known gesture for column aspectOfHand, got "dorsal"'],
    [
      7,
      "../1.jpg",
      "IMAGE_NAME",
      'Expected a file name without folders for column imageName, got "../1.jpg"',
    ],
    [
      7,
      "Hand_1.jpg",
      "IMAGE_DUPLICATE",
      'Expected an image named once for column imageName, got "Hand_1.jpg"',
    ],
  ])("refuses cell %i = %j with file and row", async (cell, value, code, message) => {
    await lay([ROW, ROW.with(7, "Hand_2.jpg").with(cell, value)], ["Hand_1.jpg"]);
    await expect(openSource(`hands11k:${dir}`)).rejects.toMatchObject({
      kind: "data",
      code,
      message: `${message} (${dir}/HandInfo.csv:3)`,
    });
  });

  it("refuses a person with two sexes, and a table without images", async () => {
    await lay([ROW, ROW.with(7, "Hand_2.jpg").with(2, "female")], ["Hand_1.jpg"]);
    await expect(openSource(`hands11k:${dir}`)).rejects.toMatchObject({
      code: "SUBJECT_TWO_SEXES",
      message: `Expected male as at ${dir}/HandInfo.csv:2 for column gender, got "female" (${dir}/HandInfo.csv:3)`,
    });
    await rm(join(dir, "Hands", "Hand_1.jpg"));
    await lay([ROW], []);
    await expect(openSource(`hands11k:${dir}`)).rejects.toMatchObject({ code: "SOURCE_EMPTY" });
  });
});

const labelled = shared("data", "labelled");
describe.skipIf(labelled === undefined)(`real labelled images (${WHY_SKIPPED})`, () => {
  it("opens both and splits them as the peer figure's protocol does", async () => {
    const faces = await openSource(`utkface:${labelled}/utkface`);
    const hands = await openSource(`hands11k:${labelled}/hands11k`);
    expect(faces.samples).toHaveLength(1000);
    expect(faces.samples.filter((sample) => sample.sex === "male")).toHaveLength(500);
    expect(hands.samples).toHaveLength(548);
    expect(hands.samples.filter((sample) => sample.sex === "male")).toHaveLength(174);
    expect(new Set(hands.samples.map((sample) => sample.subject)).size).toBe(92);
    expect(hands.dropped).toEqual({});
    const { train, val, test } = splitSamples([faces, hands], { seed: 42 });
    expect(test).toEqual([]);
    expect(train.length + val.length).toBe(1548);
    expect(val.filter((sample) => sample.modality === "face")).toHaveLength(200);
    expect(new Set(val.filter((s) => s.modality === "hand").map((s) => s.subject)).size).toBe(18);
  });
});
