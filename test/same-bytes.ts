// Arrays of numbers that are the same to the byte are equal: expect goes through them one by one, a microsecond each, which
// was half of the time of tests that compare pictures or weights.
// Invariant: nothing is called unlike here; what is not the same to the byte is left to expect.
import { expect } from "vitest";

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView) =>
  new Uint8Array(buffer, byteOffset, byteLength);

/** True for arrays of one type that hold the same bytes; undefined leaves the answer to others. */
export function sameBytes(a: unknown, b: unknown): true | undefined {
  if (!ArrayBuffer.isView(a) || !ArrayBuffer.isView(b)) return undefined;
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return undefined;
  return Buffer.compare(bytesOf(a), bytesOf(b)) === 0 ? true : undefined;
}

// Files that share a process share its testers, and each runs this: once is enough.
const ADDED = Symbol.for("facehand.same-bytes");
if (!Object.hasOwn(globalThis, ADDED)) expect.addEqualityTesters([sameBytes]);
Object.defineProperty(globalThis, ADDED, { value: true, configurable: true });
