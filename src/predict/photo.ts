// From one photo on disk to its predictions, with the detectors and decoders of this machine.
// Invariant: what is found, cut and predicted is decided by prepare.ts, as in a page.
import { AppError } from "../core/errors.ts";
import { MODALITIES } from "../core/words.ts";
import type { Finder } from "../find/find.ts";
import { type FinderOptions, openFinder } from "../find/open.ts";
import { readBytes, writeAtomic } from "../machine/files.ts";
import { decodeImage, encodeJpeg } from "../pixels/image.ts";
import { drawFound } from "./draw-found.ts";
import type { AskedModality, Predictor } from "./predictor.ts";
import {
  type Asking,
  type PhotoPrediction,
  type PreparedCrop,
  predictPrepared,
  prepareCrops,
  sought,
} from "./prepare.ts";

/** An image as it is given. */
export interface GivenImage {
  /** What messages and answers call it. */
  readonly name: string;
  /** A path, or the bytes of a whole file. */
  readonly source: string | Uint8Array;
  /** Where a photo is drawn to, with what was found in it. */
  readonly save?: string | undefined;
}

/** Options of predictPhoto. */
export interface PhotoOptions {
  /** Of openLocalPredictor, openEnsemble or openPredictor; it stays open. */
  readonly model: Predictor;
  /** Finds the face and the hand first; default true. False for what is a crop already. */
  readonly detect?: boolean | undefined;
  /** What is searched for, and predicted; default `auto`: a face and a hand, and MAG's gate decides. */
  readonly modality?: AskedModality | undefined;
  /** Detectors that stay open for more photos, of openFinder; else they are opened and closed by each call. */
  readonly finder?: Finder | undefined;
  /** Called with the number of faces or hands, if more than one. */
  readonly report?: ((text: string) => void) | undefined;
}

/**
 * Predicts one photo: finds the largest face and the largest hand, cuts them as derived datasets are cut, and asks the model.
 *
 * @param photo - a path, or the bytes of a whole file
 * @returns one prediction for each of hand and face that was found; of a crop, one
 * @throws AppError("data", "NO_FACE" | "NO_HAND" | "NO_FACE_OR_HAND") if there is none, and as decodeImage
 * @throws AppError("input", "MODALITY_REQUIRED") for a crop, if the model needs the modality and it is not given
 * @example await predictPhoto("photo.jpg", { model: await openLocalPredictor("runs/mag") })
 */
export async function predictPhoto(
  photo: string | Uint8Array,
  { model, detect = true, modality = "auto", finder, report = () => undefined }: PhotoOptions,
): Promise<PhotoPrediction[]> {
  const own = lateFinder({ modalities: detect ? sought(modality) : MODALITIES });
  const open = finder === undefined ? own.open : async () => finder;
  try {
    const given = { name: typeof photo === "string" ? photo : "the photo", source: photo };
    const asking = { facts: model.facts, modality, detect, report };
    const crops = await prepareImage(open, given, asking);
    if (crops instanceof AppError) throw crops;
    return await predictPrepared(model, crops);
  } finally {
    await own.close();
  }
}

/** A finder that is opened when it is first asked for: to load its models takes longer than to predict a small crop. */
export function lateFinder(options: FinderOptions): {
  readonly open: () => Promise<Finder>;
  readonly close: () => Promise<void>;
} {
  let finder: Promise<Finder> | undefined;
  return {
    open: () => {
      finder ??= openFinder(options);
      return finder;
    },
    close: async () => (await finder?.catch(() => undefined))?.close(),
  };
}

/**
 * The crops of one image, by `prepareCrops`; a photo may be drawn with what was found in it.
 *
 * @param open - gives a finder; not called for small crops
 * @returns the fault, which the caller throws or counts, where nothing was found
 * @throws as decodeImage
 */
export async function prepareImage(
  open: () => Promise<Finder>,
  { name, source, save }: GivenImage,
  asking: Omit<Asking, "decode">,
): Promise<PreparedCrop[] | AppError> {
  const bytes = typeof source === "string" ? await readBytes(source, "an image") : source;
  const crops = await prepareCrops(open, name, bytes, { ...asking, decode: decodeImage });
  if (save === undefined || !asking.detect) return crops;
  const drawn = await decodeImage(bytes, { name });
  for (const { found } of crops instanceof AppError ? [] : crops)
    if (found !== undefined) drawFound(drawn, found.modality, found.box, found.square);
  await writeAtomic(save, await encodeJpeg(drawn));
  return crops;
}
