// ◇ Browser-safe. The table of cleaning rules: which frames are removed, by one number each. A rule is its row of RULES and nothing else:
// what it judges, where the ledger shows it, threshold, reason, title. Derivation and report ask it by `judge` (judge.ts).
// Thresholds were chosen from the pictures on both sides of them (docs/derivation.md has the counts); each can be
// changed, and each rule turned off. Invariant: rules judge geometry, quality and consistency of labels, never an apparent
// trait.
import { unexpected } from "../../core/errors.ts";
import type { LedgerColumn, Measure } from "../../dataset/ledger-columns.ts";
import { MIN_FACE_PX, MIN_FACE_SCORE } from "../../find/face-limits.ts";

/** The numbers of one frame that rules may judge. */
export type Judged =
  | Measure
  | "face_score"
  | "gender_entries" // in the frame's meta, or decided
  | "gender_agreement" // of the subject's votes; none where a decision settled the label
  | "repeats" // 1 for the same bytes as an earlier kept frame
  | "twin_bits"; // that differ from the look of an earlier kept frame, where the two are similar

/** What rules judge of one frame; a number that has no meaning for it is absent. */
export type Facts = { readonly [J in Judged]?: number | undefined } & {
  /** Id of the earlier frame that it repeats. */
  readonly twin?: string | undefined;
  readonly votes?: string | undefined;
};

/** One row. */
interface Rule {
  /** What is judged, for reports. */
  readonly title: string;
  /** The number that it judges; undefined if it has nothing to judge. */
  readonly value: (facts: Facts) => number | undefined;
  /** Columns of the ledger that show it. */
  readonly columns: readonly LedgerColumn[];
  /** Which values remove a frame. */
  readonly removes: "below" | "above";
  readonly threshold: number;
  /** Values that a threshold may have. */
  readonly range: readonly [low: number, high: number];
  /** The ledger's reason for a frame that is removed; the order of the rows is the order of judging. */
  readonly reason: string;
  /** What the ledger calls the number, if not by its column. */
  readonly word?: string | undefined;
  /** The detail of a removed frame, if it is not the number and the threshold. */
  readonly detail?: ((facts: Facts, plain: string) => string) | undefined;
  /** A value up to this removes a frame whatever the threshold, even where the rule is off: no pair can be made of it. */
  readonly never?: number | undefined;
  /** It compares a frame with an earlier one: what it keeps is that one. */
  readonly beside?: true | undefined;
}

/** All rules, in the order of their reasons. The last three judge frames beside each other. */
export const RULES = {
  label: {
    title: "gender entries in the frame's meta",
    ...least("gender_entries"),
    ...below(1, [1, 1]),
    reason: "missing_label",
    word: "entries",
  },
  landmarks: {
    title: "IoU of annotated landmarks and hand box",
    ...least("landmark_fit"),
    ...below(0.3, [0, 1]),
    reason: "hand_landmarks_implausible",
  },
  landmarks_seen: {
    title: "distance of annotated landmarks from those seen in the picture, long sides of the hand box",
    ...least("landmark_off"),
    ...above(0.25, [0, 10]),
    reason: "hand_landmarks_implausible",
  },
  hand_inside: {
    title: "share of the hand crop inside the frame",
    ...least("hand_inside"),
    ...below(0.5, [0, 1]),
    reason: "hand_outside_frame",
  },
  face_score: {
    title: "score of the face detector",
    ...least("face_score"),
    ...below(MIN_FACE_SCORE, [0, 1]),
    reason: "low_face_score",
    word: "score",
  },
  face_size: {
    title: "shorter side of the face's box, px",
    ...least("face_px"),
    ...below(MIN_FACE_PX, [0, 4096]),
    reason: "face_too_small",
  },
  owner_fit: {
    title: "distance of hand and face from a usual pair, sd",
    ...least("owner_fit"),
    ...above(5, [0, 100]),
    reason: "ambiguous_face",
  },
  owner_lead: {
    title: "by how much the next face fits worse, sd",
    ...least("owner_lead"),
    ...below(1.5, [0, 100]),
    reason: "ambiguous_face",
  },
  face_inside: {
    title: "share of the face chip inside the frame",
    ...least("face_inside"),
    ...below(0.7, [0, 1]),
    reason: "face_outside_frame",
  },
  hidden: {
    title: "share of the face inside the hand's outline",
    ...least("hidden"),
    ...above(0.25, [0, 1]),
    reason: "face_hidden",
  },
  blur: {
    title: "variance of the Laplacian, of the less sharp crop",
    ...least("face_sharpness", "hand_sharpness"),
    ...below(5, [0, 1e5]),
    reason: "blurred",
  },
  dark: {
    title: "95th percentile of the frame's luma",
    ...least("highlight"),
    ...below(90, [0, 255]),
    reason: "under_exposed",
  },
  bright: {
    title: "share of clipped pixels in the middle of the face",
    ...least("clipped"),
    ...above(0.15, [0, 1]),
    reason: "over_exposed",
  },
  duplicate: {
    title: "the same bytes as an earlier frame",
    value: (facts) => facts.repeats,
    columns: ["twin"],
    ...above(0, [0, 0]),
    reason: "duplicate_image",
    detail: ({ twin }) => `same bytes as ${twin}`,
    beside: true,
  },
  near_duplicate: {
    title: "bits of 255 that differ from an earlier frame",
    ...least("twin_bits"),
    ...below(13, [0, 16]),
    reason: "near_duplicate",
    detail: ({ twin, twin_bits }) => `${twin_bits} bits from ${twin}`,
    beside: true,
  },
  agreement: {
    title: "share of the subject's frames that agree on gender; a tie has no label",
    ...least("gender_agreement"),
    ...below(0.5, [0.5, 1]),
    reason: "label_conflict",
    word: "agreement",
    detail: ({ votes }, plain) => `${plain}, ${votes}`,
    never: 0.5, // no majority, no label
  },
} as const satisfies Record<string, Rule>;

/** The name of a cleaning rule. */
export type RuleName = keyof typeof RULES;
export const RULE_NAMES = Object.keys(RULES) as readonly RuleName[];

/** The row of a rule, whichever it is. */
export const ruleOf = (name: RuleName): Rule & { readonly reason: RuleReason } => RULES[name];

/** Reasons that rules give. */
export type RuleReason = (typeof RULES)[RuleName]["reason"];

/** The threshold of each rule; null where it is off. */
export type RuleSettings = Readonly<Record<RuleName, number | null>>;

/** One choice of a user: another threshold, or null to turn the rule off. */
export interface RuleChoice {
  readonly name: string;
  readonly threshold: number | null;
}

/** Judges columns of the ledger: the least of the numbers that are known. */
function least(...columns: readonly (Judged & LedgerColumn)[]) {
  const value = (facts: Facts) =>
    columns
      .map((column) => facts[column])
      .reduce((a, b) => (a === undefined || (b !== undefined && b < a) ? b : a), undefined);
  return { columns, value };
}

/** Removes frames whose number is below the threshold. */
function below(threshold: number, range: Rule["range"]) {
  return { removes: "below", threshold, range } as const;
}

function above(threshold: number, range: Rule["range"]) {
  return { removes: "above", threshold, range } as const;
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
