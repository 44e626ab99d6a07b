// Every backbone that no other case takes gradients of, against timm and torch in float64 at small odd sizes (see
// model-case.ts).
import { readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { BACKBONE_NAMES } from "../../src/models/backbones/registry.ts";
import { readGolden, testCase } from "./model-case.ts";

const ALL = readdirSync(new URL("./goldens/models/", import.meta.url)).map((file) =>
  file.replace(/\.json$/, ""),
);

it("leaves out no backbone", () => {
  const goldens = ALL.map(readGolden).filter(({ grads }) => Object.keys(grads ?? {}).length > 0);
  const compared = new Set(goldens.map(({ case: { backbone } }) => backbone));
  expect([...BACKBONE_NAMES].filter((name) => !compared.has(name))).toEqual([]);
});

describe.each(ALL.filter((name) => name.startsWith("odd-")))("%s against timm", testCase);
