// ◇ Browser-safe. The predictor: facts and weights become one graph with the weights folded in, the same everywhere.
// The caller brings the ONNX Runtime session; pixels are resized by pixels/pixels as in training.
// Its output is the probability of the label "male" as recorded in the training data, not a person's identity.
import { AppError, unexpected } from "../core/errors.ts";
import { Handle } from "../core/handle.ts";
import { MODALITIES, type Modality } from "../core/words.ts";
import { sizeOf, type Value } from "../engine/graph.ts";
import { emitGraph } from "../engine/lower/emit.ts";
import type { Provider } from "../engine/lower/writer.ts";
import { constant, imageToTensor, input, softmax } from "../engine/ops.ts";
import { Declarations, type ParamSpec, type Weights } from "../engine/params.ts";
import { type Session, Tensor, type Tensors } from "../engine/runtime/session.ts";
import { probabilityOf } from "../evaluate/metrics/binary.ts";
import { type ModelFacts, modelGraph } from "../models/facts.ts";
import type { ClassTarget, TargetFacts } from "../models/targets.ts";
import { checkImage, type RgbImage, resizeBilinear } from "../pixels/pixels.ts";

/** A model, and what to run it with. */
export interface PredictorOptions {
  readonly facts: ModelFacts;
  readonly weights: Weights;
  /** Loads a model: engine/runtime/ort-node's createSession, or a browser's. */
  readonly createSession: (model: Uint8Array) => Promise<Session>;
  /** Images a call of the graph; fewer are padded. Default 1. */
  readonly batchSize?: number | undefined;
  readonly provider?: Provider | undefined;
}

/** What the model predicts of one image. */
export interface ImagePrediction {
  /** Probability of male as recorded in the training labels. */
  readonly probability: number;
  /** Log-odds of the same. */
  readonly logit: number;
  /** What the model was given (UMCC F1), its gate preferred, or whose head was asked for (MAG); null for UMCC F0. */
  readonly modalityUsed: Modality | null;
  /** What MAG's gate gives the hand head (1 minus the face head's), whether it decided or not; null without a gate. */
  readonly gateHand: number | null;
  /** MAG: whose log-odds these are, those mixed by the gate or those of the head that was asked for; absent without a gate. */
  readonly head?: Modality | typeof GATED | undefined;
  /** Of several seeds together: the probability by each, in order; absent for one model. */
  readonly members?: readonly number[] | undefined;
  /** Probability of each class of the model's further targets, as recorded in the training data; absent without any. */
  readonly classes?: Readonly<Partial<Record<ClassTarget, Readonly<Record<string, number>>>>> | undefined;
}

/**
 * `auto` lets MAG's gate decide and is refused by UMCC F1, which needs a modality; hand or face takes that head of MAG
 * alone, and is refused by UMCC F0, which has no use for it.
 */
export type AskedModality = Modality | "auto";
const ASKED: readonly string[] = [...MODALITIES, "auto"];

/** `head` of what MAG's gate decided. */
export const GATED = "gated";

/**
 * What a model is asked about an image of a known modality where its figures are computed: UMCC F1 is given the
 * modality, the others see the image alone, so that MAG answers by its gate.
 */
export function askedOf(
  { arch, flag }: Pick<ModelFacts, "arch" | "flag">,
  modality: Modality,
): AskedModality {
  return arch === "umcc" && flag ? modality : "auto";
}

/** A loaded model; close it when done. */
export interface Predictor {
  readonly facts: ModelFacts;
  /**
   * @param images - one prediction each, in order; any size, RGB
   * @throws AppError("input", "NOT_AN_IMAGE" | "MODALITY_REQUIRED" | "MODALITY_UNUSED"), AppError("input", "RELEASED") once
   *   it was closed
   */
  predict(images: readonly RgbImage[], modality: AskedModality): Promise<ImagePrediction[]>;
  /**
   * @param pixels - u8 [n, S, S, 3], already of the model's size; `modalities` has n entries
   * @throws as predict, and AppError("input", "PIXELS")
   */
  predictPixels(pixels: Uint8Array, modalities: readonly AskedModality[]): Promise<ImagePrediction[]>;
  /** Frees the model when predictions under way have ended; a second call does no harm. */
  close(): Promise<void>;
}

/**
 * Builds the evaluation graph of a checkpoint and loads it.
 *
 * @throws AppError("data", "WEIGHTS_INCOMPLETE") if a tensor of the architecture is missing or of another size,
 *   AppError("input", "BATCH_SIZE")
 * @example const predictor = await openPredictor({ facts, weights, createSession })
 */
export async function openPredictor(options: PredictorOptions): Promise<Predictor> {
  const { facts, batchSize = 1, createSession, provider = "cpu" } = options;
  checkBatchSize(batchSize);
  const { model, inputs } = emitGraph({ outputs: evaluationGraph(options, batchSize), provider });
  const needsFlag = inputs.some(({ name }) => name === "flag");
  return sessionPredictor(await createSession(model), { facts, batchSize, needsFlag });
}

/**
 * A predictor over a graph that is loaded already, such as an exported file; it owns the session from then on.
 *
 * @param options - `batchSize` is that of the graph, any for one of free batches; `needsFlag` if it has the input `flag`
 * @throws AppError("input", "BATCH_SIZE")
 */
export function sessionPredictor(session: Session, options: FeedOptions): Predictor {
  const { facts, batchSize, needsFlag } = options;
  checkBatchSize(batchSize);
  const size = facts.pixels.sizePx;
  const bytes = size * size * 3;
  const handle = new Handle("predictor", () => session.release());
  const predictAll = async (pixels: Uint8Array, modalities: readonly AskedModality[]) => {
    checkAsked(modalities, facts);
    const all: ImagePrediction[] = [];
    for (let start = 0; start < modalities.length; start += batchSize) {
      const asked = modalities.slice(start, start + batchSize);
      checkPixels(pixels, modalities.length * bytes); // each time: other code runs between batches
      const part = pixels.subarray(start * bytes, (start + asked.length) * bytes);
      const feeds = feed(part, asked, { facts, batchSize, needsFlag });
      all.push(...read(await session.run(feeds), asked, facts));
    }
    return all;
  };
  return {
    facts,
    predictPixels: (pixels, modalities) =>
      handle.use(() => {
        checkPixels(pixels, modalities.length * bytes);
        return predictAll(pixels, modalities);
      }),
    predict: (images, modality) =>
      handle.use(() => {
        const asked = images.map(() => modality);
        checkAsked(asked, facts);
        const pixels = new Uint8Array(images.length * bytes);
        images.forEach((image, i) => {
          checkImage(image);
          pixels.set(resizeBilinear(image, size, size).data, i * bytes);
        });
        return predictAll(pixels, asked);
      }),
    close: () => handle.release(),
  };
}

function checkBatchSize(batchSize: number): void {
  if (Number.isSafeInteger(batchSize) && batchSize >= 1) return;
  const e = { code: "BATCH_SIZE", expected: "an integer from 1 on", name: "the batch size", got: batchSize };
  throw unexpected("input", e);
}

function checkPixels(pixels: Uint8Array, bytes: number): void {
  const kind = Object.prototype.toString.call(pixels);
  if (kind === "[object Uint8Array]" && pixels.length === bytes) return;
  const got = kind === "[object Uint8Array]" ? pixels.length : kind;
  throw unexpected("input", { code: "PIXELS", expected: `${bytes} bytes`, name: "the pixels", got });
}

/** The input of the evaluation graph: u8 [n, S, S, 3]. */
export function imagesInput({ pixels: { sizePx } }: ModelFacts, n: number): Value {
  return input("images", [n, sizePx, sizePx, 3], "uint8");
}

/** What stands in the graph for a parameter, and for the images. */
export interface GraphInputs {
  readonly images: Value;
  readonly resolve: (spec: ParamSpec) => Value;
}

/**
 * The symbolic graph from `images` (u8 [n, S, S, 3]) and, where the model takes it, `flag` ([n, 2]) to its outputs:
 * `logits` [n], MAG's `gate` and `heads` [n, 2], and the probabilities of further targets' classes under their names, [n, K].
 *
 * @param inputs - default: the stored values of parameters as constants
 * @throws AppError("data", "WEIGHTS_INCOMPLETE") as openPredictor
 */
export function evaluationGraph(
  { facts, weights }: Pick<PredictorOptions, "facts" | "weights">,
  n: number,
  inputs: Partial<GraphInputs> = {},
) {
  const { images = imagesInput(facts, n) } = inputs;
  const { resolve = (spec: ParamSpec) => constant(storedValues(weights, spec), spec.shape) } = inputs;
  const { mean, std } = facts.pixels;
  const made = modelGraph(facts)(new Declarations({ mode: "eval", resolve }), {
    pixels: imageToTensor(images, mean, std),
    flag: input("flag", [n, 2]),
  });
  const classes = Object.entries(made.targets ?? {}).map(
    ([name, scores]) => [name, softmax(scores)] as const,
  );
  return {
    logits: made.logits,
    ...(made.gate === undefined ? {} : { gate: made.gate }),
    ...(made.heads === undefined ? {} : { heads: made.heads }),
    ...(Object.fromEntries(classes) as Partial<Record<ClassTarget, Value>>),
  };
}

/** @throws AppError("data", "WEIGHTS_INCOMPLETE") as openPredictor */
export function storedValues(weights: Weights, { name, shape }: ParamSpec): Float32Array {
  const data = weights.get(name);
  const values = sizeOf(shape);
  if (data?.length === values) return data;
  const expected = `${values} values [${shape.join(", ")}]`;
  throw unexpected("data", { code: "WEIGHTS_INCOMPLETE", expected, name, got: data?.length });
}

/** What a graph takes. */
export interface FeedOptions {
  readonly facts: ModelFacts;
  readonly batchSize: number;
  readonly needsFlag: boolean;
}

function feed(pixels: Uint8Array, asked: readonly AskedModality[], options: FeedOptions): Tensors {
  const { facts, batchSize, needsFlag } = options;
  const { sizePx } = facts.pixels;
  const images = new Uint8Array(batchSize * sizePx * sizePx * 3);
  images.set(pixels);
  const feeds: Record<string, Tensor> = {
    images: new Tensor("uint8", images, [batchSize, sizePx, sizePx, 3]),
  };
  if (needsFlag) feeds["flag"] = new Tensor("float32", flags(asked, batchSize), [batchSize, 2]);
  return feeds;
}

/**
 * Refuses what a model cannot use: a modality that is needed and missing, or given without effect.
 *
 * @throws AppError("input", "MODALITY" | "MODALITY_REQUIRED" | "MODALITY_UNUSED")
 */
export function checkAsked(asked: readonly AskedModality[], { arch, flag }: ModelFacts): void {
  const unknown = asked.find((modality) => !ASKED.includes(modality));
  if (unknown !== undefined) {
    const e = { code: "MODALITY", expected: ASKED.join(", "), name: "the modality", got: unknown };
    throw unexpected("input", e);
  }
  if (arch === "mag") return;
  const given = asked.find((modality) => modality !== "auto");
  if (flag && asked.includes("auto")) {
    throw new AppError("input", "MODALITY_REQUIRED", "Expected hand or face for --modality, got auto", {
      hint: "this model takes the modality as an input: say `--modality hand` or `--modality face`",
    });
  }
  if (flag || given === undefined) return;
  throw new AppError("input", "MODALITY_UNUSED", `Expected auto for --modality, got ${given}`, {
    hint: "this model (UMCC F0) sees the image alone: leave --modality out",
  });
}

/** One-hot rows, hand first; `asked` as checkAsked lets it pass. */
export function flags(asked: readonly AskedModality[], rows: number): Float32Array {
  const flag = new Float32Array(rows * MODALITIES.length);
  asked.forEach((modality, i) => {
    if (modality !== "auto") flag[i * MODALITIES.length + MODALITIES.indexOf(modality)] = 1;
  });
  return flag;
}

/** The predictions of a graph's outputs for its first images. */
export function read(
  results: Record<string, Tensor>,
  asked: readonly AskedModality[],
  facts: ModelFacts,
): ImagePrediction[] {
  return asked.map((modality, i) => {
    const { logit, ...how } = readSex(results, i, modality);
    const answer = { logit, probability: probabilityOf(logit), ...how };
    return facts.targets === undefined
      ? answer
      : { ...answer, classes: readClasses(results, i, facts.targets) };
  });
}

/** The log-odds, of the head that was asked for if one was, and how they came about. */
function readSex(results: Record<string, Tensor>, row: number, asked: AskedModality) {
  const values = (name: string) => results[name]?.data as Float32Array | undefined;
  const logit = values("logits")![row]!;
  const gateHand = values("gate")?.[2 * row] ?? null;
  if (gateHand === null) return { logit, modalityUsed: asked === "auto" ? null : asked, gateHand };
  if (asked === "auto") return { logit, modalityUsed: preferred(gateHand), gateHand, head: GATED } as const;
  const alone = values("heads")![2 * row + MODALITIES.indexOf(asked)]!;
  return { logit: alone, modalityUsed: asked, gateHand, head: asked } as const;
}

/** What a gate takes an image for, by its weight of the hand head. */
export function preferred(gateHand: number): Modality {
  return gateHand >= 0.5 ? "hand" : "face";
}

function readClasses(results: Record<string, Tensor>, row: number, targets: readonly TargetFacts[]) {
  const entries = targets.map(({ name, classes }) => {
    const all = results[name]!.data as Float32Array;
    return [name, Object.fromEntries(classes.map((c, k) => [c, all[row * classes.length + k]!]))] as const;
  });
  return Object.fromEntries(entries);
}
