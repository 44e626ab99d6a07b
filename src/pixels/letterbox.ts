// Fits a photo into a network's input: resized with its aspect ratio kept, the rest black.
// The resample is the house's (antialiased), where MediaPipe samples bilinearly without a filter.

import { floatsQuick, isLent, shrinkQuick } from "./fast/resize.ts";
import type { Point } from "./geometry.ts";
import type { RgbImage } from "./pixels.ts";
import { halvingsFor } from "./reduce.ts";

/** The photo of `withPhoto` that was shrunk last: the detector and the perceptual hash of a frame look at the same picture. */
let kept: { readonly photo: RgbImage; readonly small: RgbImage } | undefined;

/** Size of a photo that is resized to fit, its aspect ratio kept. */
function fitOf(photo: RgbImage, widthPx: number, heightPx: number): { width: number; height: number } {
  const scale = Math.min(widthPx / photo.width, heightPx / photo.height);
  return {
    width: Math.max(1, Math.min(widthPx, Math.round(photo.width * scale))),
    height: Math.max(1, Math.min(heightPx, Math.round(photo.height * scale))),
  };
}

/**
 * Photo resized to fit, without a border. Of a photo of `withPhoto`, which nobody can write to, the same picture is given
 * again without work; it lasts as long as the photo.
 *
 * @param photo - RGB u8
 * @returns RGB u8, not to be written to
 * @example fitted(photo, 192, 192)
 */
export function fitted(photo: RgbImage, widthPx: number, heightPx: number): RgbImage {
  const { width, height } = fitOf(photo, widthPx, heightPx);
  if (kept?.photo === photo && kept.small.width === width && kept.small.height === height) return kept.small;
  const small = shrinkQuick(photo, width, height, halvingsFor(photo, { width, height }));
  kept = isLent(photo) ? { photo, small } : undefined;
  return small;
}

/** Pixels of a side that count: what halving leaves out is less than one pixel of what comes out. */
function covered(sidePx: number, halvings: number): number {
  return (sidePx >> halvings) << halvings;
}

/** A picture on a black ground. */
export interface Placed {
  /** RGB u8. */
  readonly image: RgbImage;
  /** Where it lies, px of the ground. */
  readonly left: number;
  readonly top: number;
  /** Size of the ground. */
  readonly widthPx: number;
  readonly heightPx: number;
}

export interface Letterbox extends Placed {
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
 * @returns where it lies in the input and the way back to photo pixels
 * @source MediaPipe ImageToTensorCalculator, keep_aspect_ratio with BORDER_ZERO
 * @example letterbox(photo, { widthPx: 192, heightPx: 192, place: "centre" })
 */
export function letterbox(photo: RgbImage, shape: LetterboxShape): Letterbox {
  const { widthPx, heightPx, place } = shape;
  const image = fitted(photo, widthPx, heightPx);
  const { width, height } = image;
  const left = place === "centre" ? (widthPx - width) >> 1 : 0;
  const top = place === "centre" ? (heightPx - height) >> 1 : 0;
  const halvings = halvingsFor(photo, image);
  const scaleX = covered(photo.width, halvings) / width;
  const scaleY = covered(photo.height, halvings) / height;
  return {
    ...{ image, left, top, widthPx, heightPx },
    toPhoto: (x, y) => ({ x: (x - left) * scaleX, y: (y - top) * scaleY }),
    scaleX,
    scaleY,
  };
}

/** A picture that is all of a network's input. */
export function whole(image: RgbImage): Placed {
  return { image, left: 0, top: 0, widthPx: image.width, heightPx: image.height };
}

export const RGB = [0, 1, 2] as const;
export const BGR = [2, 1, 0] as const;

/** What a network takes of a picture. */
export interface PlaneShape {
  /** Which source channel becomes each plane. */
  readonly channels: typeof RGB | typeof BGR;
  /** Factor on each value. */
  readonly scale: number;
  /** Added after the factor. */
  readonly offset: number;
}

/**
 * Planes of a picture and its ground as a network takes them.
 *
 * @param out - float32, [3, heightPx, widthPx], where they are written; new if left out
 * @returns `out`
 * @example planes(whole(image), { channels: RGB, scale: 1 / 255, offset: 0 })
 */
export function planes(
  placed: Placed,
  shape: PlaneShape,
  out: Float32Array = new Float32Array(3 * placed.widthPx * placed.heightPx),
): Float32Array {
  const { channels, scale, offset } = shape;
  const ground = { ...placed, reversed: channels === BGR };
  return floatsQuick(placed.image, ground, scale, offset, out) ? out : planesPlain(placed, shape, out);
}

/** The plain code of `planes`, with its bits. */
export function planesPlain(
  { image, left, top, widthPx, heightPx }: Placed,
  { channels: [a, b, c], scale, offset }: PlaneShape,
  out: Float32Array,
): Float32Array {
  const { data, width, height } = image;
  const size = widthPx * heightPx;
  out.fill(offset);
  for (let y = 0, from = 0; y < height; y++) {
    const row = (top + y) * widthPx + left;
    for (let i = row; i < row + width; i++, from += 3) {
      out[i] = data[from + a]! * scale + offset;
      out[size + i] = data[from + b]! * scale + offset;
      out[2 * size + i] = data[from + c]! * scale + offset;
    }
  }
  return out;
}
