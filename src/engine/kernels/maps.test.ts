// The operators in C++ that read maps or weights in one pass, against the same in float64, at odd sizes.
import { beforeAll, describe, expect, it } from "vitest";
import { AVX2, sharedKernels, WHY } from "../../../test/compiled.ts";
import {
  drawn,
  fromBlocks,
  type OperatorNode,
  runNode,
  runOutputs,
  sameBytes,
  toBlocks,
  up,
} from "../../../test/operator-node.ts";
import { difference } from "../../../test/run-graph.ts";
import { lanesOf } from "./library.ts";

type Size = readonly [n: number, c: number, h: number, w: number];

/** Channels that do not fill a block; more pixels than a thread takes at a time; a single pixel. */
const SIZES: readonly Size[] = [
  [2, 20, 7, 5],
  [3, 4, 1, 1],
  [2, 36, 50, 43],
];
/** Of float32 sums in another order: the largest error, as a share of the largest result. */
const CLOSE = 2e-6;

describe.each([16, 8])("in blocks of %d", (lanes) => {
  const why = WHY || (lanes > lanesOf() ? " (skipped: a processor without AVX-512)" : "");
  describe.skipIf(why !== "")(`operators${why}`, () => {
    let library: string;
    beforeAll(async () => {
      library = await sharedKernels(lanes === 8 ? AVX2 : undefined);
    });

    /** A drawn map, and as operators read it. */
    const drawMap = (name: string, size: Size) => {
      const data = drawn(name, size);
      const [n, c, ...rest] = size;
      return { data, feed: [toBlocks(data, size, lanes), [n, up(c, lanes), ...rest]] as const };
    };
    /** A drawn value for each channel; what pads the last block is NaN. */
    const drawChannels = (name: string, c: number) => {
      const data = drawn(name, [c]);
      const padded = Float32Array.from({ length: up(c, lanes) }, (_, i) => data[i] ?? Number.NaN);
      return { data, feed: [padded, [padded.length]] as const };
    };
    const sizes = ([n, c, h, w]: Size) => ({ n, c, h, w });
    const channelOf = (i: number, [, c, h, w]: Size) => Math.floor(i / (h * w)) % c;
    /** The first output, by one thread; those of several threads are the same bytes. */
    const run = async (node: Omit<OperatorNode, "library">): Promise<readonly Float32Array[]> => {
      const made = await runOutputs({ library, ...node });
      for (const threads of [2, 3]) {
        const again = await runOutputs({ library, ...node, threads });
        expect(again.map((one, i) => sameBytes(one, made[i]!))).toEqual(made.map(() => true));
      }
      return made;
    };

    it.each(SIZES)("SiluGrad: %d x %d x %d x %d", async (...size) => {
      const [x, dy] = [drawMap("x", size), drawMap("dy", size)];
      const far = [-1e30, -200, -88, -1, 0, 88, 200, 1e30]; // where e^x ends
      for (const [i, value] of far.entries()) {
        x.data[i] = value;
        dy.data[i] = 1;
      }
      const feeds = {
        x: [toBlocks(x.data, size, lanes), x.feed[1]],
        dy: [toBlocks(dy.data, size, lanes), x.feed[1]],
      } as const;
      const [made] = await run({ op: "SiluGrad", attributes: sizes(size), feeds, dims: x.feed[1] });
      const slope = (v: number) => {
        const s = 1 / (1 + Math.exp(-v));
        return s * (1 + v * (1 - s));
      };
      const expected = Float64Array.from(x.data, (v, i) => slope(v) * dy.data[i]!);
      const { map } = fromBlocks(made!, size, lanes);
      expect(difference(map, expected)).toBeLessThan(CLOSE);
      expect(Array.from(map.subarray(5, 8))).toEqual([1, 1, 1]);
      expect(Array.from(map.subarray(0, 3), Math.abs)).toEqual([0, 0, 0]);
    });

    it.each([0, 6])("ClipGrad to %d, which is open where it is 0", async (high) => {
      const size = SIZES[0]!;
      const [x, dy] = [drawMap("x", size), drawMap("dy", size)];
      const data = x.data.map((v) => Math.round(v * 4)); // kinks are met
      const feeds = { x: [toBlocks(data, size, lanes), x.feed[1]] as const, dy: dy.feed };
      const [made] = await run({
        op: "ClipGrad",
        attributes: { ...sizes(size), high },
        feeds,
        dims: x.feed[1],
      });
      const expected = dy.data.map((v, i) => (data[i]! > 0 && (high === 0 || data[i]! < high) ? v : 0));
      expect(data.filter((v) => v === 0 || v === 6).length).toBeGreaterThan(5);
      expect(sameBytes(fromBlocks(made!, size, lanes).map, expected)).toBe(true);
    });

    describe.each([undefined, 0, 2])("behind a gate up to %s", (high) => {
      const gated = (size: Size) => {
        const [factor, shift] = [drawChannels("factor", size[1]), drawChannels("shift", size[1])];
        const passes = (value: number, i: number) => {
          const at = channelOf(i, size);
          const made = value * factor.data[at]! + shift.data[at]!;
          return high === undefined || (made > 0 && (high === 0 || made < high));
        };
        return { passes, feeds: high === undefined ? {} : { factor: factor.feed, shift: shift.feed } };
      };

      it.each(SIZES)("ChannelSums: %d x %d x %d x %d", async (...size) => {
        const [x, y, gate] = [drawMap("x", size), drawMap("y", size), gated(size)];
        const dims = [up(size[1], lanes)];
        const [sums, products] = await run({
          ...{ op: "ChannelSums", attributes: { ...sizes(size), high: high ?? 0 } },
          ...{ feeds: { x: x.feed, y: y.feed, ...gate.feeds }, dims, more: [dims] },
        });
        const expected = [new Float64Array(size[1]), new Float64Array(size[1])] as const;
        x.data.forEach((v, i) => {
          if (!gate.passes(v, i)) return;
          expected[0][channelOf(i, size)]! += y.data[i]!;
          expected[1][channelOf(i, size)]! += v * y.data[i]!;
        });
        expect(difference(sums!.subarray(0, size[1]), expected[0])).toBeLessThan(CLOSE);
        expect(difference(products!.subarray(0, size[1]), expected[1])).toBeLessThan(CLOSE);
      });

      it.each(SIZES)("AffineSum: %d x %d x %d x %d", async (...size) => {
        const [x, y, gate] = [drawMap("x", size), drawMap("y", size), gated(size)];
        const [a, b, c] = [
          drawChannels("a", size[1]),
          drawChannels("b", size[1]),
          drawChannels("c", size[1]),
        ];
        const [made] = await run({
          ...{ op: "AffineSum", attributes: { ...sizes(size), high: high ?? 0 }, dims: x.feed[1] },
          feeds: { x: x.feed, a: a.feed, y: y.feed, b: b.feed, c: c.feed, ...gate.feeds },
        });
        const expected = Float64Array.from(x.data, (v, i) => {
          const at = channelOf(i, size);
          return (gate.passes(y.data[i]!, i) ? v * a.data[at]! : 0) + y.data[i]! * b.data[at]! + c.data[at]!;
        });
        expect(difference(fromBlocks(made!, size, lanes).map, expected)).toBeLessThan(CLOSE);
      });
    });

    it.each([
      [[2, 20, 9, 8], 3, 2, 1],
      [[1, 4, 6, 7], 2, 2, 0],
      [[3, 36, 5, 5], 3, 1, 1],
      [[1, 8, 8, 10], 3, 2, 0], // rows and columns below and on the right that are not there
    ] as const)("MaxPoolGrad of %j, window %d, stride %d, padding %d", async (size, k, s, p) => {
      const [n, c, h, w] = size;
      const [ho, wo] = [Math.ceil(h / s), Math.ceil(w / s)];
      const x = drawn("x", size).map((v) => Math.round(v * 2)); // windows of equal values
      const dy = drawn("dy", [n, c, ho, wo]);
      const y = new Float32Array(n * c * ho * wo);
      const expected = new Float64Array(x.length);
      y.forEach((_, i) => {
        const [plane, row, column] = [Math.floor(i / (ho * wo)), Math.floor(i / wo) % ho, i % wo];
        let first = -1;
        for (let tap = 0; tap < k * k; tap++) {
          const [r, q] = [row * s + Math.floor(tap / k) - p, column * s + (tap % k) - p];
          const at = (plane * h + r) * w + q;
          if (r >= 0 && r < h && q >= 0 && q < w && (first < 0 || x[at]! > x[first]!)) first = at;
        }
        y[i] = x[first]!;
        expected[first]! += dy[i]!;
      });
      const feed = (data: Float32Array, [a, b, ...rest]: Size) =>
        [toBlocks(data, [a, b, ...rest] as unknown as Size, lanes), [a, up(b, lanes), ...rest]] as const;
      const [made] = await run({
        ...{ op: "MaxPoolGrad", attributes: { n, c, h, w, ho, wo, k, s, p }, dims: [n, up(c, lanes), h, w] },
        feeds: { x: feed(x, size), y: feed(y, [n, c, ho, wo]), dy: feed(dy, [n, c, ho, wo]) },
      });
      expect(difference(fromBlocks(made!, size, lanes).map, expected)).toBeLessThan(CLOSE);
    });

    it.each([1, 16, 75_001])("AdamW of %d weights", async (length) => {
      const [p, g, m] = ["p", "g", "m"].map((name) => drawn(name, [length]));
      const v = drawn("v", [length]).map(Math.abs);
      const [keep, rate, scale, floor, beta1, beta2] = [0.99, 0.01, 0.5, 1e-3, 0.9, 0.999];
      const vector = (data: Float32Array) => [data, [length]] as const;
      const scalar = (value: number) => [Float32Array.of(value), []] as const;
      const made = await run({
        ...{ op: "AdamW", attributes: { length, beta1: { float: beta1 }, beta2: { float: beta2 } } },
        feeds: {
          ...{ p: vector(p!), g: vector(g!), m: vector(m!), v: vector(v) },
          ...{ keep: scalar(keep), rate: scalar(rate), scale: scalar(scale), floor: scalar(floor) },
        },
        ...{ dims: [length], more: [[length], [length]] },
      });
      const means = Float64Array.from(m!, (old, i) => beta1 * old + (1 - beta1) * scale * g![i]!);
      const squares = Float64Array.from(v, (old, i) => beta2 * old + (1 - beta2) * (scale * g![i]!) ** 2);
      const weights = Float64Array.from(
        p!,
        (old, i) => old * keep - (rate * means[i]!) / (Math.sqrt(squares[i]!) + floor),
      );
      for (const [i, expected] of [weights, means, squares].entries())
        expect(difference(made[i]!, expected), `output ${i}`).toBeLessThan(CLOSE);
    });

    it.each([
      ["SiluGrad", { c: 18 }, /channels in fours/],
      ["ClipGrad", { high: -1 }, /Expected high from 0 to 65536, got -1/],
      ["SiluGrad", { n: 3 }, /Expected \d+ values for input [01], got/],
    ])("%s refuses %j", async (op, wrong, message) => {
      const size = SIZES[0]!;
      const [x, dy] = [drawMap("x", size), drawMap("dy", size)];
      const attributes = { ...sizes(size), high: 0, ...wrong };
      const node = { op, attributes, feeds: { x: x.feed, dy: dy.feed }, dims: x.feed[1], library };
      await expect(runNode(node)).rejects.toThrow(message);
    });
  });
});
