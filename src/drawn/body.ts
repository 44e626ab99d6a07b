// Torso and arms of a drawn person.
import type { Person } from "./people.ts";
import {
  curve,
  el,
  flipped,
  hex,
  matrix,
  mirrored,
  mix,
  path,
  place,
  pts,
  type Rgb,
  type Xy,
} from "./svg.ts";

export interface Stance {
  /** Side of the raised hand in the picture: -1 left, 1 right. */
  readonly side: -1 | 1;
  /** Face width, frame units. */
  readonly width: number;
  /** Midway between the eyes. */
  readonly eyes: Xy;
  readonly roll: number;
}

/** Neck, shoulders and chest. */
export function drawTorso(person: Person, { width, eyes, roll }: Stance): string {
  const { skin, clothes, shoulders, face } = person;
  const at = place(eyes[0] - roll * 0.012 * width, eyes[1], 0, width);
  const chin = 0.82 * face.length;
  const neck = mirrored([
    [0.23 * shoulders * shoulders, 0.4],
    [0.22 * shoulders * shoulders, chin + 0.2],
    [0.42, chin + 0.42],
    [0.3, chin + 0.7],
    [0.02, chin + 0.95],
  ]);
  const half = 1.12 * shoulders;
  const drop = clothes.neck === "v" ? 0.78 : 0.5;
  const right: Xy[] = [
    [0.02, chin + drop],
    [0.26 * shoulders, chin + 0.3],
    [0.5, chin + 0.33],
    [half * 0.85, chin + 0.46],
    [half, chin + 0.75],
    [half * 1.02, chin + 1.6],
  ];
  const outline = [...flipped(right.toReversed()), ...right];
  const chest = `${curve(outline)}V40H${(-1.02 * half).toFixed(4)}Z`; // below the frame at any distance
  const shade = hex(mix(clothes.color, [0, 0, 0], 0.35));
  const svg = [
    path(curve(neck, true), { fill: hex(mix(skin, [60, 25, 15], 0.12)) }),
    path(
      curve([
        [-0.22, chin - 0.02],
        [0, chin + 0.16],
        [0.22, chin - 0.02],
      ]),
      { fill: hex(mix(skin, [40, 18, 10], 0.45)), opacity: 0.5 },
    ),
    path(chest, { fill: hex(clothes.color), stroke: shade, "stroke-width": 0.015 }),
    clothes.neck === "collar" ? drawCollar(clothes.color, chin) : "",
  ].join("");
  return el("g", { transform: matrix(at) }, svg);
}

function drawCollar(color: Rgb, chin: number): string {
  const style = { fill: hex(mix(color, [255, 255, 255], 0.3)), stroke: hex(mix(color, [0, 0, 0], 0.35)) };
  const wing = "0.26 0.2, 0.4 0.36, 0.22 0.66, 0.04 0.48";
  return [-1, 1]
    .map((side) => path(curve(pts(wing, side, 1, chin), true), { ...style, "stroke-width": 0.012 }))
    .join("");
}

export interface Arm {
  readonly wrist: Xy;
  readonly elbow: Xy;
  readonly shoulder: Xy;
  /** Wrist to middle knuckle, frame units. */
  readonly size: number;
  /** Direction of the hand, degrees clockwise from up. */
  readonly tilt: number;
}

/** Upper arm and forearm with the sleeve; `tilt` is the direction of the hand. */
export function drawArm(person: Person, { wrist, elbow, shoulder, size, tilt }: Arm): string {
  const { skin, clothes, hand } = person;
  const edge = hex(mix(skin, [40, 18, 10], 0.55));
  const cloth = hex(mix(clothes.color, [0, 0, 0], 0.06));
  const seam = hex(mix(clothes.color, [0, 0, 0], 0.4));
  const angle = (tilt * Math.PI) / 180;
  const into: Xy = [wrist[0] - 0.12 * size * Math.sin(angle), wrist[1] + 0.12 * size * Math.cos(angle)];
  const thin = 0.25 * size * hand.breadth;
  const wide = 0.4 * size * (0.5 + 0.5 * hand.thickness);
  const cover = Math.max(0.12, (clothes.sleeve - 0.25) * 1.35);
  const toWrist = (t: number): Xy => [
    elbow[0] + (into[0] - elbow[0]) * t,
    elbow[1] + (into[1] - elbow[1]) * t,
  ];
  const cuff = toWrist(cover);
  const bare = toWrist(cover * 0.8); // the forearm begins inside the sleeve
  const bareHalf = wide + (thin - wide) * cover * 0.8;
  const cuffHalf = wide + (thin - wide) * cover + 0.06 * size;
  return [
    path(taper(shoulder, elbow, 0.5 * size, wide + 0.08 * size), {
      fill: cloth,
      stroke: seam,
      "stroke-width": 1.2,
    }),
    path(taper(bare, into, bareHalf, thin), { fill: hex(skin), stroke: edge, "stroke-width": 1.1 }),
    path(taper(elbow, cuff, wide + 0.08 * size, cuffHalf), {
      fill: cloth,
      stroke: seam,
      "stroke-width": 1.2,
    }),
  ].join("");
}

/** Outline of a limb between two points with round corners at the first. */
function taper(from: Xy, to: Xy, halfFrom: number, halfTo: number): string {
  const length = Math.hypot(to[0] - from[0], to[1] - from[1]);
  const u: Xy = [(to[0] - from[0]) / length, (to[1] - from[1]) / length];
  const point = (t: number, across: number): Xy => [
    from[0] + u[0] * t * length - u[1] * across,
    from[1] + u[1] * t * length + u[0] * across,
  ];
  const middle = (halfFrom * 1.05 + halfTo) / 2;
  const left = curve([
    point(1, halfTo),
    point(0.5, middle),
    point(0.05, halfFrom),
    point(-0.12, halfFrom * 0.6),
  ]);
  const right = curve([
    point(-0.12, -halfFrom * 0.6),
    point(0.05, -halfFrom),
    point(0.5, -middle),
    point(1, -halfTo),
  ]);
  return `${left}L${right.slice(1)}Z`;
}
