// ◇ Browser-safe. Brightness, contrast and saturation, and the random augmentation of training.
// Source: Pillow's ImageEnhance and Blend.c (float32 blend, truncated), L conversion in 16-bit fixed point, as
// torchvision's ColorJitter and RandomRotation use them on PIL images. Invariant: same factors, same bytes.
import type { Random } from "../core/random.ts";
import { flipHorizontal, type PackedImage, pack, packedScratch, type RgbImage, unpack } from "./pixels.ts";
import { rotatePacked } from "./rotate.ts";

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

/** A value of every byte. */
type Table = Uint8Array; // [256]

const IDENTITY: Table = Uint8Array.from({ length: 256 }, (_, value) => value);

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
 * @returns RGB u8 of the same size
 * @source torchvision.transforms.ColorJitter on PIL images
 * @example colorJitter(image, { brightness: 1.1, contrast: 1, saturation: 0.95, order: ADJUSTMENTS })
 */
export function colorJitter(image: RgbImage, jitter: Jitter): RgbImage {
  return unpack(jitterPacked(image, jitter, false));
}

/**
 * Mirror and jitter in few passes over the pixels: what maps each byte alone becomes one table, looked up by
 * the next pass that reads them all.
 */
function jitterPacked(image: RgbImage, jitter: Jitter, mirror: boolean): PackedImage {
  let saturated: PackedImage | undefined;
  let table = IDENTITY;
  for (const name of jitter.order) {
    const factor = jitter[name];
    if (factor === 1) continue;
    if (name === "brightness") table = compose(table, 0, factor);
    else if (name === "contrast") {
      const level = saturated === undefined ? meanGrey(image, table) : meanGreyPacked(saturated, table);
      table = compose(table, level, factor);
    } else {
      saturated = saturate(image, factor, table, mirror);
      table = IDENTITY;
    }
  }
  if (saturated === undefined) return pack(applyTable(mirror ? flipHorizontal(image) : image, table));
  if (table !== IDENTITY) applyTablePacked(saturated.data, table);
  return saturated;
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
  return unpack(augmentPacked(image, drawAugmentation(random, policy)));
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

/** `augment` with what was drawn, for `resizePacked` to go on with; the pixels last until the next call. */
export function augmentPacked(image: RgbImage, { mirror, jitter, degrees }: Augmentation): PackedImage {
  return rotatePacked(jitterPacked(image, jitter, mirror), degrees);
}

/** `before`, then a blend with the same level for every pixel. */
function compose(before: Table, level: number, factor: number): Table {
  const blended = new Uint8ClampedArray(256);
  const alpha = Math.fround(factor);
  for (let value = 0; value < 256; value++) blended[value] = blend(level, value, alpha);
  return before.map((value) => blended[value]!);
}

/** Rounded mean of the grey picture that the table makes of this one. */
function meanGrey({ data }: RgbImage, table: Table): number {
  let sum = 0;
  for (let i = 0; i + 2 < data.length; i += 3) {
    sum += grey(table[data[i]!]!, table[data[i + 1]!]!, table[data[i + 2]!]!);
  }
  return meanOf(sum, data.length / 3);
}

function meanGreyPacked({ data }: PackedImage, table: Table): number {
  let sum = 0;
  for (let i = 0; i < data.length; i++) {
    const pixel = data[i]! | 0;
    sum += grey(table[pixel & 255]!, table[(pixel >> 8) & 255]!, table[pixel >> 16]!);
  }
  return meanOf(sum, data.length);
}

/** A mean as Pillow rounds it. */
export function meanOf(sum: number, count: number): number {
  return Math.trunc(sum / count + 0.5);
}

/** Saturation of what the table makes of the picture. */
function saturate(image: RgbImage, factor: number, table: Table, mirror: boolean): PackedImage {
  const shifts = shiftsFor(factor);
  if (shifts === undefined) return saturateExactly(image, factor, table, mirror);
  const { width, height, data } = image;
  const out = packedScratch(0, width * height);
  const step = mirror ? -1 : 1;
  for (let y = 0, from = 0; y < height; y++) {
    let to = mirror ? (y + 1) * width - 1 : y * width;
    for (const end = from + width * 3; from < end; from += 3, to += step) {
      const r = table[data[from]!]!;
      const g = table[data[from + 1]!]!;
      const b = table[data[from + 2]!]!;
      const level = grey(r, g, b);
      const middle = 255 - level;
      const red = clip(level + shifts[middle + r]!);
      const green = clip(level + shifts[middle + g]!);
      out[to] = red | (green << 8) | (clip(level + shifts[middle + b]!) << 16);
    }
  }
  return { width, height, data: out };
}

function clip(value: number): number {
  return Math.max(0, Math.min(255, value));
}

/**
 * By how much `blend` moves a level for each difference -255..255 of a value from it.
 * Undefined if the sum may round up to a whole number in float32, as then it depends on the level too.
 */
function shiftsFor(factor: number): Int32Array | undefined {
  const shifts = new Int32Array(511);
  const alpha = Math.fround(factor);
  for (let difference = -255; difference <= 255; difference++) {
    const exact = Math.fround(alpha * difference);
    const whole = Math.floor(exact); // truncation differs below zero only, which is clipped
    if (exact - whole > 1 - 2 ** -16) return undefined; // half a float32 step below 512
    shifts[difference + 255] = whole;
  }
  return shifts;
}

/** The few factors that `shiftsFor` refuses. */
function saturateExactly(image: RgbImage, factor: number, table: Table, mirror: boolean): PackedImage {
  const { width, height, data } = applyTable(mirror ? flipHorizontal(image) : image, table);
  const out = new Uint8ClampedArray(data.length);
  const alpha = Math.fround(factor);
  for (let i = 0; i < data.length; i += 3) {
    const level = grey(data[i]!, data[i + 1]!, data[i + 2]!);
    for (let k = i; k < i + 3; k++) out[k] = blend(level, data[k]!, alpha);
  }
  return pack({ width, height, data: new Uint8Array(out.buffer) });
}

function applyTable({ width, height, data }: RgbImage, table: Table): RgbImage {
  const out = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i++) out[i] = table[data[i]!]!;
  return { width, height, data: out };
}

function applyTablePacked(data: Uint32Array, table: Table): void {
  for (let i = 0; i < data.length; i++) {
    const pixel = data[i]! | 0;
    data[i] = table[pixel & 255]! | (table[(pixel >> 8) & 255]! << 8) | (table[pixel >> 16]! << 16);
  }
}

/** Pillow's float32 arithmetic; truncated here, clipped by the clamped array it is stored in. */
function blend(from: number, to: number, alpha: number): number {
  return Math.trunc(Math.fround(from + Math.fround(alpha * (to - from))));
}

/** ITU-R 601 luma as Pillow's convert("L") rounds it. */
function grey(r: number, g: number, b: number): number {
  return (Math.imul(r, 19595) + Math.imul(g, 38470) + Math.imul(b, 7471) + 0x8000) >> 16;
}
