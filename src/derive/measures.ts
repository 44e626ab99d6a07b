// What is measured of a frame, by name: the numbers that cleaning rules judge and that the ledger shows.
// Invariant: a measure is absent where it has no meaning (no landmarks, no face); it is never guessed.
import { z } from "zod";

/** In the order of the ledger's columns. */
export const MEASURES = [
  "face_px", // shorter side of the face's box, px of the frame
  "owner_fit", // how far hand and face are from a usual pair, standard deviations
  "owner_lead", // how much worse the next face fits
  "landmark_fit", // IoU of the annotated landmarks' bounds with the hand's box
  "hand_presence", // of the landmark model: probability that the crop shows a hand
  "hand_turn", // degrees by which the crop is turned, clockwise
  "hand_inside", // share of the hand crop that lies in the frame
  "face_inside", // share of the face chip that lies in the frame
  "hidden", // share of the middle of the face inside the hand's outline
  "face_sharpness", // variance of the Laplacian at 128 px
  "hand_sharpness",
  "highlight", // 95th percentile of the frame's luma
  "clipped", // share of clipped pixels in the middle of the face chip
  "ita", // individual typology angle of the face's skin, degrees
] as const;
export type Measure = (typeof MEASURES)[number];

/** Measures of one frame, rounded to 4 decimals. */
export type Measures = Readonly<Partial<Record<Measure, number>>>;

/** The measures as a journal holds them. */
export const measuresSchema = z.strictObject(
  Object.fromEntries(MEASURES.map((name) => [name, z.number().optional()])) as Record<
    Measure,
    z.ZodOptional<z.ZodNumber>
  >,
);

/**
 * Rounds measures and leaves out what is undefined.
 *
 * @example roundMeasures({ hidden: 0.123456, ita: undefined }) // { hidden: 0.1235 }
 */
export function roundMeasures(values: { readonly [M in Measure]?: number | undefined }): Measures {
  const known = Object.entries(values).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, Number(value.toFixed(4))]],
  );
  return Object.fromEntries(known);
}
