// Which pixels the annotation of a frame refers to, where EXIF turns the picture: those that lie in the file (HaGRID's
// own loader does not turn) or those that are seen. Decided frame by frame, by where the picture shows the hand.
// Source: our own. Invariants: nothing is assumed: if neither place shows the hand, or both do equally, there is no answer;
// a frame that is not turned has one frame of reference only, and needs no decision.

import type { CornerLandmarks } from "../../find/align.ts";
import type { AnnotatedHand, SeenHand } from "../../find/hand-sight.ts";
import type { HandCutter } from "../../find/hand-source.ts";
import type { PhotoLike } from "../../pixels/fast/pictures.ts";
import { boxIou, boxToPx, type Point } from "../../pixels/geometry.ts";
import type { ExifTurn } from "../../pixels/image.ts";
import { type Reference, turnBox, turnPoint } from "../../pixels/turns.ts";
import type { Frame } from "./frame.ts";

/** Boxes that overlap more are of one hand: the better fit is taken, however little better. */
const SAME_PLACE = 0.5;
/** In two places, a hand has to fill its box better by this. */
const MIN_LEAD = 0.1;

/** The answer for one frame; without `hand` there is none. */
export interface FoundReference {
  readonly hand?: AnnotatedHand | undefined;
  /** What the picture shows there, where the answer needed it. */
  readonly seen?: SeenHand | undefined;
  /** Of a picture that EXIF turns. */
  readonly reference?: Reference | undefined;
  readonly why?: string | undefined;
}

/**
 * Where the chosen hand of a frame lies in the picture.
 *
 * @param image - the picture upright
 * @param chosen - index into the frame's boxes
 * @param turn - EXIF's, as the picture was stored
 * @example (await findReference(image, frame, 0, 6, hands)).reference // "stored"
 */
export async function findReference(
  image: PhotoLike,
  frame: Pick<Frame, "boxes" | "handLandmarks">,
  chosen: number,
  turn: ExifTurn,
  hands: HandCutter,
): Promise<FoundReference> {
  const upright = annotatedHand(image, frame, chosen, 1);
  if (turn === 1) return { hand: upright };
  const stored = annotatedHand(image, frame, chosen, turn);
  const seen = { upright: await hands.see(image, upright), stored: await hands.see(image, stored) };
  const reference = better(seen, boxIou(upright.box, stored.box));
  if (reference !== undefined)
    return { hand: { upright, stored }[reference], seen: seen[reference], reference };
  const nowhere = seen.upright.from === "none";
  return {
    why: `${nowhere ? "no hand" : "a hand"} where it is in stored and in turned pixels, EXIF ${turn}`,
  };
}

/** The hand in px of the upright picture, if the annotation is of pixels that are stored so. */
function annotatedHand(
  { width, height }: PhotoLike,
  { boxes, handLandmarks }: Pick<Frame, "boxes" | "handLandmarks">,
  chosen: number,
  turn: ExifTurn,
): AnnotatedHand {
  const points = handLandmarks?.[chosen]?.map((point): Point => {
    const { x, y } = turnPoint(turn, point);
    return { x: x * width, y: y * height };
  });
  return { box: boxToPx(turnBox(turn, boxes[chosen]!), width, height), points };
}

const RANK = { annotation: 2, model: 1, none: 0 } as const;

/**
 * The reference in which more of the annotation is seen; undefined if that cannot be decided.
 *
 * @param overlap - IoU of the two places of the box
 */
export function better(
  { upright, stored }: Readonly<Record<Reference, SeenHand>>,
  overlap: number,
): Reference | undefined {
  const lead = RANK[upright.from] - RANK[stored.from];
  if (lead !== 0) return lead > 0 ? "upright" : "stored";
  if (upright.from === "none") return undefined;
  if (upright.from === "annotation") return upright.off! <= stored.off! ? "upright" : "stored";
  const fuller = upright.fills - stored.fills;
  if (overlap < SAME_PLACE && Math.abs(fuller) < MIN_LEAD) return undefined;
  return fuller >= 0 ? "upright" : "stored";
}

/**
 * Whether a face stands upright and is not mirrored: the person's left eye at the right, within 45 degrees, the nose below.
 * Of two ways to read landmarks of a turned picture this is true of one at most.
 *
 * @param face - px in the upright picture
 */
export function isUprightFace(face: CornerLandmarks): boolean {
  const eye = (outer: Point, inner: Point) => ({ x: (outer.x + inner.x) / 2, y: (outer.y + inner.y) / 2 });
  const left = eye(face.leftEyeOuter, face.leftEyeInner);
  const right = eye(face.rightEyeOuter, face.rightEyeInner);
  const [dx, dy] = [left.x - right.x, left.y - right.y];
  const [nx, ny] = [face.noseBase.x - (left.x + right.x) / 2, face.noseBase.y - (left.y + right.y) / 2];
  return dx > Math.abs(dy) && dx * ny - dy * nx > 0;
}
