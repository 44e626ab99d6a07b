import fc from "fast-check";
import { expect, test } from "vitest";
import { decimal } from "./decimal.ts";

test.each([
  ["0.5", 0.5],
  ["1", 1],
  ["1.", 1],
  [".25", 0.25],
  ["-3e2", -300],
  ["+1E-3", 0.001],
  ["5e-324", 5e-324],
])("%s is %d", (text, value) => {
  expect(decimal(text)).toBe(value);
});

test.each([
  "",
  " ",
  " 1",
  "1 ",
  "0x1",
  "0b1",
  "0o7",
  "Infinity",
  "-Infinity",
  "NaN",
  "1e",
  "1e999",
  "0,9",
  "1_000",
  "1.2.3",
  "١",
  ".",
])("%j is none", (text) => {
  expect(decimal(text)).toBeUndefined();
});

test("every number that JavaScript writes is read back", () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
      expect(decimal(String(value))).toBe(Object.is(value, -0) ? 0 : value);
    }),
  );
});
