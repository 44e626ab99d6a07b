// Our side of the benchmarks of inference: `predict` over a folder of crops, from files to probabilities.
// One step predicts the next chunk, of `batch` images, of a folder of drawn JPEGs of 224 to 300 px; peer/inference.py predicts the same files by the same
// weights, and compares its probabilities with ours.
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { Random } from "../src/core/random.ts";
import { initialise, type Weights } from "../src/engine/params.ts";
import { writeAtomic } from "../src/machine/files.ts";
import { peakBytes } from "../src/machine/peak-memory.ts";
import { type ModelFacts, modelGraph, OUTPUT_MEANING } from "../src/models/facts.ts";
import type { Precision } from "../src/models/files/compress.ts";
import { exportStateDict } from "../src/models/files/weights.ts";
import { encodeJpeg } from "../src/pixels/image.ts";
import { exportOnnx } from "../src/predict/export.ts";
import { openWeights } from "../src/predict/infer.ts";
import { openOnnxFile } from "../src/predict/local.ts";
import { batchOf, predictFiles } from "../src/predict/photos.ts";
import { cropThreads, openCropThreads } from "../src/predict/threads.ts";
import { declaredSpecs } from "../src/train/step/graph.ts";
import { picture } from "./loader.ts";
import type { Opened, Work } from "./side.ts";

/** Images of the folder, of which each chunk is a part: threads that make crops are as many as for all of it, and stay open. */
const FOLDER_IMAGES = 10_000;
/** Drawn pictures of which the others are parts. */
const DRAWN = 24;
/** Shared with peer/inference.py, which reads it from the work's network. */
const folderOf = ({ model, batch, sizePx }: Work) =>
  join(tmpdir(), `facehand-bench-crops-${model}-${batch}-${sizePx}`);

/**
 * Opens our side.
 *
 * @param precision - of the weights in the exported file that is opened; undefined for a checkpoint as it is
 */
export async function openInference(work: Work, precision?: Precision): Promise<Opened> {
  const folder = folderOf(work);
  await mkdir(folder, { recursive: true });
  const facts = factsOf(work);
  const drawn = Array.from({ length: DRAWN }, (_, i) => picture(i));
  const chunk = (k: number) => chunkOf(folder, k, work.batch, drawn);
  const weights = await spreadWeights(work, facts, await chunk(0));
  const { threads } = work;
  const sharing = cropThreads(FOLDER_IMAGES, threads) > 0;
  const how = { threads, batch: batchOf(work.batch), sharing };
  const start = performance.now();
  let open = () => openWeights(facts, weights, how);
  if (precision !== undefined) {
    const path = join(folder, `${precision}.onnx`);
    await writeAtomic(path, exportOnnx({ facts, weights }, precision).bytes);
    open = () => openOnnxFile(path, how);
  }
  const predictor = await open();
  const openMs = performance.now() - start;
  const asked = { modality: "auto", signal: new AbortController().signal, report: () => undefined } as const;
  const ahead = { images: FOLDER_IMAGES, batch: how.batch, report: asked.report };
  const crops = openCropThreads({ facts, modality: asked.modality, detect: false, threads }, ahead);
  await chunk(1); // the peer may be asked first
  let k = 0;
  return {
    openMs,
    versions: { precision: precision ?? "float32" },
    step: async () => {
      const images = await chunk(k);
      await chunk(k + 1);
      const cpu = process.cpuUsage();
      const begun = performance.now();
      const { rows } = await predictFiles(images, predictor, { ...asked, crops });
      const ms = performance.now() - begun;
      const { user, system } = process.cpuUsage(cpu);
      const probabilities = rows.map(({ probability }) => probability);
      if (precision === undefined)
        await writeFile(join(folder, `ours-${k}.json`), JSON.stringify(probabilities));
      k++;
      const result = probabilities.reduce((sum, p) => sum + p, 0);
      return { ms, cpuMs: (user + system) / 1000, peakMb: peakBytes() / 2 ** 20, result };
    },
    close: async () => {
      await crops.close();
      await predictor.close();
      if (precision === undefined) await rm(folder, { recursive: true, force: true });
    },
  };
}

const factsOf = ({ model, sizePx }: Work): ModelFacts => ({
  ...{
    format: 1,
    arch: "umcc",
    tag: `${model}.none_F0_An_Lb_Z0`,
    backbone: model,
    flag: false,
    gating: null,
  },
  pixels: { sizePx, interpolation: "bilinear", mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] },
  ...{ threshold: 0.5, output: OUTPUT_MEANING, trainedOn: [] },
});

/** The files of a chunk, made when they are first asked for: parts of drawn pictures, squares of 224 to 300 px. */
async function chunkOf(
  folder: string,
  chunk: number,
  length: number,
  drawn: readonly Uint8Array[],
): Promise<string[]> {
  const made = join(folder, `chunk-${chunk}`);
  const paths = Array.from({ length }, (_, i) => join(made, `${String(i).padStart(4, "0")}.jpg`));
  if (existsSync(made)) return paths;
  const staging = await mkdtemp(join(folder, "staging-"));
  const random = Random.of(chunk);
  for (const path of paths) {
    const sidePx = 224 + random.int(77);
    const [x, y] = [random.int(301 - sidePx), random.int(301 - sidePx)];
    const whole = drawn[random.int(drawn.length)]!;
    const data = new Uint8Array(sidePx * sidePx * 3);
    for (let row = 0; row < sidePx; row++) {
      const from = ((y + row) * 300 + x) * 3;
      data.set(whole.subarray(from, from + sidePx * 3), row * sidePx * 3);
    }
    const jpeg = await encodeJpeg({ width: sidePx, height: sidePx, data });
    await writeFile(join(staging, basename(path)), jpeg);
  }
  await rename(staging, made);
  return paths;
}

/** Drawn weights whose probabilities differ from picture to picture, and the same as a state dict for the peer. */
async function spreadWeights(work: Work, facts: ModelFacts, images: readonly string[]): Promise<Weights> {
  const specs = declaredSpecs(modelGraph(facts), work.sizePx);
  const weights = initialise(specs, Random.of(0));
  const first = await openWeights(facts, weights, { threads: work.threads, batch: 16 });
  const none = { modality: "auto", signal: new AbortController().signal, report: () => undefined } as const;
  const { rows } = await predictFiles(images.slice(0, 64), first, none);
  await first.close();
  const logits = rows.map(({ probability: p }) => Math.log(p / (1 - p)));
  const mean = logits.reduce((sum, value) => sum + value, 0) / logits.length;
  const deviation = Math.sqrt(logits.reduce((sum, value) => sum + (value - mean) ** 2, 0) / logits.length);
  const [scale, bias] = [weights.get("classifier.weight")!, weights.get("classifier.bias")!];
  for (let i = 0; i < scale.length; i++) scale[i]! /= deviation;
  bias[0] = (bias[0]! - mean) / deviation;
  await exportStateDict(join(folderOf(work), "weights.pt"), specs, weights);
  return weights;
}
