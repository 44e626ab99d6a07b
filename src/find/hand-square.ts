// ◇ Browser-safe. The turned square that a hand crop shows, by MediaPipe's rules: from 21 landmarks, or from a palm's
// wrist and knuckle. Source: google-ai-edge/mediapipe hand_landmarks_to_rect_calculator.cc,
// detections_to_rects_calculator.cc, rect_transformation_calculator.cc, hand_landmark_landmarks_to_roi.pbtxt,
// palm_detection_detection_to_roi.pbtxt. Invariant: turned back by its angle, the hand's fingers point up; nothing is
// mirrored.
import type { Box, Point } from "../pixels/geometry.ts";

/** A square in the photo; its own right and down are the photo's, turned clockwise by `angle` (y points down). */
export interface TurnedSquare {
  readonly centre: Point<"px">;
  readonly sidePx: number;
  /** Radians, from -pi up to pi. */
  readonly angle: number;
}

const PX = 4;
const DEGREE = 10;

/**
 * The nearest square on a grid: a quarter of a px, a tenth of a degree, less than any detector's own error.
 *
 * A model's sums run in another order on another processor, and in a page; its points then differ by a millionth, a few pixels of
 * what is cut by one level, and a model that reads these by a tenth of a px. On the grid they come out the same everywhere.
 *
 * @example onGrid({ centre: { x: 10.1, y: 10.2 }, sidePx: 99.9, angle: 0 }) // about (10, 10.25), 100 px
 */
export function onGrid({ centre, sidePx, angle }: TurnedSquare): TurnedSquare {
  const at = (px: number) => Math.round(px * PX) / PX;
  const turns = Math.round((angle * 180 * DEGREE) / Math.PI);
  return {
    centre: { x: at(centre.x), y: at(centre.y) },
    sidePx: at(sidePx),
    angle: (turns * Math.PI) / (180 * DEGREE),
  };
}

/** Wrist, thumb without its tip, and the two lower joints of each finger: what does not move when fingers bend. */
const STABLE = [0, 1, 2, 3, 5, 6, 9, 10, 13, 14, 17, 18] as const;
const WRIST = 0;
const [INDEX, MIDDLE, RING] = [5, 9, 13] as const;

/** MediaPipe's: the square is this many times the long side of the stable joints' box... */
export const LANDMARKS_SCALE = 2;
/** ...after that box moved by this share of its height along its own downward axis. */
export const LANDMARKS_SHIFT = -0.1;
const PALM_SCALE = 2.6;
const PALM_SHIFT = -0.5;

/**
 * The crop of a hand whose landmarks are known.
 *
 * @param points - MediaPipe's 21 landmarks, px in the photo
 * @returns a square whose up is the direction from the wrist to the middle of the knuckles
 * @source MediaPipe HandLandmarksToRectCalculator, then RectTransformationCalculator (scale 2, shift_y -0.1)
 * @example squareFromLandmarks(points).angle // 0 for a hand that points up
 */
export function squareFromLandmarks(points: readonly Point<"px">[]): TurnedSquare {
  const at = (i: number) => points[i]!;
  const knuckles = middle(middle(at(INDEX), at(RING)), at(MIDDLE));
  const angle = turnOf(at(WRIST), knuckles);
  const stable = STABLE.map(at);
  // The box of the joints in the hand's own axes, about the centre of their box in the photo's.
  const about = centreOf(boundsOf(stable));
  const own = boundsOf(stable.map((p) => turn({ x: p.x - about.x, y: p.y - about.y }, -angle)));
  const offset = turn(centreOf(own), angle);
  const centre = { x: about.x + offset.x, y: about.y + offset.y };
  return grow({ centre, width: own.width, height: own.height, angle }, LANDMARKS_SCALE, LANDMARKS_SHIFT);
}

/**
 * The crop in which MediaPipe searches for the landmarks of a detected palm.
 *
 * @param box - the detector's own box of the palm
 * @param wrist - px
 * @param knuckle - of the middle finger, px
 * @source MediaPipe DetectionsToRectsCalculator, then RectTransformationCalculator (scale 2.6, shift_y -0.5)
 */
export function squareFromPalm(box: Box<"px">, wrist: Point<"px">, knuckle: Point<"px">): TurnedSquare {
  const angle = turnOf(wrist, knuckle);
  return grow({ centre: centreOf(box), width: box.width, height: box.height, angle }, PALM_SCALE, PALM_SHIFT);
}

/**
 * The crop of a hand of which only a box is known: upright, centred.
 *
 * @param margin - added at each end of the box's long side, as a fraction of it
 */
export function squareFromBox(box: Box<"px">, margin: number): TurnedSquare {
  return { centre: centreOf(box), sidePx: Math.max(box.width, box.height) * (1 + 2 * margin), angle: 0 };
}

/**
 * Carries a point of a square's own coordinates into the photo.
 *
 * @param point - fractions of the square, origin at its top-left corner
 * @returns px in the photo
 * @source MediaPipe LandmarkProjectionCalculator
 */
export function fromSquare({ centre, sidePx, angle }: TurnedSquare, { x, y }: Point<"rel">): Point<"px"> {
  const offset = turn({ x: (x - 0.5) * sidePx, y: (y - 0.5) * sidePx }, angle);
  return { x: centre.x + offset.x, y: centre.y + offset.y };
}

/**
 * Carries a point of the photo into a square's own coordinates; the inverse of `fromSquare`.
 *
 * @returns fractions of the square, outside of 0 to 1 for a point that lies outside of it
 */
export function toSquare({ centre, sidePx, angle }: TurnedSquare, { x, y }: Point<"px">): Point<"rel"> {
  const offset = turn({ x: x - centre.x, y: y - centre.y }, -angle);
  return { x: offset.x / sidePx + 0.5, y: offset.y / sidePx + 0.5 };
}

/** The smallest upright box around points. */
export function boundsOf(points: readonly Point<"px">[]): Box<"px"> {
  const xs = points.map(({ x }) => x);
  const ys = points.map(({ y }) => y);
  const [x, y] = [Math.min(...xs), Math.min(...ys)];
  return { x, y, width: Math.max(...xs) - x, height: Math.max(...ys) - y };
}

/** How far the direction from `from` to `to` is turned clockwise from up. */
function turnOf(from: Point, to: Point): number {
  const angle = Math.PI / 2 - Math.atan2(-(to.y - from.y), to.x - from.x);
  return angle - 2 * Math.PI * Math.floor((angle + Math.PI) / (2 * Math.PI));
}

interface TurnedBox {
  readonly centre: Point<"px">;
  readonly width: number;
  readonly height: number;
  readonly angle: number;
}

function grow({ centre, width, height, angle }: TurnedBox, scale: number, shiftY: number): TurnedSquare {
  const shift = turn({ x: 0, y: shiftY * height }, angle);
  return {
    centre: { x: centre.x + shift.x, y: centre.y + shift.y },
    sidePx: Math.max(width, height) * scale,
    angle,
  };
}

function turn({ x, y }: Point, angle: number): Point {
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  return { x: x * cos - y * sin, y: x * sin + y * cos };
}

function middle(p: Point, q: Point): Point {
  return { x: (p.x + q.x) / 2, y: (p.y + q.y) / 2 };
}

function centreOf({ x, y, width, height }: Box<"px">): Point<"px"> {
  return { x: x + width / 2, y: y + height / 2 };
}
