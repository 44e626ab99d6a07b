// ◇ Browser-safe. What is the same for trainings of one learner on the same pictures: the model, what computes, and features of the
// pictures or the pictures themselves.
// Invariant: all that is asked of the server is asked here, before the first step.
import { AppError } from "../../core/errors.ts";
import type { Sample } from "../../core/words.ts";
import { sampleKey } from "../../dataset/loader/order.ts";
import { sha256Hex } from "../../engine/sha256.ts";
import { type OpenedCheckpoint, openCheckpoint } from "../../predict/checkpoint.ts";
import { openSplitPredictor } from "../../predict/split-predictor.ts";
import type { CourseWork, Learning } from "../../train/head/course.ts";
import { backboneHash, makeFeatures } from "../../train/head/features.ts";
import { tuneConfig } from "../../train/head/plan.ts";
import { headLearning } from "../../train/head/train-head.ts";
import { layersLearning } from "../../train/head/train-layers.ts";
import { decodeImage } from "../decode-image.ts";
import { openPageRuntime, type PageRuntime } from "../ort-web.ts";
import type { Order, Said } from "./messages.ts";
import type { Dealt } from "./samples.ts";
import { storedRows } from "./store.ts";

/** Pictures that the backbone sees at once. */
const BATCH = 8;

/** What is in memory. */
export interface Prepared {
  /** `prepared` of its order. */
  readonly key: string;
  readonly runtime: PageRuntime;
  /** What computes, and why. */
  readonly words: string;
  readonly model: OpenedCheckpoint;
  /** Hash of the backbone, with what is done to pixels. */
  readonly backbone: string;
  /** SHA-256 of a sample's picture. */
  readonly pictureOf: (sample: Sample) => string;
  readonly learning: (work: CourseWork) => Learning;
  readonly close: () => Promise<void>;
}

/** Who makes it. */
export interface Maker {
  readonly signal: AbortSignal;
  readonly tell: (said: Said) => void;
}

/** Model and pictures of an order. */
export async function prepare(order: Order, maker: Maker): Promise<Prepared> {
  const { modelName, learner } = order;
  const bytes =
    typeof order.model === "string"
      ? new Uint8Array(await (await fetched(order.model, modelName)).arrayBuffer())
      : order.model;
  const model = openCheckpoint(bytes, modelName);
  checkRecipe(model, order);
  tuneConfig(model.facts, order.choices, learner); // refused before any picture is asked for
  // All layers by WebAssembly would take hours: where there is no WebGPU, they are refused.
  const runtime = await openPageRuntime(learner === "all" ? { provider: "webgpu" } : {});
  const words = `${runtime.provider === "wasm" ? "WebAssembly" : "WebGPU"}: ${runtime.reason}`;
  maker.tell({ is: "runtime", words });
  const { pixels, padding, bnEps, globalPool } = model.facts;
  const about = { pixels, padding, bnEps, globalPool, provider: runtime.provider };
  const backbone = await backboneHash(model.weights, about);
  const ready: Ready = { order, runtime, model, backbone };
  const parts = await (learner === "all" ? preparePictures(ready, maker) : prepareFeatures(ready, maker));
  return { key: order.prepared, runtime, words, model, backbone, ...parts };
}

interface Ready extends Pick<Prepared, "runtime" | "model" | "backbone"> {
  readonly order: Order;
}

type Parts = Pick<Prepared, "learning" | "pictureOf" | "close">;

async function prepareFeatures(
  { order: { dealt, pictures }, runtime, model, backbone }: Ready,
  { signal, tell }: Maker,
): Promise<Parts> {
  const { facts, weights } = model;
  const predictor = await openSplitPredictor({
    ...{ facts, weights, batchSize: BATCH, provider: runtime.provider },
    createSession: (graph) => runtime.createSession(graph),
  });
  if (predictor === undefined) throw noVector(facts.backbone);
  const all = samplesOf(dealt);
  let [made, read] = [0, 0];
  const report = () => tell({ is: "features", made, read, of: all.length });
  report();
  try {
    const features = await makeFeatures(all, {
      ...{ predictor, sizePx: facts.pixels.sizePx, signal, batch: BATCH },
      bytesOf: async ({ id, path }) =>
        new Uint8Array(await (await blobOf(pictures.get(id)!, path)).arrayBuffer()),
      decode: (bytes, name) => decodeImage(bytes, { name }),
      stored: storedRows(backbone),
      onRow: (isNew) => {
        if (isNew) made++;
        else read++;
        report();
      },
    });
    const parts = { features: features.store, predictor };
    return {
      learning: (work) => headLearning(work, parts),
      pictureOf: features.pictureOf,
      close: () => predictor.close(),
    };
  } catch (error) {
    await predictor.close();
    throw error;
  }
}

/** Files stay as they are, where the browser has room for them; each is decoded when its turn comes. */
async function preparePictures(
  { order: { dealt, pictures } }: Ready,
  { signal, tell }: Maker,
): Promise<Parts> {
  const files = new Map<string, Blob>();
  const hashes = new Map<string, string>();
  const all = samplesOf(dealt);
  for (const sample of all) {
    tell({ is: "pictures", read: files.size, of: all.length });
    signal.throwIfAborted();
    const file = await blobOf(pictures.get(sample.id)!, sample.path);
    hashes.set(sampleKey(sample), await sha256Hex(new Uint8Array(await file.arrayBuffer())));
    files.set(sampleKey(sample), file);
  }
  tell({ is: "pictures", read: files.size, of: all.length });
  return {
    learning: (work) =>
      layersLearning(work, async (sample) =>
        decodeImage(new Uint8Array(await files.get(sampleKey(sample))!.arrayBuffer()), { name: sample.path }),
      ),
    pictureOf: (sample) => hashes.get(sampleKey(sample))!,
    close: async () => undefined,
  };
}

const samplesOf = ({ train, val }: Dealt) => [...train, ...val];

/** Everything that is recorded of each sample, and where it was dealt. */
export const recordsOf = (dealt: Dealt): string[] =>
  (["train", "val"] as const).flatMap((split) =>
    dealt[split].map(({ id, subject, modality, sex, groups }) =>
      JSON.stringify([id, subject, modality, sex, groups, split]),
    ),
  );

/** Hash of the pictures and of what is recorded of them, as they are dealt now. */
export async function manifestHashOf(
  dealt: Dealt,
  { pictureOf }: Pick<Prepared, "pictureOf">,
): Promise<string> {
  const samples = samplesOf(dealt);
  const lines = recordsOf(dealt).map((line, i) => `${line} ${pictureOf(samples[i]!)}`);
  return await sha256Hex(lines.sort().join("\n"));
}

const blobOf = async (picture: string | File, name: string): Promise<Blob> =>
  typeof picture === "string" ? await (await fetched(picture, name)).blob() : picture;

async function fetched(url: string, name: string): Promise<Response> {
  const response = await fetch(url).catch(() => undefined);
  if (response?.ok === true) return response;
  const got = response === undefined ? "no answer" : `the status ${response.status}`;
  throw new AppError("remote", "FILE", `Expected ${name}, got ${got}`, {
    hint: "is `facehand serve` still running?",
  });
}

/** A model sees crops as it was trained on: as `evaluate` refuses others, so does this. */
function checkRecipe({ facts }: OpenedCheckpoint, { recipeHash }: Order): void {
  const known = facts.trainedOn.flatMap((source) => source.recipeHash ?? []);
  if (recipeHash === undefined || known.length === 0 || known.includes(recipeHash)) return;
  const short = (hash: string) => hash.slice(0, 12);
  const message = `Expected crops of recipe ${known.map(short).join(" or ")} as in training, got ${short(recipeHash)}`;
  throw new AppError("data", "RECIPE_MISMATCH", message, {
    hint: "derive the images with the model's recipe",
  });
}

function noVector(backbone: string): AppError {
  const message = `Expected a backbone that makes a vector of an image, got ${backbone}`;
  return new AppError("input", "TUNE_BACKBONE", message, { hint: "choose a run with another backbone" });
}
