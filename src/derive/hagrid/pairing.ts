// Which hand of a frame makes the gesture, and whose face goes with it.
// Source: HaGRID's labels for the hand; for the face a rule of our own, written out at `chooseOwner`.
// Invariant: a choice is made from geometry alone, never from apparent traits.

import { type Box, boxArea } from "../../pixels/geometry.ts";
import type { Frame } from "./frame.ts";

/** What a face has to have, to be preferred to one that has not. */
export interface FaceLimits {
  readonly minScore: number;
  /** Shorter side of its box, px. */
  readonly minPx: number;
}

/**
 * Hand and face of one person, in 459 frames of HaGRID with one face: the long side of the hand's box is 1.04 of the
 * face's height (median; sd of the logarithm .19), their centres are 1.16 heights apart (mean; sd .34).
 */
const USUAL = { ratio: 1.04, ratioSd: 0.19, reach: 1.16, reachSd: 0.34 } as const;

export interface ScoredBox {
  readonly score: number;
  readonly box: Box<"px">;
}

/** The face of the hand's owner, and how sure that is. */
export interface Owner<F> {
  readonly face: F;
  /** Standard deviations from a usual pair; 459 real pairs are within 3.8. */
  readonly fit: number;
  /** How much worse the next face fits; undefined if there is no other. */
  readonly lead?: number | undefined;
}

/**
 * The box of the hand that makes the frame's gesture: of the boxes with its label the largest.
 *
 * A gesture of two hands has its name on the box of each; `united_bbox` around both is not used, since a crop
 * shows one hand.
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
 * The face of the hand's owner: the one that makes the most usual pair with the hand.
 *
 * A pair is unusual as far as its sizes do not fit (a bystander's face in the background is small beside a hand
 * before the camera) and as far as the face is out of the arm's reach, in heights of that face. Faces within the
 * limits are preferred to all others. Whether the choice is sure enough is judged by the cleaning rules.
 *
 * @param faces - all detections of the frame, px
 * @param hand - the gesture hand, px of the same frame
 * @returns undefined if there is no face
 * @example chooseOwner(await detector.detect(image), hand, { minScore: 0.6, minPx: 28 })
 */
export function chooseOwner<F extends ScoredBox>(
  faces: readonly F[],
  hand: Box<"px">,
  { minScore, minPx }: FaceLimits,
): Owner<F> | undefined {
  const usable = faces.filter(
    ({ score, box }) => score >= minScore && Math.min(box.width, box.height) >= minPx,
  );
  const [first, second] = (usable.length > 0 ? usable : faces)
    .map((face) => ({ face, fit: unusual(face.box, hand) }))
    .sort((a, b) => a.fit - b.fit);
  if (first === undefined) return undefined;
  return second === undefined ? first : { ...first, lead: second.fit - first.fit };
}

function unusual(face: Box<"px">, hand: Box<"px">): number {
  const dx = face.x + face.width / 2 - (hand.x + hand.width / 2);
  const dy = face.y + face.height / 2 - (hand.y + hand.height / 2);
  const reach = Math.hypot(dx, dy) / face.height;
  const ratio = Math.max(hand.width, hand.height) / face.height;
  const far = Math.max(0, reach - USUAL.reach) / USUAL.reachSd;
  return Math.hypot(far, Math.log(ratio / USUAL.ratio) / USUAL.ratioSd);
}
