// ◇ Browser-safe. The memory of the SIMD code: one picture lies at its beginning, what is made of it behind.
// Source: simd/, compiled. Invariant: what lies here is written by its one owner (pictures.ts) alone.
import { SIMD_CODE } from "./code.ts";
import type { Part } from "./shapes.ts";

/** Exports of simd/seeing.ts; addresses are byte positions in `memory`. */
export interface Code {
  readonly memory: WebAssembly.Memory;
  setQuant(id: number, from: number): void;
  setTable(id: number, from: number): number;
  planesBytes(width: number, height: number): number;
  decodeJpeg(...values: readonly number[]): number;
  colourPart(left: number, top: number, right: number, bottom: number, out: number): void;
  halvedBytes(width: number, height: number): number;
  halvedColours(halvings: number, work: number, out: number): void;
  halve(from: number, row: number, width: number, height: number, sums: number, to: number): void;
  sampleSquare(...values: readonly number[]): void;
  reduce(from: number, width: number, height: number, to: number): void;
  resampleRows(...values: readonly number[]): void;
  resampleColumns(...values: readonly number[]): void;
  toFloats(...values: readonly number[]): void;
}

/** What the code may read or write beyond an array. */
export const SLACK = 64;
const PAGE = 65536;
/** Modules that have a page each for what they keep themselves (scripts/simd.mjs). */
const MODULES = 2;

/** Pictures with more pixels are left to the plain code, which keeps no memory. */
export const MOST_PIXELS = 2 ** 22;

interface Size {
  readonly width: number;
  readonly height: number;
}

/** A picture in the memory. */
export interface Region extends Size {
  /** What was decoded of a file lies here as planes too, and is halved as such. */
  readonly decoded: boolean;
  /**
   * Where its colours are.
   *
   * @param part - the part of them that is wanted; default all
   */
  at(part?: Part): number;
}

/** The code with its memory. */
export class SimdMemory {
  readonly code: Code;
  /** All of it; another array after `grow`. */
  bytes: Uint8Array;
  /** Where pictures begin. */
  readonly start = MODULES * PAGE;
  readonly #joined = new Map<WebAssembly.Module, WebAssembly.Exports>();
  /** Where it is free: results are written there, and what they need behind them. */
  free: number;

  constructor(code: Code) {
    this.code = code;
    this.bytes = new Uint8Array(code.memory.buffer);
    this.free = this.start;
    this.grow(this.start);
  }

  /** Exports of another module of simd/ that works in this memory. */
  joined(module: WebAssembly.Module): WebAssembly.Exports {
    const known = this.#joined.get(module);
    if (known !== undefined) return known;
    const { exports } = new WebAssembly.Instance(module, { env: { memory: this.code.memory } });
    this.#joined.set(module, exports);
    return exports;
  }

  /** Keeps the picture that was made where it was free. */
  keep({ width, height }: Size): Region {
    const at = this.free;
    this.free += room({ width, height });
    this.grow(this.free);
    return { width, height, decoded: false, at: () => at };
  }

  /** Puts pixels where it is free. */
  put({ width, height, data }: Size & { readonly data: ArrayLike<number> }): Region {
    const region = this.keep({ width, height });
    this.bytes.set(data, region.at());
    return region;
  }

  /** Makes the memory reach to `end`. */
  grow(end: number): void {
    const missing = end - this.bytes.length;
    if (missing <= 0) return;
    this.code.memory.grow(Math.ceil(missing / PAGE));
    this.bytes = new Uint8Array(this.code.memory.buffer);
  }

  /** Pixels from an address on, until the memory grows. */
  pixels(at: number, { width, height }: Size): Uint8Array {
    return this.bytes.subarray(at, at + width * height * 3);
  }

  putWords(words: Uint32Array, at: number): void {
    new Uint32Array(this.bytes.buffer, at, words.length).set(words);
  }
}

/** The picture at the beginning of a memory. A decoded one has room for its colours, which are made where they are wanted. */
export class Resident implements Region {
  readonly #memory: SimdMemory;
  readonly width: number;
  readonly height: number;
  readonly decoded: boolean;
  #coloured: boolean;
  /** What it was resized to first; detector and hash of a frame want the same. */
  small: (Region & { readonly end: number; readonly halvings: number }) | undefined;
  /** Where its memory ends. */
  readonly #end: number;

  /** Of what was just put at the memory's beginning, up to where it is free. */
  constructor(memory: SimdMemory, { width, height }: Size, decoded: boolean) {
    this.#memory = memory;
    this.width = width;
    this.height = height;
    this.decoded = decoded;
    this.#coloured = !decoded;
    this.#end = memory.free;
  }

  /** Colours of a part last until those of another are made. */
  at(part?: Part): number {
    const { code, start } = this.#memory;
    if (this.#coloured) return start;
    const all = { left: 0, top: 0, right: this.width - 1, bottom: this.height - 1 };
    const { left, top, right, bottom } = part ?? all;
    code.colourPart(left, top, right, bottom, start);
    this.#coloured = part === undefined;
    return start;
  }

  /** Forgets all that was made of it, but for `small`. */
  clear(): void {
    this.#memory.free = this.small?.end ?? this.#end;
  }
}

/** A module of its hexadecimal digits: code, without a memory. Undefined where the machine or runtime has no such instructions. */
export function compiled(digits: string): WebAssembly.Module | undefined {
  const bytes = Uint8Array.from({ length: digits.length / 2 }, (_, i) =>
    Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16),
  );
  return WebAssembly.validate(bytes) ? new WebAssembly.Module(bytes) : undefined;
}
/** Compiled once. */
let code: ReturnType<typeof compiled> | null = null;

/** A new memory with the SIMD code; undefined where the machine or runtime has none. */
export function openMemory(): SimdMemory | undefined {
  if (code === null) code = compiled(SIMD_CODE);
  if (code === undefined) return undefined;
  const { exports } = new WebAssembly.Instance(code, { env: {} });
  return new SimdMemory(exports as unknown as Code);
}

/** Memory of a picture. */
export function room({ width, height }: Size): number {
  return align(width * height * 3 + SLACK);
}

/** The next multiple of 64, as SIMD loads are fastest. */
export function align(bytes: number): number {
  return Math.ceil(bytes / 64) * 64;
}
