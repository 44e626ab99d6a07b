// ◇ Browser-safe. The thread that finds, cuts and predicts: models and pictures of megabytes would hold the page up.
// Invariants: what is found, cut and predicted is decided by predict/prepare.ts, as in Node; one task after another, so that what
// answers is the model that was opened last; nothing that a picture holds leaves this thread but to the page.
import { AppError, type ErrorKind } from "../../core/errors.ts";
import { MODALITIES } from "../../core/words.ts";
import { sha256Hex } from "../../engine/sha256.ts";
import { type Finder, openFinderOn } from "../../find/find.ts";
import { type ModelHost, PACKAGED, type PackagedModel } from "../../find/models.ts";
import type { ModelFacts } from "../../models/facts.ts";
import { exportedFacts, isOnnxName } from "../../models/files/exported.ts";
import type { RgbImage } from "../../pixels/pixels.ts";
import { lentCheckpoint } from "../../predict/checkpoint.ts";
import { predictCrops } from "../../predict/predict.ts";
import {
  type AskedModality,
  openPredictor,
  type Predictor,
  sessionPredictor,
} from "../../predict/predictor.ts";
import {
  type PhotoPrediction,
  type PreparedCrop,
  predictPrepared,
  prepareCrops,
} from "../../predict/prepare.ts";
import { faultOf } from "../app/fault.ts";
import { decodeImage } from "../decode-image.ts";
import { openPageRuntime, type PageRuntimeFacts } from "../ort-web.ts";
import { changesOf } from "./changes.ts";

/** A model's file, as bytes or by its address. */
export interface ModelPlace {
  /** What messages call it; what ends in .onnx is an exported model. */
  readonly name: string;
  readonly url?: string | undefined;
  readonly bytes?: Uint8Array | undefined;
}

/** What is to be done. */
export type Task =
  | {
      readonly do: "open";
      readonly model: ModelPlace;
      readonly detectors: Readonly<Record<PackagedModel, string>>;
      /** Why the page may not share memory, if it may not. */
      readonly alone: string;
    }
  | {
      readonly do: "photo";
      readonly name: string;
      readonly bytes: Uint8Array;
      readonly modality: AskedModality;
      readonly detect: boolean;
    }
  | { readonly do: "changes"; readonly crop: CropPixels };

/** A crop at the model's size, as it was predicted. */
export interface CropPixels {
  readonly sizePx: number;
  /** RGB u8, [sizePx, sizePx, 3]. */
  readonly pixels: Uint8Array | Uint8ClampedArray;
  readonly asked: AskedModality;
}

/** A crop and what the model predicts of it. */
export interface PredictedCrop extends CropPixels {
  readonly found: PreparedCrop["found"];
  readonly prediction: PhotoPrediction;
}

/** What came of a photo. */
export interface PhotoAnswer {
  /** Of the photo as it is seen, px. */
  readonly width: number;
  readonly height: number;
  /** The photo for the screen, at most SHOWN_PX wide or high. */
  readonly shown: ImageBitmap;
  readonly crops: readonly PredictedCrop[];
  /** What was passed over, e.g. further faces. */
  readonly notes: readonly string[];
  readonly ms: { readonly decode: number; readonly find: number; readonly predict: number };
}

/** A small change of a crop, and the probability that it gives. */
export interface ChangedCrop {
  readonly what: string;
  readonly pixels: CropPixels["pixels"];
  readonly probability: number;
}

/** What came of it, by task. */
export interface Results {
  readonly open: { readonly facts: ModelFacts; readonly runtime: PageRuntimeFacts; readonly ms: number };
  readonly photo: PhotoAnswer;
  readonly changes: readonly ChangedCrop[];
}

/** An answer of the thread. */
export type Answer =
  | { readonly ask: number; readonly result: Results[keyof Results] }
  | {
      readonly ask: number;
      readonly fault: { kind: ErrorKind; code: string; message: string; hint?: string | undefined };
    };

const SHOWN_PX = 1600;

interface Model {
  readonly predictor: Predictor;
  readonly runtime: PageRuntimeFacts;
}

let model: Model | undefined;
let detectors: Readonly<Record<PackagedModel, string>> | undefined;
let finder: Promise<Finder> | undefined;
let alone: string | undefined;

async function bytesOf({ bytes, url, name }: ModelPlace): Promise<Uint8Array> {
  if (bytes !== undefined) return bytes;
  const response = await fetch(url!);
  if (response.ok) return new Uint8Array(await response.arrayBuffer());
  throw new AppError("remote", "FILE", `Expected ${name}, got the status ${response.status}`, {
    hint: "reload the page: the file may be gone, or the server",
  });
}

async function open(place: ModelPlace): Promise<Results["open"]> {
  const from = performance.now();
  const old = model;
  model = undefined; // what is asked after a model that does not open is refused, not answered by the one before
  await old?.predictor.close();
  const runtime = await openPageRuntime({ alone });
  const bytes = await bytesOf(place);
  const opened = isOnnxName(place.name)
    ? exported(bytes, place.name, runtime)
    : checkpoint(bytes, place.name, runtime);
  const predictor = await opened;
  const { provider, threads, reason } = runtime;
  model = { predictor, runtime: { provider, threads, reason } };
  return { facts: predictor.facts, runtime: model.runtime, ms: performance.now() - from };
}

type Runtime = Awaited<ReturnType<typeof openPageRuntime>>;

function checkpoint(bytes: Uint8Array, name: string, { createSession }: Runtime): Promise<Predictor> {
  const { facts, weights } = lentCheckpoint(bytes, name);
  return openPredictor({ facts, weights, createSession, provider: "webgpu" }); // operators that every build has
}

async function exported(bytes: Uint8Array, name: string, { createSession }: Runtime): Promise<Predictor> {
  const facts = exportedFacts(bytes, name);
  const session = await createSession(bytes, { where: name });
  return sessionPredictor(session, { facts, batchSize: 1, needsFlag: facts.arch === "umcc" && facts.flag });
}

/** The detectors, loaded when a photo is first searched; after a failure, again. */
function openFinder(): Promise<Finder> {
  finder ??= loadFinder().catch((error: unknown) => {
    finder = undefined;
    throw error;
  });
  return finder;
}

async function loadFinder(): Promise<Finder> {
  // WebAssembly, whatever runs the model: the detectors are small, and their crops are those of Node there.
  const { createSession } = await openPageRuntime({ provider: "wasm" });
  const host: ModelHost = {
    packaged: async (name) => {
      const where = PACKAGED[name].file;
      const bytes = await bytesOf({ name: where, url: detectors![name] });
      return { bytes, where, sha256: await sha256Hex(bytes) };
    },
    createSession: (bytes, { memoryPattern }) => createSession(bytes, { memoryPattern }),
    fitted: async (graph) => graph,
  };
  return openFinderOn(host, { modalities: MODALITIES });
}

async function photo(task: Task & { readonly do: "photo" }): Promise<PhotoAnswer> {
  const { name, bytes, modality, detect } = task;
  const { predictor } = opened();
  const { facts } = predictor;
  const began = performance.now();
  const picture = await decodeImage(bytes, { name, alone });
  const decoded = performance.now();
  const notes: string[] = [];
  const crops = await prepareCrops(openFinder, name, bytes, {
    ...{ facts, modality, detect, decode: decodeImage, pixels: picture },
    report: (text) => void notes.push(text),
  });
  const found = performance.now();
  if (crops instanceof AppError) throw crops;
  const predictions = await predictPrepared(predictor, crops);
  const predicted = performance.now();
  return {
    ...{ width: picture.width, height: picture.height, shown: await onScreen(picture), notes },
    crops: crops.map(({ pixels, asked, found: place }, i) => {
      return { pixels, asked, sizePx: facts.pixels.sizePx, found: place, prediction: predictions[i]! };
    }),
    ms: { decode: decoded - began, find: found - decoded, predict: predicted - found },
  };
}

function opened(): Model {
  if (model !== undefined) return model;
  throw new AppError("input", "NO_MODEL", "Expected a model that is open, got none", {
    hint: "choose a model first",
  });
}

/** The picture as the screen needs it: what is larger than the screen is shrunk. */
async function onScreen({ width, height, data }: RgbImage): Promise<ImageBitmap> {
  const rgba = new Uint8ClampedArray(4 * width * height);
  for (let from = 0, to = 0; from < data.length; from += 3, to += 4) {
    rgba[to] = data[from]!;
    rgba[to + 1] = data[from + 1]!;
    rgba[to + 2] = data[from + 2]!;
    rgba[to + 3] = 255;
  }
  const scale = Math.min(1, SHOWN_PX / Math.max(width, height));
  return createImageBitmap(new ImageData(rgba, width, height), {
    resizeWidth: Math.max(1, Math.round(width * scale)),
    resizeHeight: Math.max(1, Math.round(height * scale)),
    resizeQuality: "medium",
  });
}

async function changes({ sizePx, pixels, asked }: CropPixels): Promise<readonly ChangedCrop[]> {
  const image = { width: sizePx, height: sizePx, data: pixels };
  const all = changesOf(image);
  const answers = await predictCrops(
    opened().predictor,
    all.map(({ what, image: { data } }) => ({ image: what, pixels: data, asked })),
  );
  return all.map(({ what, image: { data } }, i) => ({
    what,
    pixels: data,
    probability: answers[i]!.probability,
  }));
}

async function work(task: Task): Promise<Results[keyof Results]> {
  if (task.do === "photo") return photo(task);
  if (task.do === "changes") return changes(task.crop);
  ({ detectors, alone } = task);
  return open(task.model);
}

let before: Promise<unknown> = Promise.resolve();

/** Does what it is asked; web/thread.ts hands it over. */
export function heard({ data: { ask, ...task } }: MessageEvent<Task & { readonly ask: number }>): void {
  before = before.then(async () => {
    try {
      const result = await work(task as Task);
      const transfer = "shown" in result ? [result.shown] : [];
      postMessage({ ask, result } satisfies Answer, { transfer });
    } catch (error) {
      const { kind, code, message, hint } = faultOf(error);
      postMessage({ ask, fault: { kind, code, message, hint } } satisfies Answer);
    }
  });
}
