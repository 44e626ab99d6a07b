// ◇ Browser-safe. The thread of Tune: features of the pictures, then the head, by the code that Node trains with.
// Invariants: all that is asked of the server is asked before the first step; one training at a time, and a stopped one continues.
import { AppError, Interrupted } from "../../core/errors.ts";
import type { Sample } from "../../core/words.ts";
import { sha256Hex } from "../../engine/sha256.ts";
import { summarize } from "../../evaluate/analysis/summary.ts";
import { type OpenedCheckpoint, openCheckpoint } from "../../predict/checkpoint.ts";
import { openSplitPredictor, type SplitPredictor } from "../../predict/split-predictor.ts";
import { backboneHash, type MadeFeatures, makeFeatures } from "../../train/head/features.ts";
import { headConfig, headFacts } from "../../train/head/plan.ts";
import { trainHead } from "../../train/head/train-head.ts";
import { faultOf } from "../app/fault.ts";
import { decodeImage } from "../decode-image.ts";
import { openPageRuntime, type PageRuntime } from "../ort-web.ts";
import type { Counts, Order, Said, Task } from "./messages.ts";
import type { Dealt } from "./samples.ts";
import { storedHead, storedRows } from "./store.ts";

const GROUPS = [["race"], ["age"], ["gesture"]];
/** Draws of the intervals, as in the view of runs. */
const REPLICATES = 2000;
/** Pictures that the backbone sees at once. */
const BATCH = 8;

/** What is the same for trainings on the same pictures. */
interface Prepared {
  readonly key: string;
  readonly runtime: PageRuntime;
  readonly model: OpenedCheckpoint;
  readonly backbone: string;
  readonly predictor: SplitPredictor;
  readonly features: MadeFeatures;
  readonly manifestHash: string;
}

let prepared: Prepared | undefined;
let stopping = new AbortController();

const tell = (said: Said) => postMessage(said);
const countsOf = ({ train, val }: Dealt): Counts => ({ train: countOf(train), val: countOf(val) });
const countOf = (samples: readonly Sample[]) => ({
  images: samples.length,
  subjects: new Set(samples.map(({ subject }) => subject)).size,
});

async function train(order: Order): Promise<void> {
  const { signal } = stopping;
  const ready = await prepare(order, signal);
  const { model, runtime, predictor, features, backbone, manifestHash } = ready;
  const { dealt, choices, recipeHash } = order;
  const images = dealt.train.length + dealt.val.length;
  const config = headConfig(model.facts, choices);
  const facts = headFacts(model.facts, config, { kind: order.kind, manifestHash, recipeHash, images });
  const kept = storedHead(await sha256Hex(JSON.stringify([config, facts, backbone, ids(dealt)])));
  const state = await kept.get();
  tell({ is: "begun", log: state?.log ?? [], config });
  const head = await trainHead({
    ...{ config, facts, predictor, state, signal },
    weights: model.weights,
    samples: dealt,
    features: features.store,
    runtime: runtime.step,
    keep: kept.put,
    onEpoch: (epoch) => tell({ is: "epoch", epoch }),
  });
  const summary = summarize(head.rows, { replicates: REPLICATES, groups: GROUPS, groupIntervals: true });
  const { modelName, place } = order;
  tell({
    is: "tuned",
    tuned: { ...head, modelName, place, facts, config, summary, counts: countsOf(dealt) },
  });
}

/** Model and features, from memory where the order is about the same. */
async function prepare(order: Order, signal: AbortSignal): Promise<Prepared> {
  if (prepared?.key === order.prepared) return prepared;
  await prepared?.predictor.close();
  prepared = undefined;
  const { dealt, modelName } = order;
  const bytes = typeof order.model === "string" ? await fetched(order.model, modelName) : order.model;
  const model = openCheckpoint(bytes, modelName);
  checkRecipe(model, order);
  headConfig(model.facts, order.choices); // refused before any picture is asked for
  const runtime = await openPageRuntime();
  tell({
    is: "runtime",
    words: `${runtime.provider === "wasm" ? "WebAssembly" : "WebGPU"}: ${runtime.reason}`,
  });
  const { facts, weights } = model;
  const { pixels, padding, bnEps, globalPool } = facts;
  const backbone = await backboneHash(weights, {
    pixels,
    padding,
    bnEps,
    globalPool,
    provider: runtime.provider,
  });
  const predictor = await openSplitPredictor({
    ...{ facts, weights, batchSize: BATCH, provider: runtime.provider },
    createSession: (graph) => runtime.createSession(graph),
  });
  if (predictor === undefined) throw noVector(facts.backbone);
  try {
    const features = await featuresOf(order, { predictor, backbone, sizePx: pixels.sizePx, signal });
    const lines = ids(dealt).map((id, i) => `${id} ${features.pictureOf(samplesOf(dealt)[i]!)}`);
    const manifestHash = await sha256Hex(lines.sort().join("\n"));
    prepared = { key: order.prepared, runtime, model, backbone, predictor, features, manifestHash };
    return prepared;
  } catch (error) {
    await predictor.close();
    throw error;
  }
}

interface Maker {
  readonly predictor: SplitPredictor;
  readonly backbone: string;
  readonly sizePx: number;
  readonly signal: AbortSignal;
}

function featuresOf({ dealt, pictures }: Order, maker: Maker): Promise<MadeFeatures> {
  const all = samplesOf(dealt);
  let [made, read] = [0, 0];
  const report = () => tell({ is: "features", made, read, of: all.length });
  report();
  return makeFeatures(all, {
    ...maker,
    batch: BATCH,
    bytesOf: ({ id, path }) => bytesOf(pictures.get(id)!, path),
    decode: (bytes, name) => decodeImage(bytes, { name }),
    stored: storedRows(maker.backbone),
    onRow: (isNew) => {
      if (isNew) made++;
      else read++;
      report();
    },
  });
}

const samplesOf = ({ train, val }: Dealt) => [...train, ...val];

/** Everything that is recorded of each sample, and where it was dealt. */
const ids = (dealt: Dealt): string[] =>
  (["train", "val"] as const).flatMap((split) =>
    dealt[split].map(({ id, subject, modality, sex, groups }) =>
      JSON.stringify([id, subject, modality, sex, groups, split]),
    ),
  );

const bytesOf = async (picture: string | File, name: string) =>
  typeof picture === "string" ? await fetched(picture, name) : new Uint8Array(await picture.arrayBuffer());

async function fetched(url: string, name: string): Promise<Uint8Array<ArrayBuffer>> {
  const response = await fetch(url).catch(() => undefined);
  if (response?.ok === true) return new Uint8Array(await response.arrayBuffer());
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

let busy: Promise<void> = Promise.resolve();

/** Does what it is asked; web/thread.ts hands it over. */
export function heard({ data }: MessageEvent<Task>): void {
  if (data.do === "stop") {
    stopping.abort(new Interrupted("Stopped"));
    return;
  }
  stopping = new AbortController();
  busy = busy.then(() =>
    train(data.order).catch((error: unknown) => {
      if (error instanceof Interrupted) return tell({ is: "stopped" });
      const { kind, code, message, hint } = faultOf(error);
      tell({ is: "fault", fault: { kind, code, message, hint } });
    }),
  );
}
