// Question: how fast are later epochs, whose decoded pictures are cached, beside torchvision's DataLoader, which caches none?
// What training does by default while the pictures fit 1 GiB; the first epoch is that of `loader`, and a warm-up here.
import { CACHE_BYTES } from "../src/dataset/loader/batches.ts";
import { loaderEpochs } from "./loader.ts";
import { serve } from "./side.ts";
import { VERSIONS } from "./versions.ts";

await serve(VERSIONS, (work) => loaderEpochs(work, CACHE_BYTES));
