// Fits a photo into a network's input: resized with its aspect ratio kept, the rest black.
// The resample is the house's (antialiased), where MediaPipe samples bilinearly without a filter.
import type { RgbImage } from "../data/pixels.ts";
import { halvingsFor } from "../data/reduce.ts";
import { shrinkQuick } from "../data/resize.ts";
import type { Point } from "./geometry.ts";

/** What each photo was shrunk to last: the detector and the perceptual hash of a frame look at the same picture. */
const kept = new WeakMap<RgbImage, RgbImage>();

/** Size of a photo that is resized to fit, its aspect ratio kept. */
function fitOf(photo: RgbImage, widthPx: number, heightPx: number): { width: number; height: number } {
  const scale = Math.min(widthPx / photo.width, heightPx / photo.height);
  return {
    width: Math.max(1, Math.min(widthPx, Math.round(photo.width * scale))),
    height: Math.max(1, Math.min(heightPx, Math.round(photo.height * scale))),
  };
}

/**
 * Photo resized to fit, without a border; asked for again, the same picture is given without work.
 *
 * @param photo - RGB u8, which must not change in between
 * @returns RGB u8, not to be written to
 * @example fitted(photo, 192, 192)
 */
export function fitted(photo: RgbImage, widthPx: number, heightPx: number): RgbImage {
  const { width, height } = fitOf(photo, widthPx, heightPx);
  const before = kept.get(photo);
  if (before?.width === width && before.height === height) return before;
  const small = shrinkQuick(photo, width, height, halvingsFor(photo, { width, height }));
  kept.set(photo, small);
  return small;
}

/** Pixels of a side that count: what halving leaves out is less than one pixel of what comes out. */
function covered(sidePx: number, halvings: number): number {
  return (sidePx >> halvings) << halvings;
}

export interface Letterbox {
  /** RGB u8 of the network's size. */
  readonly image: RgbImage;
  /** Pixels of the network's input to pixels of the photo. */
  toPhoto(x: number, y: number): Point<"px">;
  /** Photo pixels per input pixel, across and down (they differ by rounding only). */
  readonly scaleX: number;
  readonly scaleY: number;
}

export interface LetterboxShape {
  readonly widthPx: number;
  readonly heightPx: number;
  /** Where the photo lies in the input. */
  readonly place: "centre" | "corner";
}

/**
 * Photo resized to fit, on black.
 *
 * @param photo - RGB u8
 * @param shape - size of the network's input and where the photo lies in it
 * @returns the input picture and the way back to photo pixels
 * @source MediaPipe ImageToTensorCalculator, keep_aspect_ratio with BORDER_ZERO
 * @example letterbox(photo, { widthPx: 192, heightPx: 192, place: "centre" })
 */
export function letterbox(photo: RgbImage, shape: LetterboxShape): Letterbox {
  const { widthPx, heightPx, place } = shape;
  const small = fitted(photo, widthPx, heightPx);
  const { width, height } = small;
  const left = place === "centre" ? (widthPx - width) >> 1 : 0;
  const top = place === "centre" ? (heightPx - height) >> 1 : 0;
  const data = new Uint8Array(3 * widthPx * heightPx);
  for (let y = 0; y < height; y++) {
    data.set(small.data.subarray(3 * width * y, 3 * width * (y + 1)), 3 * (widthPx * (top + y) + left));
  }
  const halvings = halvingsFor(photo, small);
  const scaleX = covered(photo.width, halvings) / width;
  const scaleY = covered(photo.height, halvings) / height;
  return {
    image: { width: widthPx, height: heightPx, data },
    toPhoto: (x, y) => ({ x: (x - left) * scaleX, y: (y - top) * scaleY }),
    scaleX,
    scaleY,
  };
}

/**
 * Planes of a picture as a network takes them.
 *
 * @param image - RGB u8, [H, W, 3]
 * @param channels - which source channel becomes each plane: [0, 1, 2] is RGB, [2, 1, 0] BGR
 * @param scale - factor on each value
 * @param offset - added after the factor
 * @returns float32, [3, H, W]
 */
export function planes(
  image: RgbImage,
  channels: readonly [number, number, number],
  scale: number,
  offset: number,
): Float32Array {
  const size = image.width * image.height;
  const out = new Float32Array(3 * size);
  for (const [plane, channel] of channels.entries()) {
    for (let i = 0; i < size; i++) out[plane * size + i] = image.data[3 * i + channel]! * scale + offset;
  }
  return out;
}
