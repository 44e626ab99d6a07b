// Cleaning rules: which frames are removed, by one number each. Thresholds were chosen by looking at the pictures on
// both sides of them (docs/derivation.md has the counts); each can be changed, and each rule turned off.
// Invariant: rules judge geometry, quality and consistency of labels, never an apparent trait.
import { unexpected } from "../core/errors.ts";
import type { FrameResult } from "./journal.ts";
import type { Measure } from "./measures.ts";
import { REASONS, type Reason } from "./reasons.ts";

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
}

/** All rules, in the order of their reasons. The last four judge frames beside each other. */
export const RULES = {
  label: rule("missing_label", "below", 1, [1, 1], "gender entries in the frame's meta"),
  landmarks: rule(
    "hand_landmarks_implausible",
    "below",
    0.3,
    [0, 1],
    "IoU of annotated landmarks and hand box",
  ),
  hand_inside: rule("hand_outside_frame", "below", 0.5, [0, 1], "share of the hand crop inside the frame"),
  face_score: rule("low_face_score", "below", 0.6, [0, 1], "score of the face detector"),
  face_size: rule("face_too_small", "below", 28, [0, 4096], "shorter side of the face's box, px"),
  owner_fit: rule("ambiguous_face", "above", 5, [0, 100], "distance of hand and face from a usual pair, sd"),
  owner_lead: rule("ambiguous_face", "below", 1.5, [0, 100], "by how much the next face fits worse, sd"),
  face_inside: rule("face_outside_frame", "below", 0.7, [0, 1], "share of the face chip inside the frame"),
  hidden: rule("face_hidden", "above", 0.25, [0, 1], "share of the face inside the hand's outline"),
  blur: rule("blurred", "below", 5, [0, 1e5], "variance of the Laplacian, of the less sharp crop"),
  dark: rule("under_exposed", "below", 90, [0, 255], "95th percentile of the frame's luma"),
  bright: rule("over_exposed", "above", 0.15, [0, 1], "share of clipped pixels in the middle of the face"),
  duplicate: rule("duplicate_image", "above", 0, [0, 0], "the same bytes as an earlier frame"),
  near_duplicate: rule(
    "near_duplicate",
    "below",
    13,
    [0, 16],
    "bits of 255 that differ from an earlier frame",
  ),
  agreement: rule(
    "label_conflict",
    "below",
    0.5,
    [0.5, 1],
    "share of the subject's frames that agree on gender",
  ),
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
): Rule {
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

/** Why a frame is removed. */
export interface Verdict {
  readonly reason: Reason;
  readonly detail: string;
}

/** True if a value breaks a rule that is on. */
export function breaks(settings: RuleSettings, name: RuleName, value: number): boolean {
  const threshold = settings[name];
  if (threshold === null) return false;
  return RULES[name].removes === "below" ? value < threshold : value > threshold;
}

/** The verdict of a rule that a value breaks, or undefined. */
export function judgeBy(
  settings: RuleSettings,
  name: RuleName,
  value: number | undefined,
  what: string,
): Verdict | undefined {
  if (value === undefined || !breaks(settings, name, value)) return undefined;
  const { reason, removes } = RULES[name];
  return { reason, detail: `${what} ${value} ${removes} ${settings[name]}` };
}

/** Rules that judge one measure of one frame, as it is. */
const BY_MEASURE = {
  landmarks: "landmark_fit",
  hand_inside: "hand_inside",
  face_size: "face_px",
  owner_fit: "owner_fit",
  owner_lead: "owner_lead",
  face_inside: "face_inside",
  hidden: "hidden",
  dark: "highlight",
  bright: "clipped",
} as const satisfies Partial<Record<RuleName, Measure>>;

/** Columns of the ledger that a rule judges, the smallest of them; none for rules that judge no number. */
export function judgedColumns(name: RuleName): readonly string[] {
  if (name in BY_MEASURE) return [BY_MEASURE[name as keyof typeof BY_MEASURE]];
  if (name === "blur") return ["face_sharpness", "hand_sharpness"];
  if (name === "face_score") return ["face_score"];
  return name === "agreement" ? ["gender_agreement"] : [];
}

/**
 * What the rules for single frames say of one: the first reason in the order of REASONS.
 *
 * @param frame - its journal entry, with the reason, if any, for which it could not be worked on
 * @returns undefined if nothing speaks against it
 */
export function judgeFrame(frame: FrameResult, settings: RuleSettings): Verdict | undefined {
  const { measures = {}, reason, detail = "", meta, faceScore } = frame;
  const found: (Verdict | undefined)[] = [
    reason === undefined ? undefined : { reason, detail },
    judgeBy(settings, "label", meta.gender.length, "entries"),
    judgeBy(settings, "face_score", faceScore, "score"),
    judgeBlur(frame, settings),
    ...Object.entries(BY_MEASURE).map(([name, measure]) =>
      judgeBy(settings, name as RuleName, measures[measure], measure),
    ),
  ];
  return earliest(found);
}

function judgeBlur({ measures = {} }: FrameResult, settings: RuleSettings): Verdict | undefined {
  const { face_sharpness: face, hand_sharpness: hand } = measures;
  const which = face !== undefined && (hand === undefined || face <= hand) ? "face" : "hand";
  return judgeBy(settings, "blur", which === "face" ? face : hand, `${which}_sharpness`);
}

/** Of several verdicts the one whose reason comes first. */
export function earliest(verdicts: readonly (Verdict | undefined)[]): Verdict | undefined {
  return verdicts
    .filter((verdict) => verdict !== undefined)
    .sort((a, b) => REASONS.indexOf(a.reason) - REASONS.indexOf(b.reason))[0];
}
