// Arguments of the calls in a pickle, each read as what it has to be, or refused.
// Used by the tables of what torch's and NumPy's pickles may call; nothing here is particular to either.
import { type AppError, unexpected } from "../../core/errors.ts";
import { latin1, type PickleValue, type PyObject } from "./pickle-machine.ts";

/** What a call of the allow-list gives for its arguments. */
export type Call = (args: readonly PickleValue[]) => PickleValue;

/** The same with the number of arguments checked: none is left unread. */
export function taking(name: string, fewest: number, most: number, call: Call): Call {
  return (args) => {
    if (args.length >= fewest && args.length <= most) return call(args);
    throw badArgument(`${fewest === most ? most : `${fewest} to ${most}`} arguments of ${name}`, args.length);
  };
}

/** A value that a pickle may not hold there. */
export function badArgument(name: string, got: unknown): AppError {
  const shown = typeof got === "object" && got !== null ? got.constructor.name : got;
  return unexpected("data", { code: "PICKLE_DAMAGED", expected: "a valid value", name, got: shown });
}

/** A string. */
export function text(value: PickleValue | undefined, name = "text"): string {
  if (typeof value !== "string") throw badArgument(name, value);
  return value;
}

/** True or False. */
export function flag(value: PickleValue | undefined, name: string): boolean {
  if (typeof value !== "boolean") throw badArgument(name, value);
  return value;
}

/** A list or tuple. */
export function list(value: PickleValue | undefined, name = "a list"): PickleValue[] {
  if (!Array.isArray(value)) throw badArgument(name, value);
  return value;
}

/** A whole number from 0. */
export function count(value: PickleValue | undefined, name: string): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw badArgument(name, value);
  return value as number;
}

/** PyTorch's and NumPy's own limit; torch.save writes no tensor of more. */
const MOST_AXES = 64;

/** Whole numbers from 0, as shapes are. */
export function counts(value: PickleValue | undefined, name: string): number[] {
  const items = list(value);
  if (items.length > MOST_AXES) throw badArgument(`at most ${MOST_AXES} axes in ${name}`, items.length);
  return items.map((item) => count(item, name));
}

/** A value of one class of plain data. */
export function instance<T extends PyObject>(
  value: PickleValue | undefined,
  type: abstract new (...args: never[]) => T,
  name: string,
): T {
  if (!(value instanceof type)) throw badArgument(name, value);
  return value;
}

/** A dict of a dict or of a list of pairs. */
export function dict(items: PickleValue | undefined): Map<PickleValue, PickleValue> {
  if (items instanceof Map) return new Map(items);
  const pairs = list(items ?? []).map((item) => {
    const pair = list(item, "a pair");
    if (pair.length !== 2) throw badArgument("a pair", `${pair.length} values`);
    return [pair[0]!, pair[1]!] as const;
  });
  return new Map(pairs);
}

/** Bytes as they are, or from text in latin1, as Python 2's protocols hold them. */
export function bytes(value: PickleValue | undefined, encoding: PickleValue | undefined): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (typeof value !== "string" || (encoding !== "latin1" && encoding !== "latin-1")) {
    throw badArgument("text in latin1", encoding);
  }
  const out = Buffer.from(value, "latin1");
  if (latin1(out) !== value) throw badArgument("text in latin1", value);
  return out;
}

/** Attributes of an object: a dict, or a dict and another of slots; none for None. */
export function attributes(state: PickleValue | undefined, name: string): Map<string, PickleValue> {
  const parts = Array.isArray(state) ? state : [state ?? null];
  if (parts.length > 2) throw badArgument(name, `${parts.length} parts`);
  const out = new Map<string, PickleValue>();
  for (const part of parts) {
    if (part === null) continue;
    if (!(part instanceof Map)) throw badArgument(name, part);
    for (const [key, value] of part) out.set(text(key, name), value);
  }
  return out;
}
