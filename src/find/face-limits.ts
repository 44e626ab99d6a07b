// ◇ Browser-safe. What a found face needs to count as one: of a photo that is predicted, and as the thresholds that the
// cleaning rules start from (derive/judge/clean). Source: the pictures on both sides (docs/derivation.md, "Rules").

/** Shorter side of a face box; a smaller face would be enlarged about tenfold, and its landmarks are not sure. */
export const MIN_FACE_PX = 28;
/** Below this a detection is no face. */
export const MIN_FACE_SCORE = 0.6;
