// Labels of a pair from HaGRID's machine-made meta: gender by subject, age and race by frame.
// Source: HaGRIDv2 `meta` (FairFace and MiVOLO): lists with one entry a face in the frame, in no known order.
// Invariants: where entries disagree nothing is guessed: a frame does not vote, an age or race stays empty. What a
// person decided (decisions.ts) replaces what was recorded: of a frame its vote, of a subject the majority.

import type { Sex } from "../../core/vocabulary.ts";
import { ageBucket } from "../../dataset/sources/groups.ts";
import { type Decisions, NO_DECISIONS } from "../judge/decisions.ts";
import type { FrameMeta } from "./frame.ts";

/** The votes of one subject's frames on its gender. */
export interface SubjectLabel {
  /** What was decided, else the majority of the votes; undefined for a tie or no vote. */
  readonly gender: Sex | undefined;
  readonly female: number;
  readonly male: number;
  /** Share of the votes that agree with the label, 0 to 1; without a label that of the majority; 0 without votes. */
  readonly agreement: number;
}

/** A frame of which labels are made. */
export interface LabelledFrame {
  readonly imageId: string;
  readonly userId: string;
  readonly meta: FrameMeta;
}

/**
 * A frame's vote: the gender of more than half of its entries.
 *
 * @returns undefined if there are no entries, or as many of one as of the other
 */
export function genderVote(entries: readonly Sex[]): Sex | undefined {
  const male = entries.filter((sex) => sex === "male").length;
  if (male * 2 === entries.length) return undefined;
  return male * 2 > entries.length ? "male" : "female";
}

/**
 * Counts the votes of all frames of each subject; the majority labels every pair of the subject.
 *
 * @param frames - every frame of the input, kept or not
 * @param decisions - relabelled frames vote as decided; a relabelled subject is what was decided
 * @returns by user id
 * @example (await subjectLabels(frames)).get(userId)?.gender
 */
export async function subjectLabels(
  frames: AsyncIterable<LabelledFrame>,
  decisions: Decisions = NO_DECISIONS,
): Promise<Map<string, SubjectLabel>> {
  const votes = new Map<string, Record<Sex, number>>();
  for await (const { imageId, userId, meta } of frames) {
    let count = votes.get(userId);
    if (count === undefined) {
      count = { female: 0, male: 0 };
      votes.set(userId, count);
    }
    const vote = decisions.ofImage(imageId).gender ?? genderVote(meta.gender);
    if (vote !== undefined) count[vote]++;
  }
  return new Map([...votes].map(([userId, n]) => [userId, toLabel(n, decisions.ofSubject(userId).gender)]));
}

function toLabel({ female, male }: Record<Sex, number>, decided: Sex | undefined): SubjectLabel {
  const majority = female === male ? undefined : female > male ? "female" : "male";
  const gender = decided ?? majority;
  const agreeing = gender === undefined ? female : { female, male }[gender];
  return { gender, female, male, agreement: female + male === 0 ? 0 : agreeing / (female + male) };
}

/** The bucket of a frame's age; empty if unknown, or if the faces of the frame are of several buckets. */
export function ageLabel(years: readonly number[], edges?: readonly number[]): string {
  const buckets = new Set(years.map((age) => ageBucket(age, edges)));
  return buckets.size === 1 ? [...buckets][0]! : "";
}

/** A frame's race as recorded; empty if unknown, or if the faces of the frame differ. */
export function raceLabel(entries: readonly string[]): string {
  const races = new Set(entries);
  return races.size === 1 ? [...races][0]! : "";
}
