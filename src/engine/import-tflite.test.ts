import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { shared, WHY_SKIPPED } from "../../test/shared.ts";
import { Random } from "../core/random.ts";
import { encodeModel } from "../formats/onnx.ts";
import { readTflite } from "../formats/tflite.ts";
import { importTflite } from "./import-tflite.ts";
import { createSession } from "./ort-node.ts";
import { Tensor } from "./session.ts";

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
