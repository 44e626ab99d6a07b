// What is needed to see: decode, cut, scale, floats. Compiled by scripts/simd.mjs into src/pixels/fast/code.ts.
// AssemblyScript: TypeScript's syntax with machine types; addresses are plain numbers, and nothing is allocated here.

export { halve, sampleSquare } from "./chip";
export { toFloats } from "./floats";
export { decodeJpeg, setQuant, setTable } from "./jpeg";
export { colourPart, halvedBytes, halvedColours, planesBytes } from "./planes";
export { reduce, resampleColumns, resampleRows } from "./shrink";

/** Where what the module keeps itself ends. */
export function keptUntil(): usize {
  return __heap_base;
}
