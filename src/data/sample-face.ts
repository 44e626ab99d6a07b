// A drawn head: hair, face, ears, eyes, brows, nose, mouth, beard, glasses.
// Unit: face width at the cheekbones = 1, y down, origin midway between the eyes.
import type { HairStyle, Person } from "./sample-people.ts";
import {
  type Affine,
  apply,
  curve,
  ellipse,
  hex,
  mirrored,
  mix,
  path,
  type Rgb,
  stroke,
  type Xy,
} from "./sample-svg.ts";

/** What changes from frame to frame. */
export interface FaceMood {
  /** -1 (frown) to 1 (smile). */
  readonly smile: number;
  /** Mouth open, 0 to 1. */
  readonly open: number;
  /** Shift of the features by a turn of the head, -1 to 1. */
  readonly turn: number;
  /** Where the eyes look, -1 to 1. */
  readonly gaze: number;
}

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

const EYE_OUTER = 0.325;
const EYE_INNER = 0.125;
const NOSE_BASE = 0.37;
const TURN = 0.06;

/** Draws a head; `at` maps the head's unit space to the frame. */
export function drawHead(person: Person, mood: FaceMood, at: Affine): HeadDrawing {
  const shift = TURN * mood.turn;
  const outline = faceOutline(person);
  const group = (svg: string, dx = 0) =>
    `<g transform="matrix(${at.map((v) => v.toFixed(4)).join(" ")})"><g transform="translate(${dx.toFixed(4)} 0)">${svg}</g></g>`;
  const edge = hex(mix(person.skin, [40, 18, 10], 0.5));
  const base = [
    ears(person),
    path(curve(outline, true), { fill: hex(person.skin), stroke: edge, "stroke-width": 0.014 }),
  ].join("");
  const features = [shading(person), beard(person), wrinkles(person), nose(person), mouth(person, mood)].join(
    "",
  );
  const eyes = [-1, 1].map((side) => eye(person, mood, side)).join("");
  const glasses = person.face.glasses ? drawGlasses() : "";
  const points: Xy[] = [
    [EYE_OUTER + shift, 0],
    [EYE_INNER + shift, 0],
    [-EYE_OUTER + shift, 0],
    [-EYE_INNER + shift, 0],
    [1.4 * shift, NOSE_BASE],
  ];
  return {
    behind: group(hairBehind(person)),
    front: group(base) + group(features + eyes + glasses, shift) + group(hairFront(person)),
    points: points.map((point) => apply(at, point)),
    outline: outline
      .filter(([, y]) => y > -0.56)
      .concat([
        [-0.35, -0.5],
        [0.35, -0.5],
      ])
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

function eye(person: Person, mood: FaceMood, side: number): string {
  const { eye: size, lashes, iris, brow } = person.face;
  const x = (v: number) => v * side;
  const up = 0.062 * size;
  const lid: Xy[] = [
    [x(EYE_INNER), 0.008],
    [x(0.18), -up * 0.9],
    [x(0.25), -up],
    [x(EYE_OUTER), -0.008],
  ];
  const under: Xy[] = [
    [x(0.27), up * 0.72],
    [x(0.18), up * 0.66],
  ];
  const hair = hex(mix(person.hair.color, [30, 22, 20], person.hair.style === "bald" ? 0.7 : 0.45));
  const pupil: Xy = [x(0.225) + 0.03 * mood.gaze, -0.004];
  const radius = 0.056 * size;
  const fold = lid.map(([px, py]): Xy => [px, py - 0.035]);
  const browThick = 0.036 * brow;
  const arch: Xy[] = [
    [x(0.1), -0.15 - 0.01 * mood.smile],
    [x(0.21), -0.185 - 0.025 * (2 - brow)],
    [x(0.3), -0.175 - 0.02 * (2 - brow)],
    [x(0.37), -0.13],
  ];
  return [
    path(`${curve([...lid, ...under], true)}`, { fill: "#f4f1ec", stroke: "#6b4a3c", "stroke-width": 0.008 }),
    ellipse(pupil, radius, radius, {
      fill: hex(iris),
      stroke: hex(mix(iris, [0, 0, 0], 0.5)),
      "stroke-width": 0.01,
    }),
    ellipse(pupil, radius * 0.48, radius * 0.48, { fill: "#120d0c" }),
    ellipse([pupil[0] - 0.018, pupil[1] - 0.02], 0.012, 0.012, { fill: "#ffffff" }),
    stroke(curve(lid), "#231815", 0.012 + 0.012 * lashes),
    lashes > 1.1
      ? stroke(curve([lid[3]!, [x(EYE_OUTER + 0.035), -0.035 * lashes]]), "#231815", 0.012 * lashes)
      : "",
    stroke(curve(fold), hex(mix(person.skin, [50, 20, 12], 0.5)), 0.01, { opacity: 0.6 }),
    stroke(curve(arch), hair, browThick, { opacity: 0.9 }),
  ].join("");
}

function nose({ skin, face }: Person): string {
  const w = 0.115 * face.nose;
  const dark = hex(mix(skin, [50, 20, 12], 0.5));
  const light = hex(mix(skin, [255, 240, 228], 0.35));
  return [
    stroke(
      curve([
        [0.05, -0.06],
        [0.055, 0.12],
        [0.075, 0.22],
      ]),
      dark,
      0.02,
      { opacity: 0.35 },
    ),
    stroke(
      curve([
        [-0.005, -0.02],
        [0, 0.22],
      ]),
      light,
      0.045,
      { opacity: 0.5 },
    ),
    ellipse([0, 0.275], 0.06 * face.nose, 0.05, { fill: light, opacity: 0.4 }),
    stroke(
      curve([
        [-w, 0.3],
        [-w * 1.08, 0.25],
        [-w * 0.8, 0.215],
      ]),
      dark,
      0.014,
      { opacity: 0.55 },
    ),
    stroke(
      curve([
        [w, 0.3],
        [w * 1.08, 0.25],
        [w * 0.8, 0.215],
      ]),
      dark,
      0.014,
      { opacity: 0.55 },
    ),
    stroke(
      curve([
        [-w, 0.305],
        [-w * 0.5, 0.33],
        [0, NOSE_BASE - 0.015],
        [w * 0.5, 0.33],
        [w, 0.305],
      ]),
      dark,
      0.018,
      {
        opacity: 0.75,
      },
    ),
    ellipse([-w * 0.52, 0.322], 0.028, 0.015, { fill: "#2a1410", opacity: 0.75 }),
    ellipse([w * 0.52, 0.322], 0.028, 0.015, { fill: "#2a1410", opacity: 0.75 }),
  ].join("");
}

function mouth({ skin, face }: Person, { smile, open }: FaceMood): string {
  const y = 0.535 * face.length;
  const w = 0.185 + 0.03 * smile;
  const corner = y - 0.035 * smile;
  const h = 0.05 * face.lips;
  const gap = 0.055 * open;
  const natural = mix(skin, [172, 70, 72], 0.5);
  const color = hex(mix(natural, [178, 24, 52], 0.85 * face.lipRed));
  const upper: Xy[] = [
    [-w, corner],
    [-0.06, y - h],
    [0, y - h * 0.72],
    [0.06, y - h],
    [w, corner],
    [0, y + 0.004],
  ];
  const lower: Xy[] = [
    [-w, corner],
    [0, y + gap],
    [w, corner],
    [0.09, y + gap + h * 1.15],
    [0, y + gap + h * 1.3],
    [-0.09, y + gap + h * 1.15],
  ];
  const teeth =
    open > 0.3
      ? path(
          curve(
            [
              [-w * 0.8, corner],
              [0, y],
              [w * 0.8, corner],
              [0, y + gap * 1.2],
            ],
            true,
          ),
          { fill: "#f3efe8" },
        )
      : "";
  return [
    teeth,
    path(curve(upper, true), { fill: color }),
    path(curve(lower, true), { fill: color }),
    stroke(
      curve([
        [-w, corner],
        [0, y + gap * 0.4 + 0.003],
        [w, corner],
      ]),
      "#4a1c1c",
      0.014,
      { opacity: 0.8 },
    ),
    stroke(
      curve([
        [-0.06, y + gap + h * 0.7],
        [0.06, y + gap + h * 0.7],
      ]),
      "#ffffff",
      0.02,
      { opacity: 0.22 },
    ),
    stroke(
      curve([
        [-0.09, y + h * 2.2 + gap],
        [0, y + h * 2.4 + gap],
        [0.09, y + h * 2.2 + gap],
      ]),
      hex(mix(skin, [50, 20, 12], 0.5)),
      0.016,
      { opacity: 0.35 },
    ),
  ].join("");
}

function beard(person: Person): string {
  const { beard: amount, length, jaw, chin } = person.face;
  if (amount === 0) return "";
  const color = hex(mix(person.hair.style === "bald" ? [70, 56, 48] : person.hair.color, [40, 32, 28], 0.3));
  const outer: Xy[] = [
    [0.495, 0.05],
    [0.485, 0.22],
    [0.405 * jaw, 0.53 * length],
    [0.2 * chin, 0.8 * length],
    [0, 0.86 * length],
  ];
  const inner: Xy[] = [
    [0.43, 0.08],
    [0.4, 0.26],
    [0.27, 0.42],
    [0.12, 0.41],
    [0, 0.425],
  ];
  const shape = `${curve([...outer, ...outer.slice(0, -1).toReversed().map(flip)])}L${inner
    .map(flip)
    .concat(inner.slice(0, -1).toReversed())
    .map(([x, y]) => `${x.toFixed(3)} ${y.toFixed(3)}`)
    .join("L")}Z`;
  return path(shape, {
    fill: color,
    opacity: amount < 0.5 ? 0.3 : 0.88 * amount,
    "stroke-linejoin": "round",
  });
}

function flip([x, y]: Xy): Xy {
  return [-x, y];
}

function wrinkles({ ageYears, skin }: Person): string {
  const opacity = Math.min(0.7, Math.max(0, (ageYears - 32) / 50));
  if (opacity === 0) return "";
  const color = hex(mix(skin, [50, 22, 14], 0.6));
  const line = (points: Xy[]) => stroke(curve(points), color, 0.013, { opacity });
  const both = (points: Xy[]) => line(points) + line(points.map(flip));
  return [
    both([
      [0.14, 0.31],
      [0.2, 0.4],
      [0.225, 0.5],
    ]),
    both([
      [0.13, 0.085],
      [0.2, 0.115],
      [0.28, 0.09],
    ]),
    ageYears > 45
      ? both([
          [0.34, -0.02],
          [0.39, -0.05],
        ]) +
        both([
          [0.34, 0.02],
          [0.395, 0.03],
        ])
      : "",
    ageYears > 50
      ? line([
          [-0.22, -0.33],
          [0, -0.35],
          [0.22, -0.33],
        ]) +
        line([
          [-0.2, -0.42],
          [0, -0.44],
          [0.2, -0.42],
        ])
      : "",
  ].join("");
}

function drawGlasses(): string {
  const rim = { fill: "#e8f2ff", "fill-opacity": 0.12, stroke: "#22242a", "stroke-width": 0.022 };
  return [
    ellipse([-0.225, 0.01], 0.15, 0.115, rim),
    ellipse([0.225, 0.01], 0.15, 0.115, rim),
    stroke(
      curve([
        [-0.075, -0.005],
        [0, -0.03],
        [0.075, -0.005],
      ]),
      "#22242a",
      0.022,
    ),
    stroke(
      curve([
        [0.375, -0.01],
        [0.5, -0.02],
      ]),
      "#22242a",
      0.02,
    ),
    stroke(
      curve([
        [-0.375, -0.01],
        [-0.5, -0.02],
      ]),
      "#22242a",
      0.02,
    ),
  ].join("");
}

const FALL: Readonly<Partial<Record<HairStyle, number>>> = { bob: 0.72, long: 1.75 };

function hairBehind({ hair }: Person): string {
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

function hairFront({ hair, skin }: Person): string {
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
  const strand = hex(mix(color, [255, 240, 220], 0.2));
  const strands = buzz
    ? ""
    : [-0.34, -0.2, 0.2, 0.34]
        .map((x) =>
          stroke(
            curve([
              [part, -0.84],
              [(x + part) / 2 + x * 0.3, -0.74],
              [x * 1.2, -0.5 + lift],
            ]),
            strand,
            0.016,
            { opacity: 0.4 },
          ),
        )
        .join("");
  return (
    path(shape, { fill }) +
    strands +
    sideLocks(style, color) +
    (style === "curly" ? curls(color, 0.56, 13, 0.17) : "")
  );
}

/** Hair beside the face of long styles, in front of the ears. */
function sideLocks(style: HairStyle, color: Rgb): string {
  const fall = FALL[style];
  if (fall === undefined) return "";
  return [-1, 1]
    .map((side) =>
      path(
        curve(
          (
            [
              [0.44, -0.5],
              [0.57, -0.35],
              [0.63, 0.2],
              [0.62, fall * 0.75],
              [0.52, fall * 0.85],
              [0.5, 0.25],
              [0.47, -0.1],
            ] as const
          ).map(([x, y]): Xy => [x * side, y]),
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
