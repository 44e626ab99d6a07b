// Question: how fast are JPEGs of 300 px decoded, augmented and batched, beside torchvision's DataLoader?
// Every epoch decodes every file, on both sides.
import { loaderEpochs } from "./loader.ts";
import { serve } from "./side.ts";
import { VERSIONS } from "./versions.ts";

await serve(VERSIONS, (work) => loaderEpochs(work, 0));
