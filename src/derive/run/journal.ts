// The journal of a derivation: one line for every frame that is done, in the order of the input.
// Source: our own. Invariant: a line is written after the images that it names are on the disk. Lines of version 0.1 have no
// checksum, and are read.
import { z } from "zod";
import { AppError, show } from "../../core/errors.ts";
import { SEXES } from "../../core/vocabulary.ts";
import { MODALITIES, SPLITS } from "../../core/words.ts";
import { HAND_SOURCES } from "../../find/hand-source.ts";
import type { JournalFormat } from "../../machine/journal.ts";
import { REFERENCES } from "../../pixels/turns.ts";
import { measuresSchema } from "../judge/measures.ts";
import { REASONS } from "../judge/reasons.ts";

const box = z.tuple([z.number(), z.number(), z.number(), z.number()]);

const result = z.strictObject({
  imageId: z.string(),
  gesture: z.string(),
  /** Split of the source. */
  split: z.enum(SPLITS),
  userId: z.string(),
  meta: z.strictObject({
    age: z.array(z.number()),
    gender: z.array(z.enum(SEXES)),
    race: z.array(z.string()),
  }),
  /** Why no pair can be made of it; rules judge the others later. */
  reason: z.enum(REASONS).optional(),
  detail: z.string().optional(),
  sha256: z.string().optional(),
  /** The file as it was when it was read, to know later whether it is another one; journals of earlier versions have none. */
  source: z.strictObject({ bytes: z.number(), mtimeMs: z.number() }).optional(),
  size: z.tuple([z.number(), z.number()]).optional(),
  faces: z.number().optional(),
  faceScore: z.number().optional(),
  /** px, rounded to hundredths. */
  faceBox: box.optional(),
  handBox: box.optional(),
  /** What the crops show: centre, side, degrees; and the points that it follows from. Journals of earlier versions have none. */
  faceSquare: box.optional(),
  handSquare: box.optional(),
  facePoints: z.array(z.number()).optional(),
  handPoints: z.array(z.number()).optional(),
  /** Which pixels the annotation refers to, and the face landmarks beside it; of a picture that EXIF turns. */
  annotatedIn: z.enum(REFERENCES).optional(),
  facesIn: z.enum(REFERENCES).optional(),
  /** What the hand crop was made from. */
  hand: z.enum(HAND_SOURCES).optional(),
  measures: measuresSchema.optional(),
  /** Perceptual hash of the frame, hex. */
  look: z.string().optional(),
  /** Crops that were written. */
  crops: z.array(z.enum(MODALITIES)).optional(),
});

/** What is known of one frame after its pixels were measured. */
export type FrameResult = z.output<typeof result>;

/** A derivation's journal. */
export const FRAMES: JournalFormat<FrameResult> = {
  what: "a journal",
  schema: result,
  checksums: true,
  damaged: (text, where, cause) => {
    const message = `Expected the journal line of a derived frame at ${where}, got ${show(text)}`;
    const hint = "remove the .partial folder and derive again";
    return new AppError("data", "JOURNAL_DAMAGED", message, { hint, cause });
  },
};
