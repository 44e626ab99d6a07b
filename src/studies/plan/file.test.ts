// Study files: what is read, and the message for each mistake, with file and line.
import { readdir } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { AppError } from "../../core/errors.ts";
import { parseStudyFile, readStudyFile } from "./file.ts";

const FILE = `# a comment
name: small
backbones:
  test_efficientnet.none: { imageSize: 32 }
  resnet18.none:
train:
  epochs: 2
grid:
  arch: [umcc, mag]
  L: [b, f]
  lr: [0.001, 0.01]
exclude:
  - { arch: mag, L: f }
`;

function fault(text: string): AppError {
  try {
    parseStudyFile(text, "small.yaml");
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error("Expected a fault");
}

describe("parseStudyFile", () => {
  it("reads YAML, and the same as JSON", () => {
    const file = parseStudyFile(FILE, "small.yaml");
    expect(file).toMatchObject({
      name: "small",
      backbones: { "test_efficientnet.none": { imageSize: 32 }, "resnet18.none": null },
      train: { epochs: 2 },
      grid: { arch: ["umcc", "mag"], L: ["b", "f"], lr: [0.001, 0.01] },
      seeds: [42, 123, 999],
      exclude: [{ arch: "mag", L: "f" }],
      evaluate: [],
    });
    const json = JSON.stringify({ ...file, about: undefined }, null, 2);
    expect(parseStudyFile(json, "small.json")).toEqual(file);
  });

  it("does not fill in settings that are not given: they are the trainer's to default", () => {
    expect(parseStudyFile(FILE, "small.yaml").train).toEqual({ epochs: 2 });
  });

  it.each([
    [
      "a key of the study",
      FILE.replace("exclude", "exclud"),
      'a known key for a study, got "exclud" (small.yaml:12)',
      "exclude",
    ],
    [
      "an axis",
      FILE.replace("  L:", "  loss:"),
      'a known key for grid, got "loss" (small.yaml:10)',
      /^one of data, modality, arch, F/,
    ],
    [
      "a setting",
      FILE.replace("epochs", "epoch"),
      'a known key for train, got "epoch" (small.yaml:7)',
      "epochs",
    ],
    [
      "a setting of a backbone",
      FILE.replace("imageSize", "imagesize"),
      'a known key for backbones.test_efficientnet.none, got "imagesize" (small.yaml:4)',
      "imageSize",
    ],
    [
      "an axis to exclude",
      FILE.replace("arch: mag,", "archs: mag,"),
      'a known key for exclude.0, got "archs" (small.yaml:13)',
      "arch",
    ],
    [
      "a key of a perturbation",
      `${FILE}evaluate:\n  - name: j\n    perturb: { kind: jpeg, quality: 5, sigma: 1 }\n`,
      'a known key for evaluate.0.perturb, got "sigma" (small.yaml:16)',
      undefined,
    ],
  ])("names %s that is not known, its line, and the nearest", (_, text, message, hint) => {
    const error = fault(text);
    expect([error.kind, error.code]).toEqual(["input", "STUDY_KEY"]);
    expect(error.message).toBe(`Expected ${message}`);
    if (hint !== undefined)
      expect(error.hint).toMatch(hint instanceof RegExp ? hint : new RegExp(`^${hint}$`));
  });

  it.each([
    ["a loss", FILE.replace("[b, f]", "[b, g]"), 'for grid.L.1, got "g" (small.yaml:10)'],
    ["a range", FILE.replace("epochs: 2", "epochs: 0"), "for train.epochs, got 0 (small.yaml:7)"],
    [
      "a perturbation",
      `${FILE}evaluate:\n  - name: j\n    perturb: { kind: fog }\n`,
      '"fog" (small.yaml:16)',
    ],
    [
      "a metric of a comparison",
      `${FILE}compare:\n  - { name: q, a: { L: f }, b: { L: b }, metric: auc }\n`,
      'for compare.0.metric, got "auc" (small.yaml:15)',
    ],
    [
      "a value twice",
      FILE.replace("[b, f]", "[b, b]"),
      'each value once for grid.L, got ["b","b"] (small.yaml:10)',
    ],
    ["a seed twice", `${FILE}seeds: [7, 42, 7]\n`, "each value once for seeds, got [7,42,7] (small.yaml:"],
    ["an empty axis", FILE.replace("[b, f]", "[]"), "for grid.L, got [] (small.yaml:10)"],
    ["a missing name", FILE.replace("name: small\n", ""), "for name, got nothing (small.yaml)"],
  ])("names %s that is not allowed, and its line", (_, text, message) => {
    const error = fault(text);
    expect([error.kind, error.code]).toEqual(["input", "STUDY_VALUE"]);
    expect(error.message).not.toMatch(/Invalid|valid value/);
    expect(error.message).toContain(message);
  });

  it.each([
    ["a bracket", FILE.replace("[umcc, mag]", "[umcc, mag"), "small.yaml:10"],
    ["a key twice", FILE.replace("grid:", "name:"), "small.yaml:8"],
  ])("refuses broken YAML: %s", (_, text, where) => {
    const error = fault(text);
    expect(error.code).toBe("STUDY_SYNTAX");
    expect(error.message).toContain(`(${where})`);
  });

  const laughs = [
    "a: &a [x, x]",
    ..."bcdefghijklmnop".split("").map((to, i) => {
      const from = "abcdefghijklmno"[i];
      return `${to}: &${to} [*${from}, *${from}, *${from}, *${from}]`;
    }),
  ].join("\n");
  it.each([
    ["aliases", `${FILE}x: &a 1\ny: *a\n`, "the alias *a", 15],
    ["aliases that unfold to gigabytes", laughs, "the alias *a", 2],
    ["a cycle", `${FILE}x: &a [*a]\n`, "the alias *a", 14],
    ["an alias of nothing", `${FILE}x: *nothing\n`, "the alias *nothing", 14],
    ["a merge key", FILE.replace("{ imageSize: 32 }", "{ <<: { imageSize: 32 } }"), "the merge key <<", 4],
    ["a tag", FILE.replace("epochs: 2", "epochs: !!int 2"), "the tag tag:yaml.org,2002:int", 7],
    ["a tag of another program", FILE.replace("[b, f]", "!!python/tuple [b, f]"), "the tag", 10],
    ["a key that is a number", FILE.replace("resnet18.none:", "18:"), "the key 18, which is no text", 5],
    ["a key that is null", FILE.replace("resnet18.none:", "null:"), "the key null, which is no text", 5],
    ["a key that is a list", FILE.replace("resnet18.none:", "? [a, b]\n  : 1"), "a key that is no text", 5],
    [
      "a key twice in a flow map",
      FILE.replace("arch: mag,", "arch: mag, arch: mag,"),
      "the key arch twice",
      13,
    ],
    ["a second document", `${FILE}---\nname: other\n`, "multiple documents", 14],
  ])("refuses what is more than plain data: %s", (_, text, got, line) => {
    const error = fault(text);
    expect([error.kind, error.code]).toEqual(["input", "STUDY_SYNTAX"]);
    expect(error.message).toContain("Expected plain YAML or JSON for a study file, got ");
    expect(error.message).toContain(got);
    expect(error.message).toContain(`(small.yaml:${line})`);
  });

  it.each([
    ["brackets", "[".repeat(100_000)],
    ["lists", "- ".repeat(100_000)],
    ["maps by indentation", Array.from({ length: 700 }, (_, i) => `${" ".repeat(i)}k:`).join("\n")],
    ["maps in keys", "? ".repeat(100_000)],
    ["twenty thousand keys", Array.from({ length: 20_000 }, (_, i) => `k${i}: 1`).join("\n")],
    ["text of two megabytes", `about: ${"x".repeat(2 << 20)}`],
    ["an infinite number", FILE.replace("epochs: 2", "epochs: 1e999")],
    ["a prototype", `${FILE}__proto__: { epochs: 1 }\n`],
  ])("ends with an AppError for %s", (_, text) => {
    expect(fault(text).kind).toBe("input");
  });

  it("reads the files of docs/studies, each named as its study", async () => {
    const names = (await readdir("docs/studies")).filter((name) => name.endsWith(".yaml"));
    expect(names.length).toBeGreaterThan(0);
    for (const name of names) expect(`${(await readStudyFile(`docs/studies/${name}`)).name}.yaml`).toBe(name);
  });
});
