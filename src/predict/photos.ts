// From many images to their predictions, a batch of crops at a time, so that memory does not grow with them: images that could not
// be read, or that showed nothing, are reported with the answers. Photos may be drawn with what was found in them.
import { basename, extname, join } from "node:path";
import { AppError, Interrupted } from "../core/errors.ts";
import { startProgress } from "../core/progress.ts";
import { MODALITIES } from "../core/words.ts";
import type { FinderOptions } from "../find/open.ts";
import { Pictures } from "../pixels/fast/pictures.ts";
import { lateFinder, prepareImage } from "./photo.ts";
import type { AskedModality, Predictor } from "./predictor.ts";
import { type PhotoPrediction, type PreparedCrop, predictPrepared, sought } from "./prepare.ts";

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
  const { detect = false, modality, pictures, signal } = options;
  const { facts } = predictor;
  const batch = batchOf(images.length);
  const finder = lateFinder({ ...options, modalities: detect ? sought(modality) : MODALITIES });
  const line = startProgress("images", images.length);
  const rows: PhotoPrediction[] = [];
  const crops: PreparedCrop[] = []; // of the next batch
  const memory = new Pictures();
  const predict = async (least: number) => {
    while (crops.length >= least) rows.push(...(await predictPrepared(predictor, crops.splice(0, batch))));
  };
  const [notFound, unread]: [AppError[], AppError[]] = [[], []];
  try {
    const names = pictureNames(images);
    for (const [i, image] of images.entries()) {
      if (signal.aborted) throw new Interrupted("Stopped; nothing was predicted");
      const save = pictures === undefined ? undefined : join(pictures, names[i]!);
      const given = { name: image, source: image, save };
      const found = await prepareImage(finder.open, given, { ...options, facts, detect, memory }).catch(
        unreadable,
      );
      if (found instanceof AppError) (isUnread(found) ? unread : notFound).push(found);
      else crops.push(...found);
      await predict(batch);
      line.tick();
    }
    await predict(1);
    if (rows.length === 0) throw notFound[0] ?? unread[0]!;
    const messages = (all: readonly AppError[]) => all.map(({ message }) => message);
    return { rows, notFound: messages(notFound), unread: messages(unread) };
  } finally {
    line.done();
    await finder.close();
  }
}

/** No picture, or nothing that can be read: a link of a folder may lead nowhere, a file be gone or without rights. */
const isUnread = ({ code }: AppError) =>
  code.startsWith("IMAGE_") || code === "FILE_MISSING" || code === "READ_FAILED";

/** One file of many without a picture is reported with the answers; any other fault ends all. */
function unreadable(error: unknown): AppError {
  if (error instanceof AppError && isUnread(error)) return error;
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
