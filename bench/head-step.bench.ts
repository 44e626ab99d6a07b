// Question: how long is one training step of the head alone, beside our own forward pass? Freezing should save the rest.
import { serve } from "./side.ts";
import { openStep } from "./steps.ts";
import { VERSIONS } from "./versions.ts";

await serve(VERSIONS, (work) => openStep(work, { headOnly: true }));
