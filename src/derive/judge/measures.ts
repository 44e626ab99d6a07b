// What is measured of a frame, by name: the numbers that cleaning rules judge and that the ledger shows.
// Invariant: a measure is absent where it has no meaning (no landmarks, no face); it is never guessed.
import { z } from "zod";
import { MEASURES, type Measure } from "../../dataset/ledger-columns.ts";

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
