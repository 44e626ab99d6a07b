// Question: how long is one forward pass of UMCC in evaluation mode, u8 pixels to logits, beside PyTorch with timm?
import { createSession } from "../src/engine/runtime/open-session.ts";
import { probeBlock } from "../src/engine/runtime/probe.ts";
import { drawnImages, forwardModel, sumOf } from "./forward-model.ts";
import { serve } from "./side.ts";
import { VERSIONS } from "./versions.ts";

await serve(VERSIONS, async (work) => {
  const block = work.lowering === "plain" ? undefined : await probeBlock();
  const session = await createSession(forwardModel(work, { block }), { threads: work.threads });
  const images = drawnImages(work);
  return async () => sumOf(await session.run({ images }));
});
