import { describe, expect, it } from "vitest";
import { halfToNumber, numberToHalf } from "./tensor.ts";

describe("numberToHalf", () => {
  it("gives every half back", () => {
    for (let bits = 0; bits < 0x10000; bits++) {
      const value = halfToNumber(bits);
      expect(numberToHalf(value)).toBe(Number.isNaN(value) ? 0x7e00 : bits);
    }
  });

  it("takes the nearest, and of two equally near the even one", () => {
    for (let bits = 0; bits < 0x7bff; bits += 7) {
      const [low, high] = [halfToNumber(bits), halfToNumber(bits + 1)];
      const step = high - low;
      expect(numberToHalf((low + high) / 2)).toBe(bits + (bits % 2));
      expect(numberToHalf(low + 0.499 * step)).toBe(bits);
      expect(numberToHalf(-low - 0.501 * step)).toBe(0x8000 | (bits + 1));
    }
  });

  it("becomes infinite where rounding leaves the range", () => {
    expect(numberToHalf(65519.99)).toBe(0x7bff);
    expect(numberToHalf(65520)).toBe(0x7c00);
    expect(numberToHalf(Number.NEGATIVE_INFINITY)).toBe(0xfc00);
  });
});
