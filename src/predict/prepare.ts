// ◇ Browser-safe. From the bytes of a photo to its predictions: the face and the hand are found, cut as derivation cuts them,
// and predicted. A crop is taken as it is, with a note if it seems to be a photo. Source: find/find.ts. Invariant: an answer
// states what was found, and where.
import { AppError } from "../core/errors.ts";
import { MODALITIES, type Modality } from "../core/words.ts";
import type { Finder } from "../find/find.ts";
import type { TurnedSquare } from "../find/hand-square.ts";
import { uncroppedReason } from "../find/uncropped.ts";
import type { ModelFacts } from "../models/facts.ts";
import { type Photo, Pictures, withPicture } from "../pixels/fast/pictures.ts";
import type { Box } from "../pixels/geometry.ts";
import type { RgbImage } from "../pixels/pixels.ts";
import { type AskedCrop, type CropPrediction, predictCrops, shrinkCrop } from "./predict.ts";
import { type AskedModality, askedOf, GATED, type Predictor, preferred } from "./predictor.ts";

/** What a detector cut out of a photo, and where. */
export interface Found {
  readonly modality: Modality;
  readonly box: Box<"px">;
  /** What was cut, turned; px of the photo. */
  readonly square: TurnedSquare;
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
  /** Gives the pixels of a whole file, upright, RGB u8. */
  readonly decode: Decode;
  /** The pixels, where they are known already: the file is not decoded again. */
  readonly pixels?: RgbImage | undefined;
  /** Memory for crops, where many are read one after the other: the same pixels, faster. */
  readonly memory?: Pictures | undefined;
}

/** What is needed of a finder: what it searches by, and its memory, so that photos are not copied. */
export type Searching = Pick<Finder, "find"> & Partial<Pick<Finder, "pictures">>;

/** Decodes a file of any kind that is read; refuses what it cannot. */
export type Decode = (bytes: Uint8Array, options: { readonly name: string }) => Promise<RgbImage>;

/** The modalities that are searched for. */
export function sought(modality: AskedModality): readonly Modality[] {
  return modality === "auto" ? MODALITIES : [modality];
}

/**
 * The crops of one image: what is found in a photo, or the image itself.
 *
 * @param open - gives a finder; not called for small crops
 * @param name - what messages and answers call the image
 * @returns the fault, which the caller throws or counts, where nothing was found
 * @throws as asking.decode
 */
export async function prepareCrops(
  open: () => Promise<Searching>,
  name: string,
  bytes: Uint8Array,
  asking: Asking,
): Promise<PreparedCrop[] | AppError> {
  return asking.detect ? findAll(await open(), name, bytes, asking) : asCrop(open, name, bytes, asking);
}

/** The model's answers, in the order of the crops, each with what was found. */
export async function predictPrepared(
  model: Predictor,
  crops: readonly PreparedCrop[],
): Promise<PhotoPrediction[]> {
  return (await predictCrops(model, crops)).map((answer, i) => answerOf(answer, crops[i]!));
}

async function photoOf(
  pictures: Pictures,
  name: string,
  bytes: Uint8Array,
  { pixels, decode }: Asking,
): Promise<Photo> {
  const plain = pixels === undefined ? pictures.plainJpeg(bytes) : undefined;
  return plain ?? pictures.photo(pixels ?? (await decode(bytes, { name })));
}

/** Sources whose pictures are taken as they are, whatever their sides. */
const OBLONG = ["hands11k", "utkface", "fairface"];

async function asCrop(
  open: () => Promise<Searching>,
  name: string,
  bytes: Uint8Array,
  asking: Asking,
): Promise<PreparedCrop[]> {
  const { facts, modality, memory: pictures = new Pictures({ simd: false }) } = asking;
  const photo = await photoOf(pictures, name, bytes, asking);
  const mayBeOblong = facts.trainedOn.some(({ kind }) => OBLONG.includes(kind));
  const uncropped = await uncroppedReason(open, photo, mayBeOblong);
  const { sizePx } = facts.pixels;
  const pixels = withPicture(photo, (picture) => picture.resized(sizePx, sizePx).copy().data);
  return [{ image: name, pixels, asked: modality, uncropped }];
}

/** As derivation decodes frames, so that its crops come out. */
async function findAll(
  finder: Searching,
  name: string,
  bytes: Uint8Array,
  asking: Asking,
): Promise<PreparedCrop[] | AppError> {
  const { pictures = new Pictures() } = finder;
  const photo = await photoOf(pictures, name, bytes, asking);
  const wanted = sought(asking.modality);
  const all: PreparedCrop[] = [];
  for (const modality of wanted) {
    const hit = await finder.find(photo, modality);
    if (hit === undefined) continue;
    const { crop, box, square, among } = hit;
    if (among > 1) asking.report(`${name}: ${among} ${modality}s found, the largest is used`);
    const pixels = shrinkCrop(crop, asking.facts.pixels.sizePx);
    const found = { modality, box, square };
    all.push({ image: name, pixels, asked: askedOfFound(asking, modality), found });
  }
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
    // A column that a row does not have is not there either.
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
