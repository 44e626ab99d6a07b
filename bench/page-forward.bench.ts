// Question: how long is one forward pass of UMCC in a page, on WebAssembly in Chromium, beside Node on the same machine?
import { servePage } from "./page-side.ts";

await servePage("openForward");
