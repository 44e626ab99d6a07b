// ◇ Browser-safe. Values and JSON text against schemas, where a value may be meant to exhaust the schema.
import { z } from "zod";
import { AppError, show } from "./errors.ts";
import { causeOf, endsOf } from "./sniff.ts";

/**
 * As the schema's safeParse, also for values that nest far deeper than any of ours: a schema calls itself for what a value
 * holds, and the end of the stack is no fault of facehand's.
 */
export function safeParse<S extends z.ZodType>(schema: S, value: unknown): z.ZodSafeParseResult<z.output<S>> {
  try {
    return schema.safeParse(value);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const issue: z.core.$ZodIssue = {
      code: "custom",
      path: [],
      message: "values nested too deep",
      input: undefined,
    };
    return { success: false, error: new z.ZodError([issue]) as z.ZodError<z.output<S>> };
  }
}

/** Parses and validates JSON text; the message names the file and the first offending key. */
export function parseJson<S extends z.ZodType>(text: string, schema: S, where: string): z.output<S> {
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
  const issue = result.error.issues[0];
  const key = issue === undefined || issue.path.length === 0 ? "the document" : issue.path.join(".");
  throw new AppError(
    "data",
    "JSON_SCHEMA",
    `Expected valid ${key} in ${where}, got: ${issue?.message ?? "nothing"}`,
    {
      cause: result.error,
    },
  );
}
