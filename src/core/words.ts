// ◇ Browser-safe. The terms of the data rooms: a pair (one row of the published CSVs) and a sample (one image to
// learn from). Source of the columns: UnifiedGenderNet's dataset (README, "Metadata").
// `gender` is an apparent label recorded by machines or annotators; it is not identity.
import type { Sex } from "./vocabulary.ts";

/** In flag order: the modality flag of UMCC is hand = [1, 0], face = [0, 1]. */
export const MODALITIES = ["hand", "face"] as const;
/** Which of the two pictures of a pair. */
export type Modality = (typeof MODALITIES)[number];

/** In the order of use. */
export const SPLITS = ["train", "val", "test"] as const;
/** The part of a dataset that an image is used in; a subject is in one only. */
export type Split = (typeof SPLITS)[number];

/** The CSV columns, in file order. */
export const COLUMNS = [
  "id",
  "user_id",
  "age",
  "gender",
  "race",
  "labels",
  "hand_image_name",
  "face_image_name",
] as const;

/** One face-hand pair of one subject: a row of train.csv, val.csv or test.csv. */
export interface Pair {
  /** Unique over all splits. */
  readonly id: string;
  /** The subject, as HaGRID's user_id. */
  readonly userId: string;
  /** Age bucket as recorded, e.g. `20-29`; empty if unknown. */
  readonly age: string;
  readonly gender: Sex;
  /** Race or skin-tone class as recorded; empty if unknown. */
  readonly race: string;
  /** HaGRID gesture name, e.g. `palm`. */
  readonly gesture: string;
  /** File name `H_<uuid>.jpg`. */
  readonly handImage: string;
  /** File name `F_<uuid>.jpg`. */
  readonly faceImage: string;
}

/** One labelled image, from any source: what batches, training and evaluation work on. */
export interface Sample {
  /** Unique within its source; for pairs `<pair id>/hand` or `<pair id>/face`. */
  readonly id: string;
  /** Unique over sources: `<source>:<user id>`. Splits never divide a subject. */
  readonly subject: string;
  readonly modality: Modality;
  readonly sex: Sex;
  /** Absolute path of the image. */
  readonly path: string;
  /** Source kind, e.g. `pairs`, `utkface`, `hands11k`. */
  readonly source: string;
  /** Recorded groups for reports, empty string if unknown: `age`, `race`, `gesture`. */
  readonly groups: Readonly<Record<"age" | "race" | "gesture", string>>;
  /** SHA-256 of the alignment recipe, of derived pairs. */
  readonly recipeHash?: string | undefined;
}

/** 0 for female, 1 for male: the training target, so that sigmoid(logit) = P(recorded as male). */
export function sexIndex(sex: Sex): 0 | 1 {
  return sex === "male" ? 1 : 0;
}

/** Between the names of people who decided something together, in one field. */
export const BETWEEN_NAMES = "; ";

/**
 * A key of a configuration as it is typed.
 *
 * @example flagOf("globalPool") // "--global-pool"
 */
export function flagOf(key: string): string {
  return `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}
