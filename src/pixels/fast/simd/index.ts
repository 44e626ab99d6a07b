// The module's exports, and where its memory is free. Compiled by scripts/simd.mjs into src/pixels/fast/code.ts.
// AssemblyScript: TypeScript's syntax with machine types; addresses are plain numbers, and nothing is allocated here.

export { halve, sampleSquare } from "./chip";
export { codesAt, countsAt, encodeBytes, putTokens, tokenise, tokensAt } from "./encode";
export { setDivisors } from "./fdct";
export { toFloats } from "./floats";
export { jitter, jitterAndAdd, jitterFurther, setStep } from "./jitter";
export { decodeJpeg, setQuant, setTable } from "./jpeg";
export { laplacianBytes, laplacianVariance } from "./laplacian";
export { colourPart, halvedBytes, halvedColours, planesBytes } from "./planes";
export { setWalk, shrinkColumns, turnAndShrink } from "./resample";
export { reduce, resampleColumns, resampleRows } from "./shrink";

/** The first address that the module does not use itself. */
export function freeFrom(): usize {
  return (__heap_base + 63) & ~63;
}
