// The operators in C++ against sums in float64, at odd sizes.
import { beforeAll, describe, expect, it } from "vitest";
import { AVX2, NO_KERNELS, sharedKernels, WHY } from "../../../test/compiled.ts";
import {
  drawnConv,
  fromBlocks,
  type OperatorNode,
  products,
  runNode,
  type Sizes,
  sameBytes,
  titled,
} from "../../../test/operator-node.ts";
import { difference } from "../../../test/run-graph.ts";
import { sizeOf } from "../graph.ts";
import { lanesOf } from "./library.ts";

/** Groups of one, two and three blocks; channels that do not fill a block; rows of one to three pieces; tiles that maps do not fill. */
const PLAIN: readonly Sizes[] = [
  { n: 2, c: 20, o: 28, h: 13, w: 9, k: 3, s: 1 },
  { n: 2, c: 36, o: 80, h: 6, w: 31, k: 3, s: 1 },
  { n: 2, c: 8, o: 4, h: 1, w: 1, k: 3, s: 1 },
];
const OTHERS: readonly Sizes[] = [
  { n: 3, c: 4, o: 48, h: 7, w: 15, k: 3, s: 2 },
  { n: 1, c: 16, o: 12, h: 8, w: 8, k: 3, s: 2 },
  { n: 2, c: 36, o: 20, h: 5, w: 3, k: 1, s: 1 },
  { n: 1, c: 52, o: 12, h: 9, w: 8, k: 1, s: 2 },
  { n: 5, c: 12, o: 100, h: 2, w: 2, k: 1, s: 1 },
  // 'same' padding: below and on the right alone; and a row in several parts.
  { n: 2, c: 12, o: 20, h: 10, w: 8, k: 3, s: 2, p: 0 },
  { n: 2, c: 8, o: 36, h: 1, w: 500, k: 1, s: 1 },
];
/** Images in planes. */
const STEMS: readonly Sizes[] = [
  { n: 2, c: 3, o: 24, h: 12, w: 14, k: 3, s: 2, p: 0 },
  { n: 3, c: 3, o: 20, h: 17, w: 13, k: 7, s: 2 },
  { n: 1, c: 1, o: 52, h: 9, w: 300, k: 3, s: 1 },
];
/** More tiles than are transformed at once, more channels than are summed at once, and maps smaller than a tile. */
const TILED: readonly Sizes[] = [
  { n: 3, c: 16, o: 12, h: 37, w: 29, k: 3, s: 1 },
  { n: 1, c: 292, o: 52, h: 5, w: 6, k: 3, s: 1 },
  { n: 9, c: 12, o: 16, h: 3, w: 2, k: 3, s: 1 },
];

/** Of float32 sums in another order, and of Winograd's form: the largest error, as a share of the largest result. */
const [ORDER, FORM] = [2e-6, 3e-5];
const KINDS: readonly {
  readonly title: string;
  readonly conv?: string;
  readonly weights: string;
  readonly cases: readonly Sizes[];
  readonly close: number;
}[] = [
  {
    ...{ title: "in Winograd's form", conv: "WinogradConv", weights: "WinogradConvWeights" },
    ...{ cases: [...PLAIN, ...TILED], close: FORM },
  },
  { title: "direct", weights: "DirectConvWeights", cases: [...PLAIN, ...OTHERS], close: ORDER },
  { title: "of stems", weights: "StemConvWeights", cases: STEMS, close: ORDER },
];

/** Why blocks of a size cannot be tested; empty if they can. A processor with AVX-512 runs a library for blocks of 8 too. */
const whyNot = (lanes: number) => WHY || (lanes > lanesOf() ? " (skipped: a processor without AVX-512)" : "");
const libraryOf = (lanes: number) => sharedKernels(lanes === 8 ? AVX2 : undefined);

for (const { title, conv, weights, cases, close } of KINDS)
  for (const lanes of [16, 8]) {
    const why = whyNot(lanes);
    describe.skipIf(why !== "")(`operators ${title}, in blocks of ${lanes}${why}`, () => {
      let library: string;
      beforeAll(async () => {
        library = await libraryOf(lanes);
      });
      const setUp = (sizes: Sizes) => {
        return {
          ...drawnConv(sizes, lanes),
          run: (node: Omit<OperatorNode, "library">) => runNode({ library, ...node }),
        };
      };
      const named = titled(cases);

      if (conv !== undefined) {
        it.each(named)("convolve: %s", async (_, sizes) => {
          const { y, blocked, data, bias, feeds, attributes, run } = setUp(sizes);
          const { x, w, sum } = feeds;
          const node = { op: conv, attributes, dims: blocked(y) };
          const expected = new Float64Array(sizeOf(y));
          products(sizes, (i, j, at) => {
            expected[at]! += data.x[i]! * data.w[j]!;
          });
          const check = (made: Float32Array, wanted: Float64Array) => {
            const { map, padding } = fromBlocks(made, y, lanes);
            expect(difference(map, wanted)).toBeLessThan(close);
            expect(padding).toBe(0);
          };
          const plain = await run({ ...node, feeds: { x, w } });
          check(plain, expected);
          // A bias, a map that is added, both; and by several threads the same bytes.
          const area = y[2] * y[3];
          const biased = expected.map((v, i) => v + bias[Math.floor(i / area) % sizes.o]!);
          check(await run({ ...node, feeds: { x, w, bias: feeds.bias } }), biased);
          const total = expected.map((v, i) => v + data.sum[i]!);
          check(await run({ ...node, feeds: { x, w, none: sum, sum }, threads: 2 }), total);
          const both = biased.map((v, i) => v + data.sum[i]!);
          check(await run({ ...node, feeds: { x, w, bias: feeds.bias, sum } }), both);
          for (const threads of [2, 3])
            expect(sameBytes(await run({ ...node, feeds: { x, w }, threads }), plain)).toBe(true);
        });

        it.each(named)("gradient of the input: %s", async (_, sizes) => {
          const { x, blocked, data, feeds, attributes, run } = setUp(sizes);
          const { dy, w } = feeds;
          const node = {
            op: conv,
            attributes: { ...attributes, back: 1 },
            dims: blocked(x),
            feeds: { dy, w },
          };
          const expected = new Float64Array(sizeOf(x));
          products(sizes, (i, j, at) => {
            expected[i]! += data.dy[at]! * data.w[j]!;
          });
          const made = await run(node);
          const { map, padding } = fromBlocks(made, x, lanes);
          expect(difference(map, expected)).toBeLessThan(close);
          expect(padding).toBe(0);
          for (const threads of [2, 3]) expect(sameBytes(await run({ ...node, threads }), made)).toBe(true);
        });
      }

      it.each(named)("gradient of the weights: %s", async (_, sizes) => {
        const { x: plain, weight, data, feeds, attributes, run } = setUp(sizes);
        const { dy } = feeds;
        const x = weights === "StemConvWeights" ? ([data.x, plain] as const) : feeds.x;
        const node = { op: weights, attributes, dims: weight, feeds: { x, dy } };
        const expected = new Float64Array(sizeOf(weight));
        products(sizes, (i, j, at) => {
          expected[j]! += data.x[i]! * data.dy[at]!;
        });
        const made = await run(node);
        expect(difference(made, expected)).toBeLessThan(close);
        for (const threads of [2, 3]) expect(sameBytes(await run({ ...node, threads }), made)).toBe(true);
      });
    });
  }

describe.skipIf(NO_KERNELS !== undefined)(`operators${WHY}`, () => {
  const SIZES = PLAIN[0]!;
  const form = /Expected a kernel of 3 at stride 1 that makes a map of the same size, got others/;
  const small = { k: 1, p: 0 };
  const wide = { s: 2, ho: 7, wo: 5 };
  it.each([
    ["WinogradConv", "a kernel of 2", { k: 2 }, /kernel of 1 or 3/],
    ["WinogradConv", "a kernel of 1", small, form],
    ["WinogradConv", "a stride of 2", wide, form],
    ["WinogradConvWeights", "a kernel of 1", small, form],
    ["WinogradConvWeights", "a stride of 2", wide, form],
    ["WinogradConv", "padding of 0", { p: 0, ho: 11, wo: 7 }, form],
    ["WinogradConv", "an output of another size", { ho: 12 }, form],
    ["DirectConvWeights", "a stride of 3", { s: 3, ho: 5, wo: 3 }, /kernel of 1 or 3 at stride 1 or 2/],
    ["DirectConvWeights", "a kernel of 2", { k: 2 }, /kernel of 1 or 3/],
    ["DirectConvWeights", "an output beyond the map", { ho: 15 }, /Expected ho from 1 to 14, got 15/],
    ["DirectConvWeights", "padding as wide as the kernel", { p: 3 }, /Expected p from 0 to 2, got 3/],
    ["WinogradConv", "channels that are no fours", { c: 18 }, /channels in fours/],
    ["WinogradConv", "a batch that is not there", { n: 3 }, /values for input 0/],
  ])("%s refuses %s", async (op, _, wrong, message) => {
    const lanes = lanesOf();
    const { y, weight, blocked, feeds, attributes } = drawnConv(SIZES, lanes);
    const isConv = op === "WinogradConv";
    const refused = runNode({
      ...{ op, attributes: { ...attributes, ...wrong }, library: await libraryOf(lanes) },
      feeds: isConv ? { x: feeds.x, w: feeds.w } : { x: feeds.x, dy: feeds.dy },
      dims: isConv ? blocked(y) : weight,
    });
    await expect(refused).rejects.toThrow(message);
  });
});
