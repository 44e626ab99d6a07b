// From many images to their predictions, a batch of crops at a time, so that memory does not grow with them: images that could not
// be read, or that showed nothing, are reported with the answers. Photos may be drawn with what was found in them.
import { basename, extname, join } from "node:path";
import { AppError, Interrupted } from "../core/errors.ts";
import { startProgress } from "../core/progress.ts";
import type { FinderOptions } from "../find/open.ts";
import { mapOrdered } from "../machine/pool.ts";
import type { AskedModality, Predictor } from "./predictor.ts";
import { type PhotoPrediction, type PreparedCrop, predictPrepared } from "./prepare.ts";
import { type CropThreads, openCropThreads } from "./threads.ts";

/** Predictions, the photos in which nothing was found, and the files that could not be read. */
export interface PredictedImages {
  readonly rows: readonly PhotoPrediction[];
  readonly notFound: readonly string[];
  /** Messages about files without a picture that can be read. */
  readonly unread: readonly string[];
}

/** How images become crops; the detectors' options are those of openFinder. */
export interface FilesOptions extends Omit<FinderOptions, "modalities"> {
  readonly modality: AskedModality;
  /** True for photos, in which faces and hands are found first. */
  readonly detect?: boolean | undefined;
  /** Folder for photos with what was found drawn in. */
  readonly pictures?: string | undefined;
  readonly signal: AbortSignal;
  /** Called with what was passed over. */
  readonly report: (text: string) => void;
  /** What makes the crops and stays open for more images; else it is opened, and closed, by each call. */
  readonly crops?: CropThreads | undefined;
}

/** More images a call of the model hardly make one cheaper. */
const MOST_IMAGES = 32;

/** Images a call of the model for so many of them: batches are equally full, as a last one is padded. */
export function batchOf(images: number): number {
  return Math.max(1, Math.ceil(images / Math.ceil(images / MOST_IMAGES)));
}

/**
 * Reads all images, finds and cuts what is in photos, or checks whether crops are crops, and predicts.
 *
 * @param images - paths
 * @param predictor - opened for batches of `batchOf` their number; it stays open
 * @throws AppError("data", "NO_FACE" | "NO_HAND" | "NO_FACE_OR_HAND") if no image has any; as decodeImage if none can be read
 */
export async function predictFiles(
  images: readonly string[],
  predictor: Predictor,
  options: FilesOptions,
): Promise<PredictedImages> {
  const { detect = false, modality, pictures, signal, report } = options;
  const { faceModel, handModel, handCrop, threads: most } = options;
  const batch = batchOf(images.length);
  const finding = { faceModel, handModel, handCrop, threads: most };
  const setup = { ...finding, facts: predictor.facts, modality, detect };
  const threads = options.crops ?? openCropThreads(setup, { images: images.length, batch, report });
  const line = startProgress("images", images.length);
  const rows: PhotoPrediction[] = [];
  const crops: PreparedCrop[] = []; // of the next batch
  const predict = async (least: number) => {
    while (crops.length >= least) rows.push(...(await predictPrepared(predictor, crops.splice(0, batch))));
  };
  const [notFound, unread]: [AppError[], AppError[]] = [[], []];
  signal.addEventListener("abort", threads.stop);
  try {
    const names = pictureNames(images);
    const prepare = (image: string, i: number) => {
      if (signal.aborted) throw new Interrupted("Stopped; nothing was predicted");
      const save = pictures === undefined ? undefined : join(pictures, names[i]!);
      return threads.prepare({ name: image, source: image, save }).catch(passedOver);
    };
    for await (const made of mapOrdered(images, threads.ahead, prepare)) {
      if (signal.aborted) throw new Interrupted("Stopped; nothing was predicted");
      if (made instanceof AppError) (isUnread(made) ? unread : notFound).push(made);
      else {
        for (const text of made.reports) report(text);
        crops.push(...made.crops);
      }
      await predict(batch);
      line.tick();
    }
    await predict(1);
    if (rows.length === 0) throw notFound[0] ?? unread[0]!;
    const messages = (all: readonly AppError[]) => all.map(({ message }) => message);
    return { rows, notFound: messages(notFound), unread: messages(unread) };
  } finally {
    signal.removeEventListener("abort", threads.stop);
    line.done();
    if (options.crops === undefined) await threads.close();
  }
}

/** No picture, or nothing that can be read: a link of a folder may lead nowhere, a file be gone or without rights. */
const isUnread = ({ code }: AppError) =>
  code.startsWith("IMAGE_") || code === "FILE_MISSING" || code === "READ_FAILED";

const NOTHING_FOUND = ["NO_FACE", "NO_HAND", "NO_FACE_OR_HAND"];

/** One file of many without a picture, or without a face and hand, is reported with the answers; any other fault ends all. */
function passedOver(error: unknown): AppError {
  if (error instanceof AppError && (isUnread(error) || NOTHING_FOUND.includes(error.code))) return error;
  throw error;
}

/** Names of the drawn photos: those of the files, with a number where two are the same. */
function pictureNames(images: readonly string[]): string[] {
  const taken = new Set<string>();
  return images.map((image) => {
    const stem = basename(image, extname(image));
    for (let n = 1; ; n++) {
      const name = `${stem}${n === 1 ? "" : `-${n}`}.jpg`;
      if (taken.has(name.toLowerCase())) continue;
      taken.add(name.toLowerCase());
      return name;
    }
  });
}
