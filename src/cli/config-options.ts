// Command-line options from a configuration's schema, so that flags, defaults, ranges and help always agree.
import { Option } from "commander";
import { z } from "zod";
import { decimal } from "../core/decimal.ts";
import { unexpected } from "../core/errors.ts";
import { flagOf } from "../core/words.ts";
import { list, repeated } from "./context.ts";

interface Field {
  readonly type?: string | undefined;
  readonly description?: string | undefined;
  readonly default?: unknown | undefined;
  readonly enum?: readonly string[] | undefined;
  readonly items?: { readonly enum?: readonly string[] | undefined } | undefined;
}

/** One option a key of the schema, with its description, default and choices. */
export function configOptions(schema: z.ZodType): Option[] {
  const { properties = {} } = z.toJSONSchema(schema, { io: "input" });
  return Object.entries(properties as Record<string, Field>).map(([key, field]) => {
    const flag = flagOf(key);
    if (field.type === "boolean") return new Option(flag, field.description);
    const choices = field.items?.enum;
    const noun =
      field.type === "array" ? (choices === undefined ? "source" : "list") : (field.type ?? "value");
    const option = new Option(`${flag} <${noun}>`, describe(field));
    if (choices !== undefined) return option.argParser(list(flag));
    if (field.type === "array") return option.argParser(repeated);
    if (field.enum !== undefined) return option.choices(field.enum);
    return field.type === "string" ? option : option.argParser((text) => numeric(flag, text));
  });
}

function describe({ description = "", default: value }: Field): string {
  if (value === undefined || description.includes("(default: ")) return description;
  return `${description} (default ${String(value)})`;
}

/**
 * An option value that must be a number.
 *
 * @throws AppError("input", "FLAG")
 */
export function numeric(flag: string, text: string): number {
  const value = decimal(text);
  if (value !== undefined) return value;
  throw unexpected("input", { code: "FLAG", expected: "a number", name: flag, got: text });
}

/**
 * The numbers of --seeds.
 *
 * @throws AppError("input", "FLAG") for a seed that is given twice, as 1 and 01 are: its run would count as two that agree
 */
export function seedNumbers(texts: readonly string[]): number[] {
  const seeds = texts.map((text) => numeric("--seeds", text));
  const twice = seeds.find((seed, k) => seeds.indexOf(seed) !== k);
  if (twice === undefined) return seeds;
  const e = { code: "FLAG", expected: "each seed once", name: "--seeds", got: texts.join(",") };
  throw unexpected("input", { ...e, hint: `leave out one ${twice}: the same seed gives the same run` });
}
