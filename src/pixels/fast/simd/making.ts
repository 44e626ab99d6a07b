// What is needed to make datasets and batches besides: encode, augment, measure. Compiled by scripts/simd.mjs into
// src/pixels/fast/making-code.ts, for the memory of seeing.ts.

export { codesAt, countsAt, encodeBytes, putTokens, tokenise, tokensAt } from "./encode";
export { setDivisors } from "./fdct";
export { jitter, jitterAndAdd, jitterFurther, setStep } from "./jitter";
export { laplacianBytes, laplacianVariance } from "./laplacian";
export { setWalk, shrinkColumns, turnAndShrink } from "./resample";

/** Where what the module keeps itself ends. */
export function keptUntil(): usize {
  return __heap_base;
}
