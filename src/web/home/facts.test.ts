// Words about datasets, runs and studies.
import { describe, expect, it } from "vitest";
import type { Thing } from "../../server/api.ts";
import { bytes, day, factsOf, isOfStudy } from "./facts.ts";

const thing = (more: Partial<Thing>): Thing => ({
  id: "1",
  kind: "run",
  place: "runs/a",
  changed: "2026-11-29T06:46:00.000Z",
  files: [{ name: "config.json", sizeBytes: 1500 }],
  pictures: 0,
  ...more,
});
const trained = { name: "predictions/test.parquet", sizeBytes: 1 };

describe("facts", () => {
  it("count pairs and subjects by split", () => {
    const facts = factsOf(
      thing({
        kind: "dataset",
        pictures: 1,
        dataset: {
          drawn: true,
          licence: "",
          recipeHash: "",
          frames: 1200,
          removed: 1,
          pairs: { train: 1000, val: 2, test: 3 },
          subjects: { train: 1, val: 0, test: 0 },
        },
      }),
      [],
    );
    expect(facts.slice(0, 4)).toEqual([
      ["pairs", "1,005 of 1 subject"],
      ["by split", "train 1,000 (1 subject), val 2 (0 subjects), test 3 (0 subjects)"],
      ["removed", "1 of 1,200 frames"],
      ["size", "tables 1.5 kB, 1 picture"],
    ]);
  });

  it("count the runs of a study that have predicted, in its folder and not in one of a like name", () => {
    const study = thing({
      kind: "study",
      place: "s",
      study: { name: "s", about: "", cells: 2, runs: 6 },
    });
    const all = [
      study,
      thing({ place: "s/runs/a/seed_1", files: [trained] }),
      thing({ place: "s/runs/a/seed_2" }),
      thing({ place: "s2/runs/a", files: [trained] }),
    ];
    expect(factsOf(study, all).slice(0, 3)).toEqual([
      ["configurations", "2"],
      ["runs done", "1 of 6"],
      ["under way or stopped", "1"],
    ]);
    expect(all.map((one) => isOfStudy(one, all))).toEqual([false, true, true, false]);
  });

  it("say nothing of what is damaged but its size and date", () => {
    expect(factsOf(thing({}), []).map(([name]) => name)).toEqual(["size", "changed"]);
  });

  it("have sizes and days that are read at a glance", () => {
    expect([0, 999, 1000, 9_960, 12_345_678, 2e15].map(bytes)).toEqual([
      "0 B",
      "999 B",
      "1.0 kB",
      "10.0 kB",
      "12 MB",
      "2000 TB",
    ]);
    expect(day("2026-01-02T03:04:05.000")).toBe("2026-01-02 03:04");
    expect(day("1970-01-01T00:00:00.000Z")).toBe("-");
  });
});
