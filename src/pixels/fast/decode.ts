// ◇ Browser-safe. Plain JPEGs, decoded at the beginning of a memory.
// Source: simd/jpeg.ts, baseline.ts. Invariant: bit for bit what libjpeg-turbo gives, or nothing.
import { type BaselineJpeg, baselineJpeg } from "./baseline.ts";
import { align, MOST_PIXELS, Resident, room, type SimdMemory, SLACK } from "./memory.ts";

/**
 * Decodes a file; what lay in the memory is gone.
 *
 * @returns undefined if it is not a plain JPEG, not of a picture's values, or too large
 */
export function decodedIn(memory: SimdMemory, file: Uint8Array): Resident | undefined {
  const header = baselineJpeg(file);
  if (header === undefined || header.width * header.height > MOST_PIXELS) return undefined;
  const planes = memory.start + room(header);
  const from = planes + align(memory.code.planesBytes(header.width, header.height));
  memory.grow(from + 2 * align(file.length + 2 * SLACK));
  memory.bytes.set(file, from);
  memory.free = from;
  return decodeFrom(memory, header, from, file.length - header.data, planes)
    ? new Resident(memory, header, true)
    : undefined;
}

function decodeFrom(
  { code }: SimdMemory,
  { width, height, factor, components, quants, tables, data }: BaselineJpeg,
  file: number,
  length: number,
  planes: number,
): boolean {
  for (const [id, at] of quants) code.setQuant(id, file + at);
  for (const [id, at] of tables) if (code.setTable(id, file + at) === 0) return false;
  const ids = components.map(({ quant, dc, ac }) => quant + 4 * dc + 16 * ac);
  const bits = file + align(data + length + SLACK);
  return code.decodeJpeg(file + data, length, width, height, factor, ...ids, bits, planes) !== 0;
}
