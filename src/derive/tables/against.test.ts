import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { aPair, layPairs } from "../../../test/dataset.ts";
import { scanTables } from "../../dataset/check/tables.ts";
import { planLayout } from "../../dataset/layout.ts";
import { checkAgainst } from "./against.ts";

let root: string;
const hagrid = async (folder: string, lists: Record<string, Record<string, string>>) => {
  for (const [file, users] of Object.entries(lists)) {
    const path = join(root, folder, `${file}.json`);
    await mkdir(join(path, ".."), { recursive: true });
    const records = Object.entries(users).map(([id, user_id]) => [id, { bboxes: [], labels: [], user_id }]);
    await writeFile(path, JSON.stringify(Object.fromEntries(records)));
  }
  return join(root, folder);
};

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "facehand-against-"));
  await layPairs(root, {
    train: [aPair("a1", "anna")],
    val: [aPair("b1", "ben"), aPair("b2", "ben")],
    test: [aPair("7", "cem", { handImage: "H_c1.jpg", faceImage: "F_c1.jpg" }), aPair("d1", "dora")],
  });
});
afterEach(() => rm(root, { recursive: true, force: true }));

const against = async (dir: string) => checkAgainst((await scanTables(planLayout(root))).rows, dir);

describe("checkAgainst", () => {
  it("finds subjects by user_id, and pictures by their id or file name", async () => {
    const dir = await hagrid("hagrid/annotations", {
      "train/palm": { a1: "anna", x1: "ben", c1: "someone" },
      "train/stop": { x2: "nobody" },
      "test/palm": { d1: "dora" },
    });
    const report = await against(join(dir, ".."));
    expect(report.read).toMatchObject({ train: { files: 2, records: 4 }, val: { files: 0 } });
    expect(report.findings.map(({ message }) => message)).toEqual([
      'Expected a val subject outside HaGRID\'s training list for subject ben, got "one who stands there" (val.csv:2)',
      'Expected a val subject outside HaGRID\'s training list for subject ben, got "one who stands there" (val.csv:3)',
      'Expected a test subject outside HaGRID\'s training list for subject cem, got "one whose picture stands there" (test.csv:2)',
      'Expected HaGRID\'s someone for column user_id, got "cem" (test.csv:2)',
    ]);
    expect(report.matches.test).toMatchObject({
      train: { images: 1, subjects: 0 },
      test: { images: 1, subjects: 1 },
    });
    expect(report.matches.val.train).toEqual({ images: 0, subjects: 1 });
  });

  it("refuses a record without a legible user_id instead of comparing with nobody", async () => {
    const dir = await hagrid("blank", { "train/palm": { a1: "" } });
    await expect(against(dir)).rejects.toMatchObject({
      code: "FIELD_EMPTY",
      message: expect.stringMatching(/field user_id.*palm\.json: a1/),
    });
    const padded = await hagrid("padded", { "train/palm": { a1: "ben " } });
    await expect(against(padded)).rejects.toMatchObject({ code: "FIELD_BLANKS" });
  });

  it("finds a subject and a picture whose hexadecimal ids are in another case", async () => {
    const [user, image] = ["00ab".repeat(16), "0a-0b"];
    await layPairs(root, { train: [], val: [aPair(image, user)], test: [] });
    const dir = await hagrid("lists", { "train/palm": { [image.toUpperCase()]: user.toUpperCase() } });
    const { findings, matches } = await against(dir);
    expect(matches.val.train).toEqual({ images: 1, subjects: 1 });
    expect(findings.map(({ code }) => code)).toEqual(["HAGRID_TRAIN"]);
  });

  it("takes the folder of the annotations itself", async () => {
    const dir = await hagrid("lists", { "test/palm": { d1: "dora" } });
    expect((await against(dir)).findings).toEqual([]);
  });

  it("names what is missing or broken", async () => {
    await expect(against(root)).rejects.toThrow(
      `Expected <split>/<gesture>.json in ${root}, or in its folder annotations, got none`,
    );
    const dir = await hagrid("lists", { "train/palm": { d1: "dora" } });
    await writeFile(join(dir, "train/stop.json"), '{"d2": {');
    await expect(against(dir)).rejects.toMatchObject({ code: "JSON_SYNTAX" });
  });
});
