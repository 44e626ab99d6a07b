// Runs by configuration, and their order.
import { describe, expect, it } from "vitest";
import type { RunFacts } from "../../server/api.ts";
import { backboneOf, configurations, namesOf, type Run, sorted } from "./configurations.ts";

const run = (place: string, more: Partial<RunFacts> = {}): Run => ({
  id: place,
  kind: "run",
  place,
  changed: "2026-01-01T00:00:00.000Z",
  files: [],
  pictures: 0,
  run: {
    configuration: "a",
    arch: "umcc",
    tag: "x.none_F1_Af_Lb_Z0",
    seed: 1,
    imageSize: 32,
    axes: {},
    epochs: { done: 1, planned: 2 },
    sources: [],
    ...more,
  },
});

describe("configurations", () => {
  it("are seeds side by side, in order of seed, and no others", () => {
    const found = configurations([
      run("a/seed_2", { seed: 2 }),
      run("a/seed_1"),
      run("b/seed_1"),
      run("a/other", { configuration: "b", seed: 3 }),
    ]);
    expect(found.map(({ runs }) => runs.map(({ place }) => place))).toEqual([
      ["a/seed_1", "a/seed_2"],
      ["b/seed_1"],
      ["a/other"],
    ]);
  });

  it("are named by as few settings as tell them apart, and by folders where none does", () => {
    const names = (...runs: Run[]) => [...namesOf(configurations(runs)).values()];
    const hand = { configuration: "h", axes: { arch: "umcc", modality: "hand", lr: "0.1" } };
    const both = { configuration: "b", axes: { arch: "umcc", modality: "both", lr: "0.2" } };
    expect(
      names(run("a/seed_1", hand), run("b/seed_1", both), run("b/seed_2", { ...both, seed: 2 })),
    ).toEqual(["hand", "both"]);
    expect(names(run("x/a", hand), run("y/a", hand), run("y/b", { ...hand, seed: 2 }))).toEqual([
      "x.none_F1_Af_Lb_Z0, x/a",
      "x.none_F1_Af_Lb_Z0, y",
    ]);
    expect(names(run("x/a", hand))).toEqual(["x.none_F1_Af_Lb_Z0"]);
  });

  it("sort by a column, either way, what is not known last", () => {
    const rows = [0.5, undefined, 0.9, 0.7].map((figure, i) => ({
      configuration: configurations([run(`r${i}`)])[0]!,
      figure,
    }));
    expect(sorted(rows, "figure").map(({ figure }) => figure)).toEqual([0.5, 0.7, 0.9, undefined]);
    expect(sorted(rows, "-figure").map(({ figure }) => figure)).toEqual([0.9, 0.7, 0.5, undefined]);
    expect(sorted(rows, "nothing")).toEqual(rows);
  });

  it("are of the backbone that the tag names", () => {
    expect(backboneOf("mobilenetv2_100.ra_in1k_F1_Af_Lb_Z0")).toBe("mobilenetv2_100");
    expect(backboneOf("test_efficientnet_F0_Af_Lb_Z0")).toBe("test_efficientnet");
  });
});
