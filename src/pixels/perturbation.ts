// The schema of perturbations in study files; `perturb` applies them. A file of its own, since the threads that do so
// check nothing.
import { z } from "zod";

const share = (what: string) => z.number().min(0).max(0.5).default(0).describe(what);

/** All perturbations with their strengths; lengths are shares of the picture's width. */
export const perturbationSchema = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("alignment"),
    shift: share("largest shift to each side"),
    rotate: z.number().min(0).max(180).default(0).describe("largest turn to either side, degrees"),
    scale: share("largest growth or shrinking"),
  }),
  z.strictObject({ kind: z.literal("jpeg"), quality: z.int().min(1).max(100) }),
  z.strictObject({ kind: z.literal("blur"), sigma: z.number().positive().max(0.2) }),
  z.strictObject({
    kind: z.literal("low-light"),
    gain: z.number().positive().max(1).describe("factor on linear light"),
    noise: z.number().min(0).max(0.5).default(0.02).describe("std of the sensor's noise, of full scale"),
  }),
  z.strictObject({
    kind: z.literal("crop"),
    keep: z.number().min(0.1).max(1).describe("share of the side that remains"),
  }),
  z.strictObject({ kind: z.literal("flip") }),
]);
/** One perturbation, checked. */
export type Perturbation = z.output<typeof perturbationSchema>;
