// Shape rules: what the constructors accept, infer and refuse. Values are compared in test/parity/ops.test.ts.
import { describe, expect, it } from "vitest";
import { AppError } from "../core/errors.ts";
import { type Shape, topological } from "./graph.ts";
import * as ops from "./ops.ts";

const x = (...shape: number[]) => ops.input("x", shape);
const conv = (size: Shape, weight: Shape, stride = 1, p = 0, groups = 1) =>
  ops.conv2d(x(...size), x(...weight), {
    stride: [stride, stride],
    padding: [p, p, p, p],
    groups,
  });

describe("shapes", () => {
  it("of convolutions follow torch", () => {
    expect(conv([2, 3, 224, 112], [8, 3, 3, 3], 2, 1).shape).toEqual([2, 8, 112, 56]);
    expect(conv([2, 3, 7, 8], [8, 3, 3, 3], 2).shape).toEqual([2, 8, 3, 3]);
    expect(conv([2, 6, 7, 7], [6, 1, 5, 5], 1, 2, 6).shape).toEqual([2, 6, 7, 7]);
  });

  it("of the rest", () => {
    expect(ops.matmul(x(4, 3), x(5, 4), { transA: true, transB: true }).shape).toEqual([3, 5]);
    expect(ops.matmul(x(6, 2, 3), x(6, 4, 3), { transB: true }).shape).toEqual([6, 2, 4]);
    expect(ops.mul(x(), x(2, 3)).shape).toEqual([2, 3]);
    expect(ops.concat([x(2, 3), x(2, 4)], 1).shape).toEqual([2, 7]);
    expect(ops.transpose(x(2, 3, 4), [2, 0, 1]).shape).toEqual([4, 2, 3]);
    expect(ops.meanAll(x(2, 3)).shape).toEqual([]);
  });
});

describe("nothing to do makes no node", () => {
  it.each([
    ["reshape", () => ops.reshape(x(2, 3), [2, 3])],
    ["slice", () => ops.slice(x(2, 3), 1, 0, 3)],
    ["pad", () => ops.pad(x(2, 3), 1, 0, 0)],
    ["concat of one", () => ops.concat([x(2, 3)], 0)],
    ["scale by one", () => ops.scale(x(2, 3), 1)],
  ])("%s", (_name, make) => expect(make().node.op).toBe("input"));
});

describe("refusals", () => {
  it.each([
    [
      () => conv([1, 3, 8, 8], [4, 2, 3, 3]),
      "[N,C,H,W], [O,C/groups,k,k] for conv2d, got [[1,3,8,8],[4,2,3,3]]",
    ],
    [() => conv([1, 4, 8, 8], [4, 2, 3, 3], 1, 0, 2), "[N,C,H,W], [O,C/groups,k,k] for conv2d"],
    [() => conv([1, 3, 2, 2], [4, 3, 3, 3]), "an input no smaller than the kernel for conv2d"],
    [() => ops.imageToTensor(x(1, 4, 4, 3), [0], [1]), "u8 [N, H, W, 3] for imageToTensor"],
    [() => ops.batchNorm(x(2, 3, 4, 4), x(3), x(4), 1e-3), "[N, C, ...] and vectors [C] for batchNorm"],
    [() => ops.channelDot(x(2, 3), x(2, 4)), "equal shapes for channelDot"],
    [() => ops.globalAveragePool(x(2, 3)), "[N, C, H, W] for globalAveragePool"],
    [() => ops.spatialBroadcast(x(2), [1, 1]), "[N, C] for spatialBroadcast"],
    [() => ops.gateChannels(x(2, 3, 4, 4), x(2, 4)), "[N, C, H, W] and [N, C] for gateChannels"],
    [() => ops.spatialDot(x(2, 3), x(2, 3)), "equal [N, C, H, W] for spatialDot"],
    [() => ops.add(x(2, 3), x(3)), "equal shapes or a scalar for add, got [[2,3],[3]]"],
    [() => ops.scaleSamples(x(2, 3), x(3)), "[N, ...] and [N] for scaleSamples"],
    [() => ops.matmul(x(2, 3), x(2, 3)), "matrices with a common side for matmul"],
    [() => ops.matmul(x(2, 3, 4), x(3, 4, 2)), "matrices with a common side for matmul"],
    [() => ops.matmul(x(3), x(3)), "matrices with a common side for matmul"],
    [() => ops.broadcastScalar(x(1), [2]), "[] for broadcastScalar"],
    [() => ops.constant([1, 2], [3]), "3 values for constant, got 2"],
    [() => ops.reshape(x(2, 3), [5]), "6 elements for reshape, got [5]"],
    [() => ops.transpose(x(2, 3), [0, 0]), "a permutation of 2 axes for transpose, got [0,0]"],
    [() => ops.concat([], 0), "at least one value for concat, got []"],
    [() => ops.concat([x(2, 3), x(3, 3)], 1), "equal shapes but for axis 1 for concat"],
    [() => ops.slice(x(5), 0, 3, 6), "a part of 5 for slice, got [3,6]"],
    [() => ops.slice(x(5), 0, 3, 3), "a part of 5 for slice, got [3,3]"],
  ])("%#", (make, message) => {
    expect(make).toThrow(AppError);
    expect(make).toThrow(`Expected ${message}`);
  });
});

describe("topological", () => {
  it("lists every node once, after its inputs", () => {
    const a = x(2);
    const b = ops.add(a, a);
    const c = ops.mul(b, a);
    expect(topological([c, b]).map((node) => node.op)).toEqual(["input", "add", "mul"]);
  });

  it("stands graphs deeper than any call stack", () => {
    let value = x(1);
    for (let i = 0; i < 100_000; i++) value = ops.add(value, value);
    expect(topological([value])).toHaveLength(100_001);
  });
});
