// A baseline JPEG of three interleaved components (chroma full or halved both ways) to planes of luma and chroma.
// The caller has read the headers (src/pixels/fast/baseline.ts) and put tables and data into this memory; planes.ts makes colours.
import { atEnd, buildTable, natural, openBits, readBlock, tableAt } from "./entropy";
import { flat, inverse, MOST } from "./idct";
import { cbPlane, crPlane, chromaStride, layOut, lumaStride, yPlane } from "./planes";

/** Quantisation tables i16 [4, 8, 8], row-major. */
const QUANT = memory.data(4 * 128, 16);
const BLOCK = memory.data(128, 16);

/** Takes a quantisation table of 64 bytes in zigzag order. */
export function setQuant(id: usize, from: usize): void {
  for (let k: usize = 0; k < 64; k++) store<i16>(QUANT + id * 128 + natural(k) * 2, load<u8>(from + k));
}

/** Takes a Huffman table (16 counts, symbols): DC as ids 0 to 3, AC as ids 4 to 7; false if it is none. */
export function setTable(id: usize, from: usize): bool {
  return buildTable(id, from);
}

/**
 * Decodes one picture; until the next one, its planes are where they were put.
 *
 * @param data - entropy-coded bytes up to the end of the file, `length` of them
 * @param factor - 1 for full chroma, 2 for chroma halved both ways
 * @param luma - ids of the luma's tables: quantisation + 4 DC + 16 AC
 * @param cb - the same of the first chroma component
 * @param cr - the same of the second
 * @param bits - memory of `length` + 64 bytes
 * @param planes - `planesBytes` of memory
 * @returns false if the data is damaged, not what was announced, or has coefficients that no picture has (idct.ts)
 */
export function decodeJpeg(
  data: usize,
  length: usize,
  width: usize,
  height: usize,
  factor: usize,
  luma: usize,
  cb: usize,
  cr: usize,
  bits: usize,
  planes: usize,
): bool {
  if (!openBits(data, length, bits + length + 32)) return false;
  const mcu = 8 * factor;
  const columns = (width + mcu - 1) / mcu;
  const rows = (height + mcu - 1) / mcu;
  layOut(planes, width, height, factor);
  let dcY: i32 = 0;
  let dcB: i32 = 0;
  let dcR: i32 = 0;
  memory.fill(BLOCK, 0, 128);
  for (let row: usize = 0; row < rows; row++) {
    for (let column: usize = 0; column < columns; column++) {
      for (let v: usize = 0; v < factor; v++) {
        for (let h: usize = 0; h < factor; h++) {
          const to = yPlane + (row * mcu + v * 8) * lumaStride + column * mcu + h * 8;
          dcY = decodeBlock(luma, dcY, to, lumaStride);
          if (dcY === DAMAGED) return false;
        }
      }
      const at = row * 8 * chromaStride + column * 8;
      dcB = decodeBlock(cb, dcB, cbPlane + at, chromaStride);
      dcR = decodeBlock(cr, dcR, crPlane + at, chromaStride);
      if (dcB === DAMAGED || dcR === DAMAGED) return false;
    }
  }
  return atEnd();
}

/** Or beyond what is decoded here. */
const DAMAGED: i32 = i32.MIN_VALUE;

/** The next block's samples; returns its first coefficient, before quantisation. */
function decodeBlock(tables: usize, before: i32, to: usize, stride: usize): i32 {
  const last = readBlock(BLOCK, tableAt((tables >> 2) & 3), tableAt(4 + (tables >> 4)));
  if (last < 0) return DAMAGED;
  const dc = before + load<i16>(BLOCK);
  if (dc !== <i32>(<i16>dc)) return DAMAGED;
  const quant = QUANT + (tables & 3) * 128;
  if (last === 0) {
    store<i16>(BLOCK, 0);
    const product = dc * load<i16>(quant);
    if (product > MOST || product < -MOST) return DAMAGED;
    flat(product, to, stride);
    return dc;
  }
  store<i16>(BLOCK, dc);
  return inverse(last, BLOCK, quant, to, stride) ? dc : DAMAGED;
}
