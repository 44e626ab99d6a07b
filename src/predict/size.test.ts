// What a page loads of facehand/predict as it is built, minified and compressed, beside ONNX Runtime and weights. A bundler takes what
// is used: who predicts crops loads nothing of what finds faces and hands.
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { describe, expect, it } from "vitest";

const BUILT = fileURLToPath(new URL("../../dist/predict/index.js", import.meta.url));

describe("facehand/predict", () => {
  it.each([
    [33, "a predictor of crops", "{ openPredictor, openCheckpoint, resizeBilinear }"],
    [60, "all of it", "*"],
  ])("takes at most %i KB gzip: %s", async (most, _, used) => {
    const { outputFiles } = await build({
      stdin: { contents: `export ${used} from ${JSON.stringify(BUILT)}`, resolveDir: "." },
      ...{ bundle: true, minify: true, format: "esm", platform: "browser", write: false, logLevel: "silent" },
    });
    const bytes = gzipSync(outputFiles[0]!.contents, { level: 9 }).length;
    expect(bytes, `${bytes} bytes`).toBeGreaterThan(20_000); // it is there
    expect(bytes, `${bytes} bytes`).toBeLessThanOrEqual(most * 1000);
  });
});
