// ◇ Browser-safe. The columns of a ledger, which a derivation writes and from which a release removes what is private.
// Invariant: CSV and Parquet have the same, in this order.
import type { ParquetSchema } from "../formats/parquet/parquet.ts";

/** What is measured of a frame, by name. */
export const MEASURES = [
  "face_px", // shorter side of the face's box, px of the frame
  "owner_fit", // how far hand and face are from a usual pair, standard deviations
  "owner_lead", // how much worse the next face fits
  "landmark_fit", // IoU of the annotated landmarks' bounds with the hand's box
  "landmark_off", // mean distance of the annotated landmarks from those seen in the picture, long sides of the hand's box
  "hand_presence", // of the landmark model: probability that there is a hand
  "hand_turn", // degrees by which the crop is turned, clockwise
  "hand_inside", // share of the hand crop that lies in the frame
  "face_inside", // share of the face chip that lies in the frame
  "hidden", // share of the middle of the face inside the hand's outline
  "face_sharpness", // variance of the Laplacian at 128 px
  "hand_sharpness",
  "highlight", // 95th percentile of the frame's luma
  "clipped", // share of clipped pixels in the middle of the face chip
  "ita", // individual typology angle of the face's skin, degrees
  "hand_ita", // the same of the hand's skin, where there is a hand, with or without a face
] as const;
export type Measure = (typeof MEASURES)[number];

const measures = Object.fromEntries(MEASURES.map((name) => [name, "double?"])) as Record<
  (typeof MEASURES)[number],
  "double?"
>;

/**
 * Columns in file order. Boxes are `x y width height` in px of the frame as it is seen, null where nothing was measured; the
 * squares that the crops show are `x y side degrees`: their centre, and how far they are turned clockwise; points, which
 * those squares follow from, are `x y` of each. Ledgers of earlier versions have neither, nor `hand_ita`, nor `recorded_gender`: the
 * majority of the subject's votes, of removed frames too, where `gender` is the label of a pair. `twin` is the
 * earlier kept frame that a removed one repeats: with `twin_bits` their looks are similar, without it their bytes are equal.
 * `annotated_in` and `faces_in` record, for a frame that EXIF turns, which pixels its annotation and the face landmarks given
 * beside it were found to refer to: `stored`, as they lie in the file, or `upright`, turned.
 */
export const LEDGER_SCHEMA = {
  image_id: "string",
  gesture: "string",
  source_split: "string",
  user_id: "string",
  status: "string",
  reason: "string?",
  detail: "string?",
  overruled: "string?",
  decision: "string?",
  decided_by: "string?",
  decided_at: "string?",
  decided_why: "string?",
  split: "string?",
  gender: "string?",
  recorded_gender: "string?",
  gender_agreement: "double?",
  gender_votes: "int32",
  gender_entries: "int32?",
  age: "string?",
  race: "string?",
  skin_tone: "string?",
  width: "int32?",
  height: "int32?",
  annotated_in: "string?",
  faces_in: "string?",
  faces: "int32?",
  face_score: "double?",
  face_box: "string?",
  face_square: "string?",
  face_points: "string?",
  hand_box: "string?",
  hand_square: "string?",
  hand_points: "string?",
  hand_from: "string?",
  ...measures,
  look: "string?",
  twin: "string?",
  twin_bits: "int32?",
  sha256: "string?",
} as const satisfies ParquetSchema;

export type LedgerColumn = keyof typeof LEDGER_SCHEMA;
export const LEDGER_COLUMNS = Object.keys(LEDGER_SCHEMA) as readonly LedgerColumn[];
