// ◇ Browser-safe. What somebody said about something, as a line of the log.
// Source: our own. Invariants: a class that was shown as recorded is confirmed, any other is named; a line says what was on the
// screen; what is taken back is taken back by a line.
import { type Annotation, type JudgedLabel, thingOf } from "../../../audit/annotation.ts";
import { LONGEST_MS } from "../../../audit/limits.ts";

/** The labels that are recorded of something. */
export type Labels = Readonly<Annotation["recorded"]>;

/** What is judged: a pair, or a subject with all of its pairs. */
export interface Judged {
  /** Of a pair. */
  readonly image?: string | undefined;
  readonly user: string;
  /** Empty where it is not known, as for a blind page. */
  readonly recorded: Labels;
}

/** How it is judged. */
export interface Task {
  readonly annotator: string;
  /** Name of the queue, for the log. */
  readonly queue: string;
  readonly asked: JudgedLabel;
  readonly seen: Pick<Annotation["seen"], "label" | "predictions" | "judgements">;
  /** It ends a dispute. */
  readonly settles: boolean;
}

/** What is said. */
export type Said =
  | { readonly choice: "class"; readonly value: string }
  | { readonly choice: "remove"; readonly reason: string }
  | { readonly choice: "unsure" | "skip" };

/** When, how long it took, and what else. */
export interface Circumstances {
  readonly id: string;
  readonly when: string;
  readonly ms: number;
  readonly note?: string | undefined;
}

/** The key of what is judged, as the log compares it. */
export const keyOf = ({ image, user }: Pick<Judged, "image" | "user">): string =>
  thingOf({ image_id: image, user_id: user });

/**
 * A judgement as its line.
 *
 * @example lineOf(pair, task, { choice: "class", value: "male" }, { id, when, ms: 1200 }).choice // "relabel"
 */
export function lineOf(
  { image, user, recorded }: Judged,
  { annotator, queue, asked, seen, settles }: Task,
  said: Said,
  { id, when, ms, note }: Circumstances,
): Annotation {
  return {
    ...{ id, annotator, when },
    ...{ image_id: image, user_id: user, queue, recorded: filled(recorded), asked: [asked] },
    seen: { ...seen, pictures: ["hand", "face"] },
    ...choiceOf(said, asked, seen.label ? recorded[asked] : undefined),
    ...(note === undefined || note.trim() === "" ? {} : { note: note.trim() }),
    ms: Math.min(Math.max(0, Math.round(ms)), LONGEST_MS),
    ...(settles ? { settles: true } : {}),
  };
}

function choiceOf(said: Said, asked: JudgedLabel, shown: string | undefined) {
  if (said.choice === "remove") return { choice: said.choice, reason: said.reason.trim() };
  if (said.choice !== "class") return { choice: said.choice };
  if (said.value === shown) return { choice: "confirm" as const };
  return { choice: "relabel" as const, to: { [asked]: said.value } };
}

const filled = (labels: Labels): Labels =>
  Object.fromEntries(Object.entries(labels).filter(([, value]) => value !== undefined && value !== ""));

/**
 * The line that takes another of the same person back.
 *
 * @param line - a judgement, or one that took a judgement back, which then stands again
 */
export function revertOf(line: Annotation, { id, when }: Pick<Circumstances, "id" | "when">): Annotation {
  const { annotator, image_id, user_id, queue, recorded, asked, seen } = line;
  const about = image_id === undefined ? { user_id } : { image_id, user_id };
  return { id, annotator, when, ...about, queue, recorded, asked, seen, ms: 0, reverts: line.id };
}
