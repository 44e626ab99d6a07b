// ◇ Browser-safe. Picks rows and columns of a blocked map: shifted, a stride apart, padded with zeros. A depthwise
// convolution with a single one does it on all threads, in one pass, which slices and pads of ONNX Runtime do not.
import type { Blocks } from "./blocked.ts";

/** Along one axis: result i is x[stride i + offset], or 0 beyond x. */
export interface Pick {
  readonly stride: number;
  readonly offset: number;
  readonly length: number;
}

/** Pixels of a blocked map by rows and columns, [N, Cp, rows, columns]. @param sum - added in the same pass */
export function picked(
  b: Blocks,
  { name, shape }: { readonly name: string; readonly shape: readonly number[] },
  picks: readonly [Pick, Pick],
  sum?: string,
): string {
  const [, c, ...given] = shape as [number, number, number, number];
  const same = picks.every(
    ({ stride, offset, length }, i) => stride === 1 && offset === 0 && length === given[i],
  );
  if (same) return sum === undefined ? name : b.w.op("Add", [name, sum]);
  const [rows, columns] = picks.map((pick, i) => windowOf(pick, given[i]!)) as [Window, Window];
  const taps = rows.kernel * columns.kernel;
  const one = new Float32Array(b.up(c) * taps);
  for (let block = 0; block < b.up(c) / b.size; block++) {
    const tap = block * taps + rows.tap * columns.kernel + columns.tap;
    one.fill(1, tap * b.size, (tap + 1) * b.size);
  }
  return b.conv(name, b.w.floats(one, [b.up(c), 1, rows.kernel, columns.kernel]), {
    kernel: [rows.kernel, columns.kernel],
    stride: [picks[0].stride, picks[1].stride],
    pads: [rows.before, columns.before, rows.after, columns.after],
    groups: b.up(c),
    sum,
  });
}

interface Window {
  readonly kernel: number;
  readonly tap: number;
  readonly before: number;
  readonly after: number;
}

/** The window whose convolution has `length` results. */
function windowOf({ stride, offset, length }: Pick, given: number): Window {
  const before = Math.max(0, -offset);
  const tap = Math.max(0, offset);
  const kernel = Math.max(tap + 1, given + before - stride * length + 1);
  return { kernel, tap, before, after: Math.max(0, stride * (length - 1) + kernel - before - given) };
}
