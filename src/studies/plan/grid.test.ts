// The grid: which cells come out, how they are named, matched and paired.
import { describe, expect, it } from "vitest";
import { parseStudyFile, type StudyFile } from "./file.ts";
import { checkMatch, draftCells, matches, pairCells, parseOnly } from "./grid.ts";

function file(more: object = {}): StudyFile {
  const given = { name: "s", backbones: { "test_efficientnet.none": null }, ...more };
  return parseStudyFile(JSON.stringify(given), "s.json");
}

const SETS = { data: ["pairs:x"] };
const labels = (more: object) => draftCells(file(more), SETS).map(({ label }) => label);

describe("draftCells", () => {
  it("gives each architecture its own axes only", () => {
    expect(
      labels({ grid: { arch: ["umcc", "mag"], F: [0, 1], L: ["b", "f"], gating: ["soft", "hard"] } }),
    ).toEqual([
      "test_efficientnet.none_F0_Af_Lb_Z0",
      "test_efficientnet.none_F0_Af_Lf_Z0",
      "test_efficientnet.none_F1_Af_Lb_Z0",
      "test_efficientnet.none_F1_Af_Lf_Z0",
      "test_efficientnet.none_F0_Af_Lb_Z0_gating=soft",
      "test_efficientnet.none_F0_Af_Lb_Z0_gating=hard",
      "test_efficientnet.none_F0_Af_Lf_Z0_gating=soft",
      "test_efficientnet.none_F0_Af_Lf_Z0_gating=hard",
    ]);
  });

  it("takes every setting for an axis, and names what varies", () => {
    expect(labels({ grid: { modality: ["both", "hand"], lr: [0.1, 0.01], epochs: [3] } })).toEqual([
      "test_efficientnet.none_F1_Af_Lb_Z0_modality=both_lr=0.1",
      "test_efficientnet.none_F1_Af_Lb_Z0_modality=both_lr=0.01",
      "test_efficientnet.none_F1_Af_Lb_Z0_modality=hand_lr=0.1",
      "test_efficientnet.none_F1_Af_Lb_Z0_modality=hand_lr=0.01",
    ]);
  });

  it("settles settings: the study's, then the backbone's, then the axis'", () => {
    const given = {
      train: { epochs: 5, batch: 8, lr: 0.5 },
      backbones: { "test_efficientnet.none": { batch: 4, lr: 0.4 } },
      grid: { lr: [0.3], modality: ["hand"] },
    };
    const [draft] = draftCells(file(given), SETS);
    expect(draft!.config).toMatchObject({
      epochs: 5,
      batch: 4,
      lr: 0.3,
      modality: "hand",
      data: ["pairs:x"],
    });
  });

  it("leaves out what is excluded, and refuses to be left with nothing", () => {
    expect(labels({ grid: { L: ["b", "f"] }, exclude: [{ L: "f" }] })).toHaveLength(1);
    expect(() => labels({ exclude: [{ arch: ["umcc"] }] })).toThrow(
      "Expected at least one cell for the grid, exclusions taken off, got 0",
    );
  });

  it("refuses sets that are not there, and settings that cannot be", () => {
    expect(() => labels({ grid: { data: ["dta"] } })).toThrow(
      'Expected a set of the study\'s data for grid.data, got "dta"',
    );
    expect(() => labels({ backbones: { "nonet.none": null } })).toThrow(/nonet/);
  });
});

describe("cells by their axes", () => {
  const cells = draftCells(file({ grid: { arch: ["umcc", "mag"], F: [0, 1], L: ["b", "f"] } }), SETS);

  it("match one or several values", () => {
    const count = (match: object) => cells.filter(({ axes }) => matches(axes, match)).length;
    expect([count({}), count({ arch: "umcc" }), count({ F: 1 }), count({ F: [0, 1], L: "f" })]).toEqual([
      6, 4, 2, 2,
    ]);
  });

  it("refuse an axis or a value that no cell has", () => {
    expect(() => checkMatch({ lr: 1 }, cells, "comparison x")).toThrow(
      'Expected an axis of the grid (data, modality, backbone, arch, F, A, L, Z, gating) for comparison x, got "lr"',
    );
    expect(() => checkMatch({ L: ["b", "w"] }, cells, "--only")).toThrow(
      'Expected L of a cell (b, f) for --only, got "w"',
    );
  });

  it("pair up where nothing else differs", () => {
    const names = (a: object, b: object) =>
      pairCells(cells, a, b).map((pair) => [pair.a.label, pair.b.label]);
    const tag = (rest: string) => `test_efficientnet.none_${rest}`;
    expect(names({ F: 1 }, { F: 0 })).toEqual([
      [tag("F1_Af_Lb_Z0"), tag("F0_Af_Lb_Z0")],
      [tag("F1_Af_Lf_Z0"), tag("F0_Af_Lf_Z0")],
    ]);
    expect(names({ arch: "umcc", F: 1 }, { arch: "mag" })).toEqual([
      [tag("F1_Af_Lb_Z0"), tag("F0_Af_Lb_Z0_gating=soft")],
      [tag("F1_Af_Lf_Z0"), tag("F0_Af_Lf_Z0_gating=soft")],
    ]);
  });
});

describe("parseOnly", () => {
  it("reads axes and values", () =>
    expect(parseOnly(["L=b,f", "lr=0.1"])).toEqual({ L: ["b", "f"], lr: ["0.1"] }));

  it("refuses other words with the nearest axis", () => {
    expect(() => parseOnly(["archs=mag"])).toThrow('Expected AXIS=VALUE[,VALUE] for --only, got "archs=mag"');
    expect(() => parseOnly(["L"])).toThrow('got "L"');
  });
});
