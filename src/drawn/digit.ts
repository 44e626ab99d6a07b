// One finger or thumb of a drawn hand: outline, creases, nail; units as in sample-hand.
import type { Person } from "./people.ts";
import { apply, curve, hex, mix, path, place, pts, type Rgb, stroke, type Xy } from "./svg.ts";

export interface Digit {
  /** Base to tip. */
  readonly joints: readonly [Xy, Xy, Xy, Xy];
  readonly width: number;
}

/** Width along a digit, of its full width: base, joint, joint, tip. */
const TAPER = [1, 0.98, 0.88, 0.76] as const;

/** Up the left side, round the tip, down the right side; open at the base. */
export function outlineOf({ joints, width }: Digit): Xy[] {
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

interface Style {
  readonly skin: Rgb;
  /** Back of the hand to the camera. */
  readonly back: boolean;
  readonly thumb: boolean;
}

/** Draws a digit over the palm; `shape` is its outline. */
export function drawDigit(person: Person, digit: Digit, shape: readonly Xy[], style: Style): string {
  const { skin, back, thumb } = style;
  const { joints, width } = digit;
  const dark = hex(mix(skin, [50, 20, 12], 0.42));
  const light = hex(mix(skin, [255, 235, 220], 0.22));
  const creases = (thumb ? [2] : [1, 2]).map((i) => drawCrease(digit, i, dark, back && i === 1 && !thumb));
  const nail = drawNail(person, digit, style);
  return [
    back ? "" : nail, // from the palm only the free edge is seen, behind the tip
    path(curve(shape), { fill: hex(skin) }),
    stroke(curve(joints.slice(1)), light, width * 0.3, { opacity: 0.35 }),
    stroke(curve(thumb ? shape.slice(1, -1) : shape), dark, 0.018, { opacity: 0.75 }),
    ...creases,
    back ? nail : "",
  ].join("");
}

/** Line across a digit at a joint; doubled on the back of the middle joint. */
function drawCrease({ joints, width }: Digit, i: number, color: string, doubled: boolean): string {
  const [ux, uy] = along(joints, i);
  const at = place(joints[i]![0], joints[i]![1], (Math.atan2(ux, -uy) * 180) / Math.PI, 1);
  const across = (shift: number) => {
    const line = pts("-1 0, 0 -0.02, 1 0", 0.36 * width, 1, shift).map((point) => apply(at, point));
    return stroke(curve(line), color, 0.016, { opacity: 0.6 });
  };
  return doubled ? across(-0.025) + across(0.025) : across(0);
}

function drawNail(person: Person, { joints, width }: Digit, { skin, back }: Style): string {
  if (!back && person.hand.nails < 0.2) return "";
  const [ux, uy] = along(joints, 3);
  const at = place(joints[3][0], joints[3][1], (Math.atan2(ux, -uy) * 180) / Math.PI, width);
  const free = person.hand.nails * 0.55;
  const shoulder = -0.3 - free * (back ? 0.9 : 1.2);
  const tip = -0.3 - free * (back ? 1.15 : 1.5);
  const bed = pts(
    `-0.27 0.32, -0.27 -0.15, -0.216 ${shoulder}, 0 ${tip}, 0.216 ${shoulder}, 0.27 -0.15, 0.27 0.32`,
  );
  const bare = mix(mix(skin, [250, 205, 195], 0.6), [255, 250, 245], back ? 0.1 : 0.7);
  const color = person.hand.polish ?? bare;
  const shape = curve(
    bed.map((point) => apply(at, point)),
    true,
  );
  return path(shape, { fill: hex(color), stroke: hex(mix(color, [60, 20, 20], 0.4)), "stroke-width": 0.012 });
}
