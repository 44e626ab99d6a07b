// ◇ Browser-safe. What a picture shows where an annotation has a hand: its landmarks as annotated, a hand all the same,
// or none. Source: our own, by MediaPipe's landmark model (hand-model.ts). Invariant: annotated landmarks count only if
// they fill their box and the model, which begins from them, finds them again.

import type { PhotoLike } from "../pixels/fast/pictures.ts";
import { type Box, distance, type Point } from "../pixels/geometry.ts";
import { type HandModel, landmarkFit, locateHand, MIN_FIT, MIN_PRESENCE } from "./hand-model.ts";
import { squareFromLandmarks } from "./hand-square.ts";

/** A hand as annotated, px in the picture. */
export interface AnnotatedHand {
  readonly box: Box<"px">;
  readonly points?: readonly Point<"px">[] | undefined;
}

/**
 * Mean distance from annotated landmarks to those that the model reads at them, long sides of the box: of 458 hands of
 * HaGRID all are within .147 (all but one within .09); of 229 of them mirrored or turned in the frame as EXIF could, none.
 */
export const MAX_OFF = 0.15;

/** What is seen of an annotated hand. */
export interface SeenHand {
  /** The annotated landmarks, those of the model, or no hand. */
  readonly from: "annotation" | "model" | "none";
  readonly points?: readonly Point<"px">[] | undefined;
  /** How well these points fill the box, IoU; 0 if no hand is seen. */
  readonly fills: number;
  /** IoU of the annotated landmarks' bounds with the box. */
  readonly fit?: number | undefined;
  /** Distance of the annotated landmarks from those seen, where a hand is seen at them. */
  readonly off?: number | undefined;
  /** The model's. */
  readonly presence?: number | undefined;
}

/**
 * Searches for an annotated hand.
 *
 * @param hand - where it is annotated
 * @returns where the annotated landmarks are not seen, what the model finds in the box
 * @example (await seeHand(model, photo, { box, points })).from // "annotation"
 */
export async function seeHand(model: HandModel, photo: PhotoLike, hand: AnnotatedHand): Promise<SeenHand> {
  const { box, points } = hand;
  const known = points === undefined ? {} : await checkPoints(model, photo, box, points);
  if (known.off !== undefined && known.off <= MAX_OFF) {
    return { ...known, from: "annotation", points: points!, fills: known.fit! };
  }
  const { fit, off } = known;
  const rest = { fit, off };
  const found = await locateHand(model, photo, box);
  if (found === undefined) return { ...rest, from: "none", fills: 0 };
  return { ...rest, ...found, from: "model", fills: landmarkFit(found.points, box) };
}

async function checkPoints(
  model: HandModel,
  photo: PhotoLike,
  box: Box<"px">,
  points: readonly Point<"px">[],
): Promise<Pick<SeenHand, "fit" | "off" | "presence">> {
  const fit = landmarkFit(points, box);
  if (fit < MIN_FIT) return { fit };
  const { points: seen, presence } = await model.read(photo, squareFromLandmarks(points));
  if (presence < MIN_PRESENCE) return { fit };
  const apart = points.reduce((sum, point, i) => sum + distance(point, seen[i]!), 0) / points.length;
  return { fit, presence, off: apart / Math.max(box.width, box.height) };
}
