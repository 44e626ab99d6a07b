// The generated picture of face_chip.py and derive.py, integer for integer.
import type { RgbImage } from "../../src/pixels/pixels.ts";

/** Noise, stripes and a gradient; RGB u8. */
export function goldenPicture(width: number, height: number): RgbImage {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let k = 0; k < 3; k++, i++) {
        const noise = Math.floor(((x * 7919 + y * 104729 + k * 1299709) * 40503) / 128) % 64;
        const stripes = ((x * (k + 1) + y * 2) >> 3) & 127;
        data[i] = noise + stripes + Math.floor(((x + y) * 64) / (width + height));
      }
    }
  }
  return { width, height, data };
}
