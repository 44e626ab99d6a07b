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

/** A value of every byte. */
type Table = Uint8Array; // [256]

/** A picture and the change of every byte that is still to be made to it. */
interface Pending {
  readonly image: RgbImage;
  readonly table: Table | undefined;
}

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
  const { image: changed, table } = jitterPending(image, jitter, false);
  return table === undefined ? changed : applyTable(changed, table);
}

/**
 * Mirror and jitter in one pass over the pixels if it can be: what maps each byte alone becomes one table,
 * which saturation looks up as it reads, and whoever is next applies the rest.
 */
function jitterPending(image: RgbImage, jitter: Jitter, flip: boolean): Pending {
  let now = image;
  let table: Table | undefined;
  let mirror = flip;
  for (const name of jitter.order) {
    const factor = jitter[name];
    if (factor === 1) continue;
    if (name === "brightness") table = compose(table, 0, factor);
    else if (name === "contrast") table = compose(table, meanGrey(now, table ?? IDENTITY), factor);
    else {
      now = saturate(now, factor, table ?? IDENTITY, mirror);
      mirror = false;
      table = undefined;
    }
  }
  return { image: mirror ? flipHorizontal(now) : now, table };
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
  const flip = random.next() < policy.flip;
  const order = random.shuffle(ADJUSTMENTS);
  const factor = (width: number) => random.uniform(Math.max(0, 1 - width), 1 + width);
  const brightness = factor(policy.brightness);
  const contrast = factor(policy.contrast);
  const saturation = factor(policy.saturation);
  const jittered = jitterPending(image, { brightness, contrast, saturation, order }, flip);
  return rotate(jittered.image, random.uniform(-policy.degrees, policy.degrees), jittered.table);
}

/** `before`, then a blend with the same level for every pixel. */
function compose(before: Table | undefined, level: number, factor: number): Table {
  const blended = new Uint8ClampedArray(256);
  const alpha = Math.fround(factor);
  for (let value = 0; value < 256; value++) blended[value] = blend(level, value, alpha);
  return before === undefined ? new Uint8Array(blended.buffer) : before.map((value) => blended[value]!);
}

/** Rounded mean of the grey picture that the table makes of this one. */
function meanGrey({ data }: RgbImage, table: Table): number {
  let sum = 0;
  for (let i = 0; i + 2 < data.length; i += 3) {
    sum += grey(table[data[i]!]!, table[data[i + 1]!]!, table[data[i + 2]!]!);
  }
  return Math.trunc(sum / (data.length / 3) + 0.5);
}

/** Saturation of what the table makes of the picture. */
function saturate(image: RgbImage, factor: number, table: Table, mirror: boolean): RgbImage {
  const shifts = shiftsFor(factor);
  if (shifts === undefined) return saturateExactly(image, factor, table, mirror);
  const { width, height, data } = image;
  const out = new Uint8ClampedArray(data.length);
  const step = mirror ? -3 : 3;
  for (let y = 0, from = 0; y < height; y++) {
    const end = from + width * 3;
    for (let to = mirror ? end - 3 : from; from < end; from += 3, to += step) {
      const r = table[data[from]!]!;
      const g = table[data[from + 1]!]!;
      const b = table[data[from + 2]!]!;
      const level = grey(r, g, b);
      const middle = 255 - level;
      out[to] = level + shifts[middle + r]!;
      out[to + 1] = level + shifts[middle + g]!;
      out[to + 2] = level + shifts[middle + b]!;
    }
  }
  return { width, height, data: new Uint8Array(out.buffer) };
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
function saturateExactly(image: RgbImage, factor: number, table: Table, mirror: boolean): RgbImage {
  const { width, height, data } = applyTable(mirror ? flipHorizontal(image) : image, table);
  const out = new Uint8ClampedArray(data.length);
  const alpha = Math.fround(factor);
  for (let i = 0; i < data.length; i += 3) {
    const level = grey(data[i]!, data[i + 1]!, data[i + 2]!);
    for (let k = i; k < i + 3; k++) out[k] = blend(level, data[k]!, alpha);
  }
  return { width, height, data: new Uint8Array(out.buffer) };
}

function applyTable({ width, height, data }: RgbImage, table: Table): RgbImage {
  const out = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i++) out[i] = table[data[i]!]!;
  return { width, height, data: out };
}

/** Pillow's float32 arithmetic; truncated here, clipped by the clamped array it is stored in. */
function blend(from: number, to: number, alpha: number): number {
  return Math.trunc(Math.fround(from + Math.fround(alpha * (to - from))));
}

/** ITU-R 601 luma as Pillow's convert("L") rounds it. */
function grey(r: number, g: number, b: number): number {
  return (Math.imul(r, 19595) + Math.imul(g, 38470) + Math.imul(b, 7471) + 0x8000) >> 16;
}
