// ◇ Browser-safe. Small changes of a crop that leave who is in it as they are: what they do to a probability is the model's, not
// the person's. Invariants: the crop itself comes first; every change is stated with its strength.
import { flipHorizontal, type RgbImage } from "../../pixels/pixels.ts";

/** A changed crop. */
export interface Change {
  /** For people. */
  readonly what: string;
  readonly image: RgbImage;
}

/** Of linear light; sRGB's exponent is taken as 2.2. */
const GAINS = [0.5, 2] as const;
/** Of the crop's side. */
const SHIFT = 0.06;
const SIDES = [
  ["to the left", -1, 0],
  ["to the right", 1, 0],
  ["up", 0, -1],
  ["down", 0, 1],
] as const;

/**
 * The crop and its changes.
 *
 * @param crop - RGB u8, at the model's size
 * @example changesOf(crop).map(({ what }) => what)[1] // "mirrored"
 */
export function changesOf(crop: RgbImage): readonly Change[] {
  const px = Math.max(1, Math.round(SHIFT * crop.width));
  return [
    { what: "as it is", image: crop },
    { what: "mirrored", image: flipHorizontal(crop) },
    ...GAINS.map((gain) => ({
      what: gain < 1 ? "half of the light" : "twice the light",
      image: brightened(crop, gain),
    })),
    ...SIDES.map(([where, x, y]) => ({
      what: `moved ${100 * SHIFT} % ${where}`,
      image: moved(crop, px * x, px * y),
    })),
  ];
}

function brightened({ width, height, data }: RgbImage, gain: number): RgbImage {
  const factor = gain ** (1 / 2.2);
  return { width, height, data: Uint8ClampedArray.from(data, (value) => value * factor) };
}

/** What comes from outside is the nearest pixel of the edge. */
function moved({ width, height, data }: RgbImage, dx: number, dy: number): RgbImage {
  const out = new Uint8Array(data.length);
  const inside = (at: number, length: number) => Math.min(length - 1, Math.max(0, at));
  for (let y = 0, to = 0; y < height; y++)
    for (let x = 0; x < width; x++, to += 3) {
      const from = 3 * (inside(y - dy, height) * width + inside(x - dx, width));
      for (let c = 0; c < 3; c++) out[to + c] = data[from + c]!;
    }
  return { width, height, data: out };
}
