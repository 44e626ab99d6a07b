// ◇ Browser-safe. Headers of the JPEGs that simd/jpeg.ts decodes: baseline, three components in one scan, chroma full or
// halved both ways, nothing but JFIF and comments around it. Cameras' and other files go to the general decoder.
// Source: ITU-T T.81 annex B. Invariant: what is not wholly understood is undefined here, never guessed.

/** One colour component and the ids of its tables. */
export interface Component {
  readonly id: number;
  /** Samples a step, across and down. */
  readonly sampling: number;
  readonly quant: number;
  readonly dc: number;
  readonly ac: number;
}

/** What decoding needs; positions are of bytes in the file. */
export interface BaselineJpeg {
  readonly width: number;
  readonly height: number;
  /** 1: chroma at full size, 2: halved both ways. */
  readonly factor: 1 | 2;
  /** Luma, blue and red chroma. */
  readonly components: readonly [Component, Component, Component];
  /** Position of 64 bytes, by id 0 to 3. */
  readonly quants: ReadonlyMap<number, number>;
  /** Position of 16 counts and the symbols behind them; DC by ids 0 to 3, AC by 4 to 7. */
  readonly tables: ReadonlyMap<number, number>;
  /** Where the entropy-coded bytes begin. */
  readonly data: number;
}

type Found = Omit<BaselineJpeg, "factor" | "components" | "data"> & { frame: Component[] };

const SOI = 0xd8;
const JFIF = 0xe0;
const COMMENT = 0xfe;
const QUANT = 0xdb;
const HUFFMAN = 0xc4;
const FRAME = 0xc0;
const SCAN = 0xda;

/**
 * Reads the headers of a file.
 *
 * @param bytes - a whole file of any kind
 * @returns undefined if it is not such a JPEG; one that ends early may still be taken for one
 * @example baselineJpeg(await readFile("hands/H_1.jpg"))
 */
export function baselineJpeg(bytes: Uint8Array): BaselineJpeg | undefined {
  if (bytes[0] !== 0xff || bytes[1] !== SOI) return undefined;
  const quants = new Map<number, number>();
  const tables = new Map<number, number>();
  let found: Found = { width: 0, height: 0, quants, tables, frame: [] };
  for (let at = 2; at + 4 <= bytes.length; ) {
    const marker = bytes[at + 1]!;
    const end = at + 2 + uint16(bytes, at + 2);
    if (bytes[at] !== 0xff || end > bytes.length) return undefined;
    const from = at + 4;
    if (marker === SCAN) return scanOf(bytes, from, end, found);
    if (marker === QUANT) {
      if (!readQuants(bytes, from, end, quants)) return undefined;
    } else if (marker === HUFFMAN) {
      if (!readTables(bytes, from, end, tables)) return undefined;
    } else if (marker === FRAME) {
      const frame = readFrame(bytes, from, end);
      if (frame === undefined || found.frame.length > 0) return undefined;
      found = { ...found, ...frame };
    } else if (marker !== COMMENT && (marker !== JFIF || !isJfif(bytes, from))) return undefined;
    at = end;
  }
  return undefined;
}

function uint16(bytes: Uint8Array, at: number): number {
  return bytes[at]! * 256 + bytes[at + 1]!;
}

function isJfif(bytes: Uint8Array, at: number): boolean {
  return [...`JFIF\0`].every((letter, k) => bytes[at + k] === letter.charCodeAt(0));
}

function readQuants(bytes: Uint8Array, from: number, end: number, quants: Map<number, number>): boolean {
  for (let at = from; at < end; at += 65) {
    if (bytes[at]! > 3 || at + 65 > end) return false; // the upper half means 16 bits
    quants.set(bytes[at]!, at + 1);
  }
  return true;
}

function readTables(bytes: Uint8Array, from: number, end: number, tables: Map<number, number>): boolean {
  for (let at = from; at < end; ) {
    const [kind, id] = [bytes[at]! >> 4, bytes[at]! & 15];
    const symbols = bytes.subarray(at + 1, at + 17).reduce((sum, count) => sum + count, 0);
    if (kind > 1 || id > 3 || symbols > 256 || at + 17 + symbols > end) return false;
    tables.set(kind * 4 + id, at + 1);
    at += 17 + symbols;
  }
  return true;
}

function readFrame(bytes: Uint8Array, from: number, end: number) {
  if (bytes[from] !== 8 || bytes[from + 5] !== 3 || end - from !== 15) return undefined;
  const frame = [0, 1, 2].map((k): Component => {
    const at = from + 6 + 3 * k;
    const [across, down] = [bytes[at + 1]! >> 4, bytes[at + 1]! & 15];
    return { id: bytes[at]!, sampling: across === down ? across : 0, quant: bytes[at + 2]!, dc: 0, ac: 0 };
  });
  return { height: uint16(bytes, from + 1), width: uint16(bytes, from + 3), frame };
}

/** Narrower pictures have their chroma enlarged in another way. */
const LEAST_PX = 8;

function scanOf(bytes: Uint8Array, from: number, end: number, found: Found): BaselineJpeg | undefined {
  const { width, height, quants, tables, frame } = found;
  // Components 1, 2, 3 are luma and chroma, with JFIF's header or without; others may be anything.
  if (frame.length !== 3 || frame.some(({ id }, k) => id !== k + 1)) return undefined;
  if (end - from !== 10 || bytes[from] !== 3 || Math.min(width, height) < LEAST_PX) return undefined;
  const components = frame.map((component, k) => {
    const tableIds = bytes[from + 2 + 2 * k]!;
    return { ...component, dc: tableIds >> 4, ac: tableIds & 15 };
  });
  const inOrder = frame.every(({ id }, k) => bytes[from + 1 + 2 * k] === id);
  const whole = bytes[from + 7] === 0 && bytes[from + 8] === 63 && bytes[from + 9] === 0;
  const [luma, blue, red] = components as [Component, Component, Component];
  const factor = luma.sampling;
  if (!inOrder || !whole || (factor !== 1 && factor !== 2)) return undefined;
  if (blue.sampling !== 1 || red.sampling !== 1) return undefined;
  const known = components.every((c) => quants.has(c.quant) && tables.has(c.dc) && tables.has(4 + c.ac));
  if (!known || components.some(({ dc, ac }) => dc > 3 || ac > 3)) return undefined;
  return { width, height, factor, components: [luma, blue, red], quants, tables, data: end };
}
