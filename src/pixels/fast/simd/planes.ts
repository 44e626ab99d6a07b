// Planes of the picture decoded last: a part of them to RGB, or all of them at a fraction of their size.
// Most of a frame is never needed in full: a detector sees it small, and crops are parts of it.
import { toRgb, upsample } from "./colour";

let pictureWidth: usize = 0;
let pictureHeight: usize = 0;
/** 1 for full chroma, 2 for chroma halved both ways. */
let chromaFactor: usize = 1;
/** Planes u8, of whole blocks. */
export let yPlane: usize = 0;
export let cbPlane: usize = 0;
export let crPlane: usize = 0;
/** Bytes from row to row. */
export let lumaStride: usize = 0;
export let chromaStride: usize = 0;
/** Memory of one row: sums, and chroma at full width. */
let lines: usize = 0;

/** Bytes of a picture's planes and of what is needed to make colours of them. */
export function planesBytes(width: usize, height: usize): usize {
  const side = (width + 15) & ~15;
  return 3 * side * ((height + 15) & ~15) + 6 * (side + 64);
}

/** Sets where the planes of a picture are. */
export function layOut(planes: usize, width: usize, height: usize, factor: usize): void {
  const mcu = 8 * factor;
  const columns = (width + mcu - 1) / mcu;
  const rows = (height + mcu - 1) / mcu;
  pictureWidth = width;
  pictureHeight = height;
  chromaFactor = factor;
  lumaStride = columns * mcu;
  chromaStride = columns * 8;
  yPlane = planes;
  cbPlane = yPlane + lumaStride * rows * mcu;
  crPlane = cbPlane + chromaStride * rows * 8;
  lines = crPlane + chromaStride * rows * 8;
}

/**
 * Colours of a part, exactly as libjpeg-turbo has them.
 *
 * @param left - whole pixels inside the picture, as `top`, `right` and `bottom`: the corners included
 * @param out - RGB u8 of the whole picture, [height, width, 3]; up to 48 bytes behind each row of the part are overwritten
 */
export function colourPart(left: usize, top: usize, right: usize, bottom: usize, out: usize): void {
  const count = right + 1 - left;
  const step = pictureWidth * 3;
  let to = out + top * step + left * 3;
  if (chromaFactor === 1) {
    for (let y = top; y <= bottom; y++, to += step) {
      const at = y * lumaStride + left;
      toRgb(yPlane + at, cbPlane + at, crPlane + at, count, to);
    }
    return;
  }
  const lastColumn = ((pictureWidth + 1) >> 1) - 1;
  const lastRow = ((pictureHeight + 1) >> 1) - 1;
  // One sample more on either side: that at an end is enlarged as if nothing came beyond it.
  const first = max(left >> 1, 1) - 1;
  const wide = min((right >> 1) + 1, lastColumn) + 1 - first;
  const line = chromaStride * 2 + 32;
  const cbRow = lines + line;
  const crRow = cbRow + line;
  const skipped = left - 2 * first;
  for (let y = top; y <= bottom; y++, to += step) {
    const near = y >> 1;
    const far = (y & 1) === 1 ? min(near + 1, lastRow) : near === 0 ? 0 : near - 1;
    const a = near * chromaStride + first;
    const b = far * chromaStride + first;
    upsample(cbPlane + a, cbPlane + b, wide, lines, cbRow);
    upsample(crPlane + a, crPlane + b, wide, lines, crRow);
    toRgb(yPlane + y * lumaStride + left, cbRow + skipped, crRow + skipped, count, to);
  }
}

/** Bytes from row to row of a plane that was halved to this width; 16 more are overwritten. */
@inline
function halvedStride(width: usize): usize {
  return (width + 31) & ~15;
}

/** Bytes of memory that `halvedColours` wants at `work`. */
export function halvedBytes(width: usize, height: usize): usize {
  return 6 * halvedStride((width >> 1) + 16) * ((height >> 1) + 1);
}

/** Address of the plane that the last call of `halvePlane` made, and its bytes from row to row. */
let halvedPlane: usize = 0;
let halvedRow: usize = 0;

/**
 * Means of two by two samples of a plane, again and again; an odd last row or column is left out.
 *
 * @returns the first free address behind what it made at `to`
 */
function halvePlane(from: usize, stride: usize, width: usize, height: usize, times: usize, to: usize): usize {
  const two = i16x8.splat(2);
  for (let k: usize = 0; k < times; k++) {
    width >>= 1;
    height >>= 1;
    const toStride = halvedStride(width);
    for (let y: usize = 0; y < height; y++) {
      const above = from + 2 * y * stride;
      const below = above + stride;
      for (let i: usize = 0; i < width; i += 16) {
        const l = i16x8.add(
          i16x8.extadd_pairwise_i8x16_u(v128.load(above + 2 * i)),
          i16x8.extadd_pairwise_i8x16_u(v128.load(below + 2 * i)));
        const h = i16x8.add(
          i16x8.extadd_pairwise_i8x16_u(v128.load(above + 2 * i, 16)),
          i16x8.extadd_pairwise_i8x16_u(v128.load(below + 2 * i, 16)));
        v128.store(to + y * toStride + i, i8x16.narrow_i16x8_u(
          i16x8.shr_u(i16x8.add(l, two), 2), i16x8.shr_u(i16x8.add(h, two), 2)));
      }
    }
    from = to;
    stride = toStride;
    to += toStride * height;
  }
  halvedPlane = from;
  halvedRow = stride;
  return to;
}

/**
 * The picture halved before its colours are made. Halved chroma is taken as it is in place of a first halving.
 *
 * @param halvings - at least 1
 * @param work - `halvedBytes` of memory
 * @param out - RGB u8 [height >> halvings, width >> halvings, 3]; up to 48 bytes more are overwritten
 */
export function halvedColours(halvings: usize, work: usize, out: usize): void {
  const times = halvings - (chromaFactor - 1);
  const wide = (pictureWidth + chromaFactor - 1) / chromaFactor;
  const tall = (pictureHeight + chromaFactor - 1) / chromaFactor;
  let free = halvePlane(cbPlane, chromaStride, wide, tall, times, work);
  let cb = halvedPlane;
  free = halvePlane(crPlane, chromaStride, wide, tall, times, free);
  let cr = halvedPlane;
  const chromaRow = halvedRow;
  halvePlane(yPlane, lumaStride, pictureWidth, pictureHeight, halvings, free);
  let y = halvedPlane;
  const width = pictureWidth >> halvings;
  const end = out + (pictureHeight >> halvings) * width * 3;
  for (let to = out; to < end; to += width * 3, y += halvedRow, cb += chromaRow, cr += chromaRow) {
    toRgb(y, cb, cr, width, to);
  }
}
