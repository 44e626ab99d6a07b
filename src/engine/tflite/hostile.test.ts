// TensorFlow Lite models with operators that lack operands, shapes that fit nothing and bytes that are changed: each is
// translated or refused as the file's fault, never by an error of the language or of our own.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { AppError } from "../../core/errors.ts";
import { Random } from "../../core/random.ts";
import { encodeModel } from "../../formats/onnx.ts";
import {
  readTflite,
  type TfliteModel,
  type TfliteOperator,
  type TfliteTensor,
} from "../../formats/tflite.ts";
import { importTflite } from "./import.ts";

const PACKAGED = readFileSync(
  fileURLToPath(import.meta.resolve("@mediapipe/face_detection/face_detection_short_range.tflite")),
);

const faultOf = (work: () => unknown): AppError | undefined => {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(AppError);
    return error as AppError;
  }
  return undefined;
};

const tensor = (shape: readonly number[], values?: readonly number[]): TfliteTensor => ({
  name: "t",
  dtype: "float32",
  shape,
  data: values && new Uint8Array(Float32Array.from(values).buffer),
});
const window = { padding: "same", strideW: 1, strideH: 1, activation: "none" } as const;
const conv = { ...window, dilationW: 1, dilationH: 1 };
const pool = { ...window, filterW: 2, filterH: 2 };
const fused = { activation: "none" } as const;
const image = tensor([1, 4, 4, 2]);
const wiring = { inputs: [0, 1], outputs: [2] };

const model = (operator: TfliteOperator, tensors: readonly TfliteTensor[]): TfliteModel => ({
  description: "",
  tensors,
  operators: [operator],
  inputs: [0],
  outputs: [tensors.length - 1],
});

const CASES: readonly (readonly [string, TfliteOperator, readonly TfliteTensor[]])[] = [
  [
    "weights of 3 axes",
    { op: "CONV_2D", ...wiring, options: conv },
    [image, tensor([1, 1, 2], [1, 2]), image],
  ],
  [
    "an image of 2 axes",
    { op: "CONV_2D", ...wiring, options: conv },
    [tensor([4, 4]), tensor([1, 1, 1, 2], [1, 2]), image],
  ],
  [
    "a stride of 0",
    { op: "CONV_2D", ...wiring, options: { ...conv, strideH: 0 } },
    [image, tensor([1, 1, 1, 2], [1, 2]), image],
  ],
  [
    "a pool of -1",
    { op: "MAX_POOL_2D", ...wiring, options: { ...pool, filterW: -1 } },
    [image, image, image],
  ],
  ["no input", { op: "RELU", inputs: [], outputs: [1], options: {} }, [image, image]],
  ["an input left out", { op: "LOGISTIC", inputs: [-1], outputs: [1], options: {} }, [image, image]],
  ["no output", { op: "RELU", inputs: [0], outputs: [], options: {} }, [image, image]],
  ["half of a padding", { op: "PAD", ...wiring, options: {} }, [image, tensor([2, 2], [1, 1, 1, 1]), image]],
  [
    "a padding that is no number",
    { op: "PAD", ...wiring, options: {} },
    [image, tensor([4, 2], Array(8).fill(Number.NaN)), image],
  ],
  [
    "a mean over half an axis",
    { op: "MEAN", ...wiring, options: { keepDims: true } },
    [image, tensor([1], [0.5]), image],
  ],
  [
    "an axis that is not there",
    { op: "CONCATENATION", ...wiring, options: { ...fused, axis: 7 } },
    [image, image, image],
  ],
  [
    "computed weights",
    { op: "FULLY_CONNECTED", ...wiring, options: fused },
    [image, tensor([2 ** 31, 2]), image],
  ],
  [
    "more axes than its image has",
    { op: "ADD", ...wiring, options: fused },
    [image, tensor([1, 1, 1, 1, 1], [1]), image],
  ],
  [
    "other values than its shape demands",
    { op: "DEQUANTIZE", inputs: [0], outputs: [1], options: {} },
    [{ ...tensor([2]), dtype: "float16", data: new Uint8Array(4) }, tensor([5])],
  ],
  [
    "a size without axes",
    { op: "RESIZE_BILINEAR", inputs: [0], outputs: [1], options: RESIZE() },
    [image, tensor([])],
  ],
];

function RESIZE() {
  return { alignCorners: false, halfPixelCenters: false };
}

describe("an operator", () => {
  it.each(CASES)("with %s is refused", (_what, operator, tensors) => {
    const error = faultOf(() => encodeModel(importTflite(model(operator, tensors), "m.tflite")));
    expect(error).toMatchObject({ kind: "data", code: "TFLITE_OPERATOR" });
    expect(error?.message).toContain("Expected operators that can be translated for m.tflite, got ");
  });
});

it("changed bytes give a model or an AppError of the file's", () => {
  const random = Random.of(5).split("tflite");
  const kinds = new Set<string>();
  for (let n = 0; n < 150; n++) {
    const bytes = Uint8Array.from(PACKAGED);
    // Structure lies at both ends, values between them.
    for (let i = random.int(12); i >= 0; i--) {
      const at = random.int(4000);
      bytes[random.int(2) === 0 ? at : bytes.length - 1 - 5 * at] = random.pick([
        0,
        1,
        127,
        128,
        255,
        random.int(256),
      ]);
    }
    const error = faultOf(() => encodeModel(importTflite(readTflite(bytes, "m.tflite"), "m.tflite")));
    kinds.add(error?.kind ?? "a model");
  }
  expect(kinds).toEqual(new Set(["a model", "data"]));
});

it("tables that share their bytes a million times are refused", () => {
  // A root table with one field: a vector of tables that are all the root itself.
  const count = 1_000_000;
  const bytes = Buffer.alloc(40 + 4 * count);
  bytes.writeUInt32LE(24, 0);
  bytes.write("TFL3", 4, "latin1");
  bytes.writeUInt16LE(8, 8); // the table's fields: their size, the table's, and field 1
  bytes.writeUInt16LE(8, 10);
  bytes.writeUInt16LE(0, 12);
  bytes.writeUInt16LE(4, 14);
  bytes.writeInt32LE(24 - 8, 24);
  bytes.writeUInt32LE(8, 28);
  bytes.writeUInt32LE(count, 36);
  for (let i = 0; i < count; i++) bytes.writeInt32LE(24 - (40 + 4 * i), 40 + 4 * i);
  expect(faultOf(() => readTflite(bytes, "m.tflite"))).toMatchObject({ code: "TFLITE_BROKEN" });
});
