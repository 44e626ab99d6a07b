// ◇ Browser-safe. A predictor in two parts, for training with a frozen backbone: features of images, made once, and
// the heads that learn, whose weights are given with every call.
import { Handle } from "../core/handle.ts";
import type { Value } from "../engine/graph.ts";
import { cutBelow } from "../engine/lower/cut.ts";
import { emitGraph } from "../engine/lower/emit.ts";
import { input } from "../engine/ops.ts";
import type { ParamSpec, Weights } from "../engine/params.ts";
import { Tensor, type Tensors } from "../engine/runtime/session.ts";
import type { ModelFacts } from "../models/facts.ts";
import {
  type AskedModality,
  checkAsked,
  evaluationGraph,
  flags,
  type ImagePrediction,
  type PredictorOptions,
  read,
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
   * @param weights - of the heads; others are not looked at
   * @param modalities - n of them
   */
  predict(
    features: Float32Array,
    weights: Weights,
    modalities: readonly AskedModality[],
  ): Promise<ImagePrediction[]>;
  close(): Promise<void>;
}

const FEATURES = "features";

/**
 * Builds the two graphs of a checkpoint whose backbone stays as it is.
 *
 * @param options - `weights` have to hold the backbone; those of the heads are not taken from here
 * @returns undefined if the backbone makes other than one vector of an image
 * @throws AppError("data", "WEIGHTS_INCOMPLETE") as openPredictor
 */
export async function openSplitPredictor(options: PredictorOptions): Promise<SplitPredictor | undefined> {
  const { facts, batchSize = 1, createSession, provider = "cpu" } = options;
  const graph = cutGraph(options, batchSize);
  const [cut] = graph.cut;
  if (graph.cut.length !== 1 || cut!.shape.length !== 2) return undefined;
  const below = emitGraph({ outputs: { [FEATURES]: cut! }, provider });
  const above = emitGraph({ outputs: graph.outputs, provider, sources: new Map([[cut!, FEATURES]]) });
  const lower = await createSession(below.model);
  const upper = await createSession(above.model).catch(async (error) => {
    await lower.release();
    throw error;
  });
  const handle = new Handle("predictor", () => Promise.all([lower.release(), upper.release()]));
  const needsFlag = above.inputs.some(({ name }) => name === "flag");
  const [width, size] = [cut!.shape[1]!, facts.pixels.sizePx];
  return {
    width,
    features: (pixels, n) =>
      handle.use(async () => {
        const images = new Uint8Array(batchSize * size * size * 3);
        images.set(pixels);
        const made = await lower.run({ images: new Tensor("uint8", images, [batchSize, size, size, 3]) });
        return (made[FEATURES]!.data as Float32Array).slice(0, n * width);
      }),
    predict: (features, weights, modalities) =>
      handle.use(async () => {
        checkAsked(modalities, facts);
        const rows = new Float32Array(batchSize * width);
        rows.set(features);
        const feeds: Record<string, Tensor> = {
          ...headFeeds(graph.heads, weights),
          [FEATURES]: new Tensor("float32", rows, [batchSize, width]),
        };
        if (needsFlag) feeds["flag"] = new Tensor("float32", flags(modalities, batchSize), [batchSize, 2]);
        return read(await upper.run(feeds), modalities, facts);
      }),
    close: () => handle.release(),
  };
}

/** The evaluation graph, with the backbone's weights as constants, and where the heads take over. */
function cutGraph({ facts, weights }: { readonly facts: ModelFacts; readonly weights: Weights }, n: number) {
  const heads: ParamSpec[] = [];
  const still = new Set<Value>();
  const images: Value[] = [];
  const outputs = evaluationGraph({ facts, weights }, n, {
    onImages: (value) => images.push(value),
    resolve: (spec, stored) => {
      if (spec.name.startsWith("backbone.")) {
        const value = stored();
        still.add(value);
        return value;
      }
      heads.push(spec);
      return input(spec.name, spec.shape);
    },
  });
  return { heads, outputs, cut: cutBelow(Object.values(outputs), new Set(images), still) };
}

function headFeeds(heads: readonly ParamSpec[], weights: Weights): Tensors {
  return Object.fromEntries(
    heads.map(({ name, shape }) => [name, new Tensor("float32", weights.get(name)!, [...shape])]),
  );
}
