// Hair of drawn people, behind and before the face; units as in sample-face.
import type { HairStyle, Person } from "./people.ts";
import { curve, ellipse, hex, mirrored, mix, path, pts, type Rgb, stroke, type Xy } from "./svg.ts";

/** How far down long hair falls. */
const FALL: Readonly<Partial<Record<HairStyle, number>>> = { bob: 0.72, long: 1.75 };

/** Hair behind neck and shoulders. */
export function hairBehind({ hair }: Person): string {
  const fall = FALL[hair.style];
  const dark = hex(mix(hair.color, [0, 0, 0], 0.25));
  if (hair.style === "bun")
    return ellipse([0, -1.0], 0.22, 0.19, { fill: hex(hair.color), stroke: dark, "stroke-width": 0.02 });
  if (hair.style === "curly") return curls(hair.color, 0.62, 16, 0.24);
  if (fall === undefined) return "";
  const shape = mirrored([
    [0.2, -0.93],
    [0.5, -0.72],
    [0.62, -0.3],
    [0.66, 0.25],
    [0.68, fall * 0.8],
    [0.55, fall],
    [0.25, fall * 1.02],
  ]);
  return path(curve(shape, true), { fill: dark });
}

/** Circles along the skull from ear to ear. */
function curls(color: Rgb, radius: number, count: number, size: number): string {
  return Array.from({ length: count }, (_, i) => {
    const angle = Math.PI * (-0.08 + (1.16 * i) / (count - 1));
    const centre: Xy = [-radius * Math.cos(angle) * 0.92, -0.22 - radius * Math.sin(angle) * 1.08];
    return ellipse(centre, size * (0.8 + 0.25 * ((i * 7) % 3)) * 0.8, size * 0.8, {
      fill: hex(mix(color, i % 2 === 0 ? [0, 0, 0] : [255, 240, 220], 0.1)),
    });
  }).join("");
}

/** Hair on the head and beside the face. */
export function hairFront({ hair, skin }: Person): string {
  const { style, color, part, fringe } = hair;
  if (style === "bald") return sides(color, 0.5);
  const buzz = style === "buzz";
  const lift = { receding: -0.16, buzz: -0.03, short: 0, curly: 0.02, bob: 0.02, bun: -0.02, long: 0.02 }[
    style
  ];
  const low = fringe && (style === "bob" || style === "long" || style === "short") ? 0.24 : 0;
  const volume = buzz ? 0 : style === "short" ? 0.05 : 0.08;
  const outer: Xy[] = mirrored([
    [0.525 + volume * 0.3, -0.02],
    [0.55 + volume * 0.4, -0.34],
    [0.41 + volume, -0.74 - volume],
    [0.16, -0.87 - volume],
  ]);
  const inner: Xy[] = [
    [-0.48, -0.02],
    [-0.47, -0.26],
    [-0.38, -0.46 + lift * 1.6],
    [part - 0.12, -0.57 + lift + low],
    [part, -0.62 + lift + low * 0.8],
    [part + 0.12, -0.57 + lift + low],
    [0.38, -0.46 + lift * 1.6],
    [0.47, -0.26],
    [0.48, -0.02],
  ];
  const shape = `${curve(outer)}L${curve(inner).slice(1)}Z`;
  const fill = hex(buzz ? mix(color, skin, 0.3) : color);
  return (
    path(shape, { fill }) +
    (buzz ? "" : strands(color, part, lift)) +
    sideLocks(style, color) +
    (style === "curly" ? curls(color, 0.56, 13, 0.17) : "")
  );
}

/** A few lighter lines from the parting. */
function strands(color: Rgb, part: number, lift: number): string {
  const light = hex(mix(color, [255, 240, 220], 0.2));
  return [-0.34, -0.2, 0.2, 0.34]
    .map((x): Xy[] => [
      [part, -0.84],
      [(x + part) / 2 + x * 0.3, -0.74],
      [x * 1.2, -0.5 + lift],
    ])
    .map((points) => stroke(curve(points), light, 0.016, { opacity: 0.4 }))
    .join("");
}

/** Hair beside the face of long styles, in front of the ears. */
function sideLocks(style: HairStyle, color: Rgb): string {
  const fall = FALL[style];
  if (fall === undefined) return "";
  return [-1, 1]
    .map((side) =>
      path(
        curve(
          pts(
            `0.44 -0.5, 0.57 -0.35, 0.63 0.2, 0.62 ${fall * 0.75}, 0.52 ${fall * 0.85}, 0.5 0.25, 0.47 -0.1`,
            side,
          ),
          true,
        ),
        { fill: hex(color) },
      ),
    )
    .join("");
}

function sides(color: Rgb, opacity: number): string {
  return [-1, 1]
    .map((side) => ellipse([0.49 * side, -0.16], 0.045, 0.17, { fill: hex(color), opacity }))
    .join("");
}
