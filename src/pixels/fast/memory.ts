// ◇ Browser-safe. The memory of the vectors' code: one picture is held at its beginning, others come and go behind it.
// Source: simd/, compiled. Invariant: the held picture stays until another is decoded, whatever is done with others.
import { AppError } from "../../core/errors.ts";
import type { RgbImage } from "../pixels.ts";
import { SIMD_CODE } from "./code.ts";
import type { Part } from "./shapes.ts";

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
  toFloats(...values: readonly number[]): void;
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
  #held: HeldPicture | undefined;
  /** Memory of the pictures that are kept behind it. */
  #kept = 0;

  constructor(code: Code) {
    this.code = code;
    this.bytes = new Uint8Array(code.memory.buffer);
    this.start = code.freeFrom();
  }

  /** The picture that was decoded last. */
  get held(): HeldPicture | undefined {
    return this.#held;
  }

  /** From now on this picture is held, and none that was kept of another. */
  hold(picture: HeldPicture | undefined): void {
    this.#held = picture;
    this.#kept = 0;
  }

  /** Whether the picture lies here: the one that is held, or one that is kept beside it. */
  has(image: RgbImage): boolean {
    if (this.#held === undefined) return false;
    return image === this.#held || (image instanceof KeptPicture && image.of === this.#held);
  }

  /**
   * Where the picture is: it lies here, or else a copy does where it is free.
   *
   * @param part - what is looked at of the picture that is held; default all
   */
  place(image: RgbImage, part?: Part): number {
    if (image === this.#held) {
      this.#held.colour(part);
      return this.start;
    }
    if (this.has(image)) return (image as KeptPicture).at;
    const at = this.#free();
    this.grow(at + room(image));
    this.bytes.set(image.data, at);
    return at;
  }

  /** Where it is free when the picture is placed. */
  behind(image: RgbImage): number {
    return this.#free() + (this.has(image) ? 0 : room(image));
  }

  /** Keeps the picture that was made where it was free behind one that lies here. */
  keep(width: number, height: number): RgbImage {
    const picture = new KeptPicture(this, width, height, this.#free());
    this.#kept += room(picture);
    return picture;
  }

  #free(): number {
    return this.start + (this.#held?.bytes ?? 0) + this.#kept;
  }

  /** Makes the memory reach to `end`. */
  grow(end: number): void {
    const missing = end - this.bytes.length;
    if (missing <= 0) return;
    this.code.memory.grow(Math.ceil(missing / PAGE));
    this.bytes = new Uint8Array(this.code.memory.buffer);
  }

  /** Pixels from an address on. */
  pixels(at: number, width: number, height: number): Uint8Array {
    return this.bytes.subarray(at, at + width * height * 3);
  }

  putWords(words: Uint32Array, at: number): void {
    new Uint32Array(this.bytes.buffer, at, words.length).set(words);
  }
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
    return this.#memory.pixels(this.#memory.start, this.width, this.height);
  }

  /** Makes colours of the planes where they are wanted; of a part they last until those of another are made. */
  colour(part?: Part): void {
    const { code, start, held } = this.#memory;
    if (held !== this) throw gone();
    if (this.#coloured) return;
    const all = { left: 0, top: 0, right: this.width - 1, bottom: this.height - 1 };
    const { left, top, right, bottom } = part ?? all;
    code.colourPart(left, top, right, bottom, start);
    this.#coloured = part === undefined;
  }
}

/** A picture that was made of the one that is held; it lasts as long. */
class KeptPicture implements RgbImage {
  readonly #memory: SimdMemory;
  readonly width: number;
  readonly height: number;
  readonly at: number;
  readonly of: HeldPicture | undefined;

  constructor(memory: SimdMemory, width: number, height: number, at: number) {
    this.#memory = memory;
    this.width = width;
    this.height = height;
    this.at = at;
    this.of = memory.held;
  }

  get data(): Uint8Array {
    if (this.#memory.held !== this.of) throw gone();
    return this.#memory.pixels(this.at, this.width, this.height);
  }
}

function gone(): AppError {
  return new AppError(
    "internal",
    "PICTURE_GONE",
    "Another picture was decoded before this one was done, or its work has ended",
  );
}

/** The vectors' code, compiled; undefined where the machine or runtime has none. */
export function openMemory(): SimdMemory | undefined {
  const bytes = Uint8Array.from(atob(SIMD_CODE), (letter) => letter.charCodeAt(0));
  if (!WebAssembly.validate(bytes)) return undefined;
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: {} });
  return new SimdMemory(exports as unknown as Code);
}

/** Memory of a picture. */
export function room({ width, height }: Pick<RgbImage, "width" | "height">): number {
  return align(width * height * 3 + SLACK);
}

/** The next multiple of 64, as vectors are read soonest. */
export function align(bytes: number): number {
  return Math.ceil(bytes / 64) * 64;
}
