// Versions of our side: the package and the runtime under it.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const read = (path: string | URL) => (JSON.parse(readFileSync(path, "utf8")) as { version: string }).version;

export const VERSIONS = {
  facehand: read(new URL("../package.json", import.meta.url)),
  "onnxruntime-node": read(createRequire(import.meta.url).resolve("onnxruntime-node/package.json")),
} as const;
