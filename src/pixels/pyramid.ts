// ◇ Browser-safe. One step of dlib's image pyramid.
// Source: dlib pyramid_down<2>: separable [1 4 6 4 1], every second pixel, sum / 256 truncated.
// Invariant: output pixel (r, c) is centred on input pixel (2r + 2, 2c + 2); no padding.
import type { RgbImage } from "./pixels.ts";

/** dlib gives up below this side: the next level is empty. */
const MIN_SIDE_PX = 9;

/**
 * Halves an image after smoothing.
 *
 * @param image - RGB u8, shape [H, W, 3]
 * @returns RGB u8, shape [floor((H-3)/2), floor((W-3)/2), 3]; empty if a side is under 9 px
 * @source dlib pyramid_down<2>
 * @example halve(image)
 */
export function halve(image: RgbImage): RgbImage {
  if (image.width < MIN_SIDE_PX || image.height < MIN_SIDE_PX) {
    return { width: 0, height: 0, data: new Uint8Array(0) };
  }
  const width = Math.floor((image.width - 3) / 2);
  const height = Math.floor((image.height - 3) / 2);
  const rows = halveRows(image, width); // [image.height, width, 3], times 16
  const stride = width * 3;
  const data = new Uint8Array(height * stride);
  for (let r = 0; r < height; r++) {
    const from = 2 * r * stride;
    for (let i = 0; i < stride; i++) {
      const at = from + i;
      const ends = rows[at]! + rows[at + 4 * stride]!;
      const inner = rows[at + stride]! + rows[at + 3 * stride]!;
      data[r * stride + i] = (ends + 4 * inner + 6 * rows[at + 2 * stride]!) >> 8;
    }
  }
  return { width, height, data };
}

function halveRows({ data, width, height }: RgbImage, outWidth: number): Uint16Array {
  const out = new Uint16Array(height * outWidth * 3);
  for (let r = 0, to = 0; r < height; r++) {
    for (let c = 0; c < outWidth; c++) {
      const from = (r * width + 2 * c) * 3;
      for (let k = from; k < from + 3; k++) {
        out[to++] = data[k]! + data[k + 12]! + 4 * (data[k + 3]! + data[k + 9]!) + 6 * data[k + 6]!;
      }
    }
  }
  return out;
}
