// What `data check` can find in a dataset: one list of codes, each with its weight and whether `data repair` mends it.
// Invariant: a code has one severity; a serious one means that figures made from the dataset could be wrong.
import { unexpected } from "../../core/errors.ts";

/** From "do not use it like this" to "good to know". */
export const SEVERITIES = ["serious", "warning", "note"] as const;
/** How much a finding matters. */
export type Severity = (typeof SEVERITIES)[number];

/** How much findings of one code matter. */
export interface Kind {
  readonly severity: Severity;
  /** True if `data repair` mends it without a decision. */
  readonly mended: boolean;
}

const serious = (mended: boolean): Kind => ({ severity: "serious", mended });
const warning = (mended: boolean): Kind => ({ severity: "warning", mended });
const note = (mended: boolean): Kind => ({ severity: "note", mended });

/** Every code, in the order in which findings are listed. */
export const FINDINGS = {
  TABLE_UNREADABLE: serious(false),
  COLUMN_MISSING: serious(false),
  COLUMN_UNKNOWN: serious(false),
  COLUMN_NAME: serious(true), // another case, or blanks around it
  TABLE_BOM: warning(true),
  FIELD_BLANKS: serious(true),
  FIELD_EMPTY: serious(false),
  FIELD_UNSEEN: serious(false), // signs that nobody sees
  FIELD_NOTHING: serious(false), // `nan` and other words for "not recorded"
  GENDER_CASE: note(true),
  GENDER_VALUE: serious(false),
  LABEL_CASE: note(true),
  AGE_VALUE: serious(false),
  AGE_OVERLAP: warning(false),
  RACE_VALUE: serious(false),
  GESTURE_VALUE: serious(false),
  IMAGE_FOLDER: serious(true), // a path where a file name belongs
  IMAGE_NAME: serious(false),
  IMAGE_MISSING: serious(true),
  IMAGE_SHARED: serious(false),
  PAIR_MISMATCH: serious(false),
  ROW_DUPLICATE: serious(true),
  ID_DUPLICATE: serious(false),
  SUBJECT_CASE: note(true), // readers fold it
  SUBJECT_ROUNDED: serious(false),
  SUBJECT_SPELLING: serious(false),
  SUBJECT_IN_TWO_SPLITS: serious(false),
  SUBJECT_GENDER: serious(false),
  SUBJECT_AGE: note(false),
  SUBJECT_RACE: note(false),
  LAYOUT_DOUBLED: warning(true),
  IMAGE_ORPHAN: warning(true),
  FILE_UNKNOWN: warning(false),
  MANIFEST_TABLE: serious(false),
  IMAGE_UNREADABLE: serious(false),
  IMAGE_SIZE: warning(false),
  IMAGE_DUPLICATE: warning(false),
  IMAGE_DUPLICATE_ACROSS: serious(false),
  NEAR_DUPLICATE: warning(false),
  NEAR_DUPLICATE_ACROSS: serious(false),
  SUBJECT_TWO_IDS: warning(false),
  SUBJECT_TWO_IDS_ACROSS: serious(false),
  HAGRID_TRAIN: serious(false),
  HAGRID_SUBJECT: warning(false),
} as const satisfies Record<string, Kind>;

/** The name of one kind of finding. */
export type FindingCode = keyof typeof FINDINGS;

/** One thing that is not as it should be. */
export interface Finding {
  readonly code: FindingCode;
  readonly severity: Severity;
  /** In the house's wording: what was expected, for what, what was got, where. */
  readonly message: string;
  /** Relative to the dataset's folder, with `/`. */
  readonly file: string;
  /** Line of the file, the header being 1; absent for what is not in a row. */
  readonly row?: number | undefined;
  /** What a repair writes instead, where that is one text for another. */
  readonly change?: { readonly before: string; readonly after: string } | undefined;
}

/** A file of the dataset, and a line of it. */
export interface Place {
  readonly file: string;
  readonly row?: number | undefined;
}

/** `train.csv:14`, or the file alone. */
export function placeText({ file, row }: Place): string {
  return row === undefined ? file : `${file}:${row}`;
}

/**
 * Makes a finding.
 *
 * @param expected - what would have been right
 * @param name - the thing it is about, e.g. `column gender`
 */
export function finding(
  code: FindingCode,
  place: Place,
  { expected, name, got }: { readonly expected: string; readonly name: string; readonly got: unknown },
  change?: Finding["change"],
): Finding {
  const { message } = unexpected("data", { code, expected, name, got, where: placeText(place) });
  return { code, severity: FINDINGS[code].severity, message, ...place, change };
}
