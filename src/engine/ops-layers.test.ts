// Shape rules of pooling and layer normalisation. Values are compared in test/parity/ops.test.ts.
import { expect, it } from "vitest";
import { AppError } from "../core/errors.ts";
import { input } from "./ops.ts";
import { layerNorm, maxPool } from "./ops-layers.ts";

const x = (...shape: number[]) => input("x", shape);
const pool = (shape: number[], kernel: number, stride: number, p: number) =>
  maxPool(x(...shape), { kernel: [kernel, kernel], stride: [stride, stride], padding: [p, p, p, p] });

it("a pool rounds down, as torch's floor mode", () => {
  expect(pool([2, 3, 112, 113], 3, 2, 1).shape).toEqual([2, 3, 56, 57]);
  expect(pool([2, 3, 8, 9], 3, 2, 0).shape).toEqual([2, 3, 3, 4]);
});

it("layer normalisation keeps the shape of rows and maps", () => {
  expect(layerNorm(x(5, 3), x(3), x(3), 1e-6).shape).toEqual([5, 3]);
  expect(layerNorm(x(2, 3, 4, 5), x(3), x(3), 1e-6).shape).toEqual([2, 3, 4, 5]);
});

it.each([
  [
    () => pool([2, 3, 8, 8], 3, 2, 2),
    "padding of at most half the kernel for maxPool, got [[2,3,8,8],[2,2,2,2]]",
  ],
  [() => pool([2, 8, 8], 3, 2, 1), "[N, C, H, W] and padding"],
  [() => pool([2, 3, 2, 2], 3, 2, 0), "an input no smaller than the kernel for maxPool"],
  [() => layerNorm(x(2, 3), x(2), x(2), 1e-6), "vectors [C] for layerNorm, got [[2,3],[2],[2]]"],
  [() => layerNorm(x(2, 3, 4), x(3), x(3), 1e-6), "[N, C] or [N, C, H, W], and vectors [C] for layerNorm"],
])("refuses what does not fit: %#", (make, message) => {
  expect(make).toThrow(AppError);
  expect(make).toThrow(message);
});
