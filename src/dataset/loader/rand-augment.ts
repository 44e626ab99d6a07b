// ◇ Browser-safe. RandAugment: some random operations on each picture at the model's size, all by one magnitude.
// Source: E. Cubuk et al., "RandAugment" (arXiv 1909.13719), as timm's rand_augment_transform has it on Pillow's pictures: its words,
// its 15 operations with and without `inc`, its levels. Invariant: the bytes of Pillow, with bilinear sampling. Ours differs in its
// random numbers, has none of timm's named sets (`t`), and a picture of no bits is black, as in earlier versions of Pillow: new ones refuse it.
import { unexpected } from "../../core/errors.ts";
import type { Random } from "../../core/random.ts";
import { adjustBrightness, adjustContrast, adjustSaturation, blend } from "../../pixels/jitter.ts";
import type { RgbImage } from "../../pixels/pixels.ts";
import { type Matrix, rotation } from "../../pixels/rotate.ts";

/** What a picture goes through. */
export interface RandPolicy {
  /** 0 to `most`: how strong operations are. */
  readonly magnitude: number;
  /** Standard deviation of a magnitude; Infinity for uniform ones from 0 to `magnitude`. */
  readonly std: number;
  /** Bound of a magnitude that was drawn. */
  readonly most: number;
  /** Operations that are chosen for a picture, with repetition. */
  readonly layers: number;
  /** Probability that a chosen one is applied. */
  readonly probability: number;
  /** All operations are stronger where the magnitude is larger. */
  readonly increasing: boolean;
  /** RGB u8 of what comes from outside a picture. */
  readonly fill: readonly [number, number, number];
}

/** An operation with what it is given. */
export interface RandOp {
  readonly name: (typeof RAND_OPS)[number];
  /** As timm gives it: a factor, degrees, bits, a threshold, a share of the side; 0 where nothing is asked for. */
  readonly value: number;
}

/** Timm's set, without what `inc` adds to their names. */
export const RAND_OPS = [
  ...["AutoContrast", "Equalize", "Invert", "Rotate", "Posterize", "Solarize", "SolarizeAdd", "Color"],
  ...["Contrast", "Brightness", "Sharpness", "ShearX", "ShearY", "TranslateXRel", "TranslateYRel"],
] as const;

/** Magnitudes count in tenths of an operation's range. */
const TENTHS = 10;
/** From this standard deviation on, magnitudes are uniform. */
const UNIFORM = 100;

const WORDS = /^(m|n|p|mstd|mmax|inc)(\d+(?:\.\d+)?)$/;
const WHOLE: readonly string[] = ["m", "n", "mmax", "inc"];

/**
 * Timm's words for RandAugment.
 *
 * @param text - e.g. `rand-m9-mstd0.5-inc1`: magnitude 9, deviation .5, increasing; 2 operations (`n`), each with probability .5 (`p`)
 * @param mean - of the model's pixels, 0 to 1: what comes from outside a picture
 * @throws AppError("input", "CONFIG") for words that it does not have
 */
export function parseRandAugment(text: string, mean: readonly [number, number, number]): RandPolicy {
  const refuse = (expected: string, got: string) =>
    unexpected("input", { code: "CONFIG", expected, name: "--aa", got });
  const [kind, ...words] = text.split("-");
  if (kind !== "rand") throw refuse("timm's RandAugment, as rand-m9-mstd0.5-inc1,", text);
  const values = new Map<string, number>();
  for (const word of words) {
    const [, key = "", value = ""] = WORDS.exec(word) ?? [];
    if (key === "" || values.has(key) || (WHOLE.includes(key) && !/^\d+$/.test(value)))
      throw refuse(
        "m, n, mmax and inc with whole numbers, p and mstd with numbers, each once,",
        `${word} in ${text}`,
      );
    values.set(key, Number(value));
  }
  const { m = 10, n = 2, p = 0.5, mstd = 0, mmax = TENTHS, inc = 0 } = Object.fromEntries(values);
  if (m > mmax || n < 1 || n > 16 || p > 1 || mmax < 1 || mmax > 30 || inc > 1)
    throw refuse("m up to mmax (10 if left out, at most 30), n from 1 to 16, p up to 1, inc 0 or 1,", text);
  return {
    ...{ magnitude: m, std: mstd > UNIFORM ? Number.POSITIVE_INFINITY : mstd, most: mmax },
    ...{ layers: n, probability: p, increasing: inc === 1 },
    fill: mean.map((value) => Math.min(255, Math.round(255 * value))) as [number, number, number],
  };
}

/** The operations of one picture in one epoch, in order. */
export function drawRandOps(random: Random, policy: RandPolicy): RandOp[] {
  const ops: RandOp[] = [];
  for (let layer = 0; layer < policy.layers; layer++) {
    const name = random.pick(RAND_OPS);
    if (random.next() >= policy.probability) continue;
    const { magnitude, std, most, increasing } = policy;
    const drawn =
      std === Number.POSITIVE_INFINITY
        ? random.uniform(0, magnitude)
        : std > 0
          ? magnitude + std * random.normal()
          : magnitude;
    const level = Math.max(0, Math.min(drawn, most));
    ops.push({ name, value: valueAt(name, level, increasing, random.next() < 0.5 ? -1 : 1) });
  }
  return ops;
}

/**
 * What an operation is given at a level.
 *
 * @param level - 0 to 10 by default
 * @param sign - of those that go both ways
 */
export function valueAt(name: RandOp["name"], level: number, increasing: boolean, sign: 1 | -1): number {
  const share = level / TENTHS;
  switch (name) {
    case "Rotate":
      return sign * share * 30;
    case "Posterize":
      return increasing ? 4 - Math.trunc(share * 4) : Math.trunc(share * 4);
    case "Solarize": {
      const least = Math.min(256, Math.trunc(share * 256));
      return increasing ? 256 - least : least;
    }
    case "SolarizeAdd":
      return Math.min(128, Math.trunc(share * 110));
    case "Color":
    case "Contrast":
    case "Brightness":
    case "Sharpness":
      return increasing ? Math.max(0.1, 1 + sign * share * 0.9) : share * 1.8 + 0.1;
    case "ShearX":
    case "ShearY":
      return sign * share * 0.3;
    case "TranslateXRel":
    case "TranslateYRel":
      return sign * share * 0.45;
    default:
      return 0;
  }
}

/**
 * A picture after an operation.
 *
 * @param image - RGB u8, square
 * @param fill - RGB u8 of what comes from outside it
 */
export function applyRandOp(image: RgbImage, { name, value }: RandOp, fill: RandPolicy["fill"]): RgbImage {
  const { width, height } = image;
  switch (name) {
    case "AutoContrast":
      return byTables(image, stretched);
    case "Equalize":
      return byTables(image, equalized);
    case "Invert":
      return byTables(image, () => (level) => 255 - level);
    case "Posterize":
      return byTables(image, () => (level) => (value >= 8 ? level : level & ~(2 ** (8 - value) - 1)));
    case "Solarize":
      return byTables(image, () => (level) => (level < value ? level : 255 - level));
    case "SolarizeAdd":
      return byTables(image, () => (level) => (level < 128 ? level + value : level));
    case "Color":
      return adjustSaturation(image, value);
    case "Contrast":
      return adjustContrast(image, value);
    case "Brightness":
      return adjustBrightness(image, value);
    case "Sharpness":
      return blended(smoothed(image), image, value);
    case "Rotate":
      return sampled(image, rotation(width, height, ((value % 360) + 360) % 360), fill);
    case "ShearX":
      return sampled(image, [1, value, 0, 0, 1, 0], fill);
    case "ShearY":
      return sampled(image, [1, 0, 0, value, 1, 0], fill);
    case "TranslateXRel":
      return sampled(image, [1, 0, value * width, 0, 1, 0], fill);
    case "TranslateYRel":
      return sampled(image, [1, 0, 0, 0, 1, value * height], fill);
  }
}

/** What becomes of a channel's levels, by how often it has each. */
type Levels = (counts: Uint32Array) => (level: number) => number;

function byTables({ width, height, data }: RgbImage, levels: Levels): RgbImage {
  const out = new Uint8Array(data.length);
  for (let channel = 0; channel < 3; channel++) {
    const counts = new Uint32Array(256);
    for (let i = channel; i < data.length; i += 3) counts[data[i]!]! += 1;
    const table = Uint8ClampedArray.from({ length: 256 }, (_, level) => level);
    const map = levels(counts);
    for (let level = 0; level < 256; level++) table[level] = map(level);
    for (let i = channel; i < data.length; i += 3) out[i] = table[data[i]!]!;
  }
  return { width, height, data: out };
}

const same = (level: number) => level;

/** From the least level to the greatest over the whole range (ImageOps.autocontrast). */
const stretched: Levels = (counts) => {
  const least = counts.findIndex((count) => count > 0);
  const most = counts.findLastIndex((count) => count > 0);
  if (most <= least) return same;
  const scale = 255 / (most - least);
  return (level) => Math.trunc(level * scale - least * scale);
};

/** Levels equally often (ImageOps.equalize). */
const equalized: Levels = (counts) => {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const step = Math.floor((total - (counts.findLast((count) => count > 0) ?? 0)) / 255);
  if (step === 0) return same;
  const before = new Float64Array(256);
  for (let level = 1; level < 256; level++) before[level] = before[level - 1]! + counts[level - 1]!;
  return (level) => Math.floor((Math.floor(step / 2) + before[level]!) / step);
};

/** ImageFilter.SMOOTH: 3 x 3, the middle five times; the border as it is. */
function smoothed({ width, height, data }: RgbImage): RgbImage {
  const out = Uint8Array.from(data);
  const row = width * 3;
  for (let y = 1; y < height - 1; y++) {
    for (let i = y * row + 3; i < (y + 1) * row - 3; i++) {
      let sum = 4 * data[i]!;
      for (let k = i - row; k <= i + row; k += row) sum += data[k - 3]! + data[k]! + data[k + 3]!;
      out[i] = Math.floor(sum / 13 + 0.5);
    }
  }
  return { width, height, data: out };
}

/** Image.blend: 0 is the first, 1 the second. */
function blended(from: RgbImage, to: RgbImage, factor: number): RgbImage {
  const out = new Uint8ClampedArray(from.data.length);
  const alpha = Math.fround(factor);
  for (let i = 0; i < out.length; i++) out[i] = blend(from.data[i]!, to.data[i]!, alpha);
  return { width: from.width, height: from.height, data: new Uint8Array(out.buffer) };
}

/** Image.transform by an affine map from output to input, bilinear in doubles, truncated (Geometry.c). */
function sampled({ width, height, data }: RgbImage, matrix: Matrix, fill: RandPolicy["fill"]): RgbImage {
  const [a, b, c, d, e, f] = matrix;
  const out = new Uint8Array(data.length);
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < width; x++, to += 3) {
      const fromX = a * (x + 0.5) + b * (y + 0.5) + c;
      const fromY = d * (x + 0.5) + e * (y + 0.5) + f;
      if (fromX < 0 || fromX >= width || fromY < 0 || fromY >= height) {
        out.set(fill, to);
        continue;
      }
      const [left, top] = [Math.floor(fromX - 0.5), Math.floor(fromY - 0.5)];
      const [partX, partY] = [fromX - 0.5 - left, fromY - 0.5 - top];
      const [x0, x1] = [Math.max(left, 0) * 3, Math.min(left + 1, width - 1) * 3];
      const upper = Math.max(top, 0) * width * 3;
      const lower = Math.min(top + 1, height - 1) * width * 3;
      for (let k = 0; k < 3; k++) {
        const above = between(data[upper + x0 + k]!, data[upper + x1 + k]!, partX);
        const below = between(data[lower + x0 + k]!, data[lower + x1 + k]!, partX);
        out[to + k] = Math.trunc(between(above, below, partY));
      }
    }
  }
  return { width, height, data: out };
}

const between = (a: number, b: number, share: number): number => a + (b - a) * share;
