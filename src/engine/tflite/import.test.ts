import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { shared, WHY_SKIPPED } from "../../../test/shared.ts";
import { Random } from "../../core/random.ts";
import { encodeModel } from "../../formats/onnx.ts";
import {
  readTflite,
  type TfliteModel,
  type TfliteOperator,
  type TfliteTensor,
} from "../../formats/tflite.ts";
import { createSession } from "../runtime/open-session.ts";
import { Tensor } from "../runtime/session.ts";
import { importTflite } from "./import.ts";

const packaged = (name: string) =>
  fileURLToPath(import.meta.resolve(`@mediapipe/face_detection/face_detection_${name}.tflite`));

async function outputsOf(bytes: Uint8Array, input: Tensor) {
  const session = await createSession(bytes, { threads: 1 });
  const out = await session.run({ [session.inputNames[0]!]: input });
  await session.release();
  return out;
}

describe("importTflite on MediaPipe's graphs", () => {
  for (const [name, side] of [
    ["full_range", 192],
    ["short_range", 128],
  ] as const) {
    const reference = shared("models", "mediapipe_onnx", `face_detection_${name}.onnx`);
    it.skipIf(reference === undefined)(
      `${name}: equals an independent conversion (${WHY_SKIPPED})`,
      async () => {
        const random = Random.of(7);
        const pixels = Float32Array.from({ length: 3 * side * side }, () => random.next() * 2 - 1);
        const input = new Tensor("float32", pixels, [1, 3, side, side]);
        const ours = await outputsOf(
          encodeModel(importTflite(readTflite(readFileSync(packaged(name))))),
          input,
        );
        const theirs = await outputsOf(readFileSync(reference!), input);
        expect(Object.keys(ours).sort()).toEqual(Object.keys(theirs).sort());
        for (const key of Object.keys(theirs)) {
          const [a, b] = [ours[key]!.data as Float32Array, theirs[key]!.data as Float32Array];
          expect(ours[key]!.dims).toEqual(theirs[key]!.dims);
          const worst = a.reduce((max, v, i) => Math.max(max, Math.abs(v - b[i]!)), 0);
          expect(worst).toBeLessThan(1e-3);
        }
      },
    );
  }
});

type Shape = readonly number[];
interface Operand {
  readonly shape: Shape;
  readonly values: readonly number[];
  readonly dtype?: TfliteTensor["dtype"];
}

const numbers = (count: number, at: (i: number) => number) => Array.from({ length: count }, (_, i) => at(i));
const size = (shape: Shape) => shape.reduce((a, b) => a * b, 1);
const wave = (shape: Shape, seed = 1): Operand => ({
  shape,
  values: numbers(size(shape), (i) => Math.round(9 * Math.sin(seed + 2.3 * i)) / 4),
});

/** A one-operator model: the first operand is its input, the others are constants. */
function one(op: Partial<TfliteOperator>, operands: readonly Operand[], outShape: Shape): TfliteModel {
  const tensors = operands.map(({ shape, values, dtype = "float32" }, i): TfliteTensor => {
    const data = new Uint8Array((dtype === "int32" ? Int32Array : Float32Array).from(values).buffer);
    return { name: `t${i}`, dtype, shape, data: i === 0 ? undefined : data };
  });
  const inputs = operands.map((_, i) => i);
  const operator = { options: {}, ...op, inputs, outputs: [operands.length] } as TfliteOperator;
  const out: TfliteTensor = { name: "out", dtype: "float32", shape: outShape, data: undefined };
  return {
    description: "",
    tensors: [...tensors, out],
    operators: [operator],
    inputs: [0],
    outputs: [operands.length],
  };
}

/** Row-major NHWC to NCHW, or back. */
function axes(values: ArrayLike<number>, [n, h, w, c]: Shape, to: "nchw" | "nhwc"): number[] {
  const out: number[] = [];
  for (let i = 0; i < n! * h! * w! * c!; i++) {
    const [ch, x, y, b] = [
      i % c!,
      Math.floor(i / c!) % w!,
      Math.floor(i / (c! * w!)) % h!,
      Math.floor(i / (c! * w! * h!)),
    ];
    const planar = ((b * c! + ch) * h! + y) * w! + x;
    if (to === "nchw") out[planar] = values[i]!;
    else out[i] = values[planar]!;
  }
  return out;
}

/** Runs a one-operator model on its first operand; all shapes and values in the source's order (NHWC). */
async function run(
  op: Partial<TfliteOperator>,
  operands: readonly Operand[],
  outShape: Shape,
): Promise<number[]> {
  const [x] = operands as [Operand];
  const image = x.shape.length === 4;
  const data = Float32Array.from(image ? axes(x.values, x.shape, "nchw") : x.values);
  const dims = image ? [0, 3, 1, 2].map((axis) => x.shape[axis]!) : x.shape;
  const bytes = encodeModel(importTflite(one(op, operands, outShape)));
  const { out } = await outputsOf(bytes, new Tensor("float32", data, dims));
  const values = out!.data as Float32Array;
  expect(out!.dims).toEqual(outShape.length === 4 ? [0, 3, 1, 2].map((axis) => outShape[axis]!) : outShape);
  return outShape.length === 4 ? axes(values, outShape, "nhwc") : Array.from(values);
}

function expectClose(got: readonly number[], wanted: readonly number[]): void {
  expect(got).toHaveLength(wanted.length);
  wanted.forEach((v, i) => {
    expect(got[i], `value ${i}`).toBeCloseTo(v, 4);
  });
}

/** Convolution by its definition, SAME padding as TensorFlow documents it. */
function naiveConv(
  x: Operand,
  w: Operand,
  b: Operand,
  o: { stride: number; dilation: number },
  depthwise: boolean,
) {
  const [, h, width, channels] = x.shape as [number, number, number, number];
  const [outs, kh, kw] = (depthwise ? [w.shape[3], w.shape[1], w.shape[2]] : w.shape) as [
    number,
    number,
    number,
  ];
  const [oh, ow] = [Math.ceil(h / o.stride), Math.ceil(width / o.stride)];
  const before = (n: number, on: number, k: number) =>
    Math.floor(Math.max(0, (on - 1) * o.stride + (k - 1) * o.dilation + 1 - n) / 2);
  const [top, left] = [before(h, oh, kh), before(width, ow, kw)];
  return numbers(oh * ow * outs, (i) => {
    const [c, ox, oy] = [i % outs, Math.floor(i / outs) % ow, Math.floor(i / (outs * ow))];
    let sum = b.values[c]!;
    for (let ky = 0; ky < kh; ky++) {
      for (let kx = 0; kx < kw; kx++) {
        const [y, xx] = [oy * o.stride - top + ky * o.dilation, ox * o.stride - left + kx * o.dilation];
        if (y < 0 || y >= h || xx < 0 || xx >= width) continue;
        for (let ci = 0; ci < (depthwise ? 1 : channels); ci++) {
          const source = depthwise ? Math.floor((c * channels) / outs) : ci;
          const tap = depthwise ? (ky * kw + kx) * outs + c : ((c * kh + ky) * kw + kx) * channels + ci;
          sum += x.values[(y * width + xx) * channels + source]! * w.values[tap]!;
        }
      }
    }
    return sum;
  });
}

const convOptions = (stride: number, dilation: number) => ({
  padding: "same" as const,
  strideH: stride,
  strideW: stride,
  dilationH: dilation,
  dilationW: dilation,
  activation: "none" as const,
});
const fused = (activation: "none" | "relu" | "relu6" | "relu-1-to-1" | "tanh") => ({ activation });

describe("importTflite, one operator at a time", () => {
  for (const [stride, dilation] of [
    [1, 1],
    [2, 1],
    [1, 2],
  ] as const) {
    it(`convolutions, stride ${stride}, dilation ${dilation}`, async () => {
      const x = wave([1, 6, 5, 2]);
      const [w, b] = [wave([3, 3, 2, 2], 2), wave([3], 3)];
      const shape = (outs: number) => [1, Math.ceil(6 / stride), Math.ceil(5 / stride), outs];
      const options = convOptions(stride, dilation);
      const dense = await run({ op: "CONV_2D", options }, [x, w, b], shape(3));
      expectClose(dense, naiveConv(x, w, b, { stride, dilation }, false));
      const [dw, db] = [wave([1, 3, 2, 4], 4), wave([4], 5)]; // two outputs a channel
      const deep = await run({ op: "DEPTHWISE_CONV_2D", options }, [x, dw, db], shape(4));
      expectClose(deep, naiveConv(x, dw, db, { stride, dilation }, true));
    });
  }

  it("pools: SAME padding counts for neither maximum nor mean", async () => {
    const x = { shape: [1, 3, 3, 1], values: [-1, -2, -3, -4, -5, -6, -7, -8, -9] };
    const options = {
      padding: "same",
      strideH: 2,
      strideW: 2,
      filterH: 2,
      filterW: 2,
      ...fused("none"),
    } as const;
    expect(await run({ op: "MAX_POOL_2D", options }, [x], [1, 2, 2, 1])).toEqual([-1, -3, -7, -9]);
    expect(await run({ op: "AVERAGE_POOL_2D", options }, [x], [1, 2, 2, 1])).toEqual([-3, -4.5, -7.5, -9]);
    const valid = { ...options, padding: "valid" } as const;
    expect(await run({ op: "MAX_POOL_2D", options: valid }, [x], [1, 1, 1, 1])).toEqual([-1]);
  });

  it("adds and multiplies constants that broadcast over channels, and fuses activations", async () => {
    const x = { shape: [1, 1, 3, 2], values: [1, -2, 3, -4, 5, 6] };
    const c = { shape: [2], values: [2, 3] };
    const shape = x.shape;
    expect(await run({ op: "MUL", options: fused("none") }, [x, c], shape)).toEqual([2, -6, 6, -12, 10, 18]);
    expect(await run({ op: "ADD", options: fused("relu") }, [x, c], shape)).toEqual([3, 1, 5, 0, 7, 9]);
    expect(await run({ op: "ADD", options: fused("relu6") }, [x, c], shape)).toEqual([3, 1, 5, 0, 6, 6]);
    expect(await run({ op: "ADD", options: fused("relu-1-to-1") }, [x, c], shape)).toEqual([
      1, 1, 1, -1, 1, 1,
    ]);
    expect(await run({ op: "RELU6" }, [x], shape)).toEqual([1, 0, 3, 0, 5, 6]);
  });

  it("PRELU with a slope a channel, and LOGISTIC", async () => {
    const x = { shape: [1, 1, 2, 2], values: [-1, -2, 4, -8] };
    const slope = { shape: [1, 1, 2], values: [0.5, 0.25] };
    expect(await run({ op: "PRELU" }, [x, slope], x.shape)).toEqual([-0.5, -0.5, 4, -2]);
    expectClose(
      await run({ op: "LOGISTIC" }, [{ shape: [3], values: [0, 2, -2] }], [3]),
      [0.5, 0.880797, 0.119203],
    );
  });

  it("pads channels at their end", async () => {
    const x = { shape: [1, 1, 2, 1], values: [1, 2] };
    const amounts = { shape: [4, 2], values: [0, 0, 1, 0, 0, 0, 0, 2], dtype: "int32" } as const;
    expect(await run({ op: "PAD" }, [x, amounts], [1, 2, 2, 3])).toEqual([
      0, 0, 0, 0, 0, 0, 1, 0, 0, 2, 0, 0,
    ]);
  });

  it("resizes in the three coordinate conventions", async () => {
    const x = { shape: [1, 1, 2, 1], values: [0, 8] };
    const target = { shape: [2], values: [1, 4], dtype: "int32" } as const;
    const resize = (alignCorners: boolean, halfPixelCenters: boolean) =>
      run({ op: "RESIZE_BILINEAR", options: { alignCorners, halfPixelCenters } }, [x, target], [1, 1, 4, 1]);
    expectClose(await resize(false, true), [0, 2, 6, 8]);
    expectClose(await resize(false, false), [0, 4, 8, 8]);
    expectClose(await resize(true, false), [0, 8 / 3, 16 / 3, 8]);
  });

  it("joins along the source's axis, from the end too", async () => {
    const x = { shape: [1, 1, 2, 1], values: [1, 2] };
    const c = { shape: [1, 1, 2, 2], values: [3, 4, 5, 6] };
    const options = { axis: -1, ...fused("none") };
    expect(await run({ op: "CONCATENATION", options }, [x, c], [1, 1, 2, 3])).toEqual([1, 3, 4, 2, 5, 6]);
  });

  it("reshapes in the source's order, between images too", async () => {
    const x = wave([1, 2, 3, 4]);
    expect(await run({ op: "RESHAPE" }, [x], [4, 6])).toEqual(x.values);
    expect(await run({ op: "RESHAPE" }, [x], [1, 3, 2, 4])).toEqual(x.values);
    const flat = wave([24]);
    expect(await run({ op: "RESHAPE" }, [flat], [1, 2, 3, 4])).toEqual(flat.values);
  });

  it("averages over the source's axes", async () => {
    const x = { shape: [1, 2, 2, 2], values: [1, 10, 2, 20, 3, 30, 4, 40] };
    const over = (...values: number[]) => ({ shape: [values.length], values, dtype: "int32" }) as const;
    const mean = (axis: Operand, keepDims: boolean, shape: Shape) =>
      run({ op: "MEAN", options: { keepDims } }, [x, axis], shape);
    expect(await mean(over(1, 2), false, [1, 2])).toEqual([2.5, 25]);
    expect(await mean(over(1, 2), true, [1, 1, 1, 2])).toEqual([2.5, 25]);
    expect(await mean(over(-1), false, [1, 2, 2])).toEqual([5.5, 11, 16.5, 22]);
  });

  it("FULLY_CONNECTED flattens an image in the source's order", async () => {
    const x = { shape: [1, 1, 2, 2], values: [1, 2, 3, 4] };
    const w = { shape: [2, 4], values: [1, 0, 0, 1000, 0, 1, 10, 0] };
    const b = { shape: [2], values: [0.5, -100] };
    expect(await run({ op: "FULLY_CONNECTED", options: fused("none") }, [x, w, b], [1, 2])).toEqual([
      4001.5, -68,
    ]);
    expect(await run({ op: "FULLY_CONNECTED", options: fused("relu") }, [x, w, b], [1, 2])).toEqual([
      4001.5, 0,
    ]);
    expect(await run({ op: "FULLY_CONNECTED", options: fused("none") }, [x, w], [1, 2])).toEqual([4001, 32]);
  });
});

describe("importTflite refuses", () => {
  const x = wave([2]);
  const named = (name: string) => ({ op: "other", name }) as Partial<TfliteOperator>;
  const conv = one({ op: "CONV_2D", options: convOptions(1, 1) }, [wave([1, 2, 2, 1])], [1, 2, 2, 1]);
  const convByInput = { ...conv, operators: [{ ...conv.operators[0]!, inputs: [0, 0] }] } as TfliteModel;
  const cases: readonly (readonly [string, TfliteModel])[] = [
    ["SOFTMAX", one(named("SOFTMAX"), [x], [2])],
    ["activation tanh", one({ op: "ADD", options: fused("tanh") }, [x, x], [2])],
    ["DEQUANTIZE of int8", one({ op: "DEQUANTIZE" }, [{ ...x, dtype: "int8" }], [2])],
    ["computed weights", convByInput],
  ];
  it.each(cases)("%s", (got, model) => {
    expect(() => importTflite(model, "m.tflite")).toThrow(
      `Expected operators that can be translated for m.tflite, got "${got}"`,
    );
  });
});
