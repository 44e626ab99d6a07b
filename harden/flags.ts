// The flags of `npm run harden`, checked.
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { distance } from "fastest-levenshtein";
import { AppError, unexpected } from "../src/core/errors.ts";

const HERE = fileURLToPath(new URL(".", import.meta.url));

export const USAGE = `Usage: npm run harden -- [options]

  --minutes N       how long, shared over the campaigns and the cores (default 5)
  --only NAME       this campaign; repeatable
  --seed N          one attempt of the campaign of --only, as it was reported; it is not recorded
  --attempts N      at most so many new attempts of each campaign
  --jobs N          attempts at a time (default: as many as the machine has cores)
  --fresh           forget what was tried of this code
  --table           run nothing: write the table of docs/hardening.md from what was tried
  --state FILE      what was tried (default harden-state.jsonl); the next run continues after it
  --campaigns FILE  module with other CAMPAIGNS
  --help

What was tried counts for the code that it was tried on: after a change of src/ or harden/ seeds begin again, those
that showed a fault first. Ctrl-C stops after the attempts under way. Exit code 0 without a fault, 70 with one.
`;

const OPTIONS = {
  minutes: { type: "string", default: "5" },
  only: { type: "string", multiple: true, default: [] as string[] },
  seed: { type: "string" },
  attempts: { type: "string" },
  jobs: { type: "string", default: String(availableParallelism()) },
  fresh: { type: "boolean", default: false },
  table: { type: "boolean", default: false },
  state: { type: "string", default: fileURLToPath(new URL("../harden-state.jsonl", import.meta.url)) },
  campaigns: { type: "string", default: `${HERE}campaigns.ts` },
  help: { type: "boolean", default: false },
} as const;

/** What was asked for. */
export interface Flags {
  readonly minutes: number;
  readonly only: readonly string[];
  readonly seed: number | undefined;
  readonly attempts: number;
  readonly jobs: number;
  readonly fresh: boolean;
  readonly table: boolean;
  readonly state: string;
  readonly campaigns: string;
  readonly help: boolean;
}

/**
 * Reads the command line.
 *
 * @throws AppError("input", "HARDEN_OPTION" | "HARDEN_NUMBER") for unknown flags, bad values, and a seed without its campaign
 */
export function parseFlags(argv: readonly string[]): Flags {
  const { seed, attempts, only, minutes, jobs, ...rest } = parsed(argv);
  const flags: Flags = {
    ...rest,
    only,
    minutes: number("--minutes", minutes, (n) => n > 0 && n <= 10_000, "minutes above 0"),
    jobs: whole("--jobs", jobs, 1),
    attempts: attempts === undefined ? Number.POSITIVE_INFINITY : whole("--attempts", attempts, 1),
    seed: seed === undefined ? undefined : whole("--seed", seed, 0),
  };
  if (flags.seed !== undefined && only.length !== 1) {
    const e = { code: "HARDEN_OPTION", expected: "one --only NAME", name: "--seed", got: only.join(", ") };
    throw unexpected("input", { ...e, hint: "npm run harden -- --only NAME --seed N" });
  }
  return flags;
}

function parsed(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options: OPTIONS, allowPositionals: false }).values;
  } catch (cause) {
    const message = (cause as Error).message.split(". To specify")[0]!;
    throw new AppError("input", "HARDEN_OPTION", message, { hint: "npm run harden -- --help", cause });
  }
}

function number(name: string, text: string, isRight: (n: number) => boolean, expected: string): number {
  const value = text.trim() === "" ? Number.NaN : Number(text);
  if (isRight(value)) return value;
  throw unexpected("input", { code: "HARDEN_NUMBER", expected, name, got: text });
}

const whole = (name: string, text: string, least: number) =>
  number(name, text, (n) => Number.isSafeInteger(n) && n >= least, `a whole number from ${least} on`);

/**
 * The campaigns of these names, or all.
 *
 * @throws AppError("input", "HARDEN_NAME") with the nearest one
 */
export function chosen<T extends { readonly name: string }>(all: readonly T[], only: readonly string[]): T[] {
  const unknown = only.find((name) => !all.some((one) => one.name === name));
  if (unknown === undefined) return all.filter(({ name }) => only.length === 0 || only.includes(name));
  const names = all.map(({ name }) => name);
  const nearest = names.reduce((a, b) => (distance(b, unknown) < distance(a, unknown) ? b : a), names[0]!);
  throw unexpected("input", {
    code: "HARDEN_NAME",
    expected: `one of ${names.join(", ")}`,
    name: "--only",
    got: unknown,
    hint: `npm run harden -- --only ${nearest}`,
  });
}
