// The checker and the loader of pairs see one person in the same variants of an id.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { layImages, layRows } from "../../../test/dataset.ts";
import { locate } from "../layout.ts";
import { readPairs } from "../store.ts";
import { FINDINGS } from "./findings.ts";
import { planRepair } from "./repair-plan.ts";
import { checkBetweenRows } from "./subjects.ts";
import { scanTables } from "./tables.ts";

const USER = "00ab".repeat(16);
const row = (id: string, user: string, more: Readonly<Record<number, string>> = {}) =>
  Object.entries(more).reduce(
    (cells, [at, value]) => cells.with(Number(at), value),
    [id, user, "20-29", "Male", "tan", "palm", `H_${id}.jpg`, `F_${id}.jpg`],
  );

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "facehand-identity-"));
  await layImages(dir, ["H_a.jpg", "F_a.jpg", "H_b.jpg", "F_b.jpg"]);
});
afterEach(() => rm(dir, { recursive: true }));

const refusal = () =>
  readPairs(dir).then(
    () => "read",
    ({ code }: { code: string }) => code,
  );
async function serious(): Promise<string[]> {
  const { rows, findings } = await scanTables(await locate(dir));
  const all = [...findings, ...checkBetweenRows(rows)].map(({ code }) => code);
  return all.filter((code) => FINDINGS[code].severity === "serious");
}

describe("one person in train and test", () => {
  it.each([
    ["the same", (id: string) => id],
    ["a blank behind", (id: string) => `${id} `],
    ["a no-break space before", (id: string) => `\u00a0${id}`],
    ["a tab", (id: string) => `${id}\t`],
    ["upper case", (id: string) => id.toUpperCase()],
    ["mixed case", (id: string) => id.replace("ab", "aB")],
    ["a zero-width space", (id: string) => `${id}\u200b`],
    ["a zero-width joiner inside", (id: string) => `${id.slice(0, 9)}\u200d${id.slice(9)}`],
    ["letters of full width", (id: string) => id.replace("a", "ａ")],
  ])("is seen by checker and loader with %s", async (_, variant) => {
    await layRows(dir, { train: [row("a", USER)], test: [row("b", variant(USER))] });
    expect(await refusal()).not.toBe("read");
    expect(await serious()).not.toEqual([]);
  });

  it.each([
    ["7", "007"],
    ["7", "7.0"],
    ["anna", "Anna"],
    ["a_1", "a-1"],
    ["Andr\u00e9", "Andre\u0301"],
  ])("is seen by both under %s and %s", async (one, other) => {
    await layRows(dir, { train: [row("a", one)], test: [row("b", other)] });
    expect(await refusal()).toMatch(/^SUBJECT_/);
    expect(await serious()).toContain(await refusal());
  });

  it("is distinguished from another by both", async () => {
    await layRows(dir, { train: [row("a", "7")], test: [row("b", "70")] });
    expect([await refusal(), await serious()]).toEqual(["read", []]);
  });
});

describe("words", () => {
  it.each([
    [2, "Oct-19", "AGE_VALUE"],
    [2, "nan", "FIELD_NOTHING"],
    [4, "nan", "FIELD_NOTHING"],
    [4, "light ", "FIELD_BLANKS"],
    [4, "lgiht", "RACE_VALUE"],
    [4, "li\u00adght", "FIELD_UNSEEN"],
    [5, "plam", "GESTURE_VALUE"],
    [3, "M", "GENDER_VALUE"],
    [0, "b\u200b", "FIELD_UNSEEN"],
  ])("of cell %i, %j, are refused by checker and loader alike", async (cell, value, code) => {
    await layRows(dir, { train: [row("a", "u")], val: [row("b", "v", { [cell]: value })] });
    expect([await refusal(), await serious()]).toEqual([code, [code]]);
  });

  it("in other case are notes, which a repair mends and the loader reads as mended", async () => {
    const cells = { 1: USER.toUpperCase(), 3: "FEMALE", 4: "east_asian", 5: "Stop-Inverted" };
    await layRows(dir, { train: [row("a", "u", cells)], val: [row("b", "v")] });
    expect((await readPairs(dir)).train[0]).toMatchObject({
      ...{ userId: USER, gender: "female", race: "East Asian", gesture: "stop_inverted" },
    });
    expect(await serious()).toEqual([]);
    expect((await planRepair(dir)).repairs.map(({ reason, after }) => [reason, after])).toEqual([
      ["SUBJECT_CASE", USER],
      ["GENDER_CASE", "Female"],
      ["LABEL_CASE", "East Asian"],
      ["LABEL_CASE", "stop_inverted"],
    ]);
  });

  it("of ages that share years are a finding", async () => {
    await layRows(dir, { train: [row("a", "u"), row("b", "v", { 2: "25-34" })] });
    const { rows } = await scanTables(await locate(dir));
    expect(checkBetweenRows(rows)).toMatchObject([
      {
        code: "AGE_OVERLAP",
        message:
          'Expected age buckets that share no year with 20-29 for column age, got "25-34" (train.csv:3)',
      },
    ]);
  });
});
