// ◇ Browser-safe. Finds the face or the hand of one photo and cuts it as derived datasets cut theirs.
// Source: the recipe of describe.ts, without annotations: of several faces or hands the largest counts.
// Invariant: what derivation would refuse as too small or too unsure is not found here either.
import { unexpected } from "../core/errors.ts";
import { closeAll, Handle } from "../core/handle.ts";
import type { Modality } from "../core/words.ts";
import { type Photo, type PhotoLike, Pictures, photoOf, withPicture } from "../pixels/fast/pictures.ts";
import { type Box, boxArea, distance } from "../pixels/geometry.ts";
import type { RgbImage } from "../pixels/pixels.ts";
import { chipSquare, MIN_EYE_DISTANCE_PX } from "./align.ts";
import { CROP_PX, FACE_PADDING, faceChip } from "./crops.ts";
import { type Face, type FaceDetector, openFaceDetectorOn } from "./detect.ts";
import { MIN_FACE_PX, MIN_FACE_SCORE } from "./face-limits.ts";
import { type HandCrop, type HandCutter, openHandCutterOn } from "./hand-source.ts";
import type { TurnedSquare } from "./hand-square.ts";
import { type HandDetector, openHandDetectorOn } from "./hands.ts";
import type { ModelFile, ModelHost } from "./models.ts";

/** What was found in a photo, and its crop. */
export interface FoundCrop {
  /** RGB u8, CROP_PX square. */
  readonly crop: RgbImage;
  /** The face, forehead to chin, or the whole hand; px of the photo. */
  readonly box: Box<"px">;
  /** What is cut, turned; px of the photo. */
  readonly square: TurnedSquare;
  readonly score: number;
  /** How many usable faces or hands there were to choose from. */
  readonly among: number;
}

/** Finds faces and hands in photos. */
export interface Finder {
  /** Whose memory photos lie in while they are searched. @internal */
  readonly pictures: Pictures;
  /**
   * The largest usable face or hand, or undefined.
   *
   * @throws AppError("input", "NOT_AN_IMAGE"), AppError("input", "MODALITY_NOT_OPENED") for one that was not asked for,
   *   AppError("input", "RELEASED") once it was closed
   */
  find(photo: PhotoLike, modality: Modality): Promise<FoundCrop | undefined>;
  /** Frees the models when calls under way have ended; a second call does no harm. */
  close(): Promise<void>;
}

/** What is searched for, and by which models. */
export interface FinderModels {
  /** What will be asked for; a detector is loaded for each. */
  readonly modalities: readonly Modality[];
  /** A YuNet model; the packaged detector if left out. */
  readonly faceModel?: ModelFile | undefined;
  /** Another hand detector; the packaged one if left out. */
  readonly handModel?: ModelFile | undefined;
  /** How hands are cut; default `landmarks`, as datasets are derived. */
  readonly handCrop?: HandCrop | undefined;
  readonly threads?: number | undefined;
}

/**
 * Loads the detectors.
 *
 * @param host - what gives and runs models
 * @returns a finder, to be closed by the caller; one photo at a time
 * @throws AppError("data", "FACE_MODEL" | "HAND_MODEL" | "MODEL_REFUSED")
 * @example const finder = await openFinderOn(host, { modalities: ["hand"] })
 */
export async function openFinderOn(host: ModelHost, options: FinderModels): Promise<Finder> {
  const { modalities, faceModel, handModel, handCrop = "landmarks", threads = 1 } = options;
  const faces = modalities.includes("face")
    ? await openFaceDetectorOn(host, { threads, model: faceModel })
    : undefined;
  let hands: HandDetector | undefined;
  let cutter: HandCutter | undefined;
  try {
    if (modalities.includes("hand")) {
      hands = await openHandDetectorOn(host, { threads, model: handModel });
      cutter = await openHandCutterOn(host, handCrop, 1);
    }
  } catch (error) {
    await closeAll([faces, hands]);
    throw error;
  }
  const pictures = new Pictures();
  const handle = new Handle("finder", () => closeAll([faces, hands, cutter]));
  return {
    pictures,
    find: (image, modality) =>
      handle.use(() => {
        const photo = photoOf(pictures, image);
        if (modality === "face" && faces !== undefined) return findFace(faces, photo);
        if (modality === "hand" && hands !== undefined && cutter !== undefined)
          return findHand(hands, cutter, photo);
        const expected = modalities.join(", ") || "none";
        throw unexpected("input", {
          ...{ code: "MODALITY_NOT_OPENED", expected, name: "the modality", got: modality },
          hint: "name it in the modalities of openFinder",
        });
      }),
    close: () => handle.release(),
  };
}

async function findFace(detector: FaceDetector, photo: Photo): Promise<FoundCrop | undefined> {
  const faces = (await detector.detect(photo)).filter(isUsable);
  const face = largest(faces);
  if (face === undefined) return undefined;
  const crop = withPicture(photo, (picture) =>
    faceChip(picture, face.landmarks, CROP_PX, FACE_PADDING).copy(),
  );
  const square = chipSquare(face.landmarks, CROP_PX, FACE_PADDING);
  return { crop, box: face.box, square, score: face.score, among: faces.length };
}

function isUsable({ score, box, landmarks }: Face): boolean {
  const apart = distance(landmarks.leftEye, landmarks.rightEye);
  const side = Math.min(box.width, box.height);
  return score >= MIN_FACE_SCORE && side >= MIN_FACE_PX && apart >= MIN_EYE_DISTANCE_PX;
}

async function findHand(
  detector: HandDetector,
  cutter: HandCutter,
  photo: Photo,
): Promise<FoundCrop | undefined> {
  const hands = await detector.detect(photo);
  const hand = largest(hands);
  if (hand === undefined) return undefined;
  const placed = await cutter.place(photo, hand.box);
  const crop = withPicture(photo, (picture) => cutter.cut(picture, hand.box, placed, CROP_PX).copy());
  return { crop, box: hand.box, square: placed.square, score: hand.score, among: hands.length };
}

function largest<F extends { readonly box: Box<"px"> }>(found: readonly F[]): F | undefined {
  return [...found].sort((a, b) => boxArea(b.box) - boxArea(a.box))[0];
}
