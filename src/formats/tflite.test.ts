import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { oneOperator } from "../../test/tflites.ts";
import { AppError } from "../core/errors.ts";
import { Random } from "../core/random.ts";
import { readTflite } from "./tflite.ts";

const packaged = (name: string) =>
  readFileSync(fileURLToPath(import.meta.resolve(`@mediapipe/face_detection/face_detection_${name}.tflite`)));

function counts(model: ReturnType<typeof readTflite>): Record<string, number> {
  const out: Record<string, number> = {};
  for (const { op } of model.operators) out[op] = (out[op] ?? 0) + 1;
  return out;
}

describe("readTflite", () => {
  it("reads MediaPipe's full-range face detector", () => {
    const model = readTflite(packaged("full_range"));
    expect(counts(model)).toEqual({
      DEQUANTIZE: 178,
      CONV_2D: 49,
      RELU: 47,
      DEPTHWISE_CONV_2D: 40,
      ADD: 23,
      MAX_POOL_2D: 4,
      PAD: 8,
      RESIZE_BILINEAR: 3,
      RESHAPE: 2,
    });
    const ends = [...model.inputs, ...model.outputs].map((i) => [
      model.tensors[i]!.name,
      model.tensors[i]!.shape,
    ]);
    expect(ends).toEqual([
      ["input", [1, 192, 192, 3]],
      ["reshaped_regressor_face_4", [1, 2304, 16]],
      ["reshaped_classifier_face_4", [1, 2304, 1]],
    ]);
  });

  it("reads options and constants", () => {
    const model = readTflite(packaged("short_range"));
    const first = model.operators.find((o) => o.op === "CONV_2D")!;
    expect(first.options).toEqual({
      padding: "same",
      strideH: 2,
      strideW: 2,
      dilationH: 1,
      dilationW: 1,
      activation: "none",
    });
    expect(model.operators.find((o) => o.op === "MAX_POOL_2D")?.options).toEqual({
      padding: "same",
      strideH: 2,
      strideW: 2,
      filterH: 2,
      filterW: 2,
      activation: "none",
    });
    expect(model.operators.find((o) => o.op === "CONCATENATION")?.options).toEqual({
      axis: 1,
      activation: "none",
    });
    const halves = model.operators.find((o) => o.op === "DEQUANTIZE")!.inputs.map((i) => model.tensors[i]!);
    expect(halves[0]).toMatchObject({ dtype: "float16" });
    expect(halves[0]!.data!.length).toBe(2 * halves[0]!.shape.reduce((a, b) => a * b, 1));
  });

  it("names operators: builtin by either code, fused activation, custom and unknown ones", () => {
    const only = (bytes: Uint8Array) => readTflite(bytes).operators[0];
    expect(only(oneOperator({ byte: 0 }))).toEqual({
      op: "ADD",
      options: { activation: "relu6" },
      inputs: [0],
      outputs: [1],
    });
    expect(only(oneOperator({ byte: 25, int: 25 }))).toMatchObject({ op: "other", name: "SOFTMAX" });
    expect(only(oneOperator({ byte: 127, int: 150 }))).toMatchObject({ op: "other", name: "BUILTIN_150" });
    expect(only(oneOperator({ byte: 32, custom: "MaxUnpooling2D" }))).toMatchObject({
      op: "other",
      name: "CUSTOM MaxUnpooling2D",
    });
  });

  it("refuses types and sparse tensors it does not know", () => {
    expect(() => readTflite(oneOperator({ byte: 0 }, 5), "m.tflite")).toThrow(
      'Expected a numeric type for tensor x, got "type 5" (m.tflite)',
    );
    expect(() => readTflite(packaged("full_range_sparse"), "m.tflite")).toThrow(
      /^Expected dense values for tensor .*, got "sparse ones" \(m\.tflite\)$/,
    );
  });

  it("reports that a file is not a model", () => {
    expect(() => readTflite(new Uint8Array(0), "m.tflite")).toThrow(
      'Expected a TensorFlow Lite model for m.tflite, got "an empty file"',
    );
    expect(() => readTflite(Buffer.from("<!DOCTYPE html>"), "m.tflite")).toThrow("a web page");
  });

  it("notices a file cut anywhere", () => {
    const whole = packaged("short_range");
    for (let k = 0; k < 40; k++) {
      const cut = whole.subarray(0, Math.floor((whole.length * k) / 40));
      expect(() => readTflite(cut), `cut at ${cut.length}`).toThrow(
        /^Expected a TensorFlow Lite model for model/,
      );
    }
  });

  it("meets damage with an error of its own or not at all", () => {
    const random = Random.of(1);
    for (let k = 0; k < 300; k++) {
      const bytes = oneOperator({ byte: 0 }).slice();
      bytes[random.int(bytes.length)] = random.int(256);
      try {
        readTflite(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(AppError);
      }
    }
  });
});
