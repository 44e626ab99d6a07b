// A drawn open hand, articulated by MediaPipe's 21 landmarks.
// Unit: wrist to middle knuckle = 1, y down, wrist at the origin, fingers up; drawn as a right hand seen from
// the palm, thumb to the right; the caller's map mirrors and places it.
import { type Digit, drawDigit, outlineOf } from "./digit.ts";
import type { Person } from "./people.ts";
import {
  type Affine,
  apply,
  curve,
  ellipse,
  hex,
  matrix,
  mix,
  path,
  pts,
  type Rgb,
  stroke,
  type Xy,
} from "./svg.ts";

export interface HandPose {
  /** Palm (false) or back (true) to the camera. */
  readonly back: boolean;
  /** 0 fingers together, 1 spread. */
  readonly spread: number;
  /** 0 straight, 1 half closed (fingers appear shorter). */
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
  const edge = hex(mix(skin, [40, 18, 10], 0.62));
  const parts = [
    ...shapes.map((shape) => path(curve(shape), { fill: edge, stroke: edge, "stroke-width": 0.035 })),
    path(curve(palm, true), { fill: edge, stroke: edge, "stroke-width": 0.035 }),
    path(curve(palm, true), { fill: hex(skin) }),
    ...digits.map((digit, i) =>
      drawDigit(person, digit, shapes[i]!, { skin, back: pose.back, thumb: i === 0 }),
    ),
    // The arm's colour over the line where the palm's outline crosses the wrist.
    ellipse([0, 0.13], 0.235 * person.hand.breadth, 0.07, { fill: hex(person.skin) }),
    pose.back ? backDetails(person, skin) : palmDetails(person, skin),
  ];
  const points: Xy[] = [[0, 0], ...digits.flatMap((digit) => digit.joints)];
  return {
    svg: `<g transform="${matrix(at)}" stroke-linejoin="round">${parts.join("")}</g>`,
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

function palmOutline({ hand: { breadth, thickness } }: Person): Xy[] {
  const wrist = 0.25 + 0.02 * thickness;
  const littleSide = `${-wrist} 0.12, -0.31 -0.1, -0.43 -0.36, -0.475 -0.66, -0.46 -0.9`;
  const knuckles = "-0.27 -1, -0.03 -1.1, 0.21 -1.12, 0.44 -1.05";
  const thumbSide = `0.45 -0.8, 0.47 -0.62, 0.44 -0.3, 0.33 -0.08, ${wrist} 0.12`;
  return pts([littleSide, knuckles, thumbSide].join(", "), breadth);
}

function palmDetails({ hand: { breadth } }: Person, skin: Rgb): string {
  const line = hex(mix(skin, [60, 25, 15], 0.5));
  const pad = hex(mix(skin, [226, 120, 110], 0.35));
  const creases = [
    "0.41 -0.72, 0.2 -0.66, 0.08 -0.42, 0.08 -0.1",
    "0.41 -0.74, 0.12 -0.66, -0.28 -0.44",
    "-0.43 -0.68, -0.16 -0.72, 0.06 -0.84, 0.12 -0.97",
    "-0.2 0.02, 0 -0.01, 0.2 0.02",
  ];
  return [
    ellipse([0.2 * breadth, -0.33], 0.17, 0.24, { fill: pad, opacity: 0.35 }),
    ellipse([-0.28 * breadth, -0.4], 0.12, 0.28, { fill: pad, opacity: 0.3 }),
    ellipse([0.05 * breadth, -0.92], 0.34, 0.08, { fill: pad, opacity: 0.35 }),
    ...creases.map((text) => stroke(curve(pts(text, breadth)), line, 0.022, { opacity: 0.6 })),
  ].join("");
}

function backDetails({ hand: { breadth, hairy } }: Person, skin: Rgb): string {
  const dark = hex(mix(skin, [60, 28, 18], 0.4));
  const tendons = FINGERS.map(({ knuckle: [x, y] }) =>
    stroke(curve(pts(`${x} ${y + 0.12}, ${x * 0.45} -0.3`, breadth)), dark, 0.02, { opacity: 0.3 }),
  );
  const knuckles = FINGERS.map(({ knuckle: [x, y] }) =>
    ellipse([x * breadth, y], 0.075, 0.05, { fill: dark, opacity: 0.3 }),
  );
  const hairs = Array.from({ length: hairy ? 7 : 0 }, (_, i) => {
    const [x, y] = [0.03 * i, -0.06 * (i % 3)];
    return stroke(curve(pts(`${x - 0.3} ${y - 0.25}, ${x - 0.36} ${y - 0.33}`)), "#2a1c14", 0.012, {
      opacity: 0.5,
    });
  });
  return [...tendons, ...knuckles, ...hairs].join("");
}
