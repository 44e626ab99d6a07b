// ◇ Browser-safe. Values and JSON text against schemas, where a value may be meant to exhaust the schema.
// Invariants: no wording of the schema library reaches a user: `schemaFault` puts its findings into ours. Schemas are of
// `zod` or of `zod/mini`, and shapes (formats/shape.ts), of which pages load less: here is only what all have in common.
import * as z from "zod/mini";
import { AppError, show, unexpected } from "./errors.ts";
import { causeOf, endsOf } from "./sniff.ts";
import { type Reading, wordHint } from "./spelling.ts";

type Issue = z.core.$ZodIssue;

/** What a schema finds wrong. */
export interface Faults {
  readonly issues: readonly Issue[];
}
/** What comes of a value. */
export type Parsed<T> =
  | { readonly success: true; readonly data: T; readonly error?: never }
  | { readonly success: false; readonly error: Faults; readonly data?: never };

/** A schema of what pages read, without a library: one of `zod` takes 8 KB of a page of others. Absent optional keys stay absent. */
export interface Shape<T> {
  safeParse(value: unknown): Parsed<T>;
}

/**
 * As the schema's safeParse, also for values that nest far deeper than any of ours: a schema calls itself for what a value
 * holds, and the end of the stack is no fault of facehand's.
 */
export function safeParse<S extends z.core.$ZodType>(schema: S, value: unknown): Parsed<z.output<S>>;
/** The same by a shape. */
export function safeParse<T>(schema: Shape<T>, value: unknown): Parsed<T>;
/** The same by either. */
export function safeParse(schema: unknown, value: unknown): Parsed<unknown> {
  try {
    return (schema as Shape<unknown>).safeParse(value);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const issue: Issue = { code: "custom", path: [], message: "values nested too deep", input: undefined };
    return { success: false, error: { issues: [issue] } };
  }
}

/** Parses and validates JSON text; the message names the file and the first offending key. */
export function parseJson<S extends z.core.$ZodType>(text: string, schema: S, where: string): z.output<S>;
/** The same by a shape. */
export function parseJson<T>(text: string, schema: Shape<T>, where: string): T;
/** The same by either. */
export function parseJson(text: string, schema: Shape<unknown>, where: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, "")); // editors of Windows begin with a byte order mark
  } catch (cause) {
    const found = causeOf(endsOf(new TextEncoder().encode(text)), ["json"]);
    throw new AppError(
      "data",
      "JSON_SYNTAX",
      `Expected complete JSON in ${where}, got ${found?.got ?? show(cause, 120)}`,
      {
        hint: found?.hint ?? "correct the text, or write the file again",
        cause,
      },
    );
  }
  const result = safeParse(schema, value);
  if (result.success) return result.data;
  const { key, ...fault } = schemaFault(result.error, value);
  const name = key === "" ? "the document" : key;
  throw unexpected("data", { code: "JSON_SCHEMA", name, ...fault, where, cause: result.error });
}

/**
 * A parser of words as a schema, for records and JSON lines; what to do about a fault stands in the message.
 *
 * @example z.array(wordSchema(parseAge))
 */
export function wordSchema<T extends string>(parse: (text: string) => Reading<T>) {
  const reader = z.transform((text: string, { issues }): T => {
    const reading = parse(text);
    if ("value" in reading) return reading.value;
    const { expected, hint } = reading.fault;
    issues.push({ code: "custom", message: `expected ${expected}; ${hint}`, input: text });
    return z.NEVER;
  });
  return z.pipe(z.string(), reader);
}

/** A shape as a schema of the library, where one holds the other. */
export function schemaOf<T>(shape: Shape<T>) {
  return z.pipe(
    z.unknown(),
    z.transform((value: unknown, { issues }): T => {
      const parsed = shape.safeParse(value);
      if (parsed.success) return parsed.data;
      for (const issue of parsed.error.issues)
        issues.push({ ...issue, path: [...issue.path], input: value } as z.core.$ZodRawIssue);
      return z.NEVER;
    }),
  );
}

/** What is wrong with a value, in the house's words. */
export interface SchemaFault {
  readonly expected: string;
  /** Where in the value, `a.0.b`; empty for the value itself. */
  readonly key: string;
  readonly got: unknown;
  readonly hint?: string | undefined;
}

/**
 * The most informative of the faults that a schema finds in a value.
 *
 * @param value - what was parsed
 * @example schemaFault(z.enum(["val", "test"]).safeParse("Val").error!, "Val") // "val or test", the nearest is val
 */
export function schemaFault(error: Faults, value: unknown): SchemaFault {
  const issue = tellingIssue(error);
  const got = valueAt(value, issue.path);
  const key = issue.path.join(".");
  if (issue.code === "unrecognized_keys") {
    const [unknown] = issue.keys;
    return { expected: "a known key", key, got: unknown, hint: `correct or take out ${show(unknown)}` };
  }
  const [, words, hint = hintFor(issue, got)] = /^expected ([^;]*)(?:; (.*))?$/s.exec(issue.message) ?? [];
  return { expected: words ?? expectedOf(issue), key, got, hint };
}

/** A mistyped key is often the missing one, and more informative; of a union, the complaint that lies deepest. */
export function tellingIssue(error: Faults): Issue {
  const issues = error.issues.map(deepest);
  return issues.find(({ code }) => code === "unrecognized_keys") ?? issues[0]!;
}

/** A union complains of all its members; the one that was meant is the one whose complaint lies deepest. */
function deepest(issue: Issue): Issue {
  if (issue.code !== "invalid_union") return issue;
  const all = issue.errors.flatMap((errors) => errors.slice(0, 1)).map(deepest);
  const inner = all.sort((a, b) => b.path.length - a.path.length)[0];
  return inner === undefined || inner.path.length === 0
    ? issue
    : { ...inner, path: [...issue.path, ...inner.path] };
}

const valueAt = (value: unknown, path: readonly PropertyKey[]) =>
  path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown> | null | undefined)?.[key], value);

/** Of a word that there is not the nearest one that there is. */
function hintFor(issue: Issue, got: unknown): string | undefined {
  const words = allowed(issue).filter((word) => typeof word === "string");
  return typeof got === "string" && words.length > 1 ? wordHint(got, words) : undefined;
}

/** The values of a closed set, also where it is a union of single ones. */
function allowed(issue: Issue): readonly unknown[] {
  if (issue.code === "invalid_value") return issue.values;
  if ("options" in issue && Array.isArray(issue.options)) return issue.options;
  return issue.code === "invalid_union"
    ? issue.errors.flatMap(([first]) => (first ? allowed(first) : []))
    : [];
}

/** What the schema library's names of types are called here. */
const TYPES: Readonly<Record<string, string>> = {
  ...{ string: "text", number: "a number", int: "a whole number", boolean: "true or false" },
  ...{ object: "an object", record: "an object", array: "a list", tuple: "a list", null: "null" },
};

function expectedOf(issue: Issue): string {
  switch (issue.code) {
    case "invalid_value":
      return either(issue.values.map((one) => String(one)));
    case "invalid_type":
      return TYPES[issue.expected] ?? issue.expected;
    case "too_small":
    case "too_big":
      return sized(issue);
    case "not_multiple_of":
      return `a multiple of ${issue.divisor}`;
    case "invalid_format":
      return issue.pattern === undefined
        ? `text in the form of ${issue.format}`
        : `text like ${issue.pattern}`;
    case "invalid_union": {
      if ("options" in issue && issue.options !== undefined) return either(issue.options.map(String));
      const each = issue.errors.flatMap(([first]) => (first === undefined ? [] : [expectedOf(first)]));
      return each.length === 0 ? "another value" : either([...new Set(each)]);
    }
    default:
      return `a valid value (${issue.message})`;
  }
}

/** Bounds of numbers, and of how many characters or entries there are. */
function sized(issue: z.core.$ZodIssueTooSmall | z.core.$ZodIssueTooBig): string {
  const { origin, inclusive, exact = false } = issue;
  const small = issue.code === "too_small";
  const bound = String(small ? issue.minimum : issue.maximum);
  if (["number", "int", "bigint"].includes(origin)) {
    if (inclusive) return small ? `a number from ${bound}` : `a number up to ${bound}`;
    return `a number ${small ? "above" : "below"} ${bound}`;
  }
  const [one, many] = origin === "string" ? ["character", "characters"] : ["entry", "entries"];
  const of = bound === "1" ? one : many;
  return exact ? `${bound} ${of}` : `at ${small ? "least" : "most"} ${bound} ${of}`;
}

const either = (words: readonly string[]) =>
  words.length < 2 ? words.join() : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;

/** JSON with sorted keys and no blanks: the form that is hashed. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, v: unknown) =>
    typeof v === "object" && v !== null && !Array.isArray(v)
      ? Object.fromEntries(Object.entries(v).sort(([a], [b]) => (a < b ? -1 : 1)))
      : v,
  );
}
