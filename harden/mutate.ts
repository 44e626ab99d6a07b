// Makes a damaged or hostile file of a valid one: bytes flipped, lengths changed, parts cut, moved, copied a thousand times,
// exchanged with another file's, and words put in that a parser may stumble over. All of it follows from the stream given.
import type { Random } from "../src/core/random.ts";

/** Numbers at the edges of what fields hold. */
const EDGES: readonly bigint[] = [
  0n,
  1n,
  2n,
  0x7fn,
  0x80n,
  0xffn,
  0x7fffn,
  0x8000n,
  0xffffn,
  0x10000n,
  0x7fffffffn,
  0x80000000n,
  0xffffffffn,
  1n << 53n,
  (1n << 53n) - 1n,
  (1n << 63n) - 1n,
  1n << 63n,
  (1n << 64n) - 1n,
];
const NUMBERS = [
  "0",
  "-1",
  "1e999",
  "-0",
  "NaN",
  "99999999999999999999",
  "0.1e-400",
  "2147483648",
  "9007199254740993",
];
const WORDS = [
  '"__proto__"',
  '{"toJSON":1}',
  "null",
  "\\ud800",
  "\u202e",
  "\u0000",
  "\ufeff",
  "\r",
  "'",
  '"',
  ",",
  "\n",
];
/** A grown file stays small: its contents must not matter, only their form. */
const MOST_BYTES = 1 << 18;

type Change = (bytes: Buffer, random: Random, others: readonly Uint8Array[]) => Buffer;

/** A place in the bytes, more often near an end, where headers and directories are. */
function place(bytes: Buffer, random: Random): number {
  const near = Math.min(bytes.length, 64);
  const way = random.int(4);
  if (bytes.length === 0) return 0;
  if (way === 0) return random.int(near);
  return way === 1 ? bytes.length - 1 - random.int(near) : random.int(bytes.length);
}

function part(bytes: Buffer, random: Random): Buffer {
  const start = place(bytes, random);
  return bytes.subarray(start, start + 1 + random.int(random.pick([4, 32, 512])));
}

const insert = (bytes: Buffer, at: number, more: Uint8Array, instead = 0) =>
  Buffer.concat([bytes.subarray(0, at), more, bytes.subarray(at + instead)]);

const CHANGES: readonly Change[] = [
  (bytes, random) => {
    for (let n = random.int(4); n >= 0 && bytes.length > 0; n--)
      bytes[place(bytes, random)]! ^= 1 << random.int(8);
    return bytes;
  },
  (bytes, random) => {
    for (let n = random.int(4); n >= 0 && bytes.length > 0; n--)
      bytes[place(bytes, random)] = random.int(256);
    return bytes;
  },
  (bytes, random) => {
    const size = random.pick([1, 2, 4, 8]);
    const value = BigInt.asUintN(8 * size, random.pick(EDGES) + BigInt(random.int(3) - 1));
    const field = Buffer.alloc(8);
    if (random.int(3) === 0) field.writeBigUInt64BE(value << BigInt(64 - 8 * size));
    else field.writeBigUInt64LE(value);
    return insert(bytes, place(bytes, random), field.subarray(0, size), size);
  },
  (bytes, random) => bytes.subarray(0, random.int(bytes.length + 1)),
  (bytes, random) => bytes.subarray(random.int(Math.min(bytes.length, 64) + 1)),
  (bytes, random) => insert(bytes, place(bytes, random), part(bytes, random)),
  (bytes, random) => insert(bytes, place(bytes, random), Buffer.alloc(0), 1 + random.int(64)),
  (bytes, random) => {
    const times = random.pick([2, 10, 100, 3000]);
    return insert(bytes, place(bytes, random), Buffer.concat(Array<Buffer>(times).fill(part(bytes, random))));
  },
  (bytes, random, others) => {
    const other = Buffer.from(random.pick(others));
    return random.int(2) === 0
      ? insert(bytes, place(bytes, random), part(other, random), random.int(32))
      : Buffer.concat([bytes.subarray(0, place(bytes, random)), other.subarray(place(other, random))]);
  },
  (bytes, random) => {
    const start = place(bytes, random);
    const digits = /-?\d+(\.\d+)?/.exec(bytes.toString("latin1", start, start + 400));
    const text = Buffer.from(random.pick(NUMBERS));
    if (digits === null) return insert(bytes, start, text);
    return insert(bytes, start + digits.index, text, digits[0].length);
  },
  (bytes, random) => insert(bytes, place(bytes, random), Buffer.from(random.pick(WORDS))),
  (bytes, random) => {
    const [open, close] = random.pick([
      ["[", "]"],
      ['{"a":', "}"],
      ["(", ")"],
      ["- ", ""],
      ["  ", ""],
    ] as const);
    const depth = random.pick([10, 1000, 20_000]);
    return insert(
      bytes,
      place(bytes, random),
      Buffer.from(open.repeat(depth) + close.repeat(random.int(2) * depth)),
    );
  },
];

/**
 * A changed file.
 *
 * @param words - what the format's parser may stumble over, beside what any may
 * @param others - files of the same format, to take parts from
 */
export function mutate(
  seed: Uint8Array,
  random: Random,
  words: readonly string[],
  others: readonly Uint8Array[],
): Uint8Array {
  let bytes: Buffer = Buffer.from(seed);
  for (let n = random.pick([1, 1, 1, 2, 3, 8]); n > 0; n--) {
    const word = words.length > 0 && random.int(6) === 0;
    bytes = word
      ? insert(bytes, place(bytes, random), Buffer.from(random.pick(words), "latin1"), random.int(8))
      : Buffer.from(random.pick(CHANGES)(bytes, random, others));
  }
  return new Uint8Array(bytes.subarray(0, MOST_BYTES));
}
