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
  return colorJitter(image, { ...UNCHANGED, brightness: factor });
}

/**
 * Blend towards the rounded mean of the grey picture: 0 is flat grey, 1 the image.
 * @source PIL.ImageEnhance.Contrast
 */
export function adjustContrast(image: RgbImage, factor: number): RgbImage {
  return colorJitter(image, { ...UNCHANGED, contrast: factor });
}

/**
 * Blend each pixel towards its grey value: 0 is grey, 1 the image, above 1 more colourful.
 * @source PIL.ImageEnhance.Color
 */
export function adjustSaturation(image: RgbImage, factor: number): RgbImage {
  return colorJitter(image, { ...UNCHANGED, saturation: factor });
}

const UNCHANGED: Jitter = { brightness: 1, contrast: 1, saturation: 1, order: ADJUSTMENTS };

/**
 * Brightness, contrast and saturation in the given order.
 *
 * @param image - RGB u8
 * @param jitter - factors >= 0 and the order of the three
 * @returns RGB u8 of the same size; `image` itself if all factors are 1
 * @source torchvision.transforms.ColorJitter on PIL images
 * @example colorJitter(image, { brightness: 1.1, contrast: 1, saturation: 0.95, order: ADJUSTMENTS })
 */
export function colorJitter(image: RgbImage, jitter: Jitter): RgbImage {
  let out = image;
  for (const name of jitter.order) {
    const factor = jitter[name];
    if (factor === 1) continue;
    if (name === "saturation") out = saturate(out, factor);
    else out = blendWith(out, name === "brightness" ? 0 : meanGrey(out), factor);
  }
  return out;
}

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
  return augmentAs(image, drawAugmentation(random, policy));
}

/** What one image goes through in one epoch. */
export interface Augmentation {
  readonly mirror: boolean;
  readonly jitter: Jitter;
  /** Counter-clockwise. */
  readonly degrees: number;
}

/** The random numbers of `augment`, in its order. */
export function drawAugmentation(random: Random, policy: AugmentPolicy): Augmentation {
  const mirror = random.next() < policy.flip;
  const order = random.shuffle(ADJUSTMENTS);
  const factor = (width: number) => random.uniform(Math.max(0, 1 - width), 1 + width);
  const brightness = factor(policy.brightness);
  const contrast = factor(policy.contrast);
  const saturation = factor(policy.saturation);
  const degrees = random.uniform(-policy.degrees, policy.degrees);
  return { mirror, jitter: { brightness, contrast, saturation, order }, degrees };
}

/** `augment` with what was drawn. */
export function augmentAs(image: RgbImage, { mirror, jitter, degrees }: Augmentation): RgbImage {
  return rotate(colorJitter(mirror ? flipHorizontal(image) : image, jitter), degrees);
}

/** A blend of every byte with the same level, by a table of all bytes. */
function blendWith({ width, height, data }: RgbImage, level: number, factor: number): RgbImage {
  const table = new Uint8ClampedArray(256);
  const alpha = Math.fround(factor);
  for (let value = 0; value < 256; value++) table[value] = blend(level, value, alpha);
  const out = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i++) out[i] = table[data[i]!]!;
  return { width, height, data: out };
}

/** Rounded mean of the grey picture. */
function meanGrey({ data }: RgbImage): number {
  let sum = 0;
  for (let i = 0; i < data.length; i += 3) sum += grey(data[i]!, data[i + 1]!, data[i + 2]!);
  return meanOf(sum, data.length / 3);
}

/** A mean as Pillow rounds it. */
export function meanOf(sum: number, count: number): number {
  return Math.trunc(sum / count + 0.5);
}

/** A blend of each pixel with its grey value. */
function saturate({ width, height, data }: RgbImage, factor: number): RgbImage {
  const out = new Uint8ClampedArray(data.length);
  const alpha = Math.fround(factor);
  for (let i = 0; i < data.length; i += 3) {
    const level = grey(data[i]!, data[i + 1]!, data[i + 2]!);
    for (let k = i; k < i + 3; k++) out[k] = blend(level, data[k]!, alpha);
  }
  return { width, height, data: new Uint8Array(out.buffer) };
}

/** Pillow's float32 arithmetic; truncated here, clipped by the clamped array it is stored in. */
export function blend(from: number, to: number, alpha: number): number {
  return Math.trunc(Math.fround(from + Math.fround(alpha * (to - from))));
}

/** ITU-R 601 luma as Pillow's convert("L") rounds it. */
function grey(r: number, g: number, b: number): number {
  return (Math.imul(r, 19595) + Math.imul(g, 38470) + Math.imul(b, 7471) + 0x8000) >> 16;
}
