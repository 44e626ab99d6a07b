// Why frames are removed.
// Source: our own; DESIGN rule 6: dropped data is counted with a reason.

/** In the order in which a frame is judged: of several reasons the first is given. */
export const REASONS = [
  "removed_by_decision", // a person decided it
  "duplicate_image", // the id, or the very bytes, were seen before
  "missing_label", // no gender entry in meta
  "no_hand_box", // no box has the gesture's label
  "image_missing",
  "image_unreadable",
  "annotation_misplaced", // the picture shows no hand where the annotation has one, or does not tell which pixels it speaks of
  "hand_landmarks_implausible", // annotated landmarks do not lie in the hand's box
  "hand_outside_frame", // most of the hand crop is outside
  "no_face",
  "low_face_score",
  "face_too_small",
  "ambiguous_face", // hand and face do not look like one person's, or another face fits as well
  "face_outside_frame",
  "face_hidden", // by the hand
  "blurred",
  "under_exposed",
  "over_exposed",
  "near_duplicate", // looks like an earlier frame
  "label_conflict", // the subject's frames do not agree
] as const;
export type Reason = (typeof REASONS)[number];
