// ◇ Browser-safe. Aligned square crops: faces by dlib's chip recipe, hands by their box.
// Source: dlib extract_image_chips with pyramid_down<2> and interpolate_bilinear, integer
// arithmetic and odd offsets included. Invariant: outside the picture is black; nothing is mirrored.
import { unexpected } from "../core/errors.ts";
import type { Picture } from "../pixels/fast/picture.ts";
import type { SquareWalk } from "../pixels/fast/shapes.ts";
import type { Box, Point } from "../pixels/geometry.ts";
import { type ChipLandmarks, chipSquare } from "./align.ts";
import type { TurnedSquare } from "./hand-square.ts";

export const MIN_CROP_PX = 32;
export const MAX_CROP_PX = 1024;

/** The house's crops, of derived datasets and of photos to be predicted alike. */
export const CROP_PX = 300;
export const FACE_PADDING = 0.25;
export const HAND_MARGIN = 0.1;

/** dlib's drectangle: corners are pixel centres, so its width is right - left + 1. */
interface Rect {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/**
 * Aligned face crop by similarity transform of landmarks.
 *
 * @param image - what is cut from
 * @param landmarks - dlib's five corners or eye centres and nose tip, px in `image`
 * @param sizePx - side of the square output, px; 32 to 1024
 * @param padding - margin round dlib's unpadded chip, fraction of its side; FairFace's pipeline uses 0.25
 * @returns [sizePx, sizePx, 3], lent as `image` is; black outside the image
 * @throws AppError("input", "EYES_COINCIDE") if the eyes are < 2 px apart, AppError("input", "CROP_SIZE")
 * @source dlib get_face_chip_details, extract_image_chip
 * @example faceChip(image, landmarks, 300, 0.25)
 */
export function faceChip(image: Picture, landmarks: ChipLandmarks, sizePx: number, padding: number): Picture {
  return turnedCrop(image, chipSquare(landmarks, sizePx, padding), sizePx);
}

/**
 * Crop of a turned square, sampled as face chips are.
 *
 * @param image - what is cut from
 * @param square - where it lies in `image`
 * @param sizePx - side of the square output, px; 32 to 1024
 * @returns [sizePx, sizePx, 3], lent as `image` is; black outside the image
 * @throws AppError("input", "CROP_SIZE")
 * @source dlib extract_image_chip
 * @example turnedCrop(image, squareFromLandmarks(points), 300)
 */
export function turnedCrop(image: Picture, square: TurnedSquare, sizePx: number): Picture {
  checkSize(sizePx);
  const { centre, sidePx, angle } = square;
  const half = (sidePx - 1) / 2;
  // Points count from the picture's corner, dlib's pixels from the first pixel's centre.
  const [x, y] = [centre.x - 0.5, centre.y - 0.5];
  return extractChip(
    image,
    { left: x - half, top: y - half, right: x + half, bottom: y + half },
    angle,
    sizePx,
  );
}

function extractChip(image: Picture, rect: Rect, angle: number, sizePx: number): Picture {
  const bounds = usedPart(image, rect, angle, sizePx);
  let chip = shift(rect, -bounds.left, -bounds.top);
  let halvings = 0;
  for (let next = down(chip); area(next) > sizePx * sizePx; next = down(next), halvings++) chip = next;
  const walk = walkOf(corners(chip, angle), sizePx);
  return image.sampled(bounds, halvings, walk, sizePx);
}

function walkOf([tl, tr, bl]: readonly [Point, Point, Point, Point], sizePx: number): SquareWalk {
  const n = sizePx - 1;
  const { x, y } = tl;
  return { x, y, ux: (tr.x - x) / n, uy: (tr.y - y) / n, vx: (bl.x - x) / n, vy: (bl.y - y) / n };
}

/** The part of the image that the chip can need, as dlib cuts it: it decides where the pyramid's grid lies. */
function usedPart(image: Picture, rect: Rect, angle: number, sizePx: number): Rect {
  let grow = 2;
  for (let next = down(rect); area(next) > sizePx * sizePx; next = down(next)) grow = grow * 2 + 2;
  const points = corners(rect, angle);
  const xs = points.map((p) => p.x);
  const ys = points.map((p) => p.y);
  return {
    left: round(Math.max(Math.min(...xs) - grow, 0)),
    top: round(Math.max(Math.min(...ys) - grow, 0)),
    right: round(Math.min(Math.max(...xs) + grow, image.width - 1)),
    bottom: round(Math.min(Math.max(...ys) + grow, image.height - 1)),
  };
}

/** The rectangle at the next level of the pyramid; dlib's offsets, not the exact (1, 1). */
function down({ left, top, right, bottom }: Rect): Rect {
  return {
    left: left / 2 - 1.25,
    top: top / 2 - 0.75,
    right: right / 2 - 1.25,
    bottom: bottom / 2 - 0.75,
  };
}

function area({ left, top, right, bottom }: Rect): number {
  return (right - left + 1) * (bottom - top + 1);
}

function shift({ left, top, right, bottom }: Rect, dx: number, dy: number): Rect {
  return { left: left + dx, top: top + dy, right: right + dx, bottom: bottom + dy };
}

/** C's lround: halves away from zero. */
function round(x: number): number {
  return x < 0 ? -Math.round(-x) : Math.round(x);
}

/** Top left, top right, bottom left, bottom right, turned about the centre. */
function corners({ left, top, right, bottom }: Rect, angle: number): [Point, Point, Point, Point] {
  const [cx, cy] = [(left + right) / 2, (top + bottom) / 2];
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const turn = (x: number, y: number) => ({
    x: cx + cos * (x - cx) - sin * (y - cy),
    y: cy + sin * (x - cx) + cos * (y - cy),
  });
  return [turn(left, top), turn(right, top), turn(left, bottom), turn(right, bottom)];
}

/** The square a hand crop shows: centred on the box, its long side widened by `margin` at each end, whole px. */
export function handSquare(box: Box<"px">, margin: number): Box<"px"> {
  const side = Math.max(1, Math.round(Math.max(box.width, box.height) * (1 + 2 * margin)));
  return {
    x: Math.round(box.x + box.width / 2 - side / 2),
    y: Math.round(box.y + box.height / 2 - side / 2),
    width: side,
    height: side,
  };
}

/**
 * Upright square crop about a hand's box.
 *
 * @param image - what is cut from
 * @param box - the hand, px in `image`
 * @param sizePx - side of the square output, px; 32 to 1024
 * @param margin - added at each end of the long side, as a fraction of it
 * @returns [sizePx, sizePx, 3], lent as `image` is; black outside the image
 * @throws AppError("input", "CROP_SIZE")
 * @example handCropFromBox(image, box, 300, 0.1)
 */
export function handCropFromBox(image: Picture, box: Box<"px">, sizePx: number, margin: number): Picture {
  checkSize(sizePx);
  const { x, y, width } = handSquare(box, margin);
  const square = image.part({ left: x, top: y, right: x + width - 1, bottom: y + width - 1 });
  return square.resized(sizePx, sizePx);
}

function checkSize(sizePx: number): void {
  if (Number.isInteger(sizePx) && sizePx >= MIN_CROP_PX && sizePx <= MAX_CROP_PX) return;
  const expected = `an integer from ${MIN_CROP_PX} to ${MAX_CROP_PX}`;
  throw unexpected("input", { code: "CROP_SIZE", expected, name: "the crop size in px", got: sizePx });
}
