// FairFace's tables as its authors publish them, written here with invented rows.
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readFairface } from "./fairface.ts";
import { openSource } from "./sources.ts";
import { splitSamples } from "./split.ts";

let dir = "";
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "facehand-fairface-"));
});
afterEach(() => rm(dir, { recursive: true }));

const HEADER = "file,age,gender,race,service_test";
const table = (split: string, ...rows: string[]) =>
  writeFile(join(dir, `fairface_label_${split}.csv`), `${[HEADER, ...rows].join("\n")}\n`);
async function images(...names: string[]) {
  for (const name of names) {
    await mkdir(dirname(join(dir, name)), { recursive: true });
    await writeFile(join(dir, name), "image");
  }
}

async function both() {
  await table(
    "train",
    "train/1.jpg,50-59,Male,East Asian,True",
    "train/2.jpg,more than 70,Female,Latino_Hispanic,False",
  );
  await table("val", "val/1.jpg,3-9,Female,Middle Eastern,False");
  await images("train/1.jpg", "train/2.jpg", "val/1.jpg");
}

describe("readFairface", () => {
  it("reads both tables with the authors' split; every image is its own subject", async () => {
    await both();
    const { samples, split, dropped } = await readFairface(dir);
    expect(samples[1]).toEqual({
      id: "train/2.jpg",
      subject: "fairface:train/2.jpg",
      modality: "face",
      sex: "female",
      path: join(dir, "train", "2.jpg"),
      source: "fairface",
      groups: { age: "70+", race: "Latino_Hispanic", gesture: "" },
    });
    expect(samples.map(({ sex, groups }) => [sex, groups.age])).toEqual([
      ["male", "50-59"],
      ["female", "70+"],
      ["female", "3-9"],
    ]);
    expect([...split]).toEqual([
      ["train/1.jpg", "train"],
      ["train/2.jpg", "train"],
      ["val/1.jpg", "val"],
    ]);
    expect(dropped).toEqual({});
  });

  it("is a source, whose own split is used", async () => {
    await both();
    const source = await openSource(`fairface:${dir}`);
    const { train, val, test } = splitSamples([source], { seed: 1, fractions: { val: 0.5, test: 0.1 } });
    expect([train.length, val.length, test.length]).toEqual([2, 1, 0]);
    const { manifestHash } = source;
    await table("val", "val/1.jpg,3-9,Male,Middle Eastern,False");
    expect((await openSource(`fairface:${dir}`)).manifestHash).not.toBe(manifestHash);
  });

  it("finds images as they are unpacked, and counts what has no partner", async () => {
    await table("val", "val/1.jpg,0-2,Male,Black,True", "val/2.jpg,0-2,Male,Black,True");
    await images("fairface-img-margin025-trainval/val/1.jpg", "fairface-img-margin025-trainval/val/9.jpg");
    const { samples, dropped } = await readFairface(dir);
    expect(samples.map(({ id }) => id)).toEqual(["val/1.jpg"]);
    expect(dropped).toEqual({ "image absent": 1, "image not in a table": 1 });
  });

  it.each([
    [
      "val/1.jpg,5,Male,White,True",
      "FAIRFACE_AGE",
      'Expected 0-2, 3-9, 10-19, 20-29, 30-39, 40-49, 50-59, 60-69 or more than 70 for column age, got "5"',
    ],
    [
      "val/1.jpg,0-2,Male,Whit,True",
      "RACE_VALUE",
      'Expected a known race or skin tone for column race, got "Whit"',
    ],
    ["val/1.jpg,0-2,X,White,True", "GENDER_VALUE", 'Expected Male or Female for column gender, got "X"'],
    ["val/1.jpg,0-2,Male,,True", "FIELD_EMPTY", 'Expected a value for column race, got ""'],
    ["../1.jpg,0-2,Male,White,True", "FAIRFACE_FILE", 'Expected val/NAME for column file, got "../1.jpg"'],
  ])("refuses the row %s", async (row, code, message) => {
    await table("val", row);
    await images("val/1.jpg");
    await expect(readFairface(dir)).rejects.toMatchObject({
      kind: "data",
      code,
      message: `${message} (${join(dir, "fairface_label_val.csv")}:2)`,
    });
  });

  it("finds images by back slashes and in other case, and takes races in any", async () => {
    await table("val", "val\\1.jpg,0-2,Male,latino hispanic,True");
    await images("val/1.JPG");
    const { samples } = await readFairface(dir);
    expect(samples).toMatchObject([{ id: "val/1.jpg", groups: { race: "Latino_Hispanic" } }]);
    await table("val", "val/1.jpg,Oct-19,Male,White,True");
    await expect(readFairface(dir)).rejects.toMatchObject({
      code: "FAIRFACE_AGE",
      hint: "a spreadsheet read 10-19 as a date: write 10-19 again, in a column of text",
    });
  });

  it("refuses an image twice, no table, and no images", async () => {
    await expect(readFairface(dir)).rejects.toMatchObject({ code: "SOURCE_MISSING" });
    await table("val", "val/1.jpg,0-2,Male,White,True", "val/1.jpg,0-2,Male,White,True");
    await expect(readFairface(dir)).rejects.toMatchObject({ code: "IMAGE_DUPLICATE" });
    await table("val", "val/1.jpg,0-2,Male,White,True");
    await expect(readFairface(dir)).rejects.toMatchObject({ code: "SOURCE_EMPTY" });
  });
});
