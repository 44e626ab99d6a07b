// ◇ Browser-safe. How long texts and times of a judgement may be: one place for the schema and for the forms of the page.

/** Characters of the name of who judges. */
export const NAME_LENGTH = 200;
/** Characters of a note or of a reason. */
export const NOTE_LENGTH = 2000;
/** Milliseconds that a judgement may have taken, a day: whoever takes longer has left the page open. */
export const LONGEST_MS = 86_400_000;
