import fc from "fast-check";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { Random } from "../../core/random.ts";
import { optimalTable } from "./jpeg-write.ts";

type Segments = ReadonlyMap<number, Uint8Array>;

/** A grey JPEG by sharp (libjpeg-turbo), which has one table for DC, one for AC and one scan. */
async function greyJpeg(pixels: Uint8Array, width: number, quality: number): Promise<Uint8Array> {
  const raw = { width, height: pixels.length / width, channels: 1 } as const;
  return sharp(pixels, { raw }).toColourspace("b-w").jpeg({ quality, optimiseCoding: true }).toBuffer();
}

/** Huffman tables by class (0 DC, 1 AC), and the data of the scan without stuffed zeros. */
function take(file: Uint8Array): { tables: Segments; scan: Uint8Array } {
  const tables = new Map<number, Uint8Array>();
  let at = 2;
  for (;;) {
    const [marker, length] = [file[at + 1]!, file[at + 2]! * 256 + file[at + 3]!];
    const body = file.subarray(at + 4, at + 2 + length);
    at += 2 + length;
    if (marker === 0xc4) {
      for (let k = 0; k < body.length; ) {
        const size = 17 + body.subarray(k + 1, k + 17).reduce((a, b) => a + b, 0);
        tables.set(body[k]! >> 4, body.subarray(k + 1, k + size));
        k += size;
      }
    }
    if (marker === 0xda) break;
  }
  const data = file.subarray(at, file.length - 2);
  return { tables, scan: data.filter((byte, k) => byte !== 0 || data[k - 1] !== 0xff) };
}

/** How often each symbol of each table comes in the scan: T.81 F.2, without the values. */
function countSymbols({ tables, scan }: ReturnType<typeof take>, blocks: number): Uint32Array[] {
  let bit = 0;
  const next = () => (scan[bit >> 3]! >> (7 - (bit++ & 7))) & 1;
  const counts = [new Uint32Array(256), new Uint32Array(256)];
  const read = (kind: number): number => {
    const table = tables.get(kind)!;
    let [code, first, index] = [0, 0, 16];
    for (let length = 0; length < 16; length++) {
      code = code * 2 + next();
      first *= 2;
      const here = table[length]!;
      if (code - first < here) {
        const symbol = table[index + code - first]!;
        counts[kind]![symbol]!++;
        return symbol;
      }
      index += here;
      first += here;
    }
    throw new Error("Expected a code of the table");
  };
  for (let block = 0; block < blocks; block++) {
    const bits = read(0);
    bit += bits;
    for (let k = 1; k < 64; k++) {
      const symbol = read(1);
      if (symbol === 0) break;
      k += symbol >> 4;
      bit += symbol & 15;
    }
  }
  return counts;
}

/** Smooth, with noise in some blocks. @param share - of the blocks that have noise */
function picture(seed: number, side: number, share: number, strength: number): Uint8Array {
  const random = Random.of(seed);
  const noisy = Array.from({ length: (side / 8) ** 2 }, () => random.next() < share);
  return Uint8Array.from({ length: side * side }, (_, k) => {
    const [x, y] = [k % side, Math.floor(k / side)];
    const noise = noisy[Math.floor(y / 8) * (side / 8) + Math.floor(x / 8)] ? random.next() - 0.5 : 0;
    return Math.max(0, Math.min(255, 128 + 60 * Math.sin(x / 50) * Math.cos(y / 70) + strength * noise));
  });
}

describe("optimalTable", () => {
  it.each([
    { seed: 1, side: 16, share: 1, strength: 250, quality: 90 },
    { seed: 2, side: 64, share: 1, strength: 20, quality: 50 },
    { seed: 3, side: 128, share: 0.5, strength: 120, quality: 98 },
    { seed: 4, side: 256, share: 0.1, strength: 250, quality: 75 },
    { seed: 5, side: 1024, share: 0.01, strength: 250, quality: 96, longest: 16 },
    { seed: 6, side: 512, share: 0, strength: 0, quality: 30 },
  ])("gives the tables of libjpeg-turbo: $side px, quality $quality", async (options) => {
    const { seed, side, share, strength, quality, longest = 1 } = options;
    const read = take(await greyJpeg(picture(seed, side, share, strength), side, quality));
    const symbols = countSymbols(read, (side / 8) ** 2);
    const lengths = symbols.map((counts, kind) => {
      const ours = optimalTable(counts);
      expect([...ours.counts, ...ours.symbols]).toEqual([...read.tables.get(kind)!]);
      return ours.counts.findLastIndex((n) => n > 0) + 1;
    });
    expect(Math.max(...lengths)).toBeGreaterThanOrEqual(longest);
  });

  it("gives each symbol that comes a code of its own of at most 16 bits, as short in all as codes can be", () => {
    const count = fc.oneof(
      fc.constant(0),
      fc.integer({ min: 1, max: 3 }),
      fc.integer({ min: 1, max: 2 ** 22 }),
    );
    const any = fc.array(count, { minLength: 256, maxLength: 256 });
    // Powers of more than the golden section: without a limit each would have one bit more than the one before.
    const steep = fc
      .double({ min: 1.65, max: 1.7, noNaN: true })
      .map((growth) => Array.from({ length: 256 }, (_, k) => (k < 40 ? Math.ceil(growth ** k) : 0)));
    fc.assert(
      fc.property(fc.oneof(any, steep), (counts) => {
        fc.pre(counts.some((n) => n > 0));
        const { codes } = optimalTable(Uint32Array.from(counts));
        const known = counts.flatMap((n, k) => (n > 0 ? [{ n, length: codes[k]! & 255 }] : []));
        const lengths = known.map(({ length }) => length);
        expect(codes.filter((code) => code > 0)).toHaveLength(known.length);
        expect(lengths.every((length) => length >= 1 && length <= 16)).toBe(true);
        // Below 1, the code of all ones is free.
        expect(lengths.reduce((sum, length) => sum + 2 ** -length, 0)).toBeLessThan(1);
        if (lengths.includes(16)) return; // the limit may have cost some bits
        const spent = known.reduce((sum, { n, length }) => sum + n * length, Math.max(...lengths));
        expect(spent).toBe(leastBits([...known.map(({ n }) => n), 1])); // with the free code
      }),
      { numRuns: 200 },
    );
  });
});

/** Of symbols that come so often: Huffman's theorem, the two lightest are put together until one is left. */
function leastBits(weights: number[]): number {
  let bits = 0;
  while (weights.length > 1) {
    weights.sort((a, b) => b - a);
    const both = weights.pop()! + weights.pop()!;
    bits += both;
    weights.push(both);
  }
  return bits;
}
