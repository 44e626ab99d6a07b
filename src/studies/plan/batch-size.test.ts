import { describe, expect, it } from "vitest";
import { largestBatch } from "./batch-size.ts";

describe("largestBatch", () => {
  const measured = [
    { batch: 8, peakBytes: 500e6 },
    { batch: 16, peakBytes: 900e6 }, // 50 MB an image over 100 MB
  ] as const;

  it("takes the largest candidate whose peak on the line fits with a share to spare", () => {
    expect(largestBatch(measured, 2e9, 1000)).toEqual({ batch: 32, peakBytes: 1700e6, measured });
    expect(largestBatch(measured, 1.99e9, 1000).batch).toBe(24);
    expect(largestBatch(measured, 8e9, 1000).batch).toBe(128);
    expect(largestBatch(measured, 3e8, 1000)).toMatchObject({ batch: 2, peakBytes: 200e6 });
  });

  it("takes no more images than there are, nor than a configuration may have", () => {
    expect(largestBatch(measured, 1e12, 50).batch).toBe(48);
    expect(largestBatch(measured, 1e12, 1e6).batch).toBe(4096);
  });

  it("reports how much memory the smallest batch needs", () => {
    expect(() => largestBatch(measured, 2e8, 1000)).toThrow(
      'Expected at least 0.3 GB for the memory of training (--memory), got "0.2 GB"',
    );
  });
});
