// ◇ Browser-safe. Shapes: schemas of what a page for others reads, checkpoints' facts and headers, which need no library.
// Invariant: what they find has the form of zod's findings, and core/schema.ts puts both into the same words.
import type { $ZodIssue } from "zod/v4/core";
import type { Shape } from "../core/schema.ts";

type Key = string | number;
/** What is found at a place; what is absent counts as undefined. */
type Found = Readonly<Record<string, unknown>> & { readonly path: Key[] };
type Check = (value: never) => Readonly<Record<string, unknown>> | undefined;

/** A shape that other shapes call: gives the value as it is handed on, and adds what it finds. */
class Reader<T> implements Shape<T> {
  readonly read: (value: unknown, path: Key[], found: Found[]) => T;
  readonly isOptional: boolean;
  constructor(read: (value: unknown, path: Key[], found: Found[]) => T, isOptional = false) {
    this.read = read;
    this.isOptional = isOptional;
  }
  safeParse(value: unknown): ReturnType<Shape<T>["safeParse"]> {
    const found: Found[] = [];
    const data = this.read(value, [], found);
    if (found.length === 0) return { success: true, data };
    const issues = found.map((one) => ({ message: "", ...one }) as unknown as $ZodIssue);
    return { success: false, error: { issues } };
  }
}

export type { Reader };

const typed = <T>(expected: string, is: (value: unknown) => boolean, checks: readonly Check[]) =>
  new Reader<T>((value, path, found) => {
    const faults = is(value)
      ? checks.map((check) => check(value as never))
      : [{ code: "invalid_type", expected }];
    for (const fault of faults) if (fault !== undefined) found.push({ ...fault, path });
    return value as T;
  });
const bound = (code: string, key: string, origin: string, limit: number, inclusive = true) => ({
  code,
  origin,
  [key]: limit,
  inclusive,
});

/** At least so much. */
export const least =
  (minimum: number): Check =>
  (value: number) =>
    value >= minimum ? undefined : bound("too_small", "minimum", "number", minimum);
/** More than so much. */
export const above =
  (minimum: number): Check =>
  (value: number) =>
    value > minimum ? undefined : bound("too_small", "minimum", "number", minimum, false);
/** At most so much. */
export const most =
  (maximum: number): Check =>
  (value: number) =>
    value <= maximum ? undefined : bound("too_big", "maximum", "number", maximum);
/** Text or a list of at least so many. */
export const longer =
  (minimum: number): Check =>
  (value: string | readonly unknown[]) =>
    value.length >= minimum
      ? undefined
      : bound("too_small", "minimum", typeof value === "string" ? "string" : "array", minimum);
/** A list of at most so many. */
export const shorter =
  (maximum: number): Check =>
  (value: readonly unknown[]) =>
    value.length <= maximum ? undefined : bound("too_big", "maximum", "array", maximum);
/** Whatever a function says of it; `message` begins with "expected ". */
export const that =
  (holds: (value: never) => boolean, message: string): Check =>
  (value) =>
    holds(value) ? undefined : { code: "custom", message };

export const text = (...checks: Check[]) =>
  typed<string>("string", (value) => typeof value === "string", checks);
export const truth = typed<boolean>("boolean", (value) => typeof value === "boolean", []);
export const number = (...checks: Check[]) => typed<number>("number", Number.isFinite, checks);
/** A whole number that doubles hold. */
export const whole = (...checks: Check[]) =>
  number(
    (value: number) => (Number.isInteger(value) ? undefined : { code: "invalid_type", expected: "int" }),
    most(Number.MAX_SAFE_INTEGER),
    least(Number.MIN_SAFE_INTEGER),
    ...checks,
  );
/** One of some values. */
export const oneOf = <const V extends readonly unknown[]>(...values: V) =>
  new Reader<V[number]>((value, path, found) => {
    if (!values.includes(value)) found.push({ code: "invalid_value", values, path });
    return value as V[number];
  });
export const orNull = <T>({ read }: Reader<T>) =>
  new Reader<T | null>((value, path, found) => (value === null ? null : read(value, path, found)));
/** A key that may be absent. */
export const optional = <T>({ read }: Reader<T>) =>
  new Reader<T | undefined>(
    (value, path, found) => (value === undefined ? undefined : read(value, path, found)),
    true,
  );

export const list = <T>({ read }: Reader<T>, ...checks: Check[]) => {
  const array = typed<unknown[]>("array", Array.isArray, checks);
  return new Reader<T[]>((value, path, found) => {
    if (!Array.isArray(value)) return array.read(value, path, found) as T[];
    const items = value.map((item, i) => read(item, [...path, i], found));
    array.read(value, path, found);
    return items;
  });
};
/** A list of so many of the same, which are looked at if they are so many. */
export const tuple = <T extends readonly unknown[]>(item: Reader<T[number]>, length: T["length"]) => {
  const items = list(item);
  const size = typed<T>("tuple", Array.isArray, [longer(length), shorter(length)]);
  return new Reader<T>((value, path, found) => {
    const before = found.length;
    size.read(value, path, found);
    return (found.length > before ? value : items.read(value, path, found)) as T;
  });
};

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** An object of these keys, in this order, and of no other. */
export const object = <T>(fields: { readonly [K in keyof T]-?: Reader<T[K]> }) =>
  new Reader<T>((value, path, found) => {
    if (!isObject(value)) {
      found.push({ code: "invalid_type", expected: "object", path });
      return value as T;
    }
    const out: [string, unknown][] = [];
    for (const [key, { read, isOptional }] of Object.entries<Reader<unknown>>(fields)) {
      const own = Object.hasOwn(value, key);
      if (own || !isOptional) out.push([key, read(own ? value[key] : undefined, [...path, key], found)]);
    }
    const keys = Object.keys(value).filter((key) => !Object.hasOwn(fields, key));
    if (keys.length > 0) found.push({ code: "unrecognized_keys", keys, path });
    return Object.fromEntries(out) as T;
  });
/** An object of any keys. */
export const record = <T>({ read }: Reader<T>) =>
  new Reader<Record<string, T>>((value, path, found) => {
    if (isObject(value))
      return Object.fromEntries(
        Object.entries(value).map(([key, one]) => [key, read(one, [...path, key], found)]),
      );
    found.push({ code: "invalid_type", expected: "record", path });
    return {};
  });
/** Anything. */
export const anything = new Reader<unknown>((value) => value);
