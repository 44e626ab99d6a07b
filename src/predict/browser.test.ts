// What a page does: the bundle of `facehand/predict` opens a checkpoint's bytes and runs them on onnxruntime-web.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { isBuiltin } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";
import * as ort from "onnxruntime-web";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { blob } from "../../test/pictures.ts";
import { TINY, writeTiny } from "../../test/tiny-model.ts";
import type { Weights } from "../engine/params.ts";
import * as entry from "./index.ts";
import { openWeights } from "./infer.ts";

const IMAGES = [blob("a", 60), blob("b", 45), blob("c", 32)];

let dir = "";
let bytes: Uint8Array;
let weights: Weights;
beforeAll(async () => {
  ort.env.wasm.numThreads = 1;
  dir = await mkdtemp(join(tmpdir(), "facehand-browser-"));
  const path = join(dir, "m.safetensors");
  weights = await writeTiny(path);
  bytes = new Uint8Array(await readFile(path));
});
afterAll(() => rm(dir, { recursive: true }));

/** What the same weights predict on this machine. */
async function wanted() {
  const predictor = await openWeights(TINY, weights, { batch: 1, threads: 1 });
  const predicted = await predictor.predict(IMAGES, "auto");
  await predictor.close();
  return predicted;
}

function expectSame(predicted: readonly entry.ImagePrediction[], right: readonly entry.ImagePrediction[]) {
  expect(predicted).toHaveLength(right.length);
  for (const [i, { logit, gateHand }] of right.entries()) {
    expect(predicted[i]!.logit).toBeCloseTo(logit, 4);
    expect(predicted[i]!.gateHand).toBeCloseTo(gateHand!, 4);
  }
}

describe("facehand/predict", () => {
  it.each([1, 2])(
    "predicts by a checkpoint's bytes on onnxruntime-web, %i images a run",
    async (batchSize) => {
      const predictor = await entry.openPredictor({ checkpoint: bytes, ort, batchSize });
      // At once: a session of onnxruntime-web has one run at a time.
      const [all, again] = await Promise.all([
        predictor.predict(IMAGES, "auto"),
        predictor.predict(IMAGES, "auto"),
      ]);
      const right = await wanted();
      expectSame(all, right);
      expect(again).toEqual(all);
      expect(new Set(right.map(({ logit }) => logit)).size).toBe(IMAGES.length);
      await predictor.close();
      await expect(predictor.predict(IMAGES, "auto")).rejects.toMatchObject({ code: "RELEASED" });
    },
  );

  it("is a bundle without anything of Node, which predicts the same", async () => {
    const { outputFiles, metafile } = await build({
      entryPoints: [fileURLToPath(new URL("index.ts", import.meta.url))],
      bundle: true,
      platform: "browser",
      format: "esm",
      write: false,
      metafile: true,
      logLevel: "silent",
    });
    const outside = Object.values(metafile.outputs).flatMap(({ imports }) => imports.map(({ path }) => path));
    expect(outside).toEqual([]);
    const inside = Object.keys(metafile.inputs);
    expect(
      inside.filter((path) => isBuiltin(path) || /onnxruntime-(node|web)|sharp|koffi/.test(path)),
    ).toEqual([]);
    await writeFile(join(dir, "bundle.mjs"), outputFiles[0]!.contents);
    const page: typeof entry = await import(pathToFileURL(join(dir, "bundle.mjs")).href);
    expect(Object.keys(page).sort()).toEqual(Object.keys(entry).sort());
    const buffer = bytes.slice().buffer;
    const predictor = await page.openPredictor({ checkpoint: buffer, ort });
    expectSame(await predictor.predict(IMAGES, "auto"), await wanted());
    await predictor.close();
  });

  it("opens a checkpoint whose weights are its own", () => {
    const file = bytes.slice();
    const { facts, weights: opened } = entry.openCheckpoint(file);
    file.fill(0);
    expect(facts).toEqual(TINY);
    expect([...opened.keys()].sort()).toEqual([...weights.keys()].sort());
    for (const [name, values] of weights) expect(opened.get(name)).toEqual(values);
  });

  it("refuses what is no checkpoint, and what is no onnxruntime-web", async () => {
    expect(() => entry.openCheckpoint(bytes.subarray(0, 100), "m.safetensors")).toThrow(/m\.safetensors/);
    const zip = Uint8Array.of(0x50, 0x4b, 3, 4, 0, 0, 0, 0, 0, 0);
    expect(() => entry.openCheckpoint(zip)).toThrow(
      /^Expected a checkpoint .* got "?a zip archive, as PyTorch writes/,
    );
    const ask = entry.openPredictor({ checkpoint: bytes, ort: {} as typeof ort });
    await expect(ask).rejects.toThrow(/^Expected the module onnxruntime-web for ort, got "object"/);
  });
});
