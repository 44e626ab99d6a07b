// ◇ Browser-safe. The resample in a memory.
// Source: simd/shrink.ts, simd/planes.ts. Invariant: bit for bit `reduceByTwo` and `resizeBilinear`, but that a decoded
// picture is halved before its colours are made.
import { tapsFor } from "../taps.ts";
import { align, type Region, room, type SimdMemory, SLACK } from "./memory.ts";
import { packTaps } from "./taps.ts";

/** What a picture becomes. */
export interface Resample {
  readonly widthPx: number;
  readonly heightPx: number;
  /** How often it is halved before. */
  readonly halvings: number;
}

/**
 * Resamples a picture.
 *
 * @returns where the output lies, u8 [heightPx, widthPx, 3]: where the memory is free
 */
export function resampledIn(memory: SimdMemory, region: Region, to: Resample): number {
  const { widthPx, heightPx } = to;
  const out = memory.free;
  const behind = out + room({ width: widthPx, height: heightPx });
  const { from, width, height, free } = halved(memory, region, to.halvings, behind);
  const across = packTaps(tapsFor(width, widthPx), 3);
  const down = packTaps(tapsFor(height, heightPx), 1);
  const acrossAt = free;
  const downAt = acrossAt + align(across.words.byteLength);
  const rows = downAt + align(down.words.byteLength);
  memory.grow(rows + Math.max(height, down.reach) * widthPx * 3 + SLACK);
  memory.putWords(across.words, acrossAt);
  memory.putWords(down.words, downAt);
  const { code } = memory;
  code.resampleRows(from, width * 3, height, acrossAt, across.n, across.pairs, widthPx, rows);
  code.resampleColumns(rows, widthPx * 3, downAt, down.n, down.pairs, heightPx, out);
  return out;
}

/** Halves a picture; `work` is free, and what it leaves free comes back. */
function halved(memory: SimdMemory, region: Region, halvings: number, work: number) {
  if (halvings === 0) {
    return { from: region.at(), width: region.width, height: region.height, free: work };
  }
  const [width, height] = [region.width >> halvings, region.height >> halvings];
  const from = (region.decoded ? halvedPlanes : reduced)(memory, region, halvings, work);
  return { from, width, height, free: from + room({ width, height }) };
}

function halvedPlanes(memory: SimdMemory, { width, height }: Region, halvings: number, work: number) {
  const to = work + align(memory.code.halvedBytes(width, height) + SLACK);
  memory.grow(to + align((width * height * 3) / 4 + SLACK));
  memory.code.halvedColours(halvings, work, to);
  return to;
}

function reduced(memory: SimdMemory, region: Region, halvings: number, to: number): number {
  let { width, height } = region;
  let from = region.at();
  memory.grow(to + align((width * height * 3) / 4 + SLACK));
  for (let k = 0; k < halvings; k++) {
    memory.code.reduce(from, width, height, to);
    [from, width, height] = [to, width >> 1, height >> 1];
  }
  return to;
}
