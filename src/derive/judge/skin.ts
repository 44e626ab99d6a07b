// Skin tone measured from pixels: the individual typology angle of a face chip or of a hand, and its class.
// Source: Chardon et al. 1991 (ITA = atan((L* - 50) / b*)); usual cuts 55, 41, 28, 10, -30 degrees; CIELAB of sRGB under
// D65 (IEC 61966-2-1). It depends on light and camera: it audits the recorded class and does not replace it.

import { FACE_PADDING } from "../../find/crops.ts";
import { Scratch } from "../../pixels/fast/scratch.ts";
import type { Point } from "../../pixels/geometry.ts";
import type { RgbImage } from "../../pixels/pixels.ts";
import { type Ranked, valueAtRank } from "../../pixels/rank.ts";

/** From light to dark, with the lowest angle of each, degrees. */
export const SKIN_TONES = [
  ["very light", 55],
  ["light", 41],
  ["intermediate", 28],
  ["tan", 10],
  ["brown", -30],
  ["dark", -90],
] as const;
export type SkinTone = (typeof SKIN_TONES)[number][0];

/** The class of an angle: above 55 degrees very light, down to -30 and below, dark. */
export function skinTone(itaDegrees: number): SkinTone {
  return (SKIN_TONES.find(([, low]) => itaDegrees > low) ?? SKIN_TONES.at(-1)!)[0];
}

/** Part of a picture by its edges, shares of the picture's sides. */
interface Patch {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** Where skin lies in dlib's unpadded chip: both cheeks and the bridge of the nose; x, y, width, height. */
const PATCHES = [
  [0.16, 0.42, 0.18, 0.2],
  [0.66, 0.42, 0.18, 0.2],
  [0.43, 0.3, 0.14, 0.2],
] as const;
/** Of a hand that only a box is known of: the middle. */
const MIDDLE: Patch = { left: 0.3, top: 0.3, right: 0.7, bottom: 0.7 };
/** Wrist and knuckles: what the palm, or the back of the hand, lies between. */
const PALM = [0, 5, 9, 13, 17] as const;
/** Of the distance between the outer knuckles: half the side of the patch between them and the wrist. */
const PALM_HALF = 0.3;
/** Skin of any tone is redder than it is blue or green: chroma bands that no tone of the house's tests leaves. */
const MASK = { cbLow: 77, cbHigh: 135, crLow: 131, crHigh: 185 } as const;
/** Glints and shadows: of the masked pixels the darkest and lightest quarter does not count. */
const TRIM = 0.25;
/** Fewer masked pixels than this share of the patches: not measured. */
const MIN_SHARE = 0.3;
/** L* below which a camera records hardly any colour. */
const MIN_L = 5;

/**
 * The individual typology angle of a face.
 *
 * @param chip - aligned face chip, padding 0.25, RGB u8
 * @param scratch - memory for values; new if left out
 * @returns degrees, or undefined where too little has the colours of skin (masks, coloured light, darkness)
 * @example skinAngle(faceChip(image, landmarks, 300, 0.25))
 */
export function skinAngle(chip: RgbImage, scratch = new Scratch()): number | undefined {
  return angleIn(chip, PATCHES.map(toChip), scratch);
}

/**
 * The individual typology angle of a hand, palm or back: between wrist and knuckles, or in the middle of what only a box is known of.
 *
 * @param crop - of the hand, RGB u8
 * @param points - its 21 landmarks, shares of the crop's sides
 * @returns degrees, or undefined as `skinAngle`; not to be compared with a face's: palms may be lighter, and hands stand in other light
 * @example handSkinAngle(crop, points)
 */
export function handSkinAngle(
  crop: RgbImage,
  points: readonly Point<"rel">[] | undefined,
  scratch = new Scratch(),
): number | undefined {
  return angleIn(crop, [points === undefined ? MIDDLE : palmOf(points)], scratch);
}

function palmOf(points: readonly Point<"rel">[]): Patch {
  const palm = PALM.map((i) => points[i]!);
  const mean = (of: (point: Point<"rel">) => number) =>
    palm.reduce((sum, point) => sum + of(point), 0) / palm.length;
  const [first, last] = [points[PALM[1]]!, points[PALM.at(-1)!]!];
  const half = PALM_HALF * Math.hypot(first.x - last.x, first.y - last.y);
  const [x, y] = [mean((point) => point.x), mean((point) => point.y)];
  return { left: x - half, top: y - half, right: x + half, bottom: y + half };
}

function angleIn(chip: RgbImage, patches: readonly Patch[], scratch: Scratch): number | undefined {
  const { seen, at, lights } = skinOf(chip, patches, scratch);
  if (seen === 0 || at.length < MIN_SHARE * seen) return undefined;
  const { l, b } = middleMeans(chip.data, at, lights);
  return l < MIN_L || b <= 0 ? undefined : (Math.atan((l - 50) / b) * 180) / Math.PI;
}

interface Skin {
  /** Pixels of the patches. */
  readonly seen: number;
  /** Where in the chip's data the pixels of skin are. */
  readonly at: Int32Array;
  /** CIE Y of each, which orders them as L* does and needs no root. */
  readonly lights: Float64Array;
}

function skinOf({ data, width, height }: RgbImage, shares: readonly Patch[], scratch: Scratch): Skin {
  const px = (share: number, side: number) => Math.min(side, Math.max(0, Math.round(share * side)));
  const patches = shares.map((share) => ({
    ...{ left: px(share.left, width), right: px(share.right, width) },
    ...{ top: px(share.top, height), bottom: px(share.bottom, height) },
  }));
  const seen = patches.reduce((sum, p) => sum + (p.right - p.left) * (p.bottom - p.top), 0);
  const [at, lights] = [scratch.ints("skin", seen), scratch.doubles("light of skin", seen)];
  let count = 0;
  for (const { left, right, top, bottom } of patches) {
    for (let y = top; y < bottom; y++) {
      const end = 3 * (y * width + right);
      for (let i = 3 * (y * width + left); i < end; i += 3) {
        if (!isSkin(data[i]!, data[i + 1]!, data[i + 2]!)) continue;
        at[count] = i;
        lights[count++] = cieY(data[i]!, data[i + 1]!, data[i + 2]!);
      }
    }
  }
  return { seen, at: at.subarray(0, count), lights: lights.subarray(0, count) };
}

/** Means over the pixels whose lightness is in the middle of all; of equal ones at a cut the first count as darker. */
function middleMeans(data: RgbImage["data"], at: Int32Array, lights: Float64Array) {
  const from = Math.floor(TRIM * lights.length);
  const to = Math.ceil((1 - TRIM) * lights.length);
  const [darkest, lightest] = [from, to - 1].map((rank) => valueAtRank(lights, rank, 1)) as [Ranked, Ranked];
  let skip = from - darkest.below;
  let left = to - lightest.below;
  let [l, b] = [0, 0];
  for (let k = 0; k < lights.length; k++) {
    const light = lights[k]!;
    if (light < darkest.value || light > lightest.value) continue;
    const before = light === darkest.value && skip-- > 0;
    const beyond = light === lightest.value && left-- <= 0;
    if (before || beyond) continue;
    const i = at[k]!;
    const y = response(light);
    l += 116 * y - 16;
    b += 200 * (y - response(cieZ(data[i]!, data[i + 1]!, data[i + 2]!)));
  }
  return { l: l / (to - from), b: b / (to - from) };
}

/** From dlib's unpadded chip into ours. */
function toChip([x, y, width, height]: (typeof PATCHES)[number]): Patch {
  const at = (t: number) => (FACE_PADDING + t) / (2 * FACE_PADDING + 1);
  return { left: at(x), top: at(y), right: at(x + width), bottom: at(y + height) };
}

/** ITU-R BT.601 chroma within the bands of skin. */
function isSkin(r: number, g: number, b: number): boolean {
  const cb = 128 - 0.168736 * r - 0.331264 * g + 0.5 * b;
  const cr = 128 + 0.5 * r - 0.418688 * g - 0.081312 * b;
  return cb >= MASK.cbLow && cb <= MASK.cbHigh && cr >= MASK.crLow && cr <= MASK.crHigh;
}

/** CIELAB. */
export interface Lab {
  /** 0 to 100. */
  readonly l: number;
  readonly a: number;
  readonly b: number;
}

const WHITE = [0.95047, 1, 1.08883] as const; // D65, 2 degrees
const LINEAR = Float64Array.from({ length: 256 }, (_, v) => {
  const c = v / 255;
  return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
});

/**
 * CIELAB of an sRGB colour.
 *
 * @param r - 0 to 255, whole, as g and b
 * @source IEC 61966-2-1; CIE 15
 */
export function labOf(r: number, g: number, b: number): Lab {
  const x = response((0.412453 * LINEAR[r]! + 0.35758 * LINEAR[g]! + 0.180423 * LINEAR[b]!) / WHITE[0]);
  const y = response(cieY(r, g, b));
  const z = response(cieZ(r, g, b));
  return { l: 116 * y - 16, a: 500 * (x - y), b: 200 * (y - z) };
}

/** CIE Y of an sRGB colour, a share of white's. */
function cieY(r: number, g: number, b: number): number {
  return (0.212671 * LINEAR[r]! + 0.71516 * LINEAR[g]! + 0.072169 * LINEAR[b]!) / WHITE[1];
}

/** CIE Z of an sRGB colour, a share of white's. */
function cieZ(r: number, g: number, b: number): number {
  return (0.019334 * LINEAR[r]! + 0.119193 * LINEAR[g]! + 0.950227 * LINEAR[b]!) / WHITE[2];
}

function response(t: number): number {
  return t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116;
}
