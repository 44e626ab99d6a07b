// Question: how long is one training step (u8 pixels to updated weights) of UMCC in a page, beside Node's by the same lowering?
import { servePage } from "./page-side.ts";

await servePage("openStep");
