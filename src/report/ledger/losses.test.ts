import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { wilson } from "../../evaluate/intervals/intervals.ts";
import { fewNote, lossTables } from "./cells.ts";
import { type Losses, ledgerLosses } from "./losses.ts";

let root = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "facehand-losses-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

type Row = Readonly<Record<string, string | number>>;
let files = 0;
async function losses(rows: readonly Row[], minSubjects?: number): Promise<Losses> {
  const path = join(root, `${files++}.csv`);
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const lines = rows.map((row) => columns.map((column) => row[column] ?? "").join(","));
  await writeFile(path, `${[columns.join(","), ...lines].join("\n")}\n`);
  return await ledgerLosses(path, { minSubjects });
}
const both = { hand_sharpness: 9, face_sharpness: 9 };
const kept = (user_id: string, more: Row = {}): Row => ({ user_id, status: "kept", ...both, ...more });
const lost = (user_id: string, reason: string, more: Row = {}): Row => ({
  user_id,
  status: "removed",
  reason,
  ...more,
});
const groups = (all: Losses, by: string) => all.tables.find((table) => table.by === by)!.groups;

describe("ledgerLosses", () => {
  it("counts each frame once in each table, with those without a face and those of which nothing is known", async () => {
    const all = await losses(
      [
        kept("a", { recorded_gender: "female", age: "20-29", race: "tan", ita: 60, hand_ita: 50 }),
        lost("a", "no_face", { recorded_gender: "female", age: "20-29", hand_sharpness: 9, hand_ita: -40 }),
        lost("b", "blurred", { recorded_gender: "male", age: "9", ...both, ita: -50, hand_ita: 20 }),
        lost("c", "image_unreadable"),
        lost("c", "image_missing"),
        lost("c", "duplicate_image"),
        lost("d", "duplicate_image", { ...both, ita: 30 }),
      ],
      1,
    );
    expect([all.all.frames, all.all.subjects]).toEqual([7, 4]);
    expect([all.all.acquire.frames, all.all.acquire.of]).toEqual([2, 5]); // neither what is missing nor an id that came again
    expect([all.all.removal.frames, all.all.removal.of]).toEqual([6, 7]);
    for (const { groups: own } of all.tables)
      expect(own.reduce((sum, { frames }) => sum + frames, 0)).toBe(7);
    const counted = (by: string) =>
      groups(all, by).map(({ value, subjects, frames, acquire }) => [
        value,
        subjects,
        frames,
        acquire.frames,
      ]);
    expect(counted("recorded gender")).toEqual([
      ["female", 1, 2, 1],
      ["male", 1, 1, 0],
      ["", 2, 4, 1],
    ]);
    expect(counted("recorded age").map(([value]) => value)).toEqual(["9", "20-29", ""]);
    expect(counted("skin tone, measured: of the face, of the hand where there is none")).toEqual([
      ["very light", 1, 1, 0],
      ["intermediate", 1, 1, 0],
      ["dark", 2, 2, 1],
      ["", 1, 3, 1],
    ]);
    expect(counted("skin tone, measured: of the hand")).toEqual([
      ["light", 1, 1, 0],
      ["tan", 1, 1, 0],
      ["dark", 1, 1, 1],
      ["", 2, 4, 1],
    ]);
  });

  it("reads ledgers of before: a subject's gender is that of their pairs, and what was not measured is not known", async () => {
    const all = await losses(
      [kept("a", { gender: "male", ita: 20 }), lost("a", "no_face", { gender: "" }), lost("b", "no_face")],
      1,
    );
    expect(groups(all, "recorded gender").map(({ value, frames }) => [value, frames])).toEqual([
      ["male", 2],
      ["", 1],
    ]);
    expect(
      groups(all, "skin tone, measured: of the hand").map(({ value, frames }) => [value, frames]),
    ).toEqual([["", 3]]);
  });

  it("has intervals over subjects: alike frames of one subject say no more than one of them", async () => {
    const people = Array.from({ length: 200 }, (_, i) => [`u${i}`, i % 10 < 3] as const);
    const frames = (times: number) =>
      people.flatMap(([user, isLost]) =>
        Array.from({ length: times }, () => (isLost ? lost(user, "no_face") : kept(user))),
      );
    const [one, five] = [await losses(frames(1)), await losses(frames(5))];
    expect(five.all.acquire.interval).toEqual(one.all.acquire.interval);
    const { estimate, low, high } = one.all.acquire.interval!;
    const expected = wilson(60, 200);
    expect(estimate).toBe(0.3);
    expect(Math.abs(low! - expected.low!)).toBeLessThan(0.012);
    expect(Math.abs(high! - expected.high!)).toBeLessThan(0.012);
    const none = await losses(people.map(([user]) => kept(user)));
    expect(none.all.acquire.interval).toEqual({ ...wilson(0, 200), estimate: 0 });
  });

  it("shows no rate of a group of under 20 subjects, and marks a whole that is one", async () => {
    const people = (n: number, race: string) =>
      Array.from({ length: n }, (_, i) => kept(`${race}${i}`, { race }));
    const all = await losses([...people(19, "Black"), ...people(20, "White")]);
    expect(
      groups(all, "recorded race").map(({ value, acquire }) => [value, acquire.interval === null]),
    ).toEqual([
      ["Black", true],
      ["White", false],
    ]);
    const [, , race] = lossTables(all);
    expect(race!.rows.map((row) => row.slice(0, 4))).toEqual([
      ["all", "39", "39", expect.stringMatching(/^0\.000 \[0\.000, 0\.0\d\d\] \(0 of 39\)$/)],
      ["Black", "19*", "19", "too small"],
      ["White", "20", "20", expect.stringMatching(/^0\.000 \[/)],
    ]);
    expect(fewNote(all)).toBe(
      "* under 20 subjects; too small: a rate of a group that rests on so few is not shown.",
    );
    expect(lossTables(await losses(people(3, "White")))[0]!.rows[0]!.slice(0, 2)).toEqual(["all", "3*"]);
  });
});
