// ◇ Browser-safe. SIMD code that makes datasets and batches: augments, encodes, measures. Who predicts does not load it.
// Source: simd/making.ts, compiled. Invariant: it works in the memory that pictures lie in, and keeps what it needs beside theirs.
import { MAKING_CODE } from "./making-code.ts";
import { compiled, type SimdMemory } from "./memory.ts";

/** Exports of simd/making.ts; addresses are byte positions in the memory. */
export interface MakingCode {
  setStep(kind: number, level: number, factor: number): void;
  jitter(rgb: number, out: number, count: number, steps: number): void;
  jitterAndAdd(rgb: number, out: number, count: number, steps: number): number;
  jitterFurther(words: number, count: number, steps: number): void;
  setWalk(...values: readonly number[]): void;
  turnAndShrink(...values: readonly number[]): void;
  shrinkColumns(...values: readonly number[]): void;
  setDivisors(id: number, from: number): void;
  encodeBytes(width: number, height: number): number;
  tokenise(rgb: number, width: number, height: number, work: number): number;
  tokensAt(width: number, height: number, work: number): number;
  putTokens(from: number, end: number, to: number): number;
  countsAt(): number;
  codesAt(): number;
  laplacianBytes(width: number, height: number): number;
  laplacianVariance(rgb: number, width: number, height: number, work: number): number;
}

/** Compiled once; where a memory could be opened, this can be compiled too. */
let module: WebAssembly.Module | undefined;

/** The code, in a memory. */
export function makingOf(memory: SimdMemory): MakingCode {
  module ??= compiled(MAKING_CODE)!;
  return memory.joined(module) as unknown as MakingCode;
}
