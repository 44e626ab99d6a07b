// What a study's plan looks like in a terminal: nothing is wider than 100 columns, however long the tags are.
import { expect, it } from "vitest";
import { inventedStudy } from "../../../test/study-fixture.ts";
import { MAX_COLUMNS } from "../../core/visible.ts";
import { formatPlan } from "./format.ts";

it.each([
  "test_efficientnet.none_F0_Af_Lb_Z0_gating=soft",
  "convnext_tiny.in12k_ft_in1k_F0_Af_Lb_Z0_gating=soft",
  "mobilenetv3_small_100.lamb_in1k_F0_Af_Lb_Z0_gating=hard_seed123",
])("a plan with %s fits a terminal, and has every figure", (label) => {
  const study = inventedStudy();
  const cells = study.cells.map((cell) => ({
    cell: { ...cell, label, hash: "0123456789abcdef" },
    images: { train: 123_456, val: 12_345 },
    states: ["done", "missing"] as const,
    seconds: 40_000,
    peakBytes: 12 * 2 ** 30,
  }));
  const text = formatPlan(
    { ...study, comparisons: Array.from({ length: 4 }, () => study.comparisons[0]!) },
    cells,
  );
  expect(text.split("\n").filter((line) => line.length > MAX_COLUMNS)).toEqual([]);
  for (const cell of [`${label}-01234567`, "umcc", "123456", "12345", "1 of 2", "11:06:40", "12.0 GiB"])
    expect(text).toContain(cell);
  for (const word of ["exists", "time a", "seed", "memory"]) expect(text).toContain(word);
});
