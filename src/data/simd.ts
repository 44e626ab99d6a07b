// ◇ Browser-safe. Pictures in WebAssembly's vectors: decoding of plain JPEGs, augmentation and resample, in one memory.
// The code is simd/; the plain modules beside this one say what it computes, and stand in where it cannot run.
// Invariant: bit for bit what jitter.ts, rotate.ts and pixels.ts give, and for JPEGs what libjpeg-turbo gives.
import { type BaselineJpeg, baselineJpeg } from "./baseline.ts";
import { type Adjustment, type Augmentation, type Jitter, meanOf } from "./jitter.ts";
import { jpegHeader, optimalTable, quantTables } from "./jpeg-write.ts";
import type { RgbImage } from "./pixels.ts";
import { fixedWalk } from "./rotate.ts";
import { SIMD_CODE } from "./simd-code.ts";
import { type Taps, tapsFor } from "./taps.ts";

/** Exports of simd/index.ts; addresses are byte positions in `memory`. */
interface Code {
  readonly memory: WebAssembly.Memory;
  freeFrom(): number;
  setQuant(id: number, from: number): void;
  setTable(id: number, from: number): number;
  workBytes(length: number, width: number, height: number): number;
  decodeJpeg(...values: readonly number[]): number;
  setStep(kind: number, level: number, factor: number): void;
  jitter(rgb: number, out: number, count: number, steps: number): void;
  jitterAndAdd(rgb: number, out: number, count: number, steps: number): number;
  jitterFurther(words: number, count: number, steps: number): void;
  halve(from: number, width: number, height: number, sums: number, to: number): void;
  sampleSquare(...values: readonly number[]): void;
  setDivisors(id: number, from: number): void;
  encodeBytes(width: number, height: number): number;
  tokenise(rgb: number, width: number, height: number, work: number): number;
  tokensAt(width: number, height: number, work: number): number;
  putTokens(from: number, end: number, to: number): number;
  countsAt(): number;
  codesAt(): number;
  setWalk(...values: readonly number[]): void;
  turnAndShrink(...values: readonly number[]): void;
  shrinkColumns(...values: readonly number[]): void;
}

/** Pictures with more pixels are left to the plain code, which keeps no memory. */
const MOST_PIXELS = 2 ** 22;
/** What the code may read or write beyond an array. */
const SLACK = 64;
/** Side below which dlib does not halve. */
const MIN_HALVED = 9;
const PAGE = 65536;

const KINDS = { brightness: 1, contrast: 2, saturation: 3 } as const;

/** The first sample of a square, and the ways to the next one of its row and to the next row; px. */
export interface SquareWalk {
  readonly x: number;
  readonly y: number;
  readonly ux: number;
  readonly uy: number;
  readonly vx: number;
  readonly vy: number;
}

/** One picture at a time, held in this memory. */
export interface SimdPictures {
  /** Decodes a file into the memory; undefined if it is not a plain JPEG. The pixels last until the next call. */
  decode(file: Uint8Array): RgbImage | undefined;
  /**
   * Augments and resizes.
   *
   * @param image - a picture of `decode`, or any other
   * @param augmentation - undefined for none
   * @returns RGB u8, [sizePx, sizePx, 3], lasting until the next call; undefined if the plain code has to do it
   */
  prepare(image: RgbImage, augmentation: Augmentation | undefined, sizePx: number): Uint8Array | undefined;
  /** Resizes as `resizeBilinear` does; [heightPx, widthPx, 3], lasting until the next call; undefined as above. */
  resize(image: RgbImage, widthPx: number, heightPx: number): Uint8Array | undefined;
  /**
   * Samples of a square, after halving the picture as dlib's pyramid does (src/derive/crops.ts).
   *
   * @returns RGB u8, [sizePx, sizePx, 3], lasting until the next call; undefined if a level is too small, or as above
   */
  sample(image: RgbImage, halvings: number, walk: SquareWalk, sizePx: number): Uint8Array | undefined;
  /** A file with halved chroma, in memory of its own; undefined for sizes that it leaves to sharp (see below). */
  encode(image: RgbImage, quality: number): Uint8Array | undefined;
}

/** The vectors' code, compiled; undefined where the machine or runtime has none. */
export function openSimd(): SimdPictures | undefined {
  const bytes = Uint8Array.from(atob(SIMD_CODE), (letter) => letter.charCodeAt(0));
  if (!WebAssembly.validate(bytes)) return undefined;
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: {} });
  return new Pictures(exports as unknown as Code);
}

class Pictures implements SimdPictures {
  readonly #code: Code;
  #bytes: Uint8Array;
  /** Where the picture that is held begins, and how it was handed out. */
  readonly #rgb: number;
  #held: RgbImage | undefined;

  constructor(code: Code) {
    this.#code = code;
    this.#bytes = new Uint8Array(code.memory.buffer);
    this.#rgb = code.freeFrom();
  }

  decode(file: Uint8Array): RgbImage | undefined {
    const header = baselineJpeg(file);
    if (header === undefined || header.width * header.height > MOST_PIXELS) return undefined;
    const { width, height } = header;
    const length = file.length - header.data;
    const pixels = width * height * 3;
    const data = this.#rgb + align(pixels + SLACK);
    const work = data + align(file.length + SLACK);
    this.#grow(work + this.#code.workBytes(length, width, height));
    this.#bytes.set(file, data);
    this.#held = undefined;
    if (!this.#decodeFrom(header, data, length, work)) return undefined;
    this.#held = { width, height, data: this.#bytes.subarray(this.#rgb, this.#rgb + pixels) };
    return this.#held;
  }

  #decodeFrom(header: BaselineJpeg, file: number, length: number, work: number): boolean {
    const { width, height, factor, components, quants, tables, data } = header;
    for (const [id, at] of quants) this.#code.setQuant(id, file + at);
    for (const [id, at] of tables) if (this.#code.setTable(id, file + at) === 0) return false;
    const ids = components.map(({ quant, dc, ac }) => quant + 4 * dc + 16 * ac);
    const args = [file + data, length, width, height, factor, ...ids, work, this.#rgb];
    return this.#code.decodeJpeg(...args) !== 0;
  }

  prepare(image: RgbImage, augmentation: Augmentation | undefined, sizePx: number): Uint8Array | undefined {
    return this.#prepare(image, augmentation, sizePx, sizePx);
  }

  resize(image: RgbImage, widthPx: number, heightPx: number): Uint8Array | undefined {
    return this.#prepare(image, undefined, widthPx, heightPx);
  }

  #prepare(
    image: RgbImage,
    augmentation: Augmentation | undefined,
    widthPx: number,
    heightPx: number,
  ): Uint8Array | undefined {
    const { width, height } = image;
    const walk = fixedWalk(width, height, augmentation?.degrees ?? 0);
    if (walk === undefined || width * height > MOST_PIXELS) return undefined;
    const count = width * height;
    const across = tapsFor(width, widthPx);
    const down = tapsFor(height, heightPx);
    const words = this.#rgb + align(count * 3 + SLACK);
    const row = words + align(count * 4 + SLACK);
    const acrossAt = row + align(width * 4 + SLACK);
    const downAt = acrossAt + align(tapBytes(across));
    const rows = downAt + align(tapBytes(down));
    const out = rows + align(height * widthPx * 3 + SLACK);
    const end = out + heightPx * widthPx * 3;
    this.#grow(end + SLACK);
    if (image !== this.#held) this.#bytes.set(image.data, this.#rgb);
    this.#held = undefined;
    this.#jitter(words, count, augmentation?.jitter);
    this.#putTaps(across, acrossAt);
    this.#putTaps(down, downAt);
    this.#code.setWalk(walk.x, walk.y, walk.stepXx, walk.stepXy, walk.stepYx, walk.stepYy);
    const mirror = augmentation?.mirror === true ? 1 : 0;
    const [n, m] = [padded(across), padded(down)];
    this.#code.turnAndShrink(words, width, height, mirror, acrossAt, n, across.width, widthPx, row, rows);
    this.#code.shrinkColumns(rows, widthPx * 3, downAt, m, down.width, heightPx, out);
    return this.#bytes.subarray(out, end);
  }

  sample(image: RgbImage, halvings: number, walk: SquareWalk, sizePx: number): Uint8Array | undefined {
    let { width, height } = image;
    if (width * height === 0 || width * height > MOST_PIXELS) return undefined;
    const room = align(width * height * 3 + SLACK);
    const [sums, other] = [this.#rgb + room, this.#rgb + room + align(width * 6 + SLACK)];
    const out = other + room;
    const end = out + sizePx * sizePx * 3;
    this.#grow(end + SLACK);
    if (image !== this.#held) this.#bytes.set(image.data, this.#rgb);
    this.#held = undefined;
    let [from, to] = [this.#rgb, other];
    for (let k = 0; k < halvings; k++) {
      if (width < MIN_HALVED || height < MIN_HALVED) return undefined;
      this.#code.halve(from, width, height, sums, to);
      [from, to] = [to, from];
      width = (width - 3) >> 1;
      height = (height - 3) >> 1;
    }
    const { x, y, ux, uy, vx, vy } = walk;
    this.#code.sampleSquare(from, width, height, x, y, ux, uy, vx, vy, sizePx, out);
    return this.#bytes.subarray(out, end);
  }

  encode(image: RgbImage, quality: number): Uint8Array | undefined {
    const { width, height } = image;
    if (!isWhole(width) || !isWhole(height) || width * height > MOST_PIXELS) return undefined;
    const work = this.#rgb + align(width * height * 3 + SLACK);
    this.#grow(work + this.#code.encodeBytes(width, height));
    if (image !== this.#held) this.#bytes.set(image.data, this.#rgb);
    const quants = quantTables(quality);
    for (const [id, table] of quants.entries()) {
      this.#bytes.set(table, work);
      this.#code.setDivisors(id, work);
    }
    const end = this.#code.tokenise(this.#rgb, width, height, work);
    const counts = new Uint32Array(this.#bytes.buffer, this.#code.countsAt(), 4 * 256);
    const tables = [0, 256, 512, 768].map((at) => optimalTable(counts.subarray(at, at + 256)));
    const codes = new Uint32Array(this.#bytes.buffer, this.#code.codesAt(), 4 * 256);
    for (const [k, table] of tables.entries()) codes.set(table.codes, 256 * k);
    const from = this.#code.tokensAt(width, height, work);
    this.#grow(end + 2 * (end - from) + SLACK);
    const last = this.#code.putTokens(from, end, end);
    const header = jpegHeader(width, height, quants, tables);
    const file = new Uint8Array(header.length + last - end + 2);
    file.set(header);
    file.set(this.#bytes.subarray(end, last), header.length);
    file.set([0xff, 0xd9], file.length - 2);
    return file;
  }

  /** From bytes to words; the level of contrast is known only when the steps before it are done. */
  #jitter(words: number, count: number, jitter: Jitter | undefined): void {
    const order = jitter?.order.filter((name) => jitter[name] !== 1) ?? [];
    const at = order.indexOf("contrast");
    for (const name of order) this.#code.setStep(KINDS[name], 0, jitter![name]);
    if (at < 0) {
      this.#code.jitter(this.#rgb, words, count, stepsOf(order));
      return;
    }
    const sum = this.#code.jitterAndAdd(this.#rgb, words, count, stepsOf(order.slice(0, at)));
    this.#code.setStep(KINDS.contrast, meanOf(sum, count), jitter!.contrast);
    this.#code.jitterFurther(words, count, stepsOf(order.slice(at)));
  }

  #putTaps(taps: Taps, at: number): void {
    const ints = new Int32Array(this.#bytes.buffer, at, tapBytes(taps) / 4).fill(0);
    const n = padded(taps);
    ints.set(taps.first);
    ints.set(taps.count, n);
    ints.set(taps.weights, 2 * n);
  }

  /** Makes the memory reach to `end`. */
  #grow(end: number): void {
    const missing = end - this.#bytes.length;
    if (missing <= 0) return;
    this.#code.memory.grow(Math.ceil(missing / PAGE));
    this.#bytes = new Uint8Array(this.#code.memory.buffer);
  }
}

/** Whole pairs of blocks, the last block perhaps in part: libjpeg adds none to others' rows. */
function isWhole(side: number): boolean {
  return side > 0 && Math.ceil(side / 8) % 2 === 0;
}

/** Two bits a step, the first lowest. */
function stepsOf(order: readonly Adjustment[]): number {
  return order.reduce((steps, name, k) => steps | (KINDS[name] << (2 * k)), 0);
}

function align(bytes: number): number {
  return Math.ceil(bytes / 64) * 64;
}

/** Positions, padded to whole groups of four. */
function padded({ first }: Taps): number {
  return Math.ceil(first.length / 4) * 4;
}

function tapBytes(taps: Taps): number {
  return padded(taps) * (2 + taps.width) * 4;
}
