// One frame: judge it, cut its face and hand, write both crops. What the journal then says is returned.
// Source: the order of REASONS. Invariant: the result holds no path and no message of a library, so that it is
// the same on every machine; the images are on disk before the result is returned.
import { AppError } from "../core/errors.ts";
import { readBytes, sha256, writeAtomic } from "../core/files.ts";
import { decodeImage, encodeJpeg } from "../data/image.ts";
import { imagePath, type Layout } from "../data/layout.ts";
import type { ImageRecipe } from "../data/manifest.ts";
import type { RgbImage } from "../data/pixels.ts";
import { faceChip, handCropFromBox, handSquare } from "./crops.ts";
import type { FaceSource, FoundFace } from "./faces.ts";
import type { Frame } from "./frame.ts";
import { type Box, boxToPx } from "./geometry.ts";
import type { FrameResult } from "./journal.ts";
import type { Reason } from "./ledger.ts";
import { chooseHand, chooseOwner } from "./pairing.ts";

/** Share of the hand's square that has to lie inside the frame. */
const MIN_INSIDE = 0.5;

export interface Tools {
  readonly faces: FaceSource;
  readonly layout: Layout;
  readonly recipe: ImageRecipe;
}

type Found = Partial<Omit<FrameResult, "imageId" | "gesture" | "split" | "userId" | "meta">>;

/** File name of a frame's crop, as in the published set. */
export function cropName(modality: "face" | "hand", imageId: string): string {
  return `${modality === "face" ? "F" : "H"}_${imageId}.jpg`;
}

/**
 * Works on one frame.
 *
 * @param frame - the annotation
 * @param repeated - its image id came before
 * @param tools - face source, output layout, recipe
 * @returns what is known of it; `reason` if it is removed
 */
export async function workFrame(frame: Frame, repeated: boolean, tools: Tools): Promise<FrameResult> {
  const { imageId, gesture, split, userId, meta = { age: [], gender: [], race: [] } } = frame;
  const found = repeated
    ? removed("duplicate_image", "image id seen before")
    : await look(frame, meta.gender.length, tools);
  return { imageId, gesture, split, userId, meta: copy(meta), ...found };
}

function copy({ age, gender, race }: NonNullable<Frame["meta"]>): FrameResult["meta"] {
  return { age: [...age], gender: [...gender], race: [...race] };
}

async function look(frame: Frame, labels: number, tools: Tools): Promise<Found> {
  if (labels === 0) return removed("missing_label");
  const hand = chooseHand(frame);
  if (hand === undefined) return removed("no_hand_box", `labels ${frame.labels.join(" ")}`);
  const read = await readImage(frame.path);
  if (!("image" in read)) return read;
  const { image, hash } = read;
  const handBox = boxToPx(frame.boxes[hand]!, image.width, image.height);
  const known: Found = { sha256: hash, size: [image.width, image.height], handBox: rounded(handBox) };
  const inside = shareInside(handSquare(handBox, tools.recipe.hand.margin), image);
  if (inside < MIN_INSIDE)
    return { ...known, ...removed("hand_outside_frame", `inside ${inside.toFixed(2)}`) };
  const faces = await tools.faces.find(image, frame.imageId);
  const choice = chooseOwner(faces, handBox);
  const seen = { ...known, faces: faces.length };
  if (choice.reason !== undefined) return { ...seen, ...removed(choice.reason, choice.detail) };
  const { face } = choice;
  const measured = { ...seen, faceScore: round(face.score, 4), faceBox: rounded(face.box) };
  const problem = await cut(image, face, handBox, frame.imageId, tools);
  return problem === undefined ? measured : { ...measured, ...problem };
}

async function readImage(path: string): Promise<Found | { image: RgbImage; hash: string }> {
  try {
    const bytes = await readBytes(path, "a frame");
    return { image: await decodeImage(bytes, { name: path }), hash: sha256(bytes) };
  } catch (error) {
    if (!(error instanceof AppError) || error.kind !== "data") throw error;
    if (error.code === "FILE_MISSING") return removed("image_missing");
    return removed("image_unreadable", error.code);
  }
}

async function cut(
  image: RgbImage,
  face: FoundFace,
  hand: Box<"px">,
  imageId: string,
  { layout, recipe }: Tools,
): Promise<Found | undefined> {
  const { sizePx, jpeg } = recipe;
  try {
    const crops = {
      face: faceChip(image, face.landmarks, sizePx, recipe.face.padding),
      hand: handCropFromBox(image, hand, sizePx, recipe.hand.margin),
    };
    for (const modality of ["face", "hand"] as const) {
      const path = imagePath(layout, modality, cropName(modality, imageId));
      await writeAtomic(path, await encodeJpeg(crops[modality], jpeg));
    }
    return undefined;
  } catch (error) {
    if (error instanceof AppError && error.code === "EYES_COINCIDE") {
      return removed("face_too_small", "eyes coincide");
    }
    throw error;
  }
}

function removed(reason: Reason, detail = ""): Found {
  return detail === "" ? { reason } : { reason, detail };
}

function shareInside(square: Box<"px">, image: RgbImage): number {
  const width = Math.min(square.x + square.width, image.width) - Math.max(square.x, 0);
  const height = Math.min(square.y + square.height, image.height) - Math.max(square.y, 0);
  return (Math.max(0, width) * Math.max(0, height)) / (square.width * square.height);
}

function rounded({ x, y, width, height }: Box<"px">): [number, number, number, number] {
  return [round(x, 2), round(y, 2), round(width, 2), round(height, 2)];
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
