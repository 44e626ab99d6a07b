// Question: how long is one training step (u8 pixels to updated weights) of UMCC, beside PyTorch with timm?
import { serve } from "./side.ts";
import { openStep } from "./steps.ts";
import { VERSIONS } from "./versions.ts";

await serve(VERSIONS, (work) => openStep(work));
