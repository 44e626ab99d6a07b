// ◇ Browser-safe. Similarity transforms fitted to points, and the point templates of face chips.
// Source: Umeyama 1991 in its closed 2-D form; dlib get_face_chip_details (5 points); ArcFace.
// Invariant: no reflection, whatever the points: a mirrored face is rotated, never flipped back.
import { AppError } from "../core/errors.ts";
import { distance, type Point } from "../pixels/geometry.ts";
import { onGrid, type TurnedSquare } from "./hand-square.ts";

/** x' = a x - b y + dx, y' = b x + a y + dy: rotation and scale, then shift. */
export interface Similarity {
  readonly a: number;
  readonly b: number;
  readonly dx: number;
  readonly dy: number;
}

/** dlib's five points of the person's face: corners of the eyes and the base of the nose. */
export interface CornerLandmarks {
  readonly leftEyeOuter: Point<"px">;
  readonly leftEyeInner: Point<"px">;
  readonly rightEyeOuter: Point<"px">;
  readonly rightEyeInner: Point<"px">;
  readonly noseBase: Point<"px">;
}

/** What every face detector of the house gives: the person's right and left eye centre, and the nose tip. */
export interface CentreLandmarks {
  readonly rightEye: Point<"px">;
  readonly leftEye: Point<"px">;
  readonly nose: Point<"px">;
}

export type ChipLandmarks = CornerLandmarks | CentreLandmarks;

/** Eyes nearer than this are a point to any transform. */
export const MIN_EYE_DISTANCE_PX = 2;

/** Fractions of the unpadded chip; the person's left is on the right of the picture. */
export const DLIB_TEMPLATE = {
  leftEyeOuter: { x: 0.8595674595992, y: 0.2134981538014 },
  leftEyeInner: { x: 0.6460604764104, y: 0.2289674387677 },
  rightEyeOuter: { x: 0.1205750620789, y: 0.2137274526848 },
  rightEyeInner: { x: 0.3340850613712, y: 0.2290642403242 },
  noseBase: { x: 0.4901123135679, y: 0.6277975316475 },
} as const satisfies Record<keyof CornerLandmarks, Point>;

/** ArcFace's points, px of a 112 px crop. */
export const ARCFACE_TEMPLATE = {
  rightEye: { x: 38.2946, y: 51.6963 },
  leftEye: { x: 73.5318, y: 51.5014 },
  nose: { x: 56.0252, y: 71.7366 },
} as const satisfies Record<keyof CentreLandmarks, Point>;

const EYES = {
  rightEye: middle(DLIB_TEMPLATE.rightEyeOuter, DLIB_TEMPLATE.rightEyeInner),
  leftEye: middle(DLIB_TEMPLATE.leftEyeOuter, DLIB_TEMPLATE.leftEyeInner),
};

/**
 * dlib's frame for eye centres and nose tip. The tip is above dlib's nose base, so it is put where ArcFace has
 * it relative to the eyes: .57 of their distance below them (YuNet measures .57 on HaGRID's frontal faces, where
 * dlib's nose base is at .77). Chips from these detectors then show what dlib's show.
 */
export const CENTRE_TEMPLATE: Readonly<Record<keyof CentreLandmarks, Point>> = {
  ...EYES,
  nose: applySimilarity(
    fitSimilarity([ARCFACE_TEMPLATE.rightEye, ARCFACE_TEMPLATE.leftEye], [EYES.rightEye, EYES.leftEye]),
    ARCFACE_TEMPLATE.nose,
  ),
};

/**
 * The rotation, scale and shift that carry `from` nearest to `to`, by least squares.
 *
 * With centred points f and t as complex numbers, the best a + bi is sum(conj(f) t) / sum(|f|^2).
 *
 * @param from - at least two different points
 * @param to - as many points
 * @throws AppError("internal", "FIT_POINTS") if there are too few, or all are the same
 * @source Umeyama 1991, eq. 34-43, for two dimensions and proper rotations
 * @example fitSimilarity([{ x: 0, y: 0 }, { x: 1, y: 0 }], [{ x: 0, y: 0 }, { x: 0, y: 2 }]) // turn, double
 */
export function fitSimilarity(from: readonly Point[], to: readonly Point[]): Similarity {
  const f = mean(from);
  const t = mean(to);
  let a = 0;
  let b = 0;
  let spread = 0;
  from.forEach((p, i) => {
    const q = to[i]!;
    const [x, y, u, v] = [p.x - f.x, p.y - f.y, q.x - t.x, q.y - t.y];
    a += x * u + y * v;
    b += x * v - y * u;
    spread += x * x + y * y;
  });
  if (from.length < 2 || from.length !== to.length || spread === 0) {
    throw new AppError(
      "internal",
      "FIT_POINTS",
      `A similarity needs two pairs of points, got ${from.length}`,
    );
  }
  a /= spread;
  b /= spread;
  return { a, b, dx: t.x - (a * f.x - b * f.y), dy: t.y - (b * f.x + a * f.y) };
}

/** Carries one point through a similarity. */
export function applySimilarity({ a, b, dx, dy }: Similarity, { x, y }: Point): Point {
  return { x: a * x - b * y + dx, y: b * x + a * y + dy };
}

/**
 * The similarity from a face chip's pixels to the image.
 *
 * @param landmarks - dlib's five corners, or eye centres and nose tip; px in the image
 * @param sizePx - side of the chip
 * @param padding - margin round dlib's unpadded chip, as a fraction of its side
 * @throws AppError("input", "EYES_COINCIDE") if the eyes are < 2 px apart
 */
export function chipToImage(landmarks: ChipLandmarks, sizePx: number, padding: number): Similarity {
  const pairs = templatePairs(landmarks);
  const chip = pairs.map(([t]) => ({ x: toChip(t.x, sizePx, padding), y: toChip(t.y, sizePx, padding) }));
  return fitSimilarity(
    chip,
    pairs.map(([, p]) => p),
  );
}

/**
 * Where a face chip lies in the image; by a detector's points, on a grid (`onGrid`).
 *
 * @param landmarks - as for chipToImage
 * @param sizePx - side of the chip; the square does not depend on it
 * @param padding - as for chipToImage
 * @throws AppError("input", "EYES_COINCIDE") if the eyes are < 2 px apart
 */
export function chipSquare(landmarks: ChipLandmarks, sizePx: number, padding: number): TurnedSquare {
  const tform = chipToImage(landmarks, sizePx, padding);
  const square = {
    centre: applySimilarity(tform, { x: sizePx / 2, y: sizePx / 2 }),
    sidePx: sizePx * Math.hypot(tform.a, tform.b),
    angle: Math.atan2(tform.b, tform.a),
  };
  return "noseBase" in landmarks ? square : onGrid(square);
}

function toChip(t: number, sizePx: number, padding: number): number {
  return ((padding + t) / (2 * padding + 1)) * sizePx;
}

const CORNERS = ["leftEyeOuter", "leftEyeInner", "rightEyeOuter", "rightEyeInner", "noseBase"] as const;
const CENTRES = ["rightEye", "leftEye", "nose"] as const;

/** The points that a face chip is fitted to, in the order in which they are declared. */
export function chipPoints(landmarks: ChipLandmarks): Point<"px">[] {
  return "noseBase" in landmarks
    ? CORNERS.map((name) => landmarks[name])
    : CENTRES.map((name) => landmarks[name]);
}

function templatePairs(landmarks: ChipLandmarks): (readonly [Point, Point])[] {
  const corners = "noseBase" in landmarks;
  const right = corners ? middle(landmarks.rightEyeOuter, landmarks.rightEyeInner) : landmarks.rightEye;
  const left = corners ? middle(landmarks.leftEyeOuter, landmarks.leftEyeInner) : landmarks.leftEye;
  const apartPx = distance(right, left);
  if (!(apartPx >= MIN_EYE_DISTANCE_PX)) {
    throw new AppError(
      "input",
      "EYES_COINCIDE",
      `Expected eyes at least ${MIN_EYE_DISTANCE_PX} px apart for a face chip, got ${apartPx.toFixed(2)} px`,
    );
  }
  if (!corners) {
    return CENTRES.map((name) => [CENTRE_TEMPLATE[name], landmarks[name]] as const);
  }
  return CORNERS.map((name) => [DLIB_TEMPLATE[name], landmarks[name]] as const);
}

function middle(p: Point, q: Point): Point {
  return { x: (p.x + q.x) / 2, y: (p.y + q.y) / 2 };
}

function mean(points: readonly Point[]): Point {
  let [x, y] = [0, 0];
  for (const p of points) {
    x += p.x;
    y += p.y;
  }
  return { x: x / points.length, y: y / points.length };
}
