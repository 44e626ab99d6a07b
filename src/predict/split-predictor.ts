// ◇ Browser-safe. A predictor in two parts, for training with a frozen backbone: features of images, made once, and
// the heads that learn, whose weights are given with every call.
import { Handle } from "../core/handle.ts";
import type { Value } from "../engine/graph.ts";
import { emitGraph } from "../engine/lower/emit.ts";
import { cutFrozen } from "../engine/lower/frozen.ts";
import { input } from "../engine/ops.ts";
import type { ParamSpec, Weights } from "../engine/params.ts";
import { Tensor, type Tensors } from "../engine/runtime/session.ts";
import {
  type AskedModality,
  checkAsked,
  evaluationGraph,
  flags,
  type ImagePrediction,
  imagesInput,
  type PredictorOptions,
  read,
  storedValues,
} from "./predictor.ts";

export interface SplitPredictor {
  /** Floats a row of features. */
  readonly width: number;
  /**
   * @param pixels - u8 [n, S, S, 3], n at most the batch size
   * @returns f32 [n, width]
   */
  features(pixels: Uint8Array, n: number): Promise<Float32Array>;
  /**
   * @param features - f32 [n, width]
   * @param weights - of the heads; others are ignored
   * @param modalities - n of them
   */
  predict(
    features: Float32Array,
    weights: Weights,
    modalities: readonly AskedModality[],
  ): Promise<ImagePrediction[]>;
  close(): Promise<void>;
}

/**
 * Builds the two graphs of a checkpoint whose backbone stays as it is.
 *
 * @param options - `weights` have to hold the backbone; those of the heads are not taken from here
 * @returns undefined if the backbone makes other than one vector of an image
 * @throws AppError("data", "WEIGHTS_INCOMPLETE") as openPredictor
 */
export async function openSplitPredictor(options: PredictorOptions): Promise<SplitPredictor | undefined> {
  const { facts, batchSize = 1, createSession, provider = "cpu" } = options;
  const { outputs, backbone, heads } = splitGraph(options, batchSize);
  const frozen = cutFrozen(Object.values(outputs), { ...backbone, provider, createSession });
  if (frozen?.width === undefined) return undefined;
  frozen.load(options.weights);
  const { width, sources } = frozen;
  const { model, inputs } = emitGraph({ outputs, provider, sources });
  const upper = await createSession(model);
  const handle = new Handle("predictor", () => Promise.all([frozen.close(), upper.release()]));
  const needsFlag = inputs.some(({ name }) => name === "flag");
  const size = facts.pixels.sizePx;
  return {
    width,
    features: (pixels, n) =>
      handle.use(async () => {
        const images = new Uint8Array(batchSize * size * size * 3);
        images.set(pixels);
        const made = await frozen.run(new Tensor("uint8", images, [batchSize, size, size, 3]));
        return (Object.values(made)[0]!.data as Float32Array).subarray(0, n * width);
      }),
    predict: (features, weights, modalities) =>
      handle.use(async () => {
        checkAsked(modalities, facts);
        const rows = new Float32Array(batchSize * width);
        rows.set(features);
        const feeds: Record<string, Tensor> = { ...headFeeds(heads, weights), ...frozen.known(rows) };
        if (needsFlag) feeds["flag"] = new Tensor("float32", flags(modalities, batchSize), [batchSize, 2]);
        return read(await upper.run(feeds), modalities, facts);
      }),
    close: () => handle.release(),
  };
}

/** The evaluation graph with all parameters as inputs: the backbone's, which stay as they are, and those of the heads. */
function splitGraph({ facts, weights }: PredictorOptions, n: number) {
  const heads: ParamSpec[] = [];
  const backbone = { images: imagesInput(facts, n), fixed: new Map<string, Value>() };
  const outputs = evaluationGraph({ facts, weights }, n, {
    images: backbone.images,
    resolve: (spec) => {
      const value = input(spec.name, spec.shape);
      if (spec.name.startsWith("backbone.")) {
        storedValues(weights, spec); // refused here, not with the first image
        backbone.fixed.set(spec.name, value);
      } else heads.push(spec);
      return value;
    },
  });
  return { outputs, backbone, heads };
}

function headFeeds(heads: readonly ParamSpec[], weights: Weights): Tensors {
  return Object.fromEntries(
    heads.map(({ name, shape }) => [name, new Tensor("float32", weights.get(name)!, [...shape])]),
  );
}
