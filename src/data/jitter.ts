// ◇ Browser-safe. Brightness, contrast and saturation, and the random augmentation of training.
// Source: Pillow's ImageEnhance and Blend.c (float32 blend, truncated), L conversion in 16-bit fixed point, as
// torchvision's ColorJitter and RandomRotation use them on PIL images. Invariant: same factors, same bytes.
import type { Random } from "../core/random.ts";
import { flipHorizontal, type RgbImage } from "./pixels.ts";
import { rotate } from "./rotate.ts";

export const ADJUSTMENTS = ["brightness", "contrast", "saturation"] as const;
export type Adjustment = (typeof ADJUSTMENTS)[number];

/** One factor each (1 leaves the image as it is), applied in `order`. */
export interface Jitter extends Readonly<Record<Adjustment, number>> {
  readonly order: readonly Adjustment[];
}

/** Half-widths of the random changes; all 0 draws nothing but the parameters. */
export interface AugmentPolicy extends Readonly<Record<Adjustment, number>> {
  /** Probability of a mirror image. */
  readonly flip: number;
  /** Largest rotation to either side, degrees. */
  readonly degrees: number;
}

/** Upstream's full augmentation (tag `Af`). */
export const FULL_AUGMENT: AugmentPolicy = {
  flip: 0.5,
  brightness: 0.1,
  contrast: 0.1,
  saturation: 0.05,
  degrees: 10,
};

/**
 * Blend towards black: 0 is black, 1 the image, above 1 brighter.
 * @source PIL.ImageEnhance.Brightness
 */
export function adjustBrightness(image: RgbImage, factor: number): RgbImage {
  return adjustFlat(image, 0, factor);
}

/**
 * Blend towards the rounded mean of the grey picture: 0 is flat grey, 1 the image.
 * @source PIL.ImageEnhance.Contrast
 */
export function adjustContrast(image: RgbImage, factor: number): RgbImage {
  const { data } = image;
  let sum = 0;
  for (let i = 0; i < data.length; i += 3) sum += grey(data, i);
  return adjustFlat(image, Math.trunc(sum / (data.length / 3) + 0.5), factor);
}

/**
 * Blend each pixel towards its grey value: 0 is grey, 1 the image, above 1 more colourful.
 * @source PIL.ImageEnhance.Color
 */
export function adjustSaturation(image: RgbImage, factor: number): RgbImage {
  if (factor === 1) return image;
  const { data } = image;
  const out = new Uint8ClampedArray(data.length);
  const alpha = Math.fround(factor);
  for (let i = 0; i < data.length; i += 3) {
    const level = grey(data, i);
    out[i] = blend(level, data[i]!, alpha);
    out[i + 1] = blend(level, data[i + 1]!, alpha);
    out[i + 2] = blend(level, data[i + 2]!, alpha);
  }
  return { ...image, data: bytes(out) };
}

/**
 * Brightness, contrast and saturation in the given order.
 *
 * @param image - RGB u8
 * @param jitter - factors >= 0 and the order of the three
 * @returns RGB u8 of the same size
 * @source torchvision.transforms.ColorJitter on PIL images
 * @example colorJitter(image, { brightness: 1.1, contrast: 1, saturation: 0.95, order: ADJUSTMENTS })
 */
export function colorJitter(image: RgbImage, jitter: Jitter): RgbImage {
  return jitter.order.reduce((now, name) => ADJUST[name](now, jitter[name]), image);
}

const ADJUST: { readonly [K in Adjustment]: (image: RgbImage, factor: number) => RgbImage } = {
  brightness: adjustBrightness,
  contrast: adjustContrast,
  saturation: adjustSaturation,
};

/**
 * Random mirror, colour jitter in random order, rotation; in upstream's order, before any resize.
 * The stream is used for nothing else: the same stream and policy give the same bytes.
 *
 * @param image - RGB u8
 * @param random - stream of this image in this epoch
 * @param policy - how much of each
 * @returns RGB u8 of the same size
 * @source upstream's RandomHorizontalFlip, ColorJitter, RandomRotation (then Resize)
 * @example augment(image, Random.of(seed).split("augment", epoch, sample.id), FULL_AUGMENT)
 */
export function augment(image: RgbImage, random: Random, policy: AugmentPolicy): RgbImage {
  const flipped = random.next() < policy.flip ? flipHorizontal(image) : image;
  const order = random.shuffle(ADJUSTMENTS);
  const factor = (width: number) => random.uniform(Math.max(0, 1 - width), 1 + width);
  const brightness = factor(policy.brightness);
  const contrast = factor(policy.contrast);
  const saturation = factor(policy.saturation);
  const jittered = colorJitter(flipped, { brightness, contrast, saturation, order });
  return rotate(jittered, random.uniform(-policy.degrees, policy.degrees));
}

/** One table serves every pixel, because all are blended with the same level. */
function adjustFlat(image: RgbImage, level: number, factor: number): RgbImage {
  if (factor === 1) return image;
  const table = new Uint8ClampedArray(256);
  const alpha = Math.fround(factor);
  for (let value = 0; value < 256; value++) table[value] = blend(level, value, alpha);
  const { data } = image;
  const out = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i++) out[i] = table[data[i]!]!;
  return { ...image, data: out };
}

/** Pillow's float32 arithmetic; truncated here, clipped by the clamped array it is stored in. */
function blend(from: number, to: number, alpha: number): number {
  return Math.trunc(Math.fround(from + Math.fround(alpha * (to - from))));
}

/** ITU-R 601 luma as Pillow's convert("L") rounds it. */
function grey(data: RgbImage["data"], at: number): number {
  return (data[at]! * 19595 + data[at + 1]! * 38470 + data[at + 2]! * 7471 + 0x8000) >> 16;
}

function bytes(clamped: Uint8ClampedArray): Uint8Array {
  return new Uint8Array(clamped.buffer);
}
