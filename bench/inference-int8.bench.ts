// Question: how fast are crops predicted by an exported model with int8 weights (`model export --int8`, which computes in float32), beside the checkpoint?
import { openInference } from "./inference.ts";
import { serve } from "./side.ts";
import { VERSIONS } from "./versions.ts";

await serve(VERSIONS, (work) => openInference(work, "int8"));
