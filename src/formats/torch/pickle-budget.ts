// What reading a pickle may cost: a few opcodes can make, or a call copy, what one argument in the memo holds, again and
// again, so that 100 KB of bytes would take gigabytes and never end.
// Invariant: everything that an opcode makes and everything that a call may copy is paid before; costs are bytes of memory,
// estimated from above as V8 stores them on 64 bits.

/** Bytes of what opcodes make. */
export const COSTS = {
  /** A place on the stack or in a list, which grow by halves. */
  slot: 16,
  list: 48,
  /** An empty dict or set. */
  collection: 220,
  /** Of a dict, a set or the memo. */
  entry: 48,
  text: 24,
  /** A view of bytes. */
  view: 120,
} as const;

/** What any pickle may cost, and what it may cost for each of its bytes: a checkpoint's pickle has some 100 KB. */
const FREE_BYTES = 64 << 20;
const BYTES_PER_BYTE = 2;
/** Deepest part of arguments that a call reads: `_rebuild_from_type_v2` calls another function with a list of arguments. */
const DEPTH = 3;

/** What is left for one pickle. */
export class Budget {
  #left: number;
  readonly #fault: () => Error;

  /** @param fault - what is thrown when nothing is left */
  constructor(pickleBytes: number, fault: () => Error) {
    this.#left = FREE_BYTES + BYTES_PER_BYTE * pickleBytes;
    this.#fault = fault;
  }

  pay(bytes: number): void {
    this.#left -= bytes;
    if (this.#left < 0) throw this.#fault();
  }

  /** For a call: as if it copied all of its arguments, as deep as any call reads them. */
  payCopy(value: unknown, depth = DEPTH): void {
    if (typeof value === "string") this.pay(COSTS.text + 2 * value.length);
    else if (typeof value !== "object" || value === null) this.pay(COSTS.slot);
    else if (value instanceof Uint8Array) this.pay(COSTS.view + value.byteLength);
    else if (Array.isArray(value)) {
      this.pay(COSTS.list + COSTS.slot * value.length);
      if (depth > 0) for (const item of value) this.payCopy(item, depth - 1);
    } else if (value instanceof Map) {
      this.pay(COSTS.collection + COSTS.entry * value.size);
      if (depth > 0) for (const item of value.values()) this.payCopy(item, depth - 1);
    } else if (value instanceof Set) this.pay(COSTS.collection + COSTS.entry * value.size);
    else this.pay(COSTS.list);
  }
}
