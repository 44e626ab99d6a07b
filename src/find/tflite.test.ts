import { describe, expect, it } from "vitest";
import { Random } from "../core/random.ts";
import { createSession } from "../engine/runtime/open-session.ts";
import { type Session, Tensor } from "../engine/runtime/session.ts";
import { importTflite } from "../engine/tflite/import.ts";
import { forBlockedKernels } from "../engine/tflite/import-blocked.ts";
import { encodeModel, type OnnxModel } from "../formats/onnx.ts";
import { readTflite } from "../formats/tflite.ts";
import { LOCAL } from "./open.ts";
import { readPackaged } from "./packaged.ts";
import { openTflite } from "./tflite.ts";

const MODELS = [
  ["faces", 192],
  ["palms", 192],
  ["landmarks", 224],
] as const;

/** @param like - outputs of the same shapes, where they have to be given */
async function outputsOf(session: Session, side: number, like: Record<string, Tensor> = {}) {
  const random = Random.of(11);
  const pixels = Float32Array.from({ length: 3 * side * side }, () => random.next());
  const input = new Tensor("float32", pixels, [1, 3, side, side]);
  const feeds = { [session.inputNames[0]!]: input };
  const fetches = Object.entries(like).map(([name, { dims, data }]) => {
    return [name, new Tensor("float32", new Float32Array(data.length), dims)] as const;
  });
  const out = await (fetches.length > 0
    ? session.run(feeds, Object.fromEntries(fetches))
    : session.run(feeds));
  await session.release();
  return out;
}

/** Equal up to the order of additions. */
function expectEqual(got: Record<string, Tensor>, wanted: Record<string, Tensor>): void {
  expect(Object.keys(got)).toEqual(Object.keys(wanted));
  for (const [name, { data, dims }] of Object.entries(wanted)) {
    const [a, b] = [got[name]!.data, data] as [Float32Array, Float32Array];
    expect(got[name]!.dims).toEqual(dims);
    const scale = b.reduce((max, v) => Math.max(max, Math.abs(v)), 0);
    expect(a.reduce((max, v, i) => Math.max(max, Math.abs(v - b[i]!)), 0)).toBeLessThan(2e-6 * scale);
  }
}

const opsOf = ({ graph }: OnnxModel) => new Set(graph.nodes.map(({ op }) => op));

describe.each(MODELS)("%s, fitted to blocked kernels", (model, side) => {
  it("computes what the plain translation computes, in blocks of any size", async () => {
    const file = await readPackaged(model);
    const plain = importTflite(readTflite(file.bytes));
    const wanted = await outputsOf(await createSession(encodeModel(plain), { threads: 1 }), side);
    expectEqual(await outputsOf(await openTflite(LOCAL, file, 1), side, wanted), wanted);
    for (const block of [8, 16]) {
      const fast = forBlockedKernels(plain, block);
      expect(opsOf(fast)).not.toContain("Pad");
      expect(opsOf(fast)).not.toContain("PRelu");
      expectEqual(await outputsOf(await createSession(encodeModel(fast), { threads: 1 }), side), wanted);
    }
  });
});
