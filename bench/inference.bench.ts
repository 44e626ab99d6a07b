// Question: how fast are crops predicted from their files, beside PyTorch as an expert sets it up?
import { openInference } from "./inference.ts";
import { serve } from "./side.ts";
import { VERSIONS } from "./versions.ts";

await serve(VERSIONS, (work) => openInference(work));
