// Drawing primitives of the built-in sample: affine maps, smooth curves, colours, SVG elements.
// Invariant: numbers are rounded to 4 decimals, so that the last bits of a machine's sine do not reach the file.

export type Xy = readonly [x: number, y: number];

/** Maps (x, y) to (a x + c y + e, b x + d y + f), as SVG's matrix(a b c d e f). */
export type Affine = readonly [a: number, b: number, c: number, d: number, e: number, f: number];

/** Scale (sx, sy), then rotate clockwise by `degrees`, then move to (x, y). */
export function place(x: number, y: number, degrees: number, sx: number, sy = sx): Affine {
  const cos = Math.cos((degrees * Math.PI) / 180);
  const sin = Math.sin((degrees * Math.PI) / 180);
  return [cos * sx, sin * sx, -sin * sy, cos * sy, x, y];
}

/** A point moved by an affine map. */
export function apply([a, b, c, d, e, f]: Affine, [x, y]: Xy): Xy {
  return [a * x + c * y + e, b * x + d * y + f];
}

/** As the value of a `transform`. */
export function matrix(at: Affine): string {
  return `matrix(${at.map((v) => v.toFixed(4)).join(" ")})`;
}

/** A number as short SVG text. */
export function num(value: number): string {
  const text = value.toFixed(4).replace(/\.?0+$/, "");
  return text === "-0" ? "0" : text;
}

function xy(point: Xy): string {
  return `${num(point[0])} ${num(point[1])}`;
}

export type Attributes = Readonly<Record<string, string | number | undefined>>;

/** One element; attributes that are undefined are left out. */
export function el(name: string, attributes: Attributes, content = ""): string {
  const text = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}="${typeof value === "number" ? num(value) : value}"`)
    .join("");
  return content === "" ? `<${name}${text}/>` : `<${name}${text}>${content}</${name}>`;
}

/** A path element from its `d`. */
export function path(d: string, attributes: Attributes): string {
  return el("path", { d, ...attributes });
}

/** An ellipse element. */
export function ellipse(centre: Xy, rx: number, ry: number, attributes: Attributes): string {
  return el("ellipse", { cx: centre[0], cy: centre[1], rx, ry, ...attributes });
}

/** A line along points, as `fill="none"` strokes with round ends. */
export function stroke(d: string, color: string, width: number, attributes: Attributes = {}): string {
  return path(d, {
    fill: "none",
    stroke: color,
    "stroke-width": width,
    "stroke-linecap": "round",
    ...attributes,
  });
}

/** Smooth curve through points (Catmull-Rom as cubic Beziers). */
export function curve(points: readonly Xy[], closed = false): string {
  const n = points.length;
  const at = (i: number): Xy => points[closed ? (i + n) % n : Math.min(Math.max(i, 0), n - 1)]!;
  let d = `M${xy(points[0]!)}`;
  for (let i = 0; i < (closed ? n : n - 1); i++) {
    const [p0, p1, p2, p3] = [at(i - 1), at(i), at(i + 1), at(i + 2)];
    const c1: Xy = [p1[0] + (p2[0] - p0[0]) / 6, p1[1] + (p2[1] - p0[1]) / 6];
    const c2: Xy = [p2[0] - (p3[0] - p1[0]) / 6, p2[1] - (p3[1] - p1[1]) / 6];
    d += `C${xy(c1)} ${xy(c2)} ${xy(p2)}`;
  }
  return closed ? `${d}Z` : d;
}

/** Points written as `"x y, x y"`, stretched by (sx, sy), then moved down by y; for literals only. */
export function pts(text: string, sx = 1, sy = 1, y = 0): Xy[] {
  return text.split(", ").map((pair): Xy => {
    const [px, py] = pair.split(" ").map(Number);
    return [px! * sx, py! * sy + y];
  });
}

/** Mirror images in x. */
export function flipped(points: readonly Xy[]): Xy[] {
  return points.map(([x, y]) => [-x, y]);
}

/** Points and their mirror images in x, in reverse: the outline of something symmetric. */
export function mirrored(points: readonly Xy[]): Xy[] {
  return [...points, ...flipped(points.toReversed())];
}

export type Rgb = readonly [r: number, g: number, b: number];

/** An RGB colour as SVG writes it. */
export function hex(rgb: Rgb): string {
  const two = (v: number) =>
    Math.round(Math.min(Math.max(v, 0), 255))
      .toString(16)
      .padStart(2, "0");
  return `#${rgb.map(two).join("")}`;
}

/** `t` of the way from one colour to another. */
export function mix(from: Rgb, to: Rgb, t: number): Rgb {
  return [0, 1, 2].map((i) => from[i]! + (to[i]! - from[i]!) * t) as unknown as Rgb;
}

/**
 * CIELAB (D65) to sRGB.
 *
 * @returns channels 0 to 255, not rounded, clipped
 * @source IEC 61966-2-1
 */
export function labToRgb(lightness: number, a: number, b: number): Rgb {
  const fy = (lightness + 16) / 116;
  const back = (t: number) => (t > 6 / 29 ? t ** 3 : 3 * (6 / 29) ** 2 * (t - 4 / 29));
  const x = 0.95047 * back(fy + a / 500);
  const y = back(fy);
  const z = 1.08883 * back(fy - b / 200);
  const linear = [
    3.2404542 * x - 1.5371385 * y - 0.4985314 * z,
    -0.969266 * x + 1.8760108 * y + 0.041556 * z,
    0.0556434 * x - 0.2040259 * y + 1.0572252 * z,
  ];
  const gamma = (v: number) => (v <= 0.0031308 ? 12.92 * v : 1.055 * v ** (1 / 2.4) - 0.055);
  return linear.map((v) => 255 * Math.min(Math.max(gamma(v), 0), 1)) as unknown as Rgb;
}

/** Skin of a given individual typology angle, ITA = atan((L - 50) / b). */
export function skinOf(itaDegrees: number): Rgb {
  const b = 19 - Math.abs(itaDegrees - 15) * 0.11; // tan skin is the yellowest
  const lightness = 50 + b * Math.tan((itaDegrees * Math.PI) / 180);
  return labToRgb(lightness, 11 - Math.max(0, itaDegrees - 30) * 0.06, b);
}
