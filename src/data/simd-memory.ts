// ◇ Browser-safe. The memory of the vectors' code: one picture is held at its beginning, others come and go behind it.
// Source: simd/, compiled. Invariant: the held picture stays until another is decoded, whatever is done with others.
import type { RgbImage } from "./pixels.ts";
import { SIMD_CODE } from "./simd-code.ts";

/** Exports of simd/index.ts; addresses are byte positions in `memory`. */
export interface Code {
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
  /** How the picture that is held was handed out. */
  held: RgbImage | undefined;

  constructor(code: Code) {
    this.code = code;
    this.bytes = new Uint8Array(code.memory.buffer);
    this.start = code.freeFrom();
  }

  /** Where the picture is: the one that is held, or else a copy behind it. */
  place(image: RgbImage): number {
    if (image === this.held) return this.start;
    const at = this.start + (this.held === undefined ? 0 : room(this.held));
    this.grow(at + room(image));
    this.bytes.set(image.data, at);
    return at;
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

/** The picture at the beginning of a memory, wherever the memory lies. */
export class HeldPicture implements RgbImage {
  readonly #memory: SimdMemory;
  readonly width: number;
  readonly height: number;

  constructor(memory: SimdMemory, width: number, height: number) {
    this.#memory = memory;
    this.width = width;
    this.height = height;
  }

  get data(): Uint8Array {
    const { bytes, start } = this.#memory;
    return bytes.subarray(start, start + this.width * this.height * 3);
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
