// Why frames are removed: by a rule (its row in clean.ts), or for what no rule judges.
// Source: our own; dropped data is counted with a reason.
import { RULE_NAMES, RULES, type RuleName, type RuleReason } from "./clean.ts";

/** Reasons that stand in no rule's row, by the rule whose reason they come before. */
const OTHERS = {
  label: [
    "removed_by_decision", // a person decided it
    "duplicate_image", // the id was seen before, or (rule `duplicate`) the very bytes
  ],
  landmarks: [
    "no_hand_box", // no box has the gesture's label
    "image_missing",
    "image_unreadable",
    "annotation_misplaced", // the picture shows no hand where the annotation has one, or does not show which pixels it refers to
  ],
  face_score: ["no_face"],
} as const satisfies { readonly [N in RuleName]?: readonly string[] };

/** Why a frame gives no pair. */
export type Reason = RuleReason | (typeof OTHERS)[keyof typeof OTHERS][number];

/** In the order in which a frame is judged: of several reasons the first is given. */
export const REASONS: readonly Reason[] = [
  ...new Set(RULE_NAMES.flatMap((name): Reason[] => [...othersBefore(name), RULES[name].reason])),
];

function othersBefore(name: RuleName): readonly Reason[] {
  return name in OTHERS ? OTHERS[name as keyof typeof OTHERS] : [];
}
