// Frames side by side: in threads where there are enough of them to pay for a thread's models, else in this one.
// Source: our own. Invariant: the same results either way.
import { WorkerPool } from "../../machine/pool.ts";
import type { FrameResult } from "./journal.ts";
import { DERIVE_THREADS, type DeriveOptions } from "./options.ts";
import { type Tools, workFrame } from "./work.ts";
import type { ThreadRequest, ThreadSetup } from "./worker.ts";

/** Frames that take about as long as a thread needs to load its models. */
const FRAMES_PER_THREAD = 64;

/** What works on frames. */
export interface FrameThreads {
  work(task: ThreadRequest): Promise<FrameResult>;
  close(): Promise<void>;
}

/**
 * Opens threads for that many frames.
 *
 * @param tools - for this thread, if no other is worth it
 * @returns to be closed by the caller when nothing is under way
 */
export function openThreads(options: DeriveOptions, tools: Tools, frames: number): FrameThreads {
  const { threads = DERIVE_THREADS, framesPerThread = FRAMES_PER_THREAD } = options;
  const size = Math.min(threads, Math.floor(frames / framesPerThread));
  if (size < 2) {
    return { work: ({ frame, repeated }) => workFrame(frame, repeated, tools), close: async () => {} };
  }
  const { faceModel, faceLandmarksFile } = options;
  const { limits, layout, recipe } = tools;
  const faces = {
    faceModel,
    faceLandmarksFile,
  };
  const setup: ThreadSetup = { faces, handCrop: tools.hands.crop, limits, layout, recipe };
  const entry = new URL("./worker", import.meta.url);
  const pool = new WorkerPool<ThreadRequest, FrameResult, ThreadSetup>(entry, size, setup);
  return { work: (task) => pool.run(task), close: () => pool.close() };
}
