// Tables by group of one run, where a gap would be one of classes.
import { expect, test } from "vitest";
import { groupTables } from "./group-tables.ts";
import type { Labelled } from "./results.ts";

test("groups of one recorded class have no gap, and the reason stands where it would", () => {
  const rows = Array.from({ length: 80 }, (_, i) => ({
    ...{ id: `i${i}`, subject: `s${i}`, target: (i % 2) as 0 | 1, probability: i % 3 === 0 ? 0.6 : 0.4 },
    ...{ split: "test" as const, source: "file", modality: "face" as const, age: "", gesture: "" },
    race: i % 2 === 0 ? "a" : "b",
  })) as unknown as Labelled[];
  const run = { name: "x", suffix: "x", sources: ["x"], rows };
  const tables = groupTables(run, "test", { minSubjects: 20, replicates: 100, seed: 1 });
  const spread = tables.find(({ id }) => id.startsWith("spread-race"))!;
  expect(spread.rows).toHaveLength(1);
  expect(spread.rows[0]!.cells.map(({ text }) => text).slice(0, 3)).toEqual(["accuracy", "0", "class mix"]);
  expect(spread.note).toContain("(a, b)");
});
