// The state of a pickle being read: position, stack, marks and memo, each step checked.
// Source: CPython's Lib/pickletools.py. The opcodes are in pickle.ts.
// Invariants: nothing here runs what the bytes name; names resolve in the caller's table or are refused; what is made,
// and what calls copy, is paid from one budget (pickle-budget.ts), so that time and memory follow the number of bytes.
import { AppError, show } from "../../core/errors.ts";
import { Budget, COSTS } from "./pickle-budget.ts";

/** Dicts are Maps, lists and tuples arrays, bytes Uint8Arrays; integers outside the safe range are bigints. */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PickleValue[]
  | Map<PickleValue, PickleValue>
  | Set<PickleValue>
  | PyObject;

/** What the table makes of Python objects. */
export interface PyObject {
  /** Name of its class or of itself, e.g. `argparse.Namespace`. */
  readonly py: string;
  /** Takes what Python's `__setstate__` would get; without it a state is refused. */
  setState?(state: PickleValue): void;
}

/** A name of the allow-list: calling it (or making an instance of it) gives plain data. */
export interface PyGlobal extends PyObject {
  call?(args: readonly PickleValue[]): PickleValue;
}

export interface PickleContext {
  /** Stands for `module.name`; undefined refuses it. */
  find(module: string, name: string): PyGlobal | undefined;
  /** Value of a persistent id. */
  persistent(id: PickleValue): PickleValue;
  /** File name for messages. */
  readonly where: string;
}

/** The bytes end before the pickle does: a longer part of the file may hold all of it. */
export class PickleCut extends AppError {}

/** What the opcodes act on; see `unpickle`. */
export class Machine {
  readonly bytes: Uint8Array;
  readonly context: PickleContext;
  readonly memo = new Map<number, PickleValue>();
  readonly budget: Budget;
  position: number;
  stopped = false;
  #view: DataView;
  #stack: PickleValue[] = [];
  readonly #marks: PickleValue[][] = [];

  constructor(bytes: Uint8Array, start: number, context: PickleContext) {
    this.bytes = bytes;
    this.position = start;
    this.context = context;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.budget = new Budget(bytes.byteLength, () =>
      this.damaged("one that makes much more of its bytes than they are"),
    );
  }

  damaged(got: string, Kind: typeof AppError = AppError): AppError {
    const message = `Expected a whole pickle of protocol 2 to 5, got ${got} (${this.context.where} @${this.position})`;
    const hint = "fetch the file again, or convert it to safetensors with the program that wrote it";
    return new Kind("data", "PICKLE_DAMAGED", message, { hint });
  }

  take(count: number): Uint8Array {
    const end = this.position + count;
    if (end > this.bytes.byteLength) throw this.damaged("its end too early", PickleCut);
    const part = this.bytes.subarray(this.position, end);
    this.position = end;
    return part;
  }

  /** Unsigned little-endian integer of 1, 2, 4 or 8 bytes. */
  uint(size: 1 | 2 | 4 | 8): number {
    const at = this.position;
    this.take(size);
    if (size === 1) return this.#view.getUint8(at);
    if (size === 2) return this.#view.getUint16(at, true);
    if (size === 4) return this.#view.getUint32(at, true);
    return Number(this.#view.getBigUint64(at, true)); // only lengths, which `take` bounds
  }

  int32(): number {
    return this.uint(4) | 0;
  }

  float64(): number {
    const at = this.position;
    this.take(8);
    return this.#view.getFloat64(at, false);
  }

  text(size: number): string {
    const bytes = this.take(size);
    this.budget.pay(COSTS.text + size);
    try {
      return UTF8.decode(bytes);
    } catch {
      throw this.damaged("text that is not UTF-8");
    }
  }

  latin1(size: number): string {
    this.budget.pay(COSTS.text + size);
    return latin1(this.take(size));
  }

  /** Bytes that share the file's memory. */
  blob(size: number): Uint8Array {
    this.budget.pay(COSTS.view);
    return this.take(size);
  }

  line(): string {
    const end = this.bytes.indexOf(10, this.position);
    if (end < 0) throw this.damaged("its end too early", PickleCut);
    const text = this.text(end - this.position);
    this.position++;
    return text;
  }

  /** Two's complement, little-endian, any size up to 1 KiB. */
  long(size: number): number | bigint {
    if (size > 1024) throw this.damaged(`an integer of ${size} bytes`);
    this.budget.pay(size);
    const hex = Buffer.from(this.take(size).toReversed()).toString("hex");
    return narrow(BigInt.asIntN(size * 8, BigInt(`0x${hex || "0"}`)));
  }

  push(value: PickleValue): void {
    this.budget.pay(COSTS.slot);
    this.#stack.push(value);
  }

  pop(): PickleValue {
    const value = this.#stack.pop();
    if (value === undefined) throw this.damaged("an empty stack");
    return value;
  }

  top(): PickleValue {
    const value = this.#stack.at(-1);
    if (value === undefined) throw this.damaged("an empty stack");
    return value;
  }

  popMany(count: number): PickleValue[] {
    if (this.#stack.length < count) throw this.damaged("an empty stack");
    this.budget.pay(COSTS.list);
    return this.#stack.splice(this.#stack.length - count, count);
  }

  mark(): void {
    this.budget.pay(COSTS.list);
    this.#marks.push(this.#stack);
    this.#stack = [];
  }

  /** Everything since the last mark. */
  popMark(): PickleValue[] {
    const items = this.#stack;
    const below = this.#marks.pop();
    if (below === undefined) throw this.damaged("no mark");
    this.#stack = below;
    return items;
  }

  popString(): string {
    const value = this.pop();
    if (typeof value !== "string") throw this.damaged(`${show(describe(value))} for a name`);
    return value;
  }

  popList(): PickleValue[] {
    const value = this.pop();
    if (!Array.isArray(value)) throw this.damaged(`${describe(value)} for a list`);
    return value;
  }

  /** A new dict or set. */
  collect(value: Map<PickleValue, PickleValue> | Set<PickleValue>): void {
    this.budget.pay(COSTS.collection + COSTS.entry * value.size);
    this.push(value);
  }

  remember(index: number): void {
    this.budget.pay(COSTS.entry);
    this.memo.set(index, this.top());
  }

  recall(index: number): void {
    const value = this.memo.get(index);
    if (value === undefined) throw this.damaged(`memo ${index}, which is not set`);
    this.push(value);
  }

  global(module: string, name: string): void {
    const found = this.context.find(module, name);
    if (found === undefined) {
      throw new AppError(
        "data",
        "PICKLE_GLOBAL",
        `Expected only tensors and plain data in the pickle, got a call of ${module}.${name} (${this.context.where})`,
        { hint: "do not load this file with other tools if you do not trust it; ask for a safetensors file" },
      );
    }
    this.push(found);
  }

  /** `cls.__new__(cls, *args)`, which none of the table's classes takes arguments by. */
  create(target: PickleValue, args: readonly PickleValue[]): void {
    if (args.length > 0) throw this.damaged(`arguments for a new ${describe(target)}`);
    this.call(target, args);
  }

  call(target: PickleValue, args: readonly PickleValue[]): void {
    const run = isObject(target) ? (target as PyGlobal).call : undefined;
    if (run === undefined) throw this.damaged(`a call of ${describe(target)}`);
    this.budget.payCopy(args);
    this.push(run(args));
  }

  setItems(items: readonly PickleValue[]): void {
    const target = this.top();
    if (!(target instanceof Map)) throw this.damaged(`items for ${describe(target)}`);
    if (items.length % 2 !== 0) throw this.damaged("a key without a value");
    this.budget.pay((COSTS.entry * items.length) / 2);
    for (let i = 0; i < items.length; i += 2) target.set(items[i]!, items[i + 1]!);
  }

  append(items: readonly PickleValue[]): void {
    const target = this.top();
    if (!Array.isArray(target)) throw this.damaged(`items for ${describe(target)}`);
    this.budget.pay(COSTS.slot * items.length);
    for (const item of items) target.push(item);
  }

  addItems(items: readonly PickleValue[]): void {
    const target = this.top();
    if (!(target instanceof Set)) throw this.damaged(`items for ${describe(target)}`);
    this.budget.pay(COSTS.entry * items.length);
    for (const item of items) target.add(item);
  }

  persist(): void {
    const id = this.pop();
    this.budget.payCopy(id);
    this.push(this.context.persistent(id));
  }

  build(): void {
    const state = this.pop();
    const target = this.top();
    // Attributes of an OrderedDict, e.g. torch's _metadata: versions of modules, not items.
    if (target instanceof Map && (state === null || state instanceof Map)) return;
    if (!isObject(target) || target.setState === undefined) {
      throw this.damaged(`a state for ${describe(target)}`);
    }
    this.budget.payCopy(state);
    target.setState(state);
  }
}

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A number where it is exact. */
export function narrow(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function isObject(value: PickleValue): value is PyObject {
  return typeof value === "object" && value !== null && "py" in value;
}

function describe(value: PickleValue): string {
  if (isObject(value)) return value.py;
  if (value === null || typeof value !== "object") return show(value);
  return value.constructor.name;
}

/** Bytes as characters of the same code. */
export function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}
