// Skin tone as pixels have it: the individual typology angle of a face chip, and its class.
// Source: Chardon et al. 1991 (ITA = atan((L* - 50) / b*)); usual cuts 55, 41, 28, 10, -30 degrees; CIELAB of sRGB under
// D65 (IEC 61966-2-1). It depends on light and camera: it audits the recorded class and does not replace it.
import type { RgbImage } from "../data/pixels.ts";
import { FACE_PADDING } from "./crops.ts";

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

/** Where skin lies in dlib's unpadded chip: both cheeks and the bridge of the nose; x, y, width, height. */
const PATCHES = [
  [0.16, 0.42, 0.18, 0.2],
  [0.66, 0.42, 0.18, 0.2],
  [0.43, 0.3, 0.14, 0.2],
] as const;
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
 * @returns degrees, or undefined where too little looks like skin (masks, coloured light, darkness)
 * @example skinAngle(faceChip(image, landmarks, 300, 0.25))
 */
export function skinAngle(chip: RgbImage): number | undefined {
  const lights: number[] = [];
  const blues: number[] = [];
  let seen = 0;
  for (const [px, py, pw, ph] of PATCHES) {
    const [x0, x1] = [toChip(px, chip.width), toChip(px + pw, chip.width)];
    const [y0, y1] = [toChip(py, chip.height), toChip(py + ph, chip.height)];
    for (let y = y0; y < y1; y++) {
      for (let x = x0; x < x1; x++, seen++) {
        const i = 3 * (y * chip.width + x);
        const r = chip.data[i]!;
        const g = chip.data[i + 1]!;
        const b = chip.data[i + 2]!;
        if (!isSkin(r, g, b)) continue;
        const lab = labOf(r, g, b);
        lights.push(lab.l);
        blues.push(lab.b);
      }
    }
  }
  if (lights.length < MIN_SHARE * seen) return undefined;
  const { l, b } = middleMeans(lights, blues);
  return l < MIN_L || b <= 0 ? undefined : (Math.atan((l - 50) / b) * 180) / Math.PI;
}

/** Means over the pixels whose lightness is in the middle of all; of equal ones at a cut the first count as darker. */
function middleMeans(lights: readonly number[], blues: readonly number[]) {
  const sorted = Float64Array.from(lights).sort(); // no comparator: five times as fast as sorting pixels
  const from = Math.floor(TRIM * sorted.length);
  const to = Math.ceil((1 - TRIM) * sorted.length);
  const [darkest, lightest] = [sorted[from]!, sorted[to - 1]!];
  let skip = from - sorted.indexOf(darkest);
  let left = to - sorted.indexOf(lightest);
  let sum = 0;
  for (let i = 0; i < lights.length; i++) {
    const l = lights[i]!;
    if (l < darkest || l > lightest) continue;
    const before = l === darkest && skip-- > 0;
    const beyond = l === lightest && left-- <= 0;
    if (!before && !beyond) sum += blues[i]!;
  }
  const l = sorted.subarray(from, to).reduce((total, value) => total + value, 0) / (to - from);
  return { l, b: sum / (to - from) };
}

function toChip(t: number, side: number): number {
  return Math.round(((FACE_PADDING + t) / (2 * FACE_PADDING + 1)) * side);
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
  const [lr, lg, lb] = [LINEAR[r]!, LINEAR[g]!, LINEAR[b]!];
  const x = response((0.412453 * lr + 0.35758 * lg + 0.180423 * lb) / WHITE[0]);
  const y = response((0.212671 * lr + 0.71516 * lg + 0.072169 * lb) / WHITE[1]);
  const z = response((0.019334 * lr + 0.119193 * lg + 0.950227 * lb) / WHITE[2]);
  return { l: 116 * y - 16, a: 500 * (x - y), b: 200 * (y - z) };
}

function response(t: number): number {
  return t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116;
}
