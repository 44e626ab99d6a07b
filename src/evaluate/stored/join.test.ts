import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { inventedPredictions } from "../../../test/run-fixture.ts";
import { summarize } from "../analysis/summary.ts";
import { joinGroups } from "./join.ts";
import { imageSubject } from "./subjects.ts";

let dir = "";
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "facehand-"));
});
afterAll(() => rm(dir, { recursive: true }));

async function table(text: string): Promise<string> {
  const path = join(dir, "table.csv");
  await writeFile(path, text);
  return path;
}

const rows = inventedPredictions(4);

describe("joined groups", () => {
  test("come by the pair's id, or the image's; what is recorded already stays", async () => {
    const path = await table("image_id,skin_tone,age\n0,tan,90\n1/face,dark,1\n");
    const joined = await joinGroups(rows, path);
    const tones = joined.map((row) => [row.id, (row as unknown as { skin_tone: string }).skin_tone]);
    expect(tones).toEqual([
      ["0/hand", "tan"],
      ["0/face", "tan"],
      ["1/hand", ""],
      ["1/face", "dark"],
      ...[2, 3].flatMap((i) => [`${i}/hand`, `${i}/face`]).map((id) => [id, ""]),
    ]);
    expect(joined.map(({ age }) => age)).toEqual(rows.map(({ age }) => age));
    const { byGroup } = summarize(joined, { replicates: 0, groups: [["skin_tone", "gender"]] });
    expect(byGroup.map(({ within }) => within)).toEqual([{ modality: "hand" }, { modality: "face" }]);
    for (const { groups } of byGroup)
      expect(groups.find(({ group }) => group["skin_tone"] === "tan")!.nImages).toBe(1);
  });

  const bare = rows.map((row) => ({ ...row, subject: imageSubject(row), race: "" }));

  test("come with the person, and with what the predictions have not recorded", async () => {
    const path = await table("image_id,user_id,race,age\n0,u0,light,1\n1,u0,tan,1\n2,u2,,1\n");
    const joined = await joinGroups(bare, path);
    expect(joined.map(({ subject, race }) => [subject, race])).toEqual([
      ["pairs:u0", "light"],
      ["pairs:u0", "light"],
      ["pairs:u0", "tan"],
      ["pairs:u0", "tan"],
      ["pairs:u2", ""],
      ["pairs:u2", ""],
      ["pairs:image 3/hand", ""],
      ["pairs:image 3/face", ""],
    ]);
    expect(joined.map(({ age }) => age)).toEqual(rows.map(({ age }) => age));
    const summary = summarize(joined, { replicates: 0 });
    expect(summary.overall.nSubjects).toBe(4);
    expect(summary.subjects.note).toBe(
      "2 images without a recorded subject, each counted as its own; 1 subject recorded as female and as male",
    );
  });

  test("leave recorded people as they are, if the table means the same ones", async () => {
    const path = await table("id,subject\n0,a\n1,b\n2,c\n3,d\n");
    expect((await joinGroups(rows, path)).map(({ subject }) => subject)).toEqual(
      rows.map((row) => row.subject),
    );
  });

  test("find the image within its source", async () => {
    const two = ["pairs", "other"].map((source) => ({
      ...bare[0]!,
      source,
      subject: imageSubject({ source, id: bare[0]!.id }),
    }));
    const joined = await joinGroups(two, await table("id,source,user_id\n0/hand,pairs,1\n0/hand,other,1\n"));
    expect(joined.map(({ subject }) => subject)).toEqual(["pairs:1", "other:1"]);
    await expect(joinGroups(two, await table("id,user_id\n0/hand,1\n"))).rejects.toThrowError(
      /Expected a row for each predicted image for .*, got "one for \\"0\/hand\\" of pairs and of other"/,
    );
  });

  test("have words of the vocabulary, where the column has one", async () => {
    const path = await table("id,race\n0,nan\n");
    await expect(joinGroups(bare, path)).rejects.toThrowError(`for column race, got "nan" (${path}:2)`);
  });

  test.each([
    ["one person is two", "id,user_id\n0/hand,a\n0/face,b\n", "got pairs:0 for pairs:a and pairs:b"],
    ["two people are one", "id,user_id\n0,a\n1,a\n", "got pairs:a for pairs:0 and pairs:1"],
    ["a person has two spellings", "id,user_id\n0,7\n1,007\n", 'for column user_id, got "007"'],
    ["the person's column is called otherwise", "id,userId\n0,7\n", 'column for FILE, got "userId"'],
  ])("where %s are refused", async (_what, text, message) => {
    const path = await table(text);
    await expect(joinGroups(rows, path)).rejects.toThrowError(message.replace("FILE", path));
  });

  test.each([
    ["id,a,a\n0,1,2\n", 'Expected each column once for the joined table, got "a"'],
    ["skin_tone\ntan\n", "Expected a column id or image_id for"],
    ["id,skin_tone\n0,a\n0,b\n", "Expected each image once for the joined table"],
    ["id,skin_tone\nx,a\n", 'got "none of 8 images"'],
  ])("%j is refused", async (text, message) => {
    await expect(joinGroups(rows, await table(text))).rejects.toThrowError(message);
  });
});
