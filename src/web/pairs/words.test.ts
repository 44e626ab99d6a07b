import { expect, it } from "vitest";
import { brokenWords } from "./words.ts";

it("writes a value that differs from what it broke", () => {
  expect(brokenWords({ value: 27.3, removes: "below", threshold: 28 })).toBe("27.3 < 28");
  expect(brokenWords({ value: 27.999991, removes: "below", threshold: 28 })).toBe("27.999991 < 28");
  expect(brokenWords({ value: 0.5, removes: "below", threshold: 0.5 })).toBe("0.5, a tie");
  expect(brokenWords({ value: 0.2, removes: "above", threshold: 0.15 })).toBe("0.2 > 0.15");
  expect(brokenWords({ value: 3, removes: "above", threshold: null })).toBe("3");
});
