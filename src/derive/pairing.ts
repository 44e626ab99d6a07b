// Which hand of a frame makes the gesture, and whose face goes with it.
// Source: HaGRID's labels for the hand; for the face a rule of our own, written out at `chooseOwner`.
// Invariant: a choice is made from geometry alone, never from apparent traits; doubt removes the frame.
import type { Frame } from "./frame.ts";
import { type Box, boxArea } from "./geometry.ts";
import type { Reason } from "./ledger.ts";

/** Shorter side of a face box; a smaller face would be enlarged about tenfold, and its landmarks are not sure. */
export const MIN_FACE_PX = 28;
/** Below this a detection is noted in the ledger, but not used. */
export const MIN_FACE_SCORE = 0.5;
/** Hand to face, in heights of that face: an arm's length is about 3, with a raised hand near the camera 4. */
export const MAX_REACH = 6;
/** The next best face must be this much farther, in the same measure. */
export const CLEAR_LEAD = 1.5;

export interface ScoredBox {
  readonly score: number;
  readonly box: Box<"px">;
}

export type Choice<F> =
  | { readonly face: F; readonly reason?: never }
  | { readonly reason: Reason; readonly detail: string };

/**
 * The box of the hand that makes the frame's gesture: of the boxes with its label the largest.
 *
 * @returns index into `frame.boxes`, or undefined if no box has the label
 */
export function chooseHand(frame: Pick<Frame, "boxes" | "labels" | "gesture">): number | undefined {
  let best: number | undefined;
  frame.boxes.forEach((box, i) => {
    if (frame.labels[i] !== frame.gesture) return;
    if (best === undefined || boxArea(box) > boxArea(frame.boxes[best]!)) best = i;
  });
  return best;
}

/**
 * The face of the hand's owner.
 *
 * Faces under MIN_FACE_SCORE and MIN_FACE_PX are passed over. One face left: it. Of several, the one nearest to
 * the hand when the distance of their centres is measured in heights of that face, so that a bystander in the
 * background, whose face is small, is far away. It must be within MAX_REACH, and the next must be CLEAR_LEAD
 * times as far, else the frame is ambiguous.
 *
 * @param faces - all detections of the frame, px
 * @param hand - the gesture hand, px of the same frame
 * @returns the face, or why there is none
 * @example chooseOwner(await detector.detect(image), hand)
 */
export function chooseOwner<F extends ScoredBox>(faces: readonly F[], hand: Box<"px">): Choice<F> {
  if (faces.length === 0) return { reason: "no_face", detail: "" };
  const sure = faces.filter(({ score }) => score >= MIN_FACE_SCORE);
  if (sure.length === 0) {
    const best = Math.max(...faces.map(({ score }) => score));
    return { reason: "low_face_score", detail: `best score ${best.toFixed(3)}` };
  }
  const large = sure.filter(({ box }) => Math.min(box.width, box.height) >= MIN_FACE_PX);
  if (large.length === 0) {
    const side = Math.max(...sure.map(({ box }) => Math.min(box.width, box.height)));
    return { reason: "face_too_small", detail: `largest ${side.toFixed(1)} px` };
  }
  if (large.length === 1) return { face: large[0]! };
  return nearest(large, hand);
}

function nearest<F extends ScoredBox>(faces: readonly F[], hand: Box<"px">): Choice<F> {
  const byReach = faces
    .map((face) => ({ face, reach: reach(face.box, hand) }))
    .sort((a, b) => a.reach - b.reach);
  const [first, second] = byReach as [(typeof byReach)[0], (typeof byReach)[0]];
  const told = byReach.map((f) => f.reach.toFixed(2)).join(", ");
  if (first.reach > MAX_REACH || second.reach < CLEAR_LEAD * first.reach) {
    return { reason: "ambiguous_face", detail: `${faces.length} faces, reach ${told}` };
  }
  return { face: first.face };
}

function reach(face: Box<"px">, hand: Box<"px">): number {
  const dx = face.x + face.width / 2 - (hand.x + hand.width / 2);
  const dy = face.y + face.height / 2 - (hand.y + hand.height / 2);
  return Math.hypot(dx, dy) / face.height;
}
