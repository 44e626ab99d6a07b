// ◇ Browser-safe. MediaPipe's hand landmark model as shipped on npm: 21 points of the hand in a square of a photo.
// Source: google-ai-edge/mediapipe modules/hand_landmark: input RGB 0 to 1, 224 px; points in px of the input.
// As in MediaPipe's tracking, the next square comes from the points of the last one, until it stays where it is.
import { Handle } from "../core/handle.ts";
import { lend } from "../core/lend.ts";
import { type Session, Tensor } from "../engine/runtime/session.ts";
import { type Photo, type PhotoLike, Pictures, photoOf, withPicture } from "../pixels/fast/pictures.ts";
import { type Box, boxIou, distance, HAND_POINTS, type Point } from "../pixels/geometry.ts";
import { wholePlanes } from "../pixels/letterbox.ts";
import { RGB } from "../pixels/planes.ts";
import { turnedCrop } from "./crops.ts";
import {
  boundsOf,
  fromSquare,
  onGrid,
  squareFromBox,
  squareFromLandmarks,
  type TurnedSquare,
} from "./hand-square.ts";
import { checkPackaged, type ModelHost } from "./models.ts";
import { openTflite } from "./tflite.ts";

const INPUT_PX = 224;

/** A hand's landmarks in a photo. */
export interface HandPoints {
  /** 21 landmarks in MediaPipe's order, px in the photo. */
  readonly points: readonly Point<"px">[];
  /** Probability that there was a hand, 0 to 1. */
  readonly presence: number;
}

/** A loaded landmark model; a call waits for the one before. */
export interface HandModel {
  readonly recipe: { readonly name: string; readonly sha256: string; readonly inputPx: number };
  /** The model's output for one square of the photo. */
  read(photo: PhotoLike, square: TurnedSquare): Promise<HandPoints>;
  /** Frees the model when reads under way have ended; a second call does no harm. */
  close(): Promise<void>;
}

/**
 * Loads the landmark model of @mediapipe/hands (lite).
 *
 * @param host - what gives and runs models
 * @param threads - inside one run
 * @returns a model, to be closed by the caller
 * @throws AppError("data", "HAND_MODEL") if the host has another file
 * @example const model = await openHandModelOn(host)
 */
export async function openHandModelOn(host: ModelHost, threads = 1): Promise<HandModel> {
  const file = checkPackaged("landmarks", await host.packaged("landmarks"));
  const session = await openTflite(host, file, threads);
  const handle = new Handle("hand landmark model", () => session.release());
  const read = reader(session);
  const pictures = new Pictures(); // for pixels that come without an owner
  return {
    recipe: { name: "mediapipe-hand-landmark-lite/1", sha256: file.sha256, inputPx: INPUT_PX },
    read: (photo, square) => handle.use(() => read(photoOf(pictures, photo), square)),
    close: () => handle.release(),
  };
}

/** Reads squares, one at a time: its input and outputs are in the same memory each time. */
function reader(session: Session): (photo: Photo, square: TurnedSquare) => Promise<HandPoints> {
  const pixels = new Float32Array(3 * INPUT_PX ** 2);
  const xyz = new Float32Array(3 * HAND_POINTS);
  const presence = new Float32Array(1);
  const feeds = { [session.inputNames[0]!]: new Tensor("float32", pixels, [1, 3, INPUT_PX, INPUT_PX]) };
  const fetches = {
    [session.outputNames[0]!]: new Tensor("float32", xyz, [1, xyz.length]),
    [session.outputNames[1]!]: new Tensor("float32", presence, [1, 1]),
  };
  const inTurn = lend([{ pixels, xyz, presence }]);
  return (photo, square) =>
    inTurn(async (memory) => {
      const shape = { channels: RGB, scale: 1 / 255, offset: 0 };
      withPicture(photo, (picture) =>
        wholePlanes(turnedCrop(picture, square, INPUT_PX), shape, memory.pixels),
      );
      await session.run(feeds, fetches);
      const points = Array.from({ length: HAND_POINTS }, (_, i) =>
        fromSquare(square, { x: memory.xyz[3 * i]! / INPUT_PX, y: memory.xyz[3 * i + 1]! / INPUT_PX }),
      );
      return { points, presence: memory.presence[0]! };
    });
}

/** MediaPipe's threshold of a hand that is there. */
export const MIN_PRESENCE = 0.5;
/** Overlap of the landmarks' bounds with the annotated box below which they are not of that hand. */
export const MIN_FIT = 0.4;
/** The first square is as large as squares from landmarks are: 1.32 of the box's long side (median, 464 frames). */
const START_MARGIN = 0.16;
/** Upright first: on HaGRID's 18 gestures half of the hands are within 10 degrees of it. */
const STARTS = [0, Math.PI / 2, -Math.PI / 2, Math.PI];
const MAX_READS = 3;

/**
 * The landmarks of the hand in a box: from an upright square, and if that gives none from squares turned by quarters.
 *
 * @param box - the whole hand, px in the photo
 * @returns undefined if no start leads to a hand that fills the box
 * @example await locateHand(model, photo, box)
 */
export async function locateHand(
  model: HandModel,
  photo: PhotoLike,
  box: Box<"px">,
): Promise<HandPoints | undefined> {
  for (const angle of STARTS) {
    const found = await track(model, photo, { ...squareFromBox(box, START_MARGIN), angle });
    if (found.presence >= MIN_PRESENCE && landmarkFit(found.points, box) >= MIN_FIT) return found;
  }
  return undefined;
}

/** How well landmarks fill the box of their hand: IoU of their bounds with it, 0 to 1. */
export function landmarkFit(points: readonly Point<"px">[], box: Box<"px">): number {
  return boxIou(boundsOf(points), box);
}

/**
 * Reads squares until the points would give the same one again.
 *
 * @param start - the first square
 */
export async function track(model: HandModel, photo: PhotoLike, start: TurnedSquare): Promise<HandPoints> {
  let square = onGrid(start);
  for (let reads = 1; ; reads++) {
    const found = await model.read(photo, square);
    const next = onGrid(squareFromLandmarks(found.points));
    if (reads === MAX_READS || (found.presence >= MIN_PRESENCE && isNear(next, square))) return found;
    square = next;
  }
}

/** Within what moves the points by less than their own error: 10 degrees, 6 % of the side, a seventh of the size. */
function isNear(a: TurnedSquare, b: TurnedSquare): boolean {
  const apart = distance(a.centre, b.centre) / b.sidePx;
  const scale = Math.abs(Math.log(a.sidePx / b.sidePx));
  const angle = Math.abs(Math.atan2(Math.sin(a.angle - b.angle), Math.cos(a.angle - b.angle)));
  return angle < Math.PI / 18 && apart < 0.06 && scale < 1 / 7;
}
