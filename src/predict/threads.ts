// Images that become crops while the model predicts others: in threads where there are enough of them to pay for a thread's
// detectors, else in this one. Why threads: a session blocks the thread that runs it, and computes on all cores only while it runs.
// Invariants: the same crops either way; what lies ready is bounded by `ahead`.
import { availableParallelism } from "node:os";
import { AppError } from "../core/errors.ts";
import { MODALITIES } from "../core/words.ts";
import type { FinderOptions } from "../find/open.ts";
import { WorkerPool } from "../machine/pool.ts";
import { Pictures } from "../pixels/fast/pictures.ts";
import { type GivenImage, lateFinder, prepareImage } from "./photo.ts";
import { type Asking, type PreparedCrop, sought } from "./prepare.ts";

/** How images become crops, as it can be sent to a thread. */
export interface CropSetup
  extends Pick<Asking, "facts" | "modality" | "detect">,
    Omit<FinderOptions, "modalities"> {}

/** What a thread is started with. */
export interface ThreadSetup {
  readonly crops: CropSetup;
  /** One Int32: no image is begun once it is not 0. */
  readonly stopped: SharedArrayBuffer;
}

/** What a thread answers. */
export interface ThreadCrops {
  readonly crops: readonly PreparedCrop[];
  /** What was passed over, to be reported when it is the image's turn. */
  readonly reports: readonly string[];
}

/** What makes crops. */
export interface CropThreads {
  /** Images to ask for before the first is waited for: threads have work while the model is at those that it took. */
  readonly ahead: number;
  /** @throws as prepareImage, and what that returns where nothing was found */
  prepare(given: GivenImage): Promise<ThreadCrops>;
  /** Begins none of the images that were asked for; their answers mean nothing. */
  stop(): void;
  close(): Promise<void>;
}

/** Images that take about twice as long as a thread needs to start and to load its detectors. */
const IMAGES_PER_THREAD = 128;
/** Each has detectors of its own, 60 to 80 MB. */
const MOST_THREADS = 8;

/**
 * Threads that make crops of that many images beside the model; 0 where this one does it.
 *
 * @param threads - of the model; a single one is all that is to compute
 */
export function cropThreads(images: number, threads = availableParallelism()): number {
  return threads < 2 ? 0 : Math.min(threads, MOST_THREADS, Math.floor(images / IMAGES_PER_THREAD));
}

/** What there is to do. */
export interface CropWork {
  readonly images: number;
  /** Images that the model takes at once. */
  readonly batch: number;
  /** Called with what was passed over in this thread. */
  readonly report: (text: string) => void;
}

/**
 * Opens what makes crops.
 *
 * @returns to be closed by the caller when nothing is under way
 */
export function openCropThreads(setup: CropSetup, { images, batch, report }: CropWork): CropThreads {
  const size = cropThreads(images, setup.threads);
  if (size === 0) {
    const { prepare, close } = cropMaker(setup);
    const made = async (given: GivenImage) => ({ crops: await prepare(given, report), reports: [] });
    return { ahead: 1, prepare: made, stop: () => undefined, close };
  }
  const stopped = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
  const data: ThreadSetup = { crops: { ...setup, threads: 1 }, stopped };
  const entry = new URL("./worker", import.meta.url);
  const pool = new WorkerPool<GivenImage, ThreadCrops, ThreadSetup>(entry, size, data);
  return {
    ahead: 2 * batch + size,
    prepare: (given) => pool.run(given),
    stop: () => void Atomics.store(new Int32Array(stopped), 0, 1),
    close: () => pool.close(),
  };
}

/** Makes crops one after the other, in this thread. */
export function cropMaker(setup: CropSetup) {
  const { modality, detect } = setup;
  const finder = lateFinder({ ...setup, modalities: detect ? sought(modality) : MODALITIES });
  const memory = new Pictures();
  return {
    prepare: async (given: GivenImage, report: (text: string) => void) => {
      const made = await prepareImage(finder.open, given, { ...setup, memory, report });
      if (made instanceof AppError) throw made;
      return made;
    },
    close: finder.close,
  };
}
