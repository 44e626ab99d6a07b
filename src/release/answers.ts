// A publisher's answers to the questions of a datasheet that stay open: a YAML file, checked key by key.
// Invariants: unknown keys are errors; an empty answer is none; what is answered stands in every card, datasheet and metadata.
import { closest } from "fastest-levenshtein";
import { z } from "zod";
import { type AppError, unexpected } from "../core/errors.ts";
import { markdownText } from "../core/markdown-text.ts";
import { schemaFault } from "../core/schema.ts";
import { readText } from "../machine/files.ts";
import { explained } from "../machine/sniff-file.ts";
import { offsetOf, parseYaml } from "../studies/plan/yaml.ts";
import { ANNOTATION_CREATORS, type Answers } from "./facts.ts";
import { type Asked, type AskedSection, openQuestions, QUESTION_KEYS, QUESTIONS } from "./questions.ts";

const WHAT = "a file of answers";
const text = z.string().trim().min(1);
const day = z
  .string()
  .regex(/^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/, "expected a day such as 2026-11-24");

const FORMS = {
  text,
  day,
  list: z.union([text.transform((one) => [one]), z.array(text)]).readonly(),
  creators: z.array(z.enum(ANNOTATION_CREATORS)).readonly(),
  period: z.strictObject({ from: day.nullable(), to: day.nullable() }).readonly(),
} as const;
type Derived = {
  readonly [K in keyof typeof QUESTIONS]?:
    | z.output<(typeof FORMS)[(typeof QUESTIONS)[K]["form"]]>
    | undefined;
};

const fields = Object.fromEntries(
  QUESTION_KEYS.map((key) => [key, FORMS[QUESTIONS[key].form].nullable().optional()]),
);
const schema = z.strictObject(fields);

/** The interface and the table name the same questions, in the same forms: else this does not compile. */
type Same<A, B> = [A, B] extends [B, A] ? (keyof A extends keyof B ? true : never) : never;
true satisfies Same<Required<Answers>, Required<Derived>>;

/** What a publisher states, as far as answers go with it. */
interface Stated extends Pick<Asked, "rai"> {
  readonly answers?: Answers | undefined;
  /** Of publication. */
  readonly date: string;
}

/**
 * Reads a file of answers.
 *
 * @throws AppError("data", "FILE_MISSING"), ("input", "STUDY_SYNTAX" | "ANSWERS") with file and line
 * @example (await readAnswers("answers.yaml")).funding
 */
export async function readAnswers(path: string): Promise<Answers> {
  const source = await explained(path, ["text", "json"], WHAT, () => readText(path, WHAT));
  const { document, value, lineAt } = parseYaml(source, path, WHAT);
  const where = (key: string) => {
    const offset = offsetOf(document.contents, key);
    return offset === undefined ? path : lineAt(offset);
  };
  if (value === null) return {}; // comments alone
  if (typeof value !== "object" || Array.isArray(value))
    throw refuse("questions and answers", WHAT, value, path, "facehand release questions writes a template");
  const unknown = Object.keys(value).find((key) => !(QUESTION_KEYS as readonly string[]).includes(key));
  if (unknown !== undefined)
    throw refuse("a question of the datasheet", WHAT, unknown, where(unknown), nearest(unknown));
  const result = schema.safeParse(value);
  if (result.success) return given(result.data, where);
  const { key, expected, got, hint } = schemaFault(result.error, value);
  throw refuse(expected, key, got, where(key.split(".")[0]!), hint);
}

const nearest = (key: string) => `the nearest is ${closest(key, QUESTION_KEYS)}`;

function refuse(expected: string, name: string, got: unknown, where?: string, hint?: string): AppError {
  return unexpected("input", { code: "ANSWERS", expected, name, got, where, hint });
}

/** Without what is empty. */
function given(data: Readonly<Record<string, unknown>>, where: (key: string) => string): Answers {
  const { collectionPeriod: period } = data as {
    collectionPeriod?: Partial<Record<"from" | "to", string | null>>;
  };
  if (period != null && (period.from == null) !== (period.to == null))
    throw refuse("both from and to", "collectionPeriod", undefined, where("collectionPeriod"));
  const filled = Object.entries(data).filter(([key, value]) => {
    if (value === null || value === undefined || (Array.isArray(value) && value.length === 0)) return false;
    return key !== "collectionPeriod" || period?.from != null;
  });
  return Object.fromEntries(filled) as Answers;
}

/**
 * Refuses answers to what a dataset answers itself, and days that cannot be.
 *
 * @throws AppError("input", "ANSWERS")
 */
export function checkAnswers({ answers = {}, rai, date }: Stated, facts: Asked["facts"]): void {
  const asked = { facts, rai };
  const open = openQuestions(asked);
  for (const key of QUESTION_KEYS) {
    if (answers[key] === undefined || open.includes(key)) continue;
    const why = QUESTIONS[key].answered(asked)!;
    throw refuse("only questions that are open", "--answers", key, undefined, `take it out: ${why}`);
  }
  const { created = "", modified = date, collectionPeriod } = answers;
  const order = [
    ["collectionPeriod.from", collectionPeriod?.from ?? ""],
    ["collectionPeriod.to", collectionPeriod?.to ?? ""],
    ["created", created],
    ["modified", modified],
    ["--date", date],
  ] as const;
  const known = order.filter(([, value]) => value !== "");
  for (const [index, [name, value]] of known.entries()) {
    const before = known[index - 1];
    if (before === undefined || before[1] <= value) continue;
    throw refuse(`a day from ${before[0]} (${before[1]}) on`, name, value, undefined, "correct the days");
  }
}

/** An answer as text. */
function answerText(value: NonNullable<Answers[keyof Answers]>): string {
  if (typeof value === "string") return value;
  if ("from" in value) return periodText(value);
  return value.join("; ");
}

/** From a day to a day. */
export const periodText = ({ from, to }: NonNullable<Answers["collectionPeriod"]>) => `${from} to ${to}`;

/** The answers of one section of the datasheet as paragraphs, and what nobody answered as one more. */
export function answersOf(
  section: AskedSection,
  { answers = {}, rai }: Omit<Stated, "date">,
  facts: Asked["facts"],
): string[] {
  const open = openQuestions({ facts, rai }).filter((key) => QUESTIONS[key].section === section);
  const unsaid = open.filter((key) => answers[key] === undefined && !("hasDefault" in QUESTIONS[key]));
  const missing = unsaid.map((key) => QUESTIONS[key].title);
  return [
    ...open.flatMap((key) => {
      const answer = answers[key];
      return answer === undefined ? [] : [`**${QUESTIONS[key].title}.** ${markdownText(answerText(answer))}`];
    }),
    ...(missing.length === 0 ? [] : [`Not recorded: ${missing.map(lowered).join(", ")}.`]),
  ];
}

const lowered = (title: string) => `${title[0]!.toLowerCase()}${title.slice(1)}`;
