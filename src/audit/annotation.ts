// ◇ Browser-safe. One judgement that a person made about a pair or a subject: a line of `annotations.jsonl`.
// Source: our own. Invariants: a line says what was recorded and what was shown when it was judged, so that it means the
// same after labels have changed; lines are only added: one is taken back by another that names it.
import { z } from "zod";
import { unexpected } from "../core/errors.ts";
import { foldName } from "../core/file-names.ts";
import { type Faults, safeParse, wordSchema } from "../core/schema.ts";
import { nameFault, type Reading } from "../core/spelling.ts";
import { subjectKey } from "../core/subject.ts";
import { parseAge, parseRace, readSex } from "../core/vocabulary.ts";
import { LONGEST_MS, NAME_LENGTH, NOTE_LENGTH } from "./limits.ts";

/** What a person may say: the labels are right, others are, the pair has to go, nobody can say, or nothing now. */
export const CHOICES = ["confirm", "relabel", "remove", "unsure", "skip"] as const;
export type Choice = (typeof CHOICES)[number];

/** Labels that are judged. */
export const JUDGED_LABELS = ["gender", "age", "race"] as const;
export type JudgedLabel = (typeof JUDGED_LABELS)[number];

/** The queue of pairs drawn at random, by which the labels' own error is estimated. */
export const CONTROL_QUEUE = "control";

const name = wordSchema((text): Reading => {
  if (text === "" || text.length > NAME_LENGTH) {
    const hint = `give 1 to ${NAME_LENGTH} characters`;
    return { fault: { code: "FIELD_EMPTY", expected: "a name", hint } };
  }
  const fault = nameFault(text);
  return fault === undefined ? { value: text } : { fault };
});
const labels = z.strictObject({
  gender: z.optional(wordSchema(readSex)),
  age: z.optional(wordSchema(parseAge)),
  race: z.optional(wordSchema((text) => parseRace(text, "pairs"))),
});
const note = z.string().max(NOTE_LENGTH).optional();

const line = z
  .strictObject({
    /** Names the line; unique in its log. */
    id: name,
    annotator: name,
    when: z.iso.datetime({ offset: true }),
    /** Left out where all of a subject was judged at once. */
    image_id: z.optional(name),
    user_id: wordSchema(subjectKey),
    /** Where it was shown, e.g. `control` or `contradictions`. */
    queue: z.optional(name),
    /** Labels of the dataset at that time. */
    recorded: labels,
    /** Labels that were asked about. */
    asked: z.array(z.enum(JUDGED_LABELS)).min(1),
    /** What was on the screen beside the pictures. */
    seen: z.strictObject({
      label: z.boolean(),
      predictions: z.boolean(),
      /** Judgements of others: true for whoever settles a dispute. */
      judgements: z.boolean(),
      pictures: z.array(z.enum(["hand", "face", "frame"])).min(1),
    }),
    /** Left out by a line that only takes another back. */
    choice: z.enum(CHOICES).optional(),
    /** Of `relabel`: the right ones. */
    to: labels.optional(),
    /** Of `remove`. */
    reason: note,
    note,
    /** From shown to judged, ms. */
    ms: z.number().min(0).max(LONGEST_MS),
    /** The id of an earlier line of the same person, which this one takes back. */
    reverts: z.optional(name),
    /** Ends a dispute, whatever others said. */
    settles: z.boolean().optional(),
  })
  .superRefine(checkMeaning);

/** One line of the log, checked. */
export type Annotation = z.output<typeof line>;

type LabelTexts = { readonly [label in JudgedLabel]?: string | undefined };

interface Meaning {
  readonly asked: readonly JudgedLabel[];
  readonly recorded: LabelTexts;
  readonly seen: { readonly label: boolean };
  readonly choice?: Choice | undefined;
  readonly to?: LabelTexts | undefined;
  readonly reason?: string | undefined;
  readonly reverts?: string | undefined;
}

function checkMeaning(one: Meaning, context: z.RefinementCtx): void {
  const { asked, recorded, seen, choice, to = {}, reason = "", reverts } = one;
  const wrong = (path: string, expected: string) =>
    context.addIssue({ code: "custom", path: [path], message: `expected ${expected}` });
  if (choice === undefined && reverts === undefined)
    wrong("choice", `${CHOICES.join(", ")}, or reverts with an earlier line`);
  const given = JUDGED_LABELS.filter((label) => to[label] !== undefined);
  if ((choice === "relabel") !== given.length > 0) wrong("to", "labels for relabel, and for nothing else");
  if (given.some((label) => !asked.includes(label))) wrong("to", "labels that were asked about");
  if ((choice === "remove") !== (reason.trim() !== ""))
    wrong("reason", "a reason for remove, and for nothing else");
  if (choice === "confirm" && !seen.label)
    wrong(
      "choice",
      "relabel with the label that was seen in the picture, since none was shown to be confirmed",
    );
  if (choice === "confirm" && asked.some((label) => (recorded[label] ?? "") === ""))
    wrong("choice", "relabel, since nothing is recorded that could be confirmed");
}

/**
 * A line of the log, checked.
 *
 * @param value - as JSON gives it
 * @param where - `file:line`
 * @throws AppError("data", "ANNOTATION_INVALID") with the first field that is wrong
 * @example parseAnnotation(JSON.parse(text), "annotations.jsonl:3").choice
 */
export function parseAnnotation(value: unknown, where: string): Annotation {
  const result = safeParse(line, value);
  if (result.success) return result.data;
  throw invalid(result.error, value, where);
}

function invalid(error: Faults, value: unknown, where: string) {
  const issue = error.issues[0]!;
  const at = issue.path.reduce<unknown>((part, key) => (part as Record<PropertyKey, unknown>)?.[key], value);
  const field = issue.path.length === 0 ? "a judgement" : `${issue.path.join(".")} of a judgement`;
  const expected = issue.message.startsWith("expected")
    ? issue.message.slice(9)
    : `a valid value (${issue.message})`;
  const hint =
    "only whole lines that the page or `facehand audit` wrote belong into the log: take out what was edited by hand";
  return unexpected("data", { code: "ANNOTATION_INVALID", expected, name: field, got: at, where, hint });
}

/** The schema of a line, for journals. */
export const ANNOTATION_SCHEMA: z.ZodType<Annotation> = line;

/** What a judgement is about, the same for all who judge it: an image in any case of its id, or a subject. */
export function thingOf({
  image_id: image,
  user_id: user,
}: Pick<Annotation, "image_id" | "user_id">): string {
  return image === undefined ? `subject ${user}` : `pair ${foldName(image)}`;
}

/** What can be asked of judgements: the right value of a label, or whether the pair stays. */
export const QUESTIONS = ["gender", "age", "race", "keep"] as const;
export type Question = (typeof QUESTIONS)[number];

/**
 * What a judgement answers to a question: a class of a label, `keep` or `remove`.
 *
 * @returns undefined if it says nothing about it: not asked, unsure, skipped, or a label of a pair that has to go
 * @example answer(judgement, "gender") // "male"
 */
export function answer({ choice, asked, recorded, to }: Annotation, question: Question): string | undefined {
  if (choice === undefined || choice === "unsure" || choice === "skip") return undefined;
  if (question === "keep") return choice === "remove" ? "remove" : "keep";
  if (choice === "remove" || !asked.includes(question)) return undefined;
  if (choice === "confirm") return recorded[question];
  return to?.[question];
}
