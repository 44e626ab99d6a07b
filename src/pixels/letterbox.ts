// ◇ Browser-safe. Fits a photo into a network's input: resized at its own aspect ratio, the rest black.
// The resample is the house's (antialiased), where MediaPipe samples bilinearly without a filter.

import type { Picture } from "./fast/picture.ts";
import type { Point } from "./geometry.ts";
import { BGR, type PlaneShape } from "./planes.ts";
import { halvingsFor } from "./reduce.ts";

interface Size {
  readonly width: number;
  readonly height: number;
}

/** Size of a photo that is resized to fit, at its own aspect ratio. */
function fitOf(photo: Size, widthPx: number, heightPx: number): Size {
  const scale = Math.min(widthPx / photo.width, heightPx / photo.height);
  return {
    width: Math.max(1, Math.min(widthPx, Math.round(photo.width * scale))),
    height: Math.max(1, Math.min(heightPx, Math.round(photo.height * scale))),
  };
}

/**
 * Photo resized to fit, without a border.
 *
 * @returns lent as `photo` is
 * @example withPicture(photo, (picture) => hashOf(fitted(picture, 192, 192)))
 */
export function fitted(photo: Picture, widthPx: number, heightPx: number): Picture {
  const { width, height } = fitOf(photo, widthPx, heightPx);
  return photo.resized(width, height, halvingsFor(photo, { width, height }));
}

/** Pixels of a side that count: what halving leaves out is less than one pixel of what comes out. */
function covered(sidePx: number, halvings: number): number {
  return (sidePx >> halvings) << halvings;
}

/** Where a photo lies in a network's input, and the way back. */
export interface Letterbox {
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
 * Photo resized to fit, on black, as a network takes it.
 *
 * @param shape - size of the network's input and where the photo lies in it
 * @param planes - what the network takes of a pixel
 * @param out - float32, [3, heightPx, widthPx], where it is written
 * @returns the way back to photo pixels
 * @source MediaPipe ImageToTensorCalculator, keep_aspect_ratio with BORDER_ZERO
 * @example letterbox(picture, { widthPx: 192, heightPx: 192, place: "centre" }, shape, values)
 */
export function letterbox(
  photo: Picture,
  { widthPx, heightPx, place }: LetterboxShape,
  { channels, scale, offset }: PlaneShape,
  out: Float32Array,
): Letterbox {
  const image = fitted(photo, widthPx, heightPx);
  const { width, height } = image;
  const left = place === "centre" ? (widthPx - width) >> 1 : 0;
  const top = place === "centre" ? (heightPx - height) >> 1 : 0;
  image.planes({ left, top, widthPx, heightPx, reversed: channels === BGR }, scale, offset, out);
  const halvings = halvingsFor(photo, image);
  const scaleX = covered(photo.width, halvings) / width;
  const scaleY = covered(photo.height, halvings) / height;
  return { toPhoto: (x, y) => ({ x: (x - left) * scaleX, y: (y - top) * scaleY }), scaleX, scaleY };
}

/** A picture that is all of a network's input. */
export function wholePlanes(
  image: Picture,
  { channels, scale, offset }: PlaneShape,
  out: Float32Array,
): void {
  const ground = {
    left: 0,
    top: 0,
    widthPx: image.width,
    heightPx: image.height,
    reversed: channels === BGR,
  };
  image.planes(ground, scale, offset, out);
}
