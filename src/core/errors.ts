// ◇ Browser-safe. The one error type, its wording and its exit codes.
// Every fault a user can cause is an AppError; anything else that escapes is a bug of ours ("internal").
// Invariants: no message or hint has a secret of an address in it (core/secrets); it is safe for a terminal, one line
// (further ones are this program's own) and of at most 2 KB, whatever values and names of files it quotes.
import { withoutSecrets } from "./secrets.ts";
import { shortened, visible } from "./visible.ts";

/** Whose fault it is: the caller's flags, files and rows, servers, or our own. */
export type ErrorKind = "input" | "data" | "remote" | "internal";

/** Exit code of the command line for each kind of error (interruption by Ctrl-C is 130). */
export const EXIT_CODES = { input: 2, data: 3, remote: 4, internal: 70 } as const;
export const EXIT_INTERRUPTED = 130;

/** What an AppError has beside its message. */
export interface ErrorOptions {
  /** What to try, as one imperative sentence. */
  readonly hint?: string | undefined;
  readonly cause?: unknown | undefined;
  /** Further lines below the message, one fault each. */
  readonly lines?: readonly string[] | undefined;
}

/** As many bytes a further line has at most. */
const LINE_BYTES = 400;

/**
 * A fault with a kind (decides the exit code), a stable code and a message for people.
 * `input`: the caller's flags or arguments; `data`: files and rows; `remote`: servers; `internal`: our bug.
 */
export class AppError extends Error {
  readonly kind: ErrorKind;
  readonly code: string;
  readonly hint: string | undefined;
  readonly lines: readonly string[];

  constructor(kind: ErrorKind, code: string, message: string, options: ErrorOptions = {}) {
    const { cause, hint, lines = [] } = options;
    const below = lines.map((line) => `\n  ${plainText(line, LINE_BYTES)}`);
    super(plainText(message) + below.join(""), cause === undefined ? undefined : { cause });
    this.name = "AppError";
    this.kind = kind;
    this.code = code;
    this.hint = hint === undefined ? undefined : plainText(hint);
    this.lines = lines;
  }

  /** Message and hint as the command line prints them. */
  describe(): string {
    return this.hint === undefined ? this.message : `${this.message}\nTry: ${this.hint}`;
  }
}

/** Only so much of both ends of a longer text is read: a file may contain names of megabytes. */
const LONG_CHARS = 7000;

/** A message as people may read it: short, visible and without secrets. */
function plainText(text: string, limitBytes?: number): string {
  const ends = `${text.slice(0, LONG_CHARS)} … ${text.slice(-LONG_CHARS)}`;
  return shortened(visible(withoutSecrets(text.length > 2 * LONG_CHARS ? ends : text)), limitBytes);
}

/** Ctrl-C or an abort signal: state was left resumable; the command line exits with 130. */
export class Interrupted extends Error {
  constructor(message: string) {
    super(message);
    this.name = "Interrupted";
  }
}

export interface Expectation extends ErrorOptions {
  readonly code: string;
  /** What would have been right, e.g. `an integer from 1 to 4096`. */
  readonly expected: string;
  /** Name of the thing, e.g. `--batch` or `column gender`. */
  readonly name: string;
  /** What was found; shown quoted and shortened. */
  readonly got: unknown;
  /** `file`, `file:row` or `file @byte`. */
  readonly where?: string | undefined;
}

/** Shortens any value to at most `limit` characters for a message. */
export function show(value: unknown, limit = 80): string {
  const long = typeof value === "string" ? value : plain(value);
  const short = withoutSecrets(long.slice(0, LONG_CHARS));
  const text = typeof value === "string" ? JSON.stringify(short) : short;
  return text.length <= limit ? text : `${text.slice(0, limit - 1)}…`;
}

function plain(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value instanceof Error) return value.message;
  if (typeof value !== "object" || value === null) return String(value);
  if (isSmall(value, { left: SMALL })) return JSON.stringify(value) ?? "nothing";
  return Array.isArray(value) ? `a list of ${value.length} values` : "an object of many values";
}

const SMALL = 1000;

/**
 * Whether it can be written as JSON at once: hostile files hold cycles, lists shared a million times, integers of 100 digits.
 */
function isSmall(value: unknown, budget: { left: number }): boolean {
  if (--budget.left < 0 || typeof value === "bigint") return false;
  if (typeof value === "string") {
    budget.left -= value.length >> 6;
    return budget.left >= 0;
  }
  if (typeof value !== "object" || value === null) return true;
  if (ArrayBuffer.isView(value) && value.byteLength > SMALL) return false;
  if (Array.isArray(value) && value.length > SMALL) return false;
  return Object.values(value).every((inner) => isSmall(inner, budget));
}

/**
 * The one wording for bad values: `Expected <what> for <name>, got <value> (<where>)`.
 *
 * @param kind - `input` for flags and arguments, `data` for files and rows, `remote` for servers
 * @returns the error, to be thrown by the caller
 */
export function unexpected(kind: ErrorKind, e: Expectation): AppError {
  const where = e.where === undefined ? "" : ` (${e.where})`;
  return new AppError(kind, e.code, `Expected ${e.expected} for ${e.name}, got ${show(e.got)}${where}`, e);
}

/** A file that had to be there and is not. */
export function missingFile(path: string, what: string, hint?: string): AppError {
  return new AppError("data", "FILE_MISSING", `Expected ${what} at ${path}, got no such file`, {
    hint,
  });
}

/** True for Node's file-not-found errors. */
export function isNotFound(error: unknown): boolean {
  return hasErrno(error, "ENOENT") || hasErrno(error, "ENOTDIR");
}

/** True if `error` is a system error with this errno name, e.g. `ENOSPC`. */
export function hasErrno(error: unknown, name: string): boolean {
  return error instanceof Error && "code" in error && error.code === name;
}
