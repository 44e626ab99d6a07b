// One frame: find its face and hand, cut both, measure, write the crops. The journal's entry is returned.
// Invariants: the result has no path and no message of a library, so that it is the same on every machine; the
// images are written before it is returned, and synced before the journal has it (pipeline.ts); what rules judge is
// measured here and judged when all frames are known.
import { AppError } from "../../core/errors.ts";
import type { Lender } from "../../core/lend.ts";
import type { Modality } from "../../core/words.ts";
import { imagePath, type Layout } from "../../dataset/layout.ts";
import type { ImageRecipe } from "../../dataset/manifest.ts";
import { chipPoints, chipSquare } from "../../find/align.ts";
import { turnedCrop } from "../../find/crops.ts";
import type { HandCutter, PlacedHand } from "../../find/hand-source.ts";
import { type TurnedSquare, toSquare } from "../../find/hand-square.ts";
import { FULL_RANGE } from "../../find/mediapipe.ts";
import { readBytes, sha256, writeUnsynced } from "../../machine/files.ts";
import { jpegOf } from "../../pixels/fast/encode.ts";
import { openPhoto } from "../../pixels/fast/open-photo.ts";
import type { Picture } from "../../pixels/fast/picture.ts";
import { Photo, type Pictures, withPicture } from "../../pixels/fast/pictures.ts";
import type { Scratch } from "../../pixels/fast/scratch.ts";
import type { Box } from "../../pixels/geometry.ts";
import { type ExifTurn, encodeJpeg, exifTurn, JPEG, type JpegOptions } from "../../pixels/image.ts";
import { fitted } from "../../pixels/letterbox.ts";
import { hashHex, hashOf } from "../../pixels/phash.ts";
import type { RgbImage } from "../../pixels/pixels.ts";
import { clippedShare, highlight, SHARPNESS_PX, sharpness } from "../../pixels/quality.ts";
import type { Frame } from "../hagrid/frame.ts";
import { chooseHand, chooseOwner, type FaceLimits, type Owner } from "../hagrid/pairing.ts";
import { findReference } from "../hagrid/reference.ts";
import { hiddenShare, insideShare } from "../judge/cover.ts";
import { type Measures, roundMeasures } from "../judge/measures.ts";
import type { Reason } from "../judge/reasons.ts";
import { handSkinAngle, skinAngle } from "../judge/skin.ts";
import { boxNumbers, pointNumbers, squareNumbers } from "../tables/places.ts";
import type { FaceSource, FoundFace } from "./faces.ts";
import type { FrameResult } from "./journal.ts";
import { sourceMark } from "./journal-check.ts";

/** The memory that a frame is worked on in. */
export interface Desk {
  readonly pictures: Pictures;
  readonly scratch: Scratch;
}

export interface Tools {
  readonly faces: FaceSource;
  readonly hands: HandCutter;
  /** For one frame at a time, so that each is decoded once. */
  readonly withDesk: Lender<Desk>;
  readonly limits: FaceLimits;
  readonly layout: Layout;
  readonly recipe: ImageRecipe;
}

/** Measures of a whole frame (perceptual hash, exposure) are taken at the size of face detection: shrunk to fit this. */
const SMALL_PX = FULL_RANGE.inputPx;

type Found = Partial<Omit<FrameResult, "imageId" | "gesture" | "split" | "userId" | "meta">>;

/** File name of a frame's crop, as in the published set. */
export function cropName(modality: Modality, imageId: string): string {
  return `${modality === "face" ? "F" : "H"}_${imageId}.jpg`;
}

/**
 * Works on one frame.
 *
 * @param frame - the annotation
 * @param repeated - its image id came before, in any case
 * @param tools - what finds faces and hands, output layout, recipe
 * @returns what is known of it; `reason` if no pair can be made of it
 */
export async function workFrame(frame: Frame, repeated: boolean, tools: Tools): Promise<FrameResult> {
  const { imageId, gesture, split, userId, meta = { age: [], gender: [], race: [] } } = frame;
  const found = repeated
    ? impossible("duplicate_image", "image id seen before")
    : await examine(frame, tools);
  return { imageId, gesture, split, userId, meta: copy(meta), ...found };
}

function copy({ age, gender, race }: NonNullable<Frame["meta"]>): FrameResult["meta"] {
  return { age: [...age], gender: [...gender], race: [...race] };
}

async function examine(frame: Frame, tools: Tools): Promise<Found> {
  const chosen = chooseHand(frame);
  if (chosen === undefined) return impossible("no_hand_box", `labels ${frame.labels.join(" ")}`);
  const mark = sourceMark(frame.path); // before it is read: a change in between is noticed when this continues
  const found = await examineFile(frame, chosen, tools);
  return mark === undefined ? found : { ...found, source: mark };
}

async function examineFile(frame: Frame, chosen: number, tools: Tools): Promise<Found> {
  let bytes: Uint8Array;
  try {
    bytes = await readBytes(frame.path, "a frame");
  } catch (error) {
    return refusal(error);
  }
  const turn = await exifTurn(bytes);
  return await tools.withDesk(async ({ pictures, scratch }): Promise<Found> => {
    const photo = await openPhoto(pictures, bytes, { name: frame.path }).catch(refusal);
    if (!(photo instanceof Photo)) return photo;
    return {
      sha256: sha256(bytes),
      ...(await examinePhoto(photo, frame, chosen, turn, { ...tools, scratch })),
    };
  });
}

/** Why a frame cannot be read; what is no fault of the frame is thrown. */
function refusal(error: unknown): Found {
  if (!(error instanceof AppError) || error.kind !== "data") throw error;
  if (error.code === "FILE_MISSING") return impossible("image_missing");
  return impossible("image_unreadable", error.code);
}

async function examinePhoto(
  photo: Photo,
  frame: Frame,
  chosen: number,
  turn: ExifTurn,
  tools: Tools & Pick<Desk, "scratch">,
): Promise<Found> {
  const at = await whereAnnotated(photo, frame, chosen, turn, tools);
  if ("reason" in at) return at;
  const { handBox, placed, read } = at;
  const faces = await tools.faces.find(photo, frame.imageId, at.facesTurn);
  const owner = chooseOwner(faces, handBox, tools.limits);
  const chip = owner === undefined ? undefined : squareOf(owner.face, tools.recipe);
  const { files, look, measures } = withPicture(photo, (image) => made(image, at, owner, chip, tools));
  await write(frame.imageId, files, tools);
  return {
    ...read,
    look,
    handBox: boxNumbers(handBox),
    hand: placed.from,
    handSquare: squareNumbers(placed.square),
    handPoints: placed.points && pointNumbers(placed.points),
    faces: faces.length,
    ...(owner === undefined ? {} : placeOf(owner.face)),
    faceSquare: chip && squareNumbers(chip),
    measures,
    crops: files.face === undefined ? ["hand"] : ["hand", "face"],
    ...(owner === undefined ? impossible("no_face") : {}),
    ...(owner !== undefined && chip === undefined ? impossible("face_too_small", "eyes coincide") : {}),
  };
}

/** Where hand and annotated faces lie in the picture, or why that cannot be decided. */
async function whereAnnotated(
  image: Photo,
  frame: Frame,
  chosen: number,
  turn: ExifTurn,
  { hands, faces }: Tools,
) {
  const { hand, seen, reference, why = "" } = await findReference(image, frame, chosen, turn, hands);
  const facesIn = turn === 1 ? "upright" : await faces.referenceOf?.(image, frame.imageId, turn);
  const read: Found = {
    size: [image.width, image.height],
    annotatedIn: reference,
    facesIn: turn === 1 ? undefined : facesIn,
  };
  const misplaced = (detail: string) => ({ ...read, reason: "annotation_misplaced" as const, detail });
  if (hand === undefined) return misplaced(why);
  if (facesIn === undefined && faces.referenceOf !== undefined)
    return misplaced(`no upright face in stored or in turned pixels, EXIF ${turn}`);
  const placed = await hands.place(image, hand.box, hand.points, seen);
  if (placed.misplaced) return misplaced("no hand at the annotated landmarks or in their box");
  return { handBox: hand.box, placed, read, facesTurn: facesIn === "stored" ? turn : 1 };
}

function placeOf({ score, box, landmarks }: FoundFace): Found {
  return {
    faceScore: Number(score.toFixed(4)),
    faceBox: boxNumbers(box),
    facePoints: pointNumbers(chipPoints(landmarks)),
  };
}

/** Where the face chip lies; undefined if the eyes are one point. */
function squareOf(face: FoundFace, { sizePx, face: { padding } }: ImageRecipe): TurnedSquare | undefined {
  try {
    return chipSquare(face.landmarks, sizePx, padding);
  } catch (error) {
    if (error instanceof AppError && error.code === "EYES_COINCIDE") return undefined;
    throw error;
  }
}

/** What is made of each crop. */
interface Crops<C> {
  readonly hand: C;
  readonly face: C | undefined;
}

/** A file, or pixels of which sharp has to make one. */
type CropFile = Uint8Array | RgbImage;

/** All that a frame's pixels are wanted for once it is known where hand and face lie. */
function made(
  image: Picture,
  { handBox, placed }: { readonly handBox: Box<"px">; readonly placed: PlacedHand },
  owner: Owner<FoundFace> | undefined,
  chip: TurnedSquare | undefined,
  { hands, recipe, scratch }: Tools & Pick<Desk, "scratch">,
): { readonly files: Crops<CropFile>; readonly look: string; readonly measures: Measures } {
  const small = fitted(image, SMALL_PX, SMALL_PX);
  const hand = hands.cut(image, handBox, placed, recipe.sizePx);
  const face = chip && turnedCrop(image, chip, recipe.sizePx);
  return {
    files: { hand: fileOf(hand, recipe.jpeg), face: face && fileOf(face, recipe.jpeg) },
    look: hashHex(hashOf(small, scratch)),
    measures: measure(image, small, placed, owner, chip, { hand, face }, scratch),
  };
}

function fileOf(crop: Picture, { quality = JPEG.quality, chroma }: JpegOptions): CropFile {
  return (chroma === "4:2:0" ? jpegOf(crop, quality) : undefined) ?? crop.copy();
}

async function write(
  imageId: string,
  { hand, face }: Crops<CropFile>,
  { layout, recipe }: Tools,
): Promise<void> {
  const save = async (modality: Modality, crop: CropFile) => {
    const path = imagePath(layout, modality, cropName(modality, imageId));
    writeUnsynced(path, crop instanceof Uint8Array ? crop : await encodeJpeg(crop, recipe.jpeg));
  };
  await save("hand", hand);
  if (face !== undefined) await save("face", face);
}

function measure(
  image: Picture,
  small: Picture,
  placed: PlacedHand,
  owner: Owner<FoundFace> | undefined,
  chip: TurnedSquare | undefined,
  { hand, face }: Crops<Picture>,
  scratch: Scratch,
): Measures {
  const pixels = (of: Picture, use: string) => of.copy(scratch.bytes(use, of.width * of.height * 3));
  const facePixels = face && pixels(face, "face");
  const { width, height } = image;
  const { square, points, fit, off, presence } = placed;
  const box = owner?.face.box;
  return roundMeasures({
    face_px: box && Math.min(box.width, box.height),
    owner_fit: owner?.fit,
    owner_lead: owner?.lead,
    landmark_fit: fit,
    landmark_off: off,
    hand_presence: presence,
    hand_turn: (square.angle * 180) / Math.PI,
    hand_inside: insideShare(square, width, height),
    face_inside: chip && insideShare(chip, width, height),
    hidden: box && points && hiddenShare(box, points),
    face_sharpness: chip && face && sharpness(large(image, chip, face)),
    hand_sharpness: sharpness(large(image, square, hand)),
    highlight: highlight(pixels(small, "small"), scratch),
    clipped: facePixels && clippedShare(facePixels),
    ita: facePixels && skinAngle(facePixels, scratch),
    hand_ita: handSkinAngle(
      pixels(hand, "hand"),
      points?.map((point) => toSquare(square, point)),
      scratch,
    ),
  });
}

/** A crop that is not smaller than what sharpness is measured at, or one of that size. */
function large(image: Picture, square: TurnedSquare, crop: Picture): Picture {
  return crop.width >= SHARPNESS_PX ? crop : turnedCrop(image, square, SHARPNESS_PX);
}

function impossible(reason: Reason, detail = ""): Found {
  return detail === "" ? { reason } : { reason, detail };
}
