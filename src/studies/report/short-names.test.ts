// Short names of configurations that are shown together.
import { expect, it } from "vitest";
import { leastNames, shortNames } from "./short-names.ts";

const of = (...axes: Record<string, string>[]) => [
  ...shortNames(axes.map((one, i) => ({ id: `${i}`, label: `label ${i}`, axes: one }))).values(),
];

it("are the values of what varies: bare, by their letter, or with their key", () => {
  expect(
    of(
      { arch: "umcc", F: "1", gating: "-", lr: "0.1", Z: "0" },
      { arch: "mag", F: "-", gating: "soft", lr: "0.1", Z: "2" },
      { arch: "umcc", F: "0", gating: "-", lr: "0.2", Z: "0" },
    ),
  ).toEqual(["umcc F1 lr=0.1 Z0", "mag soft lr=0.1 Z2", "umcc F0 lr=0.2 Z0"]);
});

it("are shorter without axes that tell nothing more apart, and may then be equal", () => {
  const axes = [
    { arch: "umcc", lr: "1", size: "32" },
    { arch: "mag", lr: "2", size: "32" },
    { arch: "umcc", lr: "1", size: "64" },
    { arch: "umcc", lr: "1", size: "64" },
  ];
  const named = axes.map((one, i) => ({ id: `${i}`, label: `label ${i}`, axes: one }));
  expect([...leastNames(named).values()]).toEqual([
    "umcc size=32",
    "mag size=32",
    "umcc size=64",
    "umcc size=64",
  ]);
  expect(leastNames(named.slice(0, 1)).get("0")).toBe("label 0");
});

it("leave out what one of them lacks", () => {
  expect(of({ arch: "umcc" }, { arch: "mag", ema: "0.9" })).toEqual(["umcc", "mag ema=0.9"]);
});

it.each([
  [{ arch: "umcc" }, { arch: "umcc" }],
  [{ lr: "1" }, {}],
  [{ A: "f" }, { A: "f" }, { A: "n" }],
])("are the labels of all where some would have none, or the same: %j %j", (...axes) => {
  expect(of(...(axes as Record<string, string>[]))).toEqual(axes.map((_, i) => `label ${i}`));
});
