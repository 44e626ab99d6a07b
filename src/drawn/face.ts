// A drawn head: outline, ears, shading, wrinkles; hair and features come from their own files.
// Unit: face width at the cheekbones = 1, y down, origin midway between the eyes.
import {
  drawBeard,
  drawEye,
  drawGlasses,
  drawMouth,
  drawNose,
  EYE_INNER,
  EYE_OUTER,
  type FaceMood,
  NOSE_BASE,
} from "./features.ts";
import { hairBehind, hairFront } from "./hair.ts";
import type { Person } from "./people.ts";
import {
  type Affine,
  apply,
  curve,
  ellipse,
  flipped,
  hex,
  matrix,
  mirrored,
  mix,
  path,
  pts,
  stroke,
  type Xy,
} from "./svg.ts";

export interface HeadDrawing {
  /** Hair behind neck and shoulders. */
  readonly behind: string;
  /** Head with everything on it. */
  readonly front: string;
  /** In the frame's units: subject's left eye outer, inner, right eye outer, inner, nose base. */
  readonly points: readonly Xy[];
  /** Corners of the face without hair, in the frame's units. */
  readonly outline: readonly Xy[];
}

/** How far the features move in a full turn of the head. */
const TURN = 0.06;

/** Draws a head; `at` maps the head's unit space to the frame. */
export function drawHead(person: Person, mood: FaceMood, at: Affine): HeadDrawing {
  const shift = TURN * mood.turn;
  const outline = faceOutline(person);
  const group = (svg: string, dx = 0) =>
    `<g transform="${matrix(at)} translate(${dx.toFixed(4)} 0)">${svg}</g>`;
  const edge = hex(mix(person.skin, [40, 18, 10], 0.5));
  const base = [
    ears(person),
    path(curve(outline, true), { fill: hex(person.skin), stroke: edge, "stroke-width": 0.014 }),
  ].join("");
  const features = [shading, drawBeard, wrinkles, drawNose].map((part) => part(person)).join("");
  const eyes = drawMouth(person, mood) + [-1, 1].map((side) => drawEye(person, mood, side)).join("");
  const glasses = person.face.glasses ? drawGlasses() : "";
  const points: Xy[] = [
    [EYE_OUTER + shift, 0],
    [EYE_INNER + shift, 0],
    [-EYE_OUTER + shift, 0],
    [-EYE_INNER + shift, 0],
    [shift, NOSE_BASE],
  ];
  return {
    behind: group(hairBehind(person)),
    front: group(base) + group(features + eyes + glasses, shift) + group(hairFront(person)),
    points: points.map((point) => apply(at, point)),
    outline: outline
      .filter(([, y]) => y > -0.56)
      .concat(pts("-0.35 -0.5, 0.35 -0.5"))
      .map((p) => apply(at, p)),
  };
}

function faceOutline({ face }: Person): Xy[] {
  const { length, jaw, chin } = face;
  return mirrored([
    [0.12, -0.82],
    [0.34, -0.7],
    [0.47, -0.42],
    [0.5, -0.08],
    [0.48, 0.2],
    [0.4 * jaw, 0.52 * length],
    [0.19 * chin, 0.78 * length],
    [0.07 * chin, 0.835 * length],
  ]);
}

function ears(person: Person): string {
  const edge = hex(mix(person.skin, [40, 18, 10], 0.5));
  const ring = person.face.earrings;
  return [-1, 1]
    .map((side) =>
      [
        ellipse([0.515 * side, 0.06], 0.065, 0.15, {
          fill: hex(mix(person.skin, [190, 90, 80], 0.12)),
          stroke: edge,
          "stroke-width": 0.012,
        }),
        ring
          ? ellipse([0.53 * side, 0.25], 0.03, 0.035, {
              fill: "#d9b64a",
              stroke: "#8a6a1c",
              "stroke-width": 0.01,
            })
          : "",
      ].join(""),
    )
    .join("");
}

function shading({ skin, face }: Person): string {
  const blush = hex(mix(skin, [214, 92, 92], 0.45));
  const shadow = hex(mix(skin, [50, 24, 16], 0.55));
  return [-1, 1]
    .map((side) =>
      [
        ellipse([0.29 * side, 0.27], 0.12, 0.09, { fill: blush, opacity: 0.22 + 0.12 * face.lipRed }),
        ellipse([0.225 * side, 0.0], 0.15, 0.1, { fill: shadow, opacity: 0.16 }),
        ellipse([0.42 * side, 0.3], 0.07, 0.3, { fill: shadow, opacity: 0.13 }),
      ].join(""),
    )
    .join("");
}

function wrinkles({ ageYears, skin }: Person): string {
  const opacity = Math.min(0.7, Math.max(0, (ageYears - 32) / 50));
  if (opacity === 0) return "";
  const color = hex(mix(skin, [50, 22, 14], 0.6));
  const line = (points: Xy[]) => stroke(curve(points), color, 0.013, { opacity });
  const both = (points: Xy[]) => line(points) + line(flipped(points));
  return [
    both(pts("0.14 0.31, 0.2 0.4, 0.225 0.5")),
    both(pts("0.13 0.085, 0.2 0.115, 0.28 0.09")),
    ageYears > 45 ? both(pts("0.34 -0.02, 0.39 -0.05")) + both(pts("0.34 0.02, 0.395 0.03")) : "",
    ageYears > 50
      ? line(pts("-0.22 -0.33, 0 -0.35, 0.22 -0.33")) + line(pts("-0.2 -0.42, 0 -0.44, 0.2 -0.42"))
      : "",
  ].join("");
}
