// Question: how long is one forward pass of UMCC in evaluation mode, u8 pixels to logits, beside PyTorch with timm?
import { Random } from "../src/core/random.ts";
import { emitGraph } from "../src/engine/lower/emit.ts";
import { constant, imageToTensor, input } from "../src/engine/ops.ts";
import { Declarations, initialise } from "../src/engine/params.ts";
import { createSession } from "../src/engine/runtime/open-session.ts";
import { probeBlock } from "../src/engine/runtime/probe.ts";
import { Tensor } from "../src/engine/runtime/session.ts";
import { backbone } from "../src/models/backbones/registry.ts";
import { umcc } from "../src/models/umcc.ts";
import { serve, type Work } from "./side.ts";
import { VERSIONS } from "./versions.ts";

await serve(VERSIONS, async (work) => {
  const { batch: n, sizePx, threads } = work;
  const random = Random.of(0);
  const session = await createSession(await forwardModel(work, random), { threads });
  const shape = [n, sizePx, sizePx, 3];
  const images = Uint8Array.from({ length: n * sizePx * sizePx * 3 }, () => random.int(256));
  const feeds = { images: new Tensor("uint8", images, shape) };
  return async () => {
    const made = await session.run(feeds);
    return (made["logits"]!.data as Float32Array).reduce((a, b) => a + b, 0);
  };
});

/** The encoded model, by itself: what it was made of is garbage when ONNX Runtime takes it. */
async function forwardModel(
  { model, batch: n, sizePx, lowering }: Work,
  random: Random,
): Promise<Uint8Array> {
  const half = [0.5, 0.5, 0.5];
  const scope = new Declarations({
    mode: "eval",
    resolve: (spec) => constant(initialise([spec], random).get(spec.name)!, spec.shape),
  });
  const pixels = imageToTensor(input("images", [n, sizePx, sizePx, 3], "uint8"), half, half);
  const { logits } = umcc({ backbone: backbone(model), flag: false })(scope, { pixels });
  const block = lowering === "plain" ? undefined : await probeBlock();
  return emitGraph({ outputs: { logits }, block }).model;
}
