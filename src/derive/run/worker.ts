// Thread of `workFrames`: judges, cuts and writes the frames that it is sent, with models of its own.
// Why threads: ONNX Runtime computes on the thread that calls it, as resampling and cutting do.
// Invariant: a frame's bytes depend on the frame, the recipe and the source of faces only.
import { parentPort, workerData } from "node:worker_threads";
import { closeAll, openAll } from "../../core/handle.ts";
import { lend } from "../../core/lend.ts";
import type { Layout } from "../../dataset/layout.ts";
import type { ImageRecipe } from "../../dataset/manifest.ts";
import type { HandCrop } from "../../find/hand-source.ts";
import { openHandCutter } from "../../find/open.ts";
import { serveWorker } from "../../machine/pool.ts";
import { Pictures } from "../../pixels/fast/pictures.ts";
import { Scratch } from "../../pixels/fast/scratch.ts";
import type { Frame } from "../hagrid/frame.ts";
import type { FaceLimits } from "../hagrid/pairing.ts";
import { openFaces } from "./faces.ts";
import type { FrameResult } from "./journal.ts";
import type { DeriveOptions } from "./options.ts";
import { workFrame } from "./work.ts";

/** What a thread is started with. */
export interface ThreadSetup {
  readonly faces: Pick<DeriveOptions, "faceModel" | "faceLandmarksFile">;
  readonly handCrop: HandCrop;
  readonly limits: FaceLimits;
  readonly layout: Layout;
  readonly recipe: ImageRecipe;
}

/** One frame of the input; `repeated` if its image id came before. */
export interface ThreadRequest {
  readonly frame: Frame;
  readonly repeated: boolean;
}

if (parentPort !== null) {
  const { faces, handCrop, ...rest } = workerData as ThreadSetup;
  const opening = openAll([openFaces(faces, 1), openHandCutter(handCrop, 1)] as const);
  opening.catch(() => undefined); // reported by the first frame
  const withDesk = lend([{ pictures: new Pictures(), scratch: new Scratch() }]);
  const work = async ({ frame, repeated }: ThreadRequest) => {
    const [source, hands] = await opening;
    return { value: await workFrame(frame, repeated, { ...rest, faces: source, hands, withDesk }) };
  };
  serveWorker<ThreadRequest, FrameResult>(parentPort, work, async () =>
    closeAll(await opening.catch(() => [])),
  );
}
