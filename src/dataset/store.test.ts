import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { aPair, layImages, layPairs, layRows } from "../../test/dataset.ts";
import { nameFault } from "../core/spelling.ts";
import { visible } from "../core/visible.ts";
import { parseSex } from "../core/vocabulary.ts";
import { COLUMNS } from "../core/words.ts";
import { readPairs, scanPairs, writePairs } from "./store.ts";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "facehand-store-"));
});
afterEach(() => rm(dir, { recursive: true }));

const GOOD = ["a", "u1", "20-29", "Male", "tan", "palm", "H_a.jpg", "F_a.jpg"];
const other = (id: string, user: string) => [id, user, ...GOOD.slice(2, 6), `H_${id}.jpg`, `F_${id}.jpg`];

async function problem(rows: Parameters<typeof layRows>[1]): Promise<unknown> {
  await layImages(
    dir,
    ["a", "b", "c"].flatMap((id) => [`H_${id}.jpg`, `F_${id}.jpg`]),
  );
  await layRows(dir, rows);
  return readPairs(dir).then(
    () => expect.fail("read bad pairs"),
    (error: unknown) => error,
  );
}

function changed(column: (typeof COLUMNS)[number], value: string): string[] {
  return GOOD.with(COLUMNS.indexOf(column), value);
}

describe("readPairs and writePairs", () => {
  it("gives back what was written, in order", async () => {
    const pairs = {
      train: [
        aPair("b", "u1", { gender: "female", race: "Latino_Hispanic", age: "" }),
        aPair("a", "u1"),
        aPair('ü, "x"', "u2", { gesture: "stop_inverted" }),
      ],
      val: [],
      test: [aPair("d", "u3")],
    };
    await layPairs(dir, pairs);
    expect(await readPairs(dir)).toEqual(pairs);
    expect((await readFile(join(dir, "train.csv"), "utf8")).split("\n")[2]).toBe(
      "a,u1,20-29,Male,tan,palm,H_a.jpg,F_a.jpg",
    );
  });

  it("gives back any printable text as id", async () => {
    const text = fc
      .string({ unit: "grapheme-ascii", minLength: 1, maxLength: 20 })
      .filter((s) => nameFault(s) === undefined);
    await fc.assert(
      fc.asyncProperty(text, async (id) => {
        const train = [aPair(id, "u", { handImage: "H_a.jpg", faceImage: "F_a.jpg" })];
        await layPairs(dir, { train, val: [], test: [] });
        expect((await readPairs(dir)).train).toEqual(train);
      }),
      { numRuns: 40 },
    );
  });

  it.each(["Male", "male", "MALE"])("reads %s as male", (text) => expect(parseSex(text)).toBe("male"));
  it.each(["Female", "fEMALE"])("reads %s as female", (text) => expect(parseSex(text)).toBe("female"));
});

describe("bad rows", () => {
  it("refuses an unknown gender with file and row", async () => {
    expect(await problem({ val: [GOOD, changed("gender", "m")] })).toMatchObject({
      kind: "data",
      code: "GENDER_VALUE",
      message: `Expected Male or Female for column gender, got "m" (${dir}/val.csv:3)`,
    });
  });

  it.each(["id", "user_id", "labels"] as const)("refuses an empty %s", async (column) => {
    expect(await problem({ train: [changed(column, "")] })).toMatchObject({
      code: "FIELD_EMPTY",
      message: `Expected a value for column ${column}, got "" (${dir}/train.csv:2)`,
    });
  });

  it("refuses an id used twice, within a split and across splits", async () => {
    const message = `Expected an id that is not already at ${dir}/train.csv:2 for column id, got "a"`;
    const again = ["a", "u1", "20-29", "Male", "tan", "palm", "H_b.jpg", "F_b.jpg"];
    expect(await problem({ train: [GOOD, again] })).toMatchObject({
      code: "ID_DUPLICATE",
      message: `${message} (${dir}/train.csv:3)`,
    });
    expect(await problem({ train: [GOOD], val: [again.with(1, "u2")] })).toMatchObject({
      code: "ID_DUPLICATE",
      message: `${message} (${dir}/val.csv:2)`,
    });
  });

  it("refuses a subject in two splits and names both places", async () => {
    expect(await problem({ train: [GOOD], test: [other("b", "u1")] })).toMatchObject({
      kind: "data",
      code: "SUBJECT_IN_TWO_SPLITS",
      message: `Expected a subject of test only (train has it at ${dir}/train.csv:2) for column user_id, got "u1" (${dir}/test.csv:2)`,
    });
  });

  it.each([
    ["age", "Oct-19", "AGE_VALUE", "an age bucket such as 20-29 or 70+", /read 10-19 as a date/],
    ["race", "nan", "FIELD_NOTHING", "a recorded value", /leave the cell empty/],
    ["race", "light ", "FIELD_BLANKS", "no blanks around the value", /data repair/],
    ["race", "lihgt", "RACE_VALUE", "a known race or skin tone", /nearest is light;/],
    ["labels", "plam", "GESTURE_VALUE", "a known gesture", /nearest is palm;/],
    ["user_id", "u1\u200b", "FIELD_UNSEEN", "printable characters", /take out U\+200B/],
    ["user_id", "1.23E+31", "SUBJECT_ROUNDED", "an id with all of its digits", /as text/],
    ["id", "a\u00a0", "FIELD_BLANKS", "no blanks around the value", /data repair/],
  ] as const)("refuses %s %j with file, row and what to do", async (column, value, code, expected, hint) => {
    expect(await problem({ train: [changed(column, value)] })).toMatchObject({
      code,
      message: `Expected ${expected} for column ${column}, got ${visible(JSON.stringify(value))} (${dir}/train.csv:2)`,
      hint: expect.stringMatching(hint),
    });
  });

  it("refuses a subject in two spellings, and names both places", async () => {
    expect(
      await problem({ train: [changed("user_id", "7")], test: [other("b", "x"), other("c", "007")] }),
    ).toMatchObject({
      code: "SUBJECT_SPELLING",
      message: `Expected one spelling of a subject ("7" is at ${dir}/train.csv:2) for column user_id, got "007" (${dir}/test.csv:3)`,
      hint: "write the id of a person alike everywhere, or other ids for other people",
    });
  });

  it("finds the file of the folder that a name in other case means, and how folders are taken out", async () => {
    expect(await problem({ train: [changed("hand_image_name", "H_A.JPG")] })).toMatchObject({
      code: "IMAGE_MISSING",
      hint: "the folder has H_a.jpg: write the name alike in the table and on the disk",
    });
    expect(await problem({ train: [changed("hand_image_name", "hands\\H_a.jpg")] })).toMatchObject({
      code: "IMAGE_NAME",
      hint: "`facehand data repair` takes folders out of names of images",
    });
  });

  it.each(["", "a.jpg", "H_.jpg", "H_a.txt", "../H_a.jpg", "H_a/../b.jpg", "H_..\\a.jpg", "F_a.jpg"])(
    "refuses the hand image name %j",
    async (name) => {
      expect(await problem({ train: [changed("hand_image_name", name)] })).toMatchObject({
        code: "IMAGE_NAME",
        message: `Expected a file name H_<id>.jpg without folders for column hand_image_name, got ${JSON.stringify(name)} (${dir}/train.csv:2)`,
      });
    },
  );

  it("refuses a row whose image is missing", async () => {
    expect(await problem({ train: [other("b", "u1"), changed("face_image_name", "F_z.jpg")] })).toMatchObject(
      {
        code: "IMAGE_MISSING",
        message: `Expected an image that exists in the folder faces for column face_image_name, got "F_z.jpg" (${dir}/train.csv:3)`,
      },
    );
  });

  it("refuses a file without one of the columns", async () => {
    await layImages(dir, []);
    await layRows(
      dir,
      {},
      COLUMNS.filter((column) => column !== "race"),
    );
    await expect(readPairs(dir)).rejects.toMatchObject({
      name: "AppError",
      kind: "data",
      message: expect.stringContaining("race"),
    });
  });

  it("collects all problems when scanning", async () => {
    await problem({ train: [GOOD, changed("gender", "")], val: [other("b", "u1"), changed("id", "")] });
    const { problems, pairs } = await scanPairs(dir);
    expect(problems.map((p) => p.code)).toEqual([
      "GENDER_VALUE",
      "SUBJECT_IN_TWO_SPLITS",
      "FIELD_EMPTY",
      "SUBJECT_IN_TWO_SPLITS",
    ]);
    expect(pairs.train).toHaveLength(1);
  });
});

describe("writePairs", () => {
  it("writes nothing if the pairs could not be read back", async () => {
    const val = [aPair("b", "u1")];
    await expect(writePairs(dir, { train: [aPair("a", "u1")], val, test: [] })).rejects.toMatchObject({
      code: "SUBJECT_IN_TWO_SPLITS",
      message: expect.stringContaining("(pair 1 of val)"),
    });
    await expect(
      writePairs(dir, { train: [aPair("a", "u1", { handImage: "x/H_a.jpg" })], val: [], test: [] }),
    ).rejects.toMatchObject({ code: "IMAGE_NAME" });
    expect(await readdir(dir)).toEqual([]);
  });
});
