// The verdict of every cleaning rule on a frame on either side of its threshold. A new rule gets its row here: the tests of
// the rules, of the ledger's rows and of `derive report` all go through these.
import type { Facts, RuleName } from "../src/derive/judge/clean.ts";

/** Facts on both sides of every rule, and the words for the first: written out, not made from the thresholds. */
export const SIDES: { readonly [N in RuleName]: readonly [broken: Facts, kept: Facts, words: string] } = {
  label: [{ gender_entries: 0 }, { gender_entries: 1 }, "entries 0 below 1"],
  landmarks: [{ landmark_fit: 0.29 }, { landmark_fit: 0.3 }, "landmark_fit 0.29 below 0.3"],
  landmarks_seen: [{ landmark_off: 0.26 }, { landmark_off: 0.25 }, "landmark_off 0.26 above 0.25"],
  hand_inside: [{ hand_inside: 0.49 }, { hand_inside: 0.5 }, "hand_inside 0.49 below 0.5"],
  face_score: [{ face_score: 0.59 }, { face_score: 0.6 }, "score 0.59 below 0.6"],
  face_size: [{ face_px: 27 }, { face_px: 28 }, "face_px 27 below 28"],
  owner_fit: [{ owner_fit: 5.1 }, { owner_fit: 5 }, "owner_fit 5.1 above 5"],
  owner_lead: [{ owner_lead: 1.4 }, { owner_lead: 1.5 }, "owner_lead 1.4 below 1.5"],
  face_inside: [{ face_inside: 0.69 }, { face_inside: 0.7 }, "face_inside 0.69 below 0.7"],
  hidden: [{ hidden: 0.26 }, { hidden: 0.25 }, "hidden 0.26 above 0.25"],
  blur: [
    { face_sharpness: 50, hand_sharpness: 4.9 },
    { face_sharpness: 5, hand_sharpness: 50 },
    "hand_sharpness 4.9 below 5",
  ],
  dark: [{ highlight: 89 }, { highlight: 90 }, "highlight 89 below 90"],
  bright: [{ clipped: 0.16 }, { clipped: 0.15 }, "clipped 0.16 above 0.15"],
  duplicate: [{ twin: "a", repeats: 1 }, { repeats: 0 }, "same bytes as a"],
  near_duplicate: [{ twin: "a", twin_bits: 12 }, { twin: "a", twin_bits: 13 }, "12 bits from a"],
  agreement: [
    { gender_agreement: 0.5, votes: "votes female 1, male 1" },
    { gender_agreement: 0.6667, votes: "votes female 2, male 1" },
    "votes female 1, male 1",
  ],
};

/** Rules that judge a frame by its own numbers, not beside others of the set or of its subject. */
export const OF_ONE_FRAME = (Object.keys(SIDES) as RuleName[]).filter(
  (name) => !["duplicate", "near_duplicate", "agreement"].includes(name),
);

/** The same facts as a frame of a journal has them. */
export function frameOf({ gender_entries = 1, face_score = 0.9, ...measures }: Facts) {
  return {
    meta: { age: [24], gender: Array<"female">(gender_entries).fill("female"), race: [] },
    ...{ faceScore: face_score, measures },
  };
}
