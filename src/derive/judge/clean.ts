// Cleaning rules: which frames are removed, by one number each. Thresholds were chosen by looking at the pictures on
// both sides of them (docs/derivation.md has the counts); each can be changed, and each rule turned off.
// Invariants: rules judge geometry, quality and consistency of labels, never an apparent trait; what a rule is stands in
// its row of RULES and nowhere else: derivation and report ask it by `judge` (judge.ts).
import { unexpected } from "../../core/errors.ts";
import { MEASURES } from "../../dataset/ledger-columns.ts";
import { MIN_FACE_PX, MIN_FACE_SCORE } from "../../find/face-limits.ts";
import type { Reason } from "./reasons.ts";

/** Numbers that a rule may judge. */
export const JUDGED = [
  ...MEASURES,
  "face_score",
  "gender_entries", // in the frame's meta, or decided
  "gender_agreement", // of the subject's votes; none where a decision settled the label
  "repeats", // 1 for the same bytes as an earlier kept frame
  "twin_bits", // that differ from an earlier kept frame, where it looks alike
] as const;
export type Judged = (typeof JUDGED)[number];

interface Rule {
  /** What the ledger says. */
  readonly reason: Reason;
  /** Which values remove a frame. */
  readonly removes: "below" | "above";
  readonly threshold: number;
  /** Values that a threshold may have. */
  readonly range: readonly [number, number];
  /** What is judged, for --help and reports. */
  readonly about: string;
  /** The numbers that it judges: the smallest of those that are known. */
  readonly judged: readonly Judged[];
  /** A value up to this removes a frame whatever the threshold, even where the rule is off: no pair can be made of it. */
  readonly never?: number;
}

/** All rules, in the order of their reasons. The last three judge frames beside each other. */
export const RULES = {
  label: {
    ...rule("missing_label", "below", 1, [1, 1], "gender entries in the frame's meta"),
    judged: ["gender_entries"],
  },
  landmarks: {
    ...rule("hand_landmarks_implausible", "below", 0.3, [0, 1], "IoU of annotated landmarks and hand box"),
    judged: ["landmark_fit"],
  },
  landmarks_seen: {
    ...rule(
      ...(["hand_landmarks_implausible", "above", 0.25, [0, 10]] as const),
      "distance of annotated landmarks from those seen in the picture, long sides of the hand box",
    ),
    judged: ["landmark_off"],
  },
  hand_inside: {
    ...rule("hand_outside_frame", "below", 0.5, [0, 1], "share of the hand crop inside the frame"),
    judged: ["hand_inside"],
  },
  face_score: {
    ...rule("low_face_score", "below", MIN_FACE_SCORE, [0, 1], "score of the face detector"),
    judged: ["face_score"],
  },
  face_size: {
    ...rule("face_too_small", "below", MIN_FACE_PX, [0, 4096], "shorter side of the face's box, px"),
    judged: ["face_px"],
  },
  owner_fit: {
    ...rule("ambiguous_face", "above", 5, [0, 100], "distance of hand and face from a usual pair, sd"),
    judged: ["owner_fit"],
  },
  owner_lead: {
    ...rule("ambiguous_face", "below", 1.5, [0, 100], "by how much the next face fits worse, sd"),
    judged: ["owner_lead"],
  },
  face_inside: {
    ...rule("face_outside_frame", "below", 0.7, [0, 1], "share of the face chip inside the frame"),
    judged: ["face_inside"],
  },
  hidden: {
    ...rule("face_hidden", "above", 0.25, [0, 1], "share of the face inside the hand's outline"),
    judged: ["hidden"],
  },
  blur: {
    ...rule("blurred", "below", 5, [0, 1e5], "variance of the Laplacian, of the less sharp crop"),
    judged: ["face_sharpness", "hand_sharpness"],
  },
  dark: {
    ...rule("under_exposed", "below", 90, [0, 255], "95th percentile of the frame's luma"),
    judged: ["highlight"],
  },
  bright: {
    ...rule("over_exposed", "above", 0.15, [0, 1], "share of clipped pixels in the middle of the face"),
    judged: ["clipped"],
  },
  duplicate: {
    ...rule("duplicate_image", "above", 0, [0, 0], "the same bytes as an earlier frame"),
    judged: ["repeats"],
  },
  near_duplicate: {
    ...rule("near_duplicate", "below", 13, [0, 16], "bits of 255 that differ from an earlier frame"),
    judged: ["twin_bits"],
  },
  agreement: {
    ...rule(
      "label_conflict",
      "below",
      0.5,
      [0.5, 1],
      "share of the subject's frames that agree on gender; a tie has no label",
    ),
    judged: ["gender_agreement"],
    never: 0.5, // no majority, no label
  },
} as const satisfies Record<string, Rule>;

export type RuleName = keyof typeof RULES;
export const RULE_NAMES = Object.keys(RULES) as readonly RuleName[];

/** The threshold of each rule; null where it is off. */
export type RuleSettings = Readonly<Record<RuleName, number | null>>;

/** One choice of a user: another threshold, or null to turn the rule off. */
export interface RuleChoice {
  readonly name: string;
  readonly threshold: number | null;
}

function rule(
  reason: Reason,
  removes: Rule["removes"],
  threshold: number,
  range: Rule["range"],
  about: string,
): Omit<Rule, "judged"> {
  return { reason, removes, threshold, range, about };
}

/**
 * The rules as they are, but for what was chosen; of two choices for one rule the last counts.
 *
 * @throws AppError("input", "RULE_NAME" | "RULE_THRESHOLD")
 * @example ruleSettings([{ name: "blur", threshold: 80 }, { name: "dark", threshold: null }])
 */
export function ruleSettings(choices: readonly RuleChoice[] = []): RuleSettings {
  const settings = Object.fromEntries(RULE_NAMES.map((name) => [name, RULES[name].threshold])) as Record<
    RuleName,
    number | null
  >;
  for (const { name, threshold } of choices) {
    const known = RULE_NAMES.find((other) => other === name);
    if (known === undefined) {
      const e = { code: "RULE_NAME", expected: `one of ${RULE_NAMES.join(", ")}`, name: "a rule", got: name };
      throw unexpected("input", e);
    }
    const [low, high] = RULES[known].range;
    if (threshold !== null && !(threshold >= low && threshold <= high)) {
      const expected = low === high ? `${low}` : `a number from ${low} to ${high}`;
      throw unexpected("input", { code: "RULE_THRESHOLD", expected, name: `rule ${name}`, got: threshold });
    }
    settings[known] = threshold;
  }
  return settings;
}
