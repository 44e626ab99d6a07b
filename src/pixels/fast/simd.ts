// ◇ Browser-safe. Pictures in WebAssembly's vectors: decoding of plain JPEGs, augmentation and resample, in one memory.
// The code is simd/; the plain modules beside this one say what it computes, and stand in where it cannot run.
// Invariant: bit for bit what jitter.ts, rotate.ts and pixels.ts give, and for JPEGs what libjpeg-turbo gives.

import { type Adjustment, type Augmentation, type Jitter, meanOf } from "../jitter.ts";
import type { RgbImage } from "../pixels.ts";
import { fixedWalk } from "../rotate.ts";
import { type Taps, tapsFor } from "../taps.ts";
import { type BaselineJpeg, baselineJpeg } from "./baseline.ts";
import { jpegHeader, optimalTable, quantTables } from "./jpeg-write.ts";
import { align, HeldPicture, openMemory, type SimdMemory, SLACK } from "./memory.ts";
import { resampled } from "./resample.ts";
import type { Ground, Sampling } from "./shapes.ts";

/** Pictures with more pixels are left to the plain code, which keeps no memory. */
const MOST_PIXELS = 2 ** 22;
/** Samples in a row of a square at most: MOST of simd/chip.ts. */
const MOST_SAMPLES = 1024;
/** Before a JPEG's data: more than four full Huffman tables and all else need. */
const HEADER_ROOM = 1024;
/** Side below which dlib does not halve. */
const MIN_HALVED = 9;

const KINDS = { brightness: 1, contrast: 2, saturation: 3 } as const;

/** One picture is held in this memory; others come and go behind it. */
export interface SimdPictures {
  /** Decodes a file; undefined if it is not a plain JPEG, or not of a picture's values. The picture is held, and lasts until the next decoding. */
  decode(file: Uint8Array): RgbImage | undefined;
  /** Ends the picture of `decode` and all that was kept of it: a look at one of them then throws. */
  release(): void;
  /** Whether it is the picture of `decode`, or one kept of it. */
  has(image: RgbImage): boolean;
  /**
   * Augments and resizes.
   *
   * @param image - a picture of `decode`, or any other
   * @param augmentation - undefined for none
   * @returns RGB u8, [sizePx, sizePx, 3], lasting until the next call; undefined if the plain code has to do it
   */
  prepare(image: RgbImage, augmentation: Augmentation | undefined, sizePx: number): Uint8Array | undefined;
  /**
   * Resizes as `resizeBilinear` does, after `halvings` by `reduceByTwo`; a picture of `decode` is halved before its colours
   * are made, which comes to the same but for rounding.
   *
   * @returns [heightPx, widthPx, 3], lasting until the next call; undefined as above
   */
  resize(image: RgbImage, widthPx: number, heightPx: number, halvings?: number): Uint8Array | undefined;
  /** The same of the picture of `decode`, or of one kept of it: another that lasts as long; undefined as above, or of others. */
  resizeKept(image: RgbImage, widthPx: number, heightPx: number, halvings?: number): RgbImage | undefined;
  /** Planes of a picture on a ground, value * scale + offset in 64-bit floats; lasting until the next call. */
  floats(image: RgbImage, ground: Ground, scale: number, offset: number): Float32Array;
  /** Variance of the Laplacian of the luma (pixels/quality.ts) of the picture, resized to a square; undefined as above. */
  laplacianVariance(image: RgbImage, sizePx: number): number | undefined;
  /**
   * Samples of a square, after halving a part of the picture as dlib's pyramid does (src/find/crops.ts).
   *
   * @param how - part: inside the picture; `walk` counts from its corner
   * @returns RGB u8, [sizePx, sizePx, 3], lasting until the next call; undefined if a level is too small, or as above
   */
  sample(image: RgbImage, ...how: Sampling): Uint8Array | undefined;
  /** The same of the picture of `decode`: another picture that lasts as long; undefined as above, or of others. */
  sampleKept(image: RgbImage, ...how: Sampling): RgbImage | undefined;
  /** A file with halved chroma, lasting until the next call; undefined for sizes that it leaves to sharp (see below). */
  encode(image: RgbImage, quality: number): Uint8Array | undefined;
}

/** The vectors' code, ready; undefined where the machine or runtime has none. */
export function openSimd(): SimdPictures | undefined {
  const memory = openMemory();
  return memory && new Pictures(memory);
}

class Pictures implements SimdPictures {
  readonly #memory: SimdMemory;

  constructor(memory: SimdMemory) {
    this.#memory = memory;
  }

  decode(file: Uint8Array): RgbImage | undefined {
    const header = baselineJpeg(file);
    if (header === undefined || header.width * header.height > MOST_PIXELS) return undefined;
    const { width, height } = header;
    const length = file.length - header.data;
    const planes = align(width * height * 3 + SLACK);
    const bytes = planes + align(this.#memory.code.planesBytes(width, height));
    const from = this.#memory.start + bytes;
    this.#memory.grow(from + 2 * align(file.length + 2 * SLACK));
    this.#memory.bytes.set(file, from);
    this.#memory.hold(undefined);
    if (!this.#decodeFrom(header, from, length, this.#memory.start + planes)) return undefined;
    const picture = new HeldPicture(this.#memory, width, height, bytes);
    this.#memory.hold(picture);
    return picture;
  }

  release(): void {
    this.#memory.hold(undefined);
  }

  has(image: RgbImage): boolean {
    return this.#memory.has(image);
  }

  #decodeFrom(header: BaselineJpeg, file: number, length: number, planes: number): boolean {
    const { width, height, factor, components, quants, tables, data } = header;
    for (const [id, at] of quants) this.#memory.code.setQuant(id, file + at);
    for (const [id, at] of tables) if (this.#memory.code.setTable(id, file + at) === 0) return false;
    const ids = components.map(({ quant, dc, ac }) => quant + 4 * dc + 16 * ac);
    const bits = file + align(data + length + SLACK);
    const args = [file + data, length, width, height, factor, ...ids, bits, planes];
    return this.#memory.code.decodeJpeg(...args) !== 0;
  }

  prepare(image: RgbImage, augmentation: Augmentation | undefined, sizePx: number): Uint8Array | undefined {
    return this.#prepare(image, augmentation, sizePx, sizePx);
  }

  resize(image: RgbImage, widthPx: number, heightPx: number, halvings = 0): Uint8Array | undefined {
    if (!isTaken(image)) return undefined;
    const out = resampled(this.#memory, image, { widthPx, heightPx, halvings });
    return this.#memory.pixels(out, widthPx, heightPx);
  }

  resizeKept(image: RgbImage, widthPx: number, heightPx: number, halvings = 0): RgbImage | undefined {
    if (!isTaken(image) || !this.#memory.has(image)) return undefined;
    resampled(this.#memory, image, { widthPx, heightPx, halvings });
    return this.#memory.keep(widthPx, heightPx);
  }

  floats(image: RgbImage, ground: Ground, scale: number, offset: number): Float32Array {
    const { left, top, widthPx, heightPx, reversed } = ground;
    const from = this.#memory.place(image);
    const out = this.#memory.behind(image);
    const size = widthPx * heightPx;
    this.#memory.grow(out + size * 12 + SLACK);
    const { width, height } = image;
    const place = [left, top, widthPx, heightPx, reversed ? 1 : 0];
    this.#memory.code.toFloats(from, width, height, ...place, scale, offset, out);
    return new Float32Array(this.#memory.bytes.buffer, out, size * 3);
  }

  laplacianVariance(image: RgbImage, sizePx: number): number | undefined {
    if (!isTaken(image) || sizePx < 2) return undefined;
    const rgb = resampled(this.#memory, image, { widthPx: sizePx, heightPx: sizePx, halvings: 0 });
    const work = rgb + align(sizePx * sizePx * 3 + SLACK);
    this.#memory.grow(work + this.#memory.code.laplacianBytes(sizePx, sizePx));
    return this.#memory.code.laplacianVariance(rgb, sizePx, sizePx, work);
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
    const from = this.#memory.place(image);
    const words = this.#memory.behind(image);
    const row = words + align(count * 4 + SLACK);
    const acrossAt = row + align(width * 4 + SLACK);
    const downAt = acrossAt + align(tapBytes(across));
    const rows = downAt + align(tapBytes(down));
    const out = rows + align(height * widthPx * 3 + SLACK);
    const end = out + heightPx * widthPx * 3;
    this.#memory.grow(end + SLACK);
    this.#jitter(from, words, count, augmentation?.jitter);
    this.#putTaps(across, acrossAt);
    this.#putTaps(down, downAt);
    this.#memory.code.setWalk(walk.x, walk.y, walk.stepXx, walk.stepXy, walk.stepYx, walk.stepYy);
    const mirror = augmentation?.mirror === true ? 1 : 0;
    const [n, m] = [padded(across), padded(down)];
    this.#memory.code.turnAndShrink(
      words,
      width,
      height,
      mirror,
      acrossAt,
      n,
      across.width,
      widthPx,
      row,
      rows,
    );
    this.#memory.code.shrinkColumns(rows, widthPx * 3, downAt, m, down.width, heightPx, out);
    return this.#memory.bytes.subarray(out, end);
  }

  sample(image: RgbImage, ...how: Sampling): Uint8Array | undefined {
    const at = this.#sample(image, how);
    return at === undefined ? undefined : this.#memory.pixels(at, how[3], how[3]);
  }

  sampleKept(image: RgbImage, ...how: Sampling): RgbImage | undefined {
    if (!this.#memory.has(image) || this.#sample(image, how) === undefined) return undefined;
    return this.#memory.keep(how[3], how[3]);
  }

  /** Where the samples lie: behind the picture. */
  #sample(image: RgbImage, [part, halvings, walk, sizePx]: Sampling): number | undefined {
    const { left, top, right, bottom } = part;
    if (image.width * image.height > MOST_PIXELS || sizePx > MOST_SAMPLES) return undefined;
    let [width, height, row] = [right + 1 - left, bottom + 1 - top, image.width * 3];
    if (width <= 0 || height <= 0) return undefined;
    const origin = this.#memory.place(image, part);
    const level = align(width * height * 3 + SLACK);
    const out = this.#memory.behind(image);
    const sums = out + align(sizePx * sizePx * 3 + SLACK);
    const levels = [sums + align(width * 6 + SLACK), sums + align(width * 6 + SLACK) + level] as const;
    this.#memory.grow(levels[1] + level);
    let from = origin + (top * image.width + left) * 3;
    for (let k = 0; k < halvings; k++) {
      if (width < MIN_HALVED || height < MIN_HALVED) return undefined;
      this.#memory.code.halve(from, row, width, height, sums, levels[k & 1]!);
      [width, height] = [(width - 3) >> 1, (height - 3) >> 1];
      [from, row] = [levels[k & 1]!, width * 3];
    }
    const { x, y, ux, uy, vx, vy } = walk;
    this.#memory.code.sampleSquare(from, row, width, height, x, y, ux, uy, vx, vy, sizePx, out);
    return out;
  }

  encode(image: RgbImage, quality: number): Uint8Array | undefined {
    const { width, height } = image;
    if (!isWhole(width) || !isWhole(height) || width * height > MOST_PIXELS) return undefined;
    const rgb = this.#memory.place(image);
    const work = this.#memory.behind(image);
    this.#memory.grow(work + this.#memory.code.encodeBytes(width, height));
    const quants = quantTables(quality);
    for (const [id, table] of quants.entries()) {
      this.#memory.bytes.set(table, work);
      this.#memory.code.setDivisors(id, work);
    }
    const end = this.#memory.code.tokenise(rgb, width, height, work);
    const counts = new Uint32Array(this.#memory.bytes.buffer, this.#memory.code.countsAt(), 4 * 256);
    const tables = [0, 256, 512, 768].map((at) => optimalTable(counts.subarray(at, at + 256)));
    const codes = new Uint32Array(this.#memory.bytes.buffer, this.#memory.code.codesAt(), 4 * 256);
    for (const [k, table] of tables.entries()) codes.set(table.codes, 256 * k);
    const from = this.#memory.code.tokensAt(width, height, work);
    const data = end + HEADER_ROOM;
    this.#memory.grow(data + 2 * (end - from) + SLACK);
    const last = this.#memory.code.putTokens(from, end, data);
    const header = jpegHeader(width, height, quants, tables);
    this.#memory.bytes.set(header, data - header.length);
    this.#memory.bytes.set([0xff, 0xd9], last);
    return this.#memory.bytes.subarray(data - header.length, last + 2);
  }

  /** From bytes to words; the level of contrast is known only when the steps before it are done. */
  #jitter(from: number, words: number, count: number, jitter: Jitter | undefined): void {
    const order = jitter?.order.filter((name) => jitter[name] !== 1) ?? [];
    const at = order.indexOf("contrast");
    for (const name of order) this.#memory.code.setStep(KINDS[name], 0, jitter![name]);
    if (at < 0) {
      this.#memory.code.jitter(from, words, count, stepsOf(order));
      return;
    }
    const sum = this.#memory.code.jitterAndAdd(from, words, count, stepsOf(order.slice(0, at)));
    this.#memory.code.setStep(KINDS.contrast, meanOf(sum, count), jitter!.contrast);
    this.#memory.code.jitterFurther(words, count, stepsOf(order.slice(at)));
  }

  #putTaps(taps: Taps, at: number): void {
    const ints = new Int32Array(this.#memory.bytes.buffer, at, tapBytes(taps) / 4).fill(0);
    const n = padded(taps);
    ints.set(taps.first);
    ints.set(taps.count, n);
    ints.set(taps.weights, 2 * n);
  }
}

function isTaken({ width, height }: RgbImage): boolean {
  return width * height > 0 && width * height <= MOST_PIXELS;
}

/** Whole pairs of blocks, the last block perhaps in part: libjpeg adds none to others' rows. */
function isWhole(side: number): boolean {
  return side > 0 && Math.ceil(side / 8) % 2 === 0;
}

/** Two bits a step, the first lowest. */
function stepsOf(order: readonly Adjustment[]): number {
  return order.reduce((steps, name, k) => steps | (KINDS[name] << (2 * k)), 0);
}

/** Positions, padded to whole groups of four. */
function padded({ first }: Taps): number {
  return Math.ceil(first.length / 4) * 4;
}

function tapBytes(taps: Taps): number {
  return padded(taps) * (2 + taps.width) * 4;
}
