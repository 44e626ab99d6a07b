// A model as an ONNX file for other programs: standard operators only, batches of any size, BatchNorm folded.
// Invariant: the file itself states what it takes, how pixels are made, and what its output means.
import { SEXES } from "../core/vocabulary.ts";
import { emitGraph, OPSET } from "../engine/lower/emit.ts";
import { activation } from "../engine/ops.ts";
import type { Weights } from "../engine/params.ts";
import { decodeModel, encodeModel } from "../formats/onnx.ts";
import type { ModelFacts } from "../models/facts.ts";
import { compressWeights, type Precision } from "../models/files/compress.ts";
import { evaluationGraph } from "./predictor.ts";

/** An exported model. */
export interface ExportedModel {
  readonly bytes: Uint8Array;
  readonly opset: number;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Number of ONNX nodes. */
  readonly nodes: number;
  readonly metadata: Readonly<Record<string, string>>;
}

const BATCH = "batch";

/**
 * Exports a model as ONNX.
 *
 * Inputs: `images`, u8 [batch, S, S, 3], RGB of the recipe's size; `flag`, f32 [batch, 2], hand = [1, 0] and
 * face = [0, 1], for UMCC with the flag on. Outputs: `logits` and `probability`, [batch]; `gate` and `heads`, [batch,
 * 2], of MAG; for each further target the probabilities of its classes under its name, [batch, K].
 *
 * @param precision - how the large weights are stored; see compressWeights
 * @throws AppError("data", "WEIGHTS_INCOMPLETE") if a tensor of the architecture is missing or of another size
 * @example await writeAtomic("model.onnx", exportOnnx(await loadModel("runs/a")).bytes)
 */
export function exportOnnx(
  model: { readonly facts: ModelFacts; readonly weights: Weights },
  precision: Precision = "float32",
): ExportedModel {
  const graph = evaluationGraph(model, 1);
  const metadata = { ...describe(model.facts), ...(precision === "float32" ? {} : { weights: precision }) };
  const { model: bytes, ...emitted } = emitGraph({
    outputs: { ...graph, probability: activation("sigmoid", graph.logits) },
    provider: "webgpu", // the provider without operators of ONNX Runtime's own
    portable: { batch: BATCH },
    metadata,
  });
  const small = precision === "float32" ? undefined : compressWeights(decodeModel(bytes), precision);
  return {
    bytes: small === undefined ? bytes : encodeModel(small),
    opset: OPSET,
    inputs: emitted.inputs.map(({ name }) => name),
    outputs: emitted.outputs.map(({ name }) => name),
    nodes: small?.graph.nodes.length ?? emitted.nodes,
    metadata,
  };
}

function describe(facts: ModelFacts): Record<string, string> {
  const { arch, tag, pixels, threshold, output, targets } = facts;
  return {
    arch,
    tag,
    labels: JSON.stringify(SEXES),
    output,
    threshold: String(threshold),
    recipe: JSON.stringify({
      input: "RGB u8, whole crop resized as Pillow's BILINEAR does (before 13: rows, then columns)",
      ...pixels,
    }),
    ...(targets === undefined ? {} : { targets: JSON.stringify(targets) }),
    facehand: JSON.stringify(facts),
  };
}
