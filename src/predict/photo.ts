// From one photo to its predictions: the face and the hand are found, cut as derivation cuts them, and predicted. A
// crop is taken as it is, with a note if it seems to be a photo. Source: find/find.ts. Invariant: an answer states what was
// found, and where.
import { AppError } from "../core/errors.ts";
import { MODALITIES, type Modality } from "../core/words.ts";
import { type Finder, type FinderOptions, openFinder } from "../find/find.ts";
import { uncroppedReason } from "../find/uncropped.ts";
import { readBytes, writeAtomic } from "../machine/files.ts";
import type { ModelFacts } from "../models/facts.ts";
import { openPhoto } from "../pixels/fast/open-photo.ts";
import { type Photo, withPicture } from "../pixels/fast/pictures.ts";
import type { Box } from "../pixels/geometry.ts";
import { decodeImage, encodeJpeg } from "../pixels/image.ts";
import { drawFound } from "./draw-found.ts";
import { type AskedCrop, type CropPrediction, predictCrops, shrinkCrop } from "./predict.ts";
import { type AskedModality, askedOf, GATED, type Predictor, preferred } from "./predictor.ts";

/** What a detector cut out of a photo, and where. */
export interface Found {
  readonly modality: Modality;
  readonly box: Box<"px">;
}

/** A crop that was cut out of a photo, or given as one. */
export interface PreparedCrop extends AskedCrop {
  /** What was cut out of a photo, and where. */
  readonly found?: Found | undefined;
  /** Why it seems to be a photo that was not cropped. */
  readonly uncropped?: string | undefined;
}

/** What a model predicts of a photo, and from which part of it. */
export interface PhotoPrediction extends CropPrediction {
  /** What the detector found; the model need not agree. */
  readonly found?: Modality | undefined;
  /** x, y, width, height in px of the photo. */
  readonly box?: Box<"px"> | undefined;
  /** Why it seems to be a photo that was not cropped. */
  readonly uncropped?: string | undefined;
  /** The gate takes the image for something else than was found or asked for. */
  readonly warning?: string | undefined;
}

/** What is asked of images. */
export interface Asking {
  readonly facts: ModelFacts;
  readonly modality: AskedModality;
  /** True for photos, in which faces and hands are found first. */
  readonly detect: boolean;
  /** Called with what was passed over. */
  readonly report: (text: string) => void;
}

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
    const crops = await prepareImage(open, given, { facts: model.facts, modality, detect, report });
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

/** The modalities that are searched for. */
export function sought(modality: AskedModality): readonly Modality[] {
  return modality === "auto" ? MODALITIES : [modality];
}

/**
 * The crops of one image: what is found in a photo, or the image itself.
 *
 * @param open - gives a finder; not called for small crops
 * @returns the fault, which the caller throws or counts, where nothing was found
 * @throws as decodeImage
 */
export async function prepareImage(
  open: () => Promise<Finder>,
  image: GivenImage,
  asking: Asking,
): Promise<PreparedCrop[] | AppError> {
  return asking.detect ? findAll(await open(), image, asking) : asCrop(open, image, asking);
}

/** The model's answers, in the order of the crops, each with what was found. */
export async function predictPrepared(
  model: Predictor,
  crops: readonly PreparedCrop[],
): Promise<PhotoPrediction[]> {
  return (await predictCrops(model, crops)).map((answer, i) => answerOf(answer, crops[i]!));
}

/** Sources whose pictures are taken as they are, whatever their sides. */
const OBLONG = ["hands11k", "utkface", "fairface"];

async function asCrop(
  open: () => Promise<Finder>,
  { name, source }: GivenImage,
  { facts, modality }: Asking,
): Promise<PreparedCrop[]> {
  const picture = await decodeImage(source, { name });
  const mayBeOblong = facts.trainedOn.some(({ kind }) => OBLONG.includes(kind));
  const uncropped = await uncroppedReason(open, picture, mayBeOblong);
  const pixels = shrinkCrop(picture, facts.pixels.sizePx);
  return [{ image: name, pixels, asked: modality, uncropped }];
}

/** As derivation decodes frames, so that its crops come out. */
async function findAll(
  finder: Finder,
  { name, source, save }: GivenImage,
  asking: Asking,
): Promise<PreparedCrop[] | AppError> {
  const bytes = typeof source === "string" ? await readBytes(source, "an image") : source;
  const photo = await openPhoto(finder.pictures, bytes, { name });
  const drawn = save === undefined ? undefined : withPicture(photo, (picture) => picture.copy());
  const wanted = sought(asking.modality);
  const all: PreparedCrop[] = [];
  for (const modality of wanted) {
    const hit = await finder.find(photo, modality);
    if (hit === undefined) continue;
    const { crop, box, square, among } = hit;
    if (among > 1) asking.report(`${name}: ${among} ${modality}s found, the largest is used`);
    const pixels = shrinkCrop(crop, asking.facts.pixels.sizePx);
    all.push({ image: name, pixels, asked: askedOfFound(asking, modality), found: { modality, box } });
    if (drawn !== undefined) drawFound(drawn, modality, box, square);
  }
  if (drawn !== undefined) await writeAtomic(save!, await encodeJpeg(drawn));
  return all.length > 0 ? all : notFoundIn(name, photo, wanted);
}

/** UMCC F1 is given what was found; MAG answers by its gate unless one of its heads was asked for. */
function askedOfFound({ facts, modality }: Asking, found: Modality): AskedModality {
  return facts.arch === "mag" ? modality : askedOf(facts, found);
}

function notFoundIn(image: string, photo: Photo, wanted: readonly Modality[]): AppError {
  const what = wanted.join(" or ");
  const code = wanted.length > 1 ? "NO_FACE_OR_HAND" : wanted[0] === "face" ? "NO_FACE" : "NO_HAND";
  const size = `${photo.width} x ${photo.height} px`;
  const message = `Expected a ${what} in ${image}, got none that can be used in its ${size}`;
  const other = wanted.map((modality) => `--${modality}-model`).join(" or ");
  const hint = `a photo where it is larger, another detector by ${other}, or a crop without --detect`;
  return new AppError("data", code, message, { hint });
}

/** A prediction with what was found of its image, and a warning if the gate contradicts that. */
function answerOf(prediction: CropPrediction, { asked, found, uncropped }: PreparedCrop): PhotoPrediction {
  const row = {
    ...prediction,
    ...(found && { found: found.modality, box: found.box }),
    ...(uncropped === undefined ? {} : { uncropped }),
  };
  const { image, gateHand, head } = prediction;
  const known = found?.modality ?? (asked === "auto" ? undefined : asked);
  if (gateHand === null || known === undefined || preferred(gateHand) === known) return row;
  const source = found === undefined ? `--modality ${known} was given` : `a ${known} was found`;
  const decided = head === GATED ? "the gate" : `the ${known} head, as asked for,`;
  const gate = `the gate takes it for a ${preferred(gateHand)} (weight of the hand head ${gateHand.toFixed(3)})`;
  return { ...row, warning: `Warning: ${image}: ${source}, but ${gate}; ${decided} decided` };
}
