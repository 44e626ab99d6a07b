// ◇ Browser-safe. The memory of the vectors' code: one picture is held at its beginning, others come and go behind it.
// Source: simd/, compiled. Invariant: the held picture stays until another is decoded, whatever is done with others.
import { AppError } from "../core/errors.ts";
import type { RgbImage } from "./pixels.ts";
import { SIMD_CODE } from "./simd-code.ts";

/** Exports of simd/index.ts; addresses are byte positions in `memory`. */
export interface Code {
  readonly memory: WebAssembly.Memory;
  freeFrom(): number;
  setQuant(id: number, from: number): void;
  setTable(id: number, from: number): number;
  planesBytes(width: number, height: number): number;
  decodeJpeg(...values: readonly number[]): number;
  colourPart(left: number, top: number, right: number, bottom: number, out: number): void;
  halvedBytes(width: number, height: number): number;
  halvedColours(halvings: number, work: number, out: number): void;
  setStep(kind: number, level: number, factor: number): void;
  jitter(rgb: number, out: number, count: number, steps: number): void;
  jitterAndAdd(rgb: number, out: number, count: number, steps: number): number;
  jitterFurther(words: number, count: number, steps: number): void;
  halve(from: number, row: number, width: number, height: number, sums: number, to: number): void;
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
  reduce(from: number, width: number, height: number, to: number): void;
  resampleRows(...values: readonly number[]): void;
  resampleColumns(...values: readonly number[]): void;
  laplacianBytes(width: number, height: number): number;
  laplacianVariance(rgb: number, width: number, height: number, work: number): number;
}

/** What the code may read or write beyond an array. */
export const SLACK = 64;
const PAGE = 65536;

/** The code with its memory. */
export class SimdMemory {
  readonly code: Code;
  /** All of it; another array after `grow`. */
  bytes: Uint8Array;
  /** Where it is free; the picture that is held begins there. */
  readonly start: number;
  /** The picture that was decoded last. */
  held: HeldPicture | undefined;

  constructor(code: Code) {
    this.code = code;
    this.bytes = new Uint8Array(code.memory.buffer);
    this.start = code.freeFrom();
  }

  /**
   * Where the picture is: the one that is held, or else a copy behind it.
   *
   * @param part - what is looked at of it; default all
   */
  place(image: RgbImage, part?: Part): number {
    if (image === this.held) {
      this.held.colour(part);
      return this.start;
    }
    const at = this.start + (this.held?.bytes ?? 0);
    this.grow(at + room(image));
    this.bytes.set(image.data, at);
    return at;
  }

  /** Where it is free when the picture is placed. */
  behind(image: RgbImage): number {
    const held = this.held?.bytes ?? 0;
    return this.start + held + (image === this.held ? 0 : room(image));
  }

  /** Makes the memory reach to `end`. */
  grow(end: number): void {
    const missing = end - this.bytes.length;
    if (missing <= 0) return;
    this.code.memory.grow(Math.ceil(missing / PAGE));
    this.bytes = new Uint8Array(this.code.memory.buffer);
  }

  putWords(words: Uint32Array, at: number): void {
    new Uint32Array(this.bytes.buffer, at, words.length).set(words);
  }
}

/** A part of a picture: whole pixels, the corners included. */
export interface Part {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** The picture at the beginning of a memory, wherever the memory lies: room for its colours, then its planes. */
export class HeldPicture implements RgbImage {
  readonly #memory: SimdMemory;
  readonly width: number;
  readonly height: number;
  /** Memory of all of it. */
  readonly bytes: number;
  #coloured = false;

  constructor(memory: SimdMemory, width: number, height: number, bytes: number) {
    this.#memory = memory;
    this.width = width;
    this.height = height;
    this.bytes = bytes;
  }

  get data(): Uint8Array {
    this.colour();
    const { bytes, start } = this.#memory;
    return bytes.subarray(start, start + this.width * this.height * 3);
  }

  /** Makes colours of the planes where they are wanted; of a part they last until those of another are made. */
  colour(part?: Part): void {
    const { code, start, held } = this.#memory;
    if (held !== this)
      throw new AppError("internal", "PICTURE_GONE", "Another picture was decoded before this one was done");
    if (this.#coloured) return;
    const all = { left: 0, top: 0, right: this.width - 1, bottom: this.height - 1 };
    const { left, top, right, bottom } = part ?? all;
    code.colourPart(left, top, right, bottom, start);
    this.#coloured = part === undefined;
  }
}

/** The vectors' code, compiled; undefined where the machine or runtime has none. */
export function openMemory(): SimdMemory | undefined {
  const bytes = Uint8Array.from(atob(SIMD_CODE), (letter) => letter.charCodeAt(0));
  if (!WebAssembly.validate(bytes)) return undefined;
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: {} });
  return new SimdMemory(exports as unknown as Code);
}

/** Memory of a picture. */
export function room({ width, height }: RgbImage): number {
  return align(width * height * 3 + SLACK);
}

/** The next multiple of 64, as vectors are read soonest. */
export function align(bytes: number): number {
  return Math.ceil(bytes / 64) * 64;
}
