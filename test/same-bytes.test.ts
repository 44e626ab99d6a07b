// Equality by bytes changes no answer of expect, and finds every difference that expect finds.
import { describe, expect, it } from "vitest";
import { sameBytes } from "./same-bytes.ts";

const floats = (...values: number[]) => Float32Array.from(values);

describe("arrays in expect", () => {
  it("are found equal by their bytes, and by nothing less", () => {
    expect(sameBytes(floats(1, 2), floats(0, 1, 2).subarray(1))).toBe(true);
    for (const [a, b] of [
      [floats(1, 2), floats(1, 3)],
      [floats(1, 2), floats(1, 2, 3)],
      [floats(1), Uint8Array.from(Buffer.from(floats(1).buffer))],
      [Buffer.from("a"), Uint8Array.from([97])],
      [[1], [1]],
      ["a", "a"],
    ])
      expect(sameBytes(a, b)).toBeUndefined();
  });

  it("differ where they differ, at any depth", () => {
    const of = (last: number) => ({ a: [new Map([["w", floats(1, last)]])] });
    expect(of(2)).toEqual(of(2));
    expect(of(2)).toStrictEqual(of(2));
    expect(() => expect(of(2)).toEqual(of(3))).toThrow("to deeply equal");
    expect(floats(0)).not.toEqual(floats(-0));
    expect(floats(Number.NaN)).toEqual(floats(Number.NaN));
  });
});
