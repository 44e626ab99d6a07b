// Values against schemas, where a value may be meant to exhaust the schema.
import { z } from "zod";

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
