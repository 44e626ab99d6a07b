import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { inventedPredictions } from "../../test/run-fixture.ts";
import { joinGroups } from "./join.ts";
import { summarize } from "./summary.ts";

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
    expect(byGroup[0]!.groups.find(({ group }) => group["skin_tone"] === "tan")!.nImages).toBe(2);
  });

  test.each([
    ["skin_tone\ntan\n", "Expected a column id or image_id for"],
    ["id,skin_tone\n0,a\n0,b\n", "Expected each image once for the joined table"],
    ["id,skin_tone\nx,a\n", 'got "none of 8 images"'],
  ])("%j is refused", async (text, message) => {
    await expect(joinGroups(rows, await table(text))).rejects.toThrowError(message);
  });
});
