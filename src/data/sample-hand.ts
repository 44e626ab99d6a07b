// A drawn open hand, articulated by MediaPipe's 21 landmarks.
// Unit: wrist to middle knuckle = 1, y down, wrist at the origin, fingers up; drawn as a right hand seen from
// the palm, thumb to the right; the caller's map mirrors and places it.
import type { Person } from "./sample-people.ts";
import {
  type Affine,
  apply,
  curve,
  ellipse,
  hex,
  mix,
  path,
  place,
  type Rgb,
  stroke,
  type Xy,
} from "./sample-svg.ts";

export interface HandPose {
  /** Palm (false) or back (true) to the camera. */
  readonly back: boolean;
  /** 0 fingers together, 1 spread. */
  readonly spread: number;
  /** 0 straight, 1 half closed (fingers look shorter). */
  readonly curl: number;
}

export interface HandDrawing {
  /** In the frame's units. */
  readonly svg: string;
  /** 21 landmarks in the frame's units. */
  readonly points: readonly Xy[];
  /** Outline points in the frame's units, for a tight box. */
  readonly outline: readonly Xy[];
}

interface Digit {
  /** Base to tip. */
  readonly joints: readonly [Xy, Xy, Xy, Xy];
  readonly width: number;
}

/** Knuckle, bone lengths, width, and direction in degrees (together, spread); clockwise from up. */
const FINGERS = [
  { knuckle: [0.33, -0.97], bones: [0.45, 0.27, 0.23], width: 0.205, together: 2.5, spread: 15 },
  { knuckle: [0.09, -1.0], bones: [0.5, 0.31, 0.25], width: 0.215, together: 0.5, spread: 2 },
  { knuckle: [-0.15, -0.93], bones: [0.46, 0.29, 0.24], width: 0.205, together: -1.5, spread: -10 },
  { knuckle: [-0.37, -0.8], bones: [0.36, 0.21, 0.2], width: 0.175, together: -4, spread: -24 },
] as const;

/**
 * Draws a hand.
 *
 * @param at - from the hand's unit space to the frame
 */
export function drawHand(person: Person, pose: HandPose, at: Affine): HandDrawing {
  const fingers = FINGERS.map((_, index) => finger(person, pose, index));
  const thumb = thumbOf(person, pose);
  const digits = [thumb, ...fingers];
  const shapes = digits.map(outlineOf);
  const palm = palmOutline(person);
  const skin = pose.back ? person.skin : mix(person.skin, [232, 170, 150], 0.28);
  const line = mix(skin, [60, 25, 15], 0.5);
  const edge = hex(mix(skin, [40, 18, 10], 0.62));
  const parts = [
    ...shapes.map((shape) => path(curve(shape), { fill: edge, stroke: edge, "stroke-width": 0.035 })),
    path(curve(palm, true), { fill: edge, stroke: edge, "stroke-width": 0.035 }),
    path(curve(palm, true), { fill: hex(skin) }),
    ...digits.map((digit, i) => drawDigit(person, pose, digit, shapes[i]!, skin, i === 0)),
    // The arm's colour over the line where the palm's outline crosses the wrist.
    ellipse([0, 0.13], 0.235 * person.hand.breadth, 0.07, { fill: hex(person.skin) }),
    pose.back ? backDetails(person, skin) : palmDetails(person, skin, line),
  ];
  const points: Xy[] = [[0, 0], ...digits.flatMap((digit) => digit.joints)];
  return {
    svg: `<g transform="matrix(${at.map((v) => v.toFixed(4)).join(" ")})" stroke-linejoin="round">${parts.join("")}</g>`,
    points: points.map((point) => apply(at, point)),
    outline: [...palm, ...shapes.flat()].map((point) => apply(at, point)),
  };
}

function finger(person: Person, pose: HandPose, index: number): Digit {
  const { knuckle, bones, width, together, spread } = FINGERS[index]!;
  const { breadth, thickness, ring } = person.hand;
  const length = (index === 2 ? ring : index === 0 ? 2 - ring : 1) * (1 - 0.42 * pose.curl);
  const degrees = together + (spread - together) * pose.spread;
  const joints: Xy[] = [[knuckle[0] * breadth, knuckle[1]]];
  bones.forEach((bone, i) => {
    const bend = degrees * (1 - 0.06 * i) - 7 * pose.curl * i;
    joints.push(step(joints[i]!, bend, bone * length * (1 - 0.25 * pose.curl * i)));
  });
  return { joints: joints as unknown as Digit["joints"], width: width * thickness };
}

function thumbOf(person: Person, pose: HandPose): Digit {
  const { breadth, thickness } = person.hand;
  const out = 26 + 22 * pose.spread - 14 * pose.curl;
  const base: Xy = [0.27 * breadth, -0.2];
  const knuckle = step(base, out + 12, 0.42);
  const middle = step(knuckle, out, 0.34);
  return { joints: [base, knuckle, middle, step(middle, out - 6, 0.27)], width: 0.235 * thickness };
}

function step([x, y]: Xy, degrees: number, length: number): Xy {
  const angle = (degrees * Math.PI) / 180;
  return [x + length * Math.sin(angle), y - length * Math.cos(angle)];
}

/** Width along a digit, of its full width: base, joint, joint, tip. */
const TAPER = [1, 0.98, 0.88, 0.76] as const;

/** Up the left side, round the tip, down the right side; open at the base. */
function outlineOf({ joints, width }: Digit): Xy[] {
  const left: Xy[] = [];
  const right: Xy[] = [];
  joints.forEach((joint, i) => {
    const [ux, uy] = along(joints, i);
    const half = (width * TAPER[i]!) / 2;
    left.push([joint[0] + uy * half, joint[1] - ux * half]);
    right.push([joint[0] - uy * half, joint[1] + ux * half]);
  });
  const [ux, uy] = along(joints, 3);
  const radius = (width * TAPER[3]) / 2;
  const [tx, ty] = joints[3];
  const cap = [-50, 0, 50].map((degrees): Xy => {
    const side = Math.sin((degrees * Math.PI) / 180) * radius;
    const ahead = Math.cos((degrees * Math.PI) / 180) * radius * 0.95;
    return [tx + ux * ahead - uy * side, ty + uy * ahead + ux * side];
  });
  return [...left, ...cap, ...right.reverse()];
}

/** Unit direction at a joint, base to tip. */
function along(joints: Digit["joints"], i: number): Xy {
  const from = joints[Math.max(0, i - 1)]!;
  const to = joints[Math.min(3, i + 1)]!;
  const length = Math.hypot(to[0] - from[0], to[1] - from[1]);
  return [(to[0] - from[0]) / length, (to[1] - from[1]) / length];
}

function palmOutline(person: Person): Xy[] {
  const b = person.hand.breadth;
  const t = person.hand.thickness;
  const wrist = 0.25 + 0.02 * t;
  const points: Xy[] = [
    [-wrist * b, 0.12],
    [-0.31 * b, -0.1],
    [-0.43 * b, -0.36],
    [-0.475 * b, -0.66],
    [-0.46 * b, -0.9],
    [-0.27 * b, -1.0],
    [-0.03 * b, -1.1],
    [0.21 * b, -1.12],
    [0.44 * b, -1.05],
    [0.45 * b, -0.8],
    [0.47 * b, -0.62],
    [0.44 * b, -0.3],
    [0.33 * b, -0.08],
    [wrist * b, 0.12],
  ];
  return points;
}

function drawDigit(
  person: Person,
  pose: HandPose,
  digit: Digit,
  shape: readonly Xy[],
  skin: Rgb,
  isThumb: boolean,
): string {
  const side = hex(mix(skin, [50, 20, 12], 0.42));
  const light = hex(mix(skin, [255, 235, 220], 0.22));
  const { joints, width } = digit;
  // The base lies in the palm: the side lines start above it.
  const sides = stroke(curve(isThumb ? shape.slice(1, -1) : shape.slice(0)), side, 0.018, { opacity: 0.75 });
  const shine = stroke(curve([joints[1], joints[2], joints[3]]), light, width * 0.3, { opacity: 0.35 });
  const nail = pose.back
    ? drawNail(person, digit, skin, 0)
    : person.hand.nails > 0.2
      ? drawNail(person, digit, skin, 1)
      : "";
  const behind = pose.back ? "" : nail;
  const creases = [1, 2].map((i) => crease(digit, i, side, pose.back && i === 1)).join("");
  const body = path(curve(shape), { fill: hex(skin) });
  return `${behind}${body}${shine}${sides}${isThumb ? creaseAt(digit, 2, side) : creases}${pose.back ? nail : ""}`;
}

function creaseAt(digit: Digit, i: number, color: string): string {
  return crease(digit, i, color, false);
}

/** Line across a digit at a joint; doubled on the back of the middle joint. */
function crease({ joints, width }: Digit, i: number, color: string, doubled: boolean): string {
  const [ux, uy] = along(joints, i);
  const half = width * 0.36;
  const across = (shift: number) => {
    const [x, y] = [joints[i]![0] + ux * shift, joints[i]![1] + uy * shift];
    const bow = 0.02;
    return stroke(
      curve([
        [x + uy * half, y - ux * half],
        [x + ux * bow, y + uy * bow],
        [x - uy * half, y + ux * half],
      ]),
      color,
      0.016,
      { opacity: 0.6 },
    );
  };
  return doubled ? across(-0.025) + across(0.025) : across(0);
}

/** `behind` = 1: seen from the palm, only the free edge shows above the tip. */
function drawNail(person: Person, { joints, width }: Digit, skin: Rgb, behind: 0 | 1): string {
  const [ux, uy] = along(joints, 3);
  const free = person.hand.nails * width * 0.55;
  const degrees = (Math.atan2(ux, -uy) * 180) / Math.PI;
  const half = width * 0.27;
  const tip = width * 0.3;
  const at = place(joints[3][0], joints[3][1], degrees, 1);
  const bed: Xy[] = [
    [-half, width * 0.32],
    [-half, -tip * 0.5],
    [-half * 0.8, -tip - free * (behind ? 1.2 : 0.9)],
    [0, -tip - free * (behind ? 1.5 : 1.15)],
    [half * 0.8, -tip - free * (behind ? 1.2 : 0.9)],
    [half, -tip * 0.5],
    [half, width * 0.32],
  ];
  const color =
    person.hand.polish ?? mix(mix(skin, [250, 205, 195], 0.6), [255, 250, 245], behind ? 0.7 : 0.1);
  const shape = curve(
    bed.map((point) => apply(at, point)),
    true,
  );
  return path(shape, { fill: hex(color), stroke: hex(mix(color, [60, 20, 20], 0.4)), "stroke-width": 0.012 });
}

function palmDetails(person: Person, skin: Rgb, line: Rgb): string {
  const b = person.hand.breadth;
  const crease = (points: Xy[]) =>
    stroke(curve(points.map(([x, y]) => [x * b, y])), hex(line), 0.022, { opacity: 0.6 });
  const pad = hex(mix(skin, [226, 120, 110], 0.35));
  return [
    ellipse([0.2 * b, -0.33], 0.17, 0.24, { fill: pad, opacity: 0.35 }),
    ellipse([-0.28 * b, -0.4], 0.12, 0.28, { fill: pad, opacity: 0.3 }),
    ellipse([0.05 * b, -0.92], 0.34, 0.08, { fill: pad, opacity: 0.35 }),
    crease([
      [0.41, -0.72],
      [0.2, -0.66],
      [0.08, -0.42],
      [0.08, -0.1],
    ]),
    crease([
      [0.41, -0.74],
      [0.12, -0.66],
      [-0.28, -0.44],
    ]),
    crease([
      [-0.43, -0.68],
      [-0.16, -0.72],
      [0.06, -0.84],
      [0.12, -0.97],
    ]),
    crease([
      [-0.2, 0.02],
      [0, -0.01],
      [0.2, 0.02],
    ]),
  ].join("");
}

function backDetails(person: Person, skin: Rgb): string {
  const b = person.hand.breadth;
  const dark = hex(mix(skin, [60, 28, 18], 0.4));
  const tendons = FINGERS.map(({ knuckle }) =>
    stroke(
      curve([
        [knuckle[0] * b, knuckle[1] + 0.12],
        [knuckle[0] * 0.45 * b, -0.3],
      ]),
      dark,
      0.02,
      { opacity: 0.3 },
    ),
  );
  const knuckles = FINGERS.map(({ knuckle }) =>
    ellipse([knuckle[0] * b, knuckle[1]], 0.075, 0.05, { fill: dark, opacity: 0.3 }),
  );
  const hairs = person.hand.hairy
    ? [0, 1, 2, 3, 4, 5, 6].map((i) =>
        stroke(
          curve([
            [-0.3 * b + 0.03 * i, -0.25 - 0.06 * (i % 3)],
            [-0.36 * b + 0.03 * i, -0.33 - 0.06 * (i % 3)],
          ]),
          "#2a1c14",
          0.012,
          {
            opacity: 0.5,
          },
        ),
      )
    : [];
  return [...tendons, ...knuckles, ...hairs].join("");
}
