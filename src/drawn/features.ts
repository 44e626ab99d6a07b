// Eyes, brows, nose, mouth, beard and glasses of drawn people; units as in sample-face.
import type { Person } from "./people.ts";
import { curve, ellipse, flipped, hex, mix, path, pts, type Rgb, stroke, type Xy } from "./svg.ts";

/** What changes from frame to frame. */
export interface FaceMood {
  /** -1 (frown) to 1 (smile). */
  readonly smile: number;
  /** Mouth open, 0 to 1. */
  readonly open: number;
  /** Shift of the features by a turn of the head, -1 to 1. */
  readonly turn: number;
  /** Direction of the eyes, -1 to 1. */
  readonly gaze: number;
}

/** Corners of the eyes (x) and base of the nose (y). */
export const EYE_OUTER = 0.325;
export const EYE_INNER = 0.125;
export const NOSE_BASE = 0.37;

/** Lines on skin. */
function lineOn(skin: Rgb): string {
  return hex(mix(skin, [50, 20, 12], 0.5));
}

/** One eye with its brow; `side` is -1 on the left of the picture. */
export function drawEye(person: Person, mood: FaceMood, side: number): string {
  const { eye: size, lashes, iris } = person.face;
  const up = 0.062 * size;
  const lid = pts(`${EYE_INNER} 0.008, 0.18 ${-up * 0.9}, 0.25 ${-up}, ${EYE_OUTER} -0.008`, side);
  const under = pts(`0.27 ${up * 0.72}, 0.18 ${up * 0.66}`, side);
  const pupil: Xy = [0.225 * side + 0.03 * mood.gaze, -0.004];
  const radius = 0.056 * size;
  const wing = pts(`${EYE_OUTER} -0.008, ${EYE_OUTER + 0.035} ${-0.035 * lashes}`, side);
  const rim = { stroke: hex(mix(iris, [0, 0, 0], 0.5)), "stroke-width": 0.01 };
  return [
    path(curve([...lid, ...under], true), { fill: "#f4f1ec", stroke: "#6b4a3c", "stroke-width": 0.008 }),
    ellipse(pupil, radius, radius, { fill: hex(iris), ...rim }),
    ellipse(pupil, radius * 0.48, radius * 0.48, { fill: "#120d0c" }),
    ellipse([pupil[0] - 0.018, pupil[1] - 0.02], 0.012, 0.012, { fill: "#ffffff" }),
    stroke(curve(lid), "#231815", 0.012 + 0.012 * lashes),
    lashes > 1.1 ? stroke(curve(wing), "#231815", 0.012 * lashes) : "",
    stroke(curve(lid.map(([x, y]): Xy => [x, y - 0.035])), lineOn(person.skin), 0.01, { opacity: 0.6 }),
    drawBrow(person, mood, side),
  ].join("");
}

function drawBrow({ face: { brow }, hair }: Person, { smile }: FaceMood, side: number): string {
  const color = hex(mix(hair.color, [30, 22, 20], hair.style === "bald" ? 0.7 : 0.45));
  const rise = 2 - brow; // thin brows are arched more
  const arch = pts(
    `0.1 ${-0.15 - 0.01 * smile}, 0.21 ${-0.185 - 0.025 * rise}, 0.3 ${-0.175 - 0.02 * rise}, 0.37 -0.13`,
    side,
  );
  return stroke(curve(arch), color, 0.036 * brow, { opacity: 0.9 });
}

/** The nose: bridge shadow, tip and nostrils, on the face's axis. */
export function drawNose({ skin, face }: Person): string {
  const w = 0.115 * face.nose;
  const dark = lineOn(skin);
  const light = hex(mix(skin, [255, 240, 228], 0.35));
  const wing = "1 0.3, 1.08 0.25, 0.8 0.215";
  const base = pts(`-1 0.305, -0.5 0.33, 0 ${NOSE_BASE - 0.015}, 0.5 0.33, 1 0.305`, w);
  return [
    stroke(curve(pts("0.05 -0.06, 0.055 0.12, 0.075 0.22")), dark, 0.02, { opacity: 0.35 }),
    stroke(curve(pts("-0.005 -0.02, 0 0.22")), light, 0.045, { opacity: 0.5 }),
    ellipse([0, 0.275], 0.06 * face.nose, 0.05, { fill: light, opacity: 0.4 }),
    ...[w, -w].map((s) => stroke(curve(pts(wing, s)), dark, 0.014, { opacity: 0.55 })),
    stroke(curve(base), dark, 0.018, { opacity: 0.75 }),
    ...[w, -w].map((s) => ellipse([s * 0.52, 0.322], 0.028, 0.015, { fill: "#2a1410", opacity: 0.75 })),
  ].join("");
}

/** Lips, parted by `open`, with corners raised by `smile`. */
export function drawMouth({ skin, face }: Person, { smile, open }: FaceMood): string {
  const y = 0.535 * face.length;
  const w = 0.185 + 0.03 * smile;
  const corner = -0.035 * smile;
  const h = 0.05 * face.lips;
  const gap = 0.055 * open;
  const at = (text: string) => pts(text, 1, 1, y);
  const color = hex(mix(mix(skin, [172, 70, 72], 0.5), [178, 24, 52], 0.85 * face.lipRed));
  const upper = at(`${-w} ${corner}, -0.06 ${-h}, 0 ${-h * 0.72}, 0.06 ${-h}, ${w} ${corner}, 0 0.004`);
  const full = gap + h * 1.15;
  const lower = at(
    `${-w} ${corner}, 0 ${gap}, ${w} ${corner}, 0.09 ${full}, 0 ${full + h * 0.15}, -0.09 ${full}`,
  );
  const teeth = at(`${-w * 0.8} ${corner}, 0 0, ${w * 0.8} ${corner}, 0 ${gap * 1.2}`);
  const under = gap + h * 2.2;
  return [
    open > 0.3 ? path(curve(teeth, true), { fill: "#f3efe8" }) : "",
    path(curve(upper, true), { fill: color }),
    path(curve(lower, true), { fill: color }),
    stroke(curve(at(`${-w} ${corner}, 0 ${gap * 0.4 + 0.003}, ${w} ${corner}`)), "#4a1c1c", 0.014, {
      opacity: 0.8,
    }),
    stroke(curve(at(`-0.06 ${gap + h * 0.7}, 0.06 ${gap + h * 0.7}`)), "#ffffff", 0.02, { opacity: 0.22 }),
    stroke(curve(at(`-0.09 ${under}, 0 ${under + h * 0.2}, 0.09 ${under}`)), lineOn(skin), 0.016, {
      opacity: 0.35,
    }),
  ].join("");
}

/** Stubble is a thin layer over the same shape. */
export function drawBeard(person: Person): string {
  const { beard: amount, length, jaw, chin } = person.face;
  if (amount === 0) return "";
  const color = hex(mix(person.hair.style === "bald" ? [70, 56, 48] : person.hair.color, [40, 32, 28], 0.3));
  const outer = pts(`0.495 0.05, 0.485 0.22, ${0.405 * jaw} ${0.53 * length}, ${0.2 * chin} ${0.8 * length}`);
  const inner = pts("0.43 0.08, 0.4 0.26, 0.27 0.42, 0.12 0.41");
  const below = curve([...outer, [0, 0.86 * length], ...flipped(outer.toReversed())]);
  const above = curve([...flipped(inner), [0, 0.425], ...inner.toReversed()]);
  return path(`${below}L${above.slice(1)}Z`, { fill: color, opacity: amount < 0.5 ? 0.3 : 0.88 * amount });
}

/** Spectacles over both eyes. */
export function drawGlasses(): string {
  const rim = { fill: "#e8f2ff", "fill-opacity": 0.12, stroke: "#22242a", "stroke-width": 0.022 };
  const bars = ["-0.075 -0.005, 0 -0.03, 0.075 -0.005", "0.375 -0.01, 0.5 -0.02", "-0.375 -0.01, -0.5 -0.02"];
  return [
    ellipse([-0.225, 0.01], 0.15, 0.115, rim),
    ellipse([0.225, 0.01], 0.15, 0.115, rim),
    ...bars.map((bar) => stroke(curve(pts(bar)), "#22242a", 0.02)),
  ].join("");
}
