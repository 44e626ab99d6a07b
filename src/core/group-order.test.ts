import { describe, expect, test } from "vitest";
import { compareGroupValues } from "./group-order.ts";

describe("order of recorded groups", () => {
  test("FairFace's ages stand in order of age, not of letters", () => {
    const ages = ["more than 70", "3-9", "10-19", "", "0-2", "60-69", "20-29"];
    expect(ages.sort(compareGroupValues)).toEqual([
      "0-2",
      "3-9",
      "10-19",
      "20-29",
      "60-69",
      "more than 70",
      "",
    ]);
  });

  test("open ends, single years and words", () => {
    expect(["70+", "unknown", "<18", "100", "18-69", "5"].sort(compareGroupValues)).toEqual([
      "<18",
      "5",
      "18-69",
      "70+",
      "100",
      "unknown",
    ]);
    expect(["b", "", "a"].sort(compareGroupValues)).toEqual(["a", "b", ""]);
  });
});
