// Deterministic changes to a decoded picture, to measure how robust a model is; made before it is resized.
// Invariant: a picture, a perturbation and a stream always give the same bytes.
import type { Random } from "../core/random.ts";
import { decodeImage, encodeJpeg } from "./image.ts";
import type { Perturbation } from "./perturbation.ts";
import { flipHorizontal, type RgbImage } from "./pixels.ts";

type Of<K extends Perturbation["kind"]> = Extract<Perturbation, { kind: K }>;

/**
 * The picture, perturbed.
 *
 * @param image - RGB u8, as decoded
 * @param how - kind and strength
 * @param random - stream of this picture; used by `alignment` and `low-light`
 * @returns RGB u8; of the same size, but for `crop`
 * @example await perturb(image, { kind: "jpeg", quality: 20 }, Random.of(seed).split("perturb", id))
 */
export async function perturb(image: RgbImage, how: Perturbation, random: Random): Promise<RgbImage> {
  switch (how.kind) {
    case "alignment":
      return misalign(image, how, random);
    case "jpeg":
      return await decodeImage(await encodeJpeg(image, { quality: how.quality }));
    case "blur":
      return blur(image, how.sigma * image.width);
    case "low-light":
      return darken(image, how, random);
    case "crop":
      return cropCentre(image, how.keep);
    case "flip":
      return flipHorizontal(image);
  }
}

/** Shift, turn and scale about the centre, bilinear; what comes from outside is the nearest pixel of the edge. */
function misalign(image: RgbImage, { shift, rotate, scale }: Of<"alignment">, random: Random): RgbImage {
  const { width, height } = image;
  const dx = random.uniform(-shift, shift) * width;
  const dy = random.uniform(-shift, shift) * width;
  const angle = (random.uniform(-rotate, rotate) * Math.PI) / 180;
  const factor = 1 + random.uniform(-scale, scale);
  const cos = Math.cos(angle) / factor;
  const sin = Math.sin(angle) / factor;
  const [cx, cy] = [(width - 1) / 2, (height - 1) / 2];
  const data = new Uint8Array(width * height * 3);
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < width; x++, to += 3) {
      const [u, v] = [x - cx - dx, y - cy - dy];
      sampleBilinear(image, cos * u - sin * v + cx, sin * u + cos * v + cy, data, to);
    }
  }
  return { width, height, data };
}

function sampleBilinear(
  { width, height, data }: RgbImage,
  x: number,
  y: number,
  out: Uint8Array,
  to: number,
) {
  const left = Math.floor(x);
  const top = Math.floor(y);
  const [fx, fy] = [x - left, y - top];
  const column = (i: number) => Math.min(width - 1, Math.max(0, i)) * 3;
  const row = (i: number) => Math.min(height - 1, Math.max(0, i)) * width * 3;
  const [x0, x1, y0, y1] = [column(left), column(left + 1), row(top), row(top + 1)];
  for (let c = 0; c < 3; c++) {
    const upper = data[y0 + x0 + c]! * (1 - fx) + data[y0 + x1 + c]! * fx;
    const lower = data[y1 + x0 + c]! * (1 - fx) + data[y1 + x1 + c]! * fx;
    out[to + c] = Math.round(upper * (1 - fy) + lower * fy);
  }
}

/** Gaussian blur in two passes, cut off at three sigmas; edges repeat. */
function blur(image: RgbImage, sigmaPx: number): RgbImage {
  const radius = Math.max(1, Math.ceil(3 * sigmaPx));
  const taps = Array.from({ length: 2 * radius + 1 }, (_, k) =>
    Math.exp(-((k - radius) ** 2) / (2 * sigmaPx ** 2)),
  );
  const total = taps.reduce((sum, tap) => sum + tap, 0);
  const weights = Float64Array.from(taps, (tap) => tap / total);
  const { width, height } = image;
  const wide = new Float64Array(width * height * 3);
  convolve(image.data, wide, { weights, lines: height, length: width, step: 3, stride: width * 3 });
  const both = new Float64Array(width * height * 3);
  convolve(wide, both, { weights, lines: width, length: height, step: width * 3, stride: 3 });
  return { width, height, data: Uint8Array.from(both, Math.round) };
}

interface Pass {
  readonly weights: Float64Array;
  readonly lines: number;
  readonly length: number;
  /** From one pixel of a line to the next. */
  readonly step: number;
  /** From one line to the next. */
  readonly stride: number;
}

function convolve(from: ArrayLike<number>, to: Float64Array, { weights, lines, length, step, stride }: Pass) {
  const radius = (weights.length - 1) / 2;
  for (let line = 0; line < lines; line++) {
    for (let i = 0; i < length; i++) {
      for (let c = line * stride; c < line * stride + 3; c++) {
        let sum = 0;
        for (let k = 0; k < weights.length; k++) {
          const at = Math.min(length - 1, Math.max(0, i + k - radius));
          sum += weights[k]! * from[c + at * step]!;
        }
        to[c + i * step] = sum;
      }
    }
  }
}

/** Less light (gain on linear light, sRGB's exponent taken as 2.2) and the noise of a sensor that then shows. */
function darken(
  { width, height, data }: RgbImage,
  { gain, noise }: Of<"low-light">,
  random: Random,
): RgbImage {
  const factor = gain ** (1 / 2.2);
  const out = Uint8ClampedArray.from(data, (value) => value * factor + random.normal() * noise * 255);
  return { width, height, data: new Uint8Array(out.buffer) };
}

function cropCentre(image: RgbImage, keep: number): RgbImage {
  const width = Math.max(1, Math.round(image.width * keep));
  const height = Math.max(1, Math.round(image.height * keep));
  const left = (image.width - width) >> 1;
  const top = (image.height - height) >> 1;
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    const start = ((top + y) * image.width + left) * 3;
    data.set(image.data.subarray(start, start + width * 3), y * width * 3);
  }
  return { width, height, data };
}
