// Our side of the derive benchmarks: real frames with annotated landmarks, derived as `facehand derive` does by default.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openDerivation, workFrames } from "../src/derive/run/pipeline.ts";
import { openStage, type Stage } from "../src/derive/run/stage.ts";
import { importTflite } from "../src/engine/tflite/import.ts";
import { encodeModel } from "../src/formats/onnx.ts";
import { readTflite } from "../src/formats/tflite.ts";
import { readBytes } from "../src/machine/files.ts";
import { takeLock } from "../src/machine/lock.ts";
import { framesFolder, hagridOf } from "./derive-frames.ts";
import type { Work } from "./side.ts";

/** Models by what the peer calls them. */
const MODELS = {
  face: "@mediapipe/face_detection/face_detection_full_range.tflite",
  hand: "@mediapipe/hands/hand_landmark_lite.tflite",
} as const;

/** Frames that can be derived again and again. */
export interface DeriveWork {
  /** Works on all frames, from none done to crops and journal on the disk, in a folder of its own. */
  derive(): Promise<{ readonly stage: Stage; readonly frames: number }>;
  /** Takes away what `derive` made. */
  close(): Promise<void>;
}

/** Makes the frames, and the models as ONNX beside them, translated and no more, where the peer finds all of it. */
export async function openDeriveWork(work: Work): Promise<DeriveWork> {
  const hagridDir = await hagridOf(work);
  for (const [name, file] of Object.entries(MODELS)) {
    const model = await readBytes(createRequire(import.meta.url).resolve(file), "a model");
    await writeFile(
      join(framesFolder(work), `${name}.onnx`),
      encodeModel(importTflite(readTflite(model, file))),
    );
  }
  const root = await mkdtemp(join(tmpdir(), "facehand-bench-derived-"));
  const { threads } = work;
  const optionsOf = (name: string) =>
    ({ hagridDir, gestures: "all", outDir: join(root, name), seed: 1, threads }) as const;
  const opened = await openDerivation(optionsOf("pairs"));
  let steps = 0;
  return {
    derive: async () => {
      const options = optionsOf(`pairs-${++steps}`);
      const lock = await takeLock(options.outDir, "the bench's folder");
      const mark = { derivationHash: "bench", basis: "bench", erases: false };
      const stage = await openStage(options.outDir, lock, mark);
      return { stage, frames: await workFrames(options, stage, opened, { from: 0, to: work.batch }) };
    },
    close: () => rm(root, { recursive: true, force: true }),
  };
}
