// Question: how long does deriving a frame take (read, decode, find, cut, measure, write), beside Python's libraries?
// One step is `batch` real frames with a short side of `size` px, models loaded; both sides are tied to `threads`
// cores. The peer (peer/derive.py) measures nothing and keeps no journal. Hands are cut by their boxes on both sides.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readBytes } from "../src/core/files.ts";
import { openDerivation, workFrames } from "../src/derive/pipeline.ts";
import { openStage } from "../src/derive/stage.ts";
import { importTflite } from "../src/engine/import-tflite.ts";
import { encodeModel } from "../src/formats/onnx.ts";
import { readTflite } from "../src/formats/tflite.ts";
import { framesFolder, hagridOf, pin } from "./derive-frames.ts";
import { serve } from "./side.ts";
import { VERSIONS } from "./versions.ts";

const DETECTOR = "@mediapipe/face_detection/face_detection_full_range.tflite";

await serve(VERSIONS, async (work) => {
  pin(work.threads);
  const hagridDir = await hagridOf(work);
  const model = await readBytes(createRequire(import.meta.url).resolve(DETECTOR), "the face detector");
  await writeFile(
    join(framesFolder(work), "face.onnx"),
    encodeModel(importTflite(readTflite(model, DETECTOR))),
  );
  const root = await mkdtemp(join(tmpdir(), "facehand-bench-derived-"));
  const options = { hagridDir, gestures: "all", outDir: join(root, "pairs"), seed: 1 } as const;
  const { tools } = await openDerivation({ ...options, handCrop: "box", threads: work.threads });
  process.on("exit", () => void rm(root, { recursive: true, force: true }));
  return async () => {
    const stage = await openStage(options.outDir, "bench");
    const range = { from: 0, to: work.batch };
    const worked = await workFrames({ ...options, threads: work.threads }, stage, tools, range);
    await rm(root, { recursive: true });
    return worked;
  };
});
