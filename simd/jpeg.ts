// A baseline JPEG of three interleaved components (chroma full or halved both ways) to RGB.
// The caller has read the headers (src/data/jpeg.ts) and put tables and data into this memory.
import { toRgb, upsample } from "./colour";
import { atEnd, buildTable, natural, openBits, readBlock, tableAt } from "./entropy";
import { flat, inverse } from "./idct";

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

/** Bytes of memory below `out` and of planes that `decodeJpeg` wants at `work`. */
export function workBytes(length: usize, width: usize, height: usize): usize {
  const side = (width + 15) & ~15;
  return length + 64 + 3 * side * ((height + 15) & ~15) + 6 * (side + 64);
}

/**
 * Decodes one picture.
 *
 * @param data - entropy-coded bytes up to the end of the file, `length` of them
 * @param factor - 1 for full chroma, 2 for chroma halved both ways
 * @param luma - ids of the luma's tables: quantisation + 4 DC + 16 AC
 * @param cb - the same of the first chroma component
 * @param cr - the same of the second
 * @param work - `workBytes` of memory
 * @param out - RGB u8 [height, width, 3]; 64 bytes more are overwritten
 * @returns false if the data is damaged or not what was said
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
  work: usize,
  out: usize,
): bool {
  if (!openBits(data, length, work + length + 32)) return false;
  const mcu = 8 * factor;
  const columns = (width + mcu - 1) / mcu;
  const rows = (height + mcu - 1) / mcu;
  const yPlane = work + length + 64;
  const yStride = columns * mcu;
  const cStride = columns * 8;
  const cbPlane = yPlane + yStride * rows * mcu;
  const crPlane = cbPlane + cStride * rows * 8;
  const rest = crPlane + cStride * rows * 8;
  let dcY: i32 = 0;
  let dcB: i32 = 0;
  let dcR: i32 = 0;
  memory.fill(BLOCK, 0, 128);
  for (let row: usize = 0; row < rows; row++) {
    for (let column: usize = 0; column < columns; column++) {
      for (let v: usize = 0; v < factor; v++) {
        for (let h: usize = 0; h < factor; h++) {
          const to = yPlane + (row * mcu + v * 8) * yStride + column * mcu + h * 8;
          dcY = decodeBlock(luma, dcY, to, yStride);
          if (dcY === DAMAGED) return false;
        }
      }
      dcB = decodeBlock(cb, dcB, cbPlane + row * 8 * cStride + column * 8, cStride);
      dcR = decodeBlock(cr, dcR, crPlane + row * 8 * cStride + column * 8, cStride);
      if (dcB === DAMAGED || dcR === DAMAGED) return false;
    }
  }
  if (!atEnd()) return false;
  if (factor === 1) {
    for (let y: usize = 0; y < height; y++) {
      const at = y * yStride;
      toRgb(yPlane + at, cbPlane + at, crPlane + at, width, out + y * width * 3);
    }
  } else {
    colourHalved(width, height, yPlane, yStride, cbPlane, crPlane, cStride, rest, out);
  }
  return true;
}

function colourHalved(
  width: usize,
  height: usize,
  yPlane: usize,
  yStride: usize,
  cbPlane: usize,
  crPlane: usize,
  cStride: usize,
  rest: usize,
  out: usize,
): void {
  const wide = (width + 1) >> 1;
  const lastRow = ((height + 1) >> 1) - 1;
  const line = cStride * 2 + 32;
  const cbRow = rest + line;
  const crRow = cbRow + line;
  for (let y: usize = 0; y < height; y++) {
    const near = y >> 1;
    const far = (y & 1) === 1 ? min(near + 1, lastRow) : near === 0 ? 0 : near - 1;
    upsample(cbPlane + near * cStride, cbPlane + far * cStride, wide, rest, cbRow);
    upsample(crPlane + near * cStride, crPlane + far * cStride, wide, rest, crRow);
    toRgb(yPlane + y * yStride, cbRow, crRow, width, out + y * width * 3);
  }
}

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
    const product = <i32>(<i16>(dc * load<i16>(quant)));
    // Beyond this the general way would saturate between its passes.
    if (product > -4096 && product < 4096) {
      flat(product, to, stride);
      return dc;
    }
  }
  store<i16>(BLOCK, dc);
  inverse(last, BLOCK, quant, to, stride);
  return dc;
}
