// The forward pass that benchmarks run, here and in a page: UMCC in evaluation mode with drawn weights, on drawn images.
import { Random } from "../src/core/random.ts";
import { emitGraph } from "../src/engine/lower/emit.ts";
import { training } from "../src/engine/lower/training.ts";
import type { Provider } from "../src/engine/lower/writer.ts";
import { constant, imageToTensor, input } from "../src/engine/ops.ts";
import { Declarations, initialise } from "../src/engine/params.ts";
import { Tensor, type Tensors } from "../src/engine/runtime/session.ts";
import { backbone } from "../src/models/backbones/registry.ts";
import { umcc } from "../src/models/umcc.ts";
import type { Work } from "./side.ts";

type Network = Pick<Work, "model" | "batch" | "sizePx">;

/**
 * The encoded model, by itself: what it was made of is garbage when ONNX Runtime takes it.
 *
 * @param lowered - block size of the NCHWc lowering, or whose operators the plain one may use
 */
export function forwardModel(
  { model, batch: n, sizePx }: Network,
  lowered: { readonly block?: number | undefined; readonly provider?: Provider },
): Uint8Array {
  const half = [0.5, 0.5, 0.5];
  const random = Random.of(0);
  const scope = new Declarations({
    mode: "eval",
    resolve: (spec) => constant(initialise([spec], random).get(spec.name)!, spec.shape),
  });
  const pixels = imageToTensor(input("images", [n, sizePx, sizePx, 3], "uint8"), half, half);
  const { logits } = umcc({ backbone: backbone(model), flag: false })(scope, { pixels });
  const { block, provider } = lowered;
  return emitGraph({ outputs: { logits }, provider, lowering: training(block) }).model;
}

/** Images for it. */
export function drawnImages({ batch: n, sizePx }: Network): Tensor {
  const random = Random.of(1);
  const pixels = Uint8Array.from({ length: n * sizePx * sizePx * 3 }, () => random.int(256));
  return new Tensor("uint8", pixels, [n, sizePx, sizePx, 3]);
}

/** A number that depends on all that it gave. */
export const sumOf = (made: Tensors): number =>
  (made["logits"]!.data as Float32Array).reduce((a, b) => a + b, 0);
