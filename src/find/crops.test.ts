import { readFileSync } from "node:fs";
import { crc32 } from "node:zlib";
import { describe, expect, it } from "vitest";
import { withSimd } from "../../test/lent.ts";
import { goldenPicture } from "../../test/parity/picture.ts";
import type { Box } from "../pixels/geometry.ts";
import type { RgbImage } from "../pixels/pixels.ts";
import type { ChipLandmarks, CornerLandmarks } from "./align.ts";
import { faceChip as faceChipOf, handCropFromBox as handCropOf, handSquare } from "./crops.ts";

const faceChip = (image: RgbImage, landmarks: ChipLandmarks, sizePx: number, padding: number) =>
  withSimd(image, (picture) => faceChipOf(picture, landmarks, sizePx, padding).copy());
const handCropFromBox = (image: RgbImage, box: Box<"px">, sizePx: number, margin: number) =>
  withSimd(image, (picture) => handCropOf(picture, box, sizePx, margin).copy());

interface Golden {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly sizePx: number;
  readonly padding: number;
  readonly landmarks: readonly [number, number][];
  readonly blackPixels: number;
  /** CRC-32 of each row of pixels, as u32, base64. */
  readonly rows: string;
  /** row, column, red, green, blue */
  readonly samples: readonly [number, number, number, number, number][];
}

const GOLDENS = new URL("../../test/parity/goldens/face-chip/face-chip.json", import.meta.url);
const { cases } = JSON.parse(readFileSync(GOLDENS, "utf8")) as { cases: Golden[] };

/** dlib counts from pixel centres, facehand from the corner of the picture. */
function toLandmarks(points: readonly [number, number][]): CornerLandmarks {
  const [leftEyeOuter, leftEyeInner, rightEyeOuter, rightEyeInner, noseBase] = points.map(([x, y]) => ({
    x: x + 0.5,
    y: y + 0.5,
  }));
  return {
    leftEyeOuter: leftEyeOuter!,
    leftEyeInner: leftEyeInner!,
    rightEyeOuter: rightEyeOuter!,
    rightEyeInner: rightEyeInner!,
    noseBase: noseBase!,
  };
}

function black({ data }: RgbImage): number {
  let count = 0;
  for (let i = 0; i < data.length; i += 3) if (data[i]! + data[i + 1]! + data[i + 2]! === 0) count++;
  return count;
}

const EYES = { rightEye: { x: 80, y: 100 }, leftEye: { x: 120, y: 100 }, nose: { x: 100, y: 123 } };

describe("faceChip", () => {
  it.each(cases)("gives dlib's pixels, every one: $name", (golden) => {
    const image = goldenPicture(golden.width, golden.height);
    const chip = faceChip(image, toLandmarks(golden.landmarks), golden.sizePx, golden.padding);
    expect([chip.width, chip.height]).toEqual([golden.sizePx, golden.sizePx]);
    const far = golden.samples.filter(([row, column, ...rgb]) => {
      const at = (row * chip.width + column) * 3;
      return rgb.some((value, k) => chip.data[at + k] !== value);
    });
    expect(far).toEqual([]);
    expect(black(chip)).toBe(golden.blackPixels);
    // dlib fits its transform by SVD: a value that lies on a whole number may be truncated to the one below.
    // In 17 of 6.7 million values it is, here or there, in 6 rows of one chip at most.
    const crcs = Buffer.from(golden.rows, "base64");
    const stride = 3 * chip.width;
    const other = Array.from({ length: chip.height }, (_, r) => r).filter(
      (r) => crc32(chip.data.subarray(r * stride, (r + 1) * stride)) !== crcs.readUInt32LE(4 * r),
    );
    expect(other.length).toBeLessThanOrEqual(6);
  });

  it("puts eye centres and nose tip where its template has them", () => {
    const image = goldenPicture(200, 200);
    const dots = [EYES.rightEye, EYES.leftEye, EYES.nose].map(({ x, y }) => [x, y]);
    image.data.fill(0);
    for (const [x, y] of dots)
      for (const dx of [-2, -1, 0, 1])
        for (const dy of [-2, -1, 0, 1])
          image.data.fill(255, ((y! + dy) * 200 + x! + dx) * 3, ((y! + dy) * 200 + x! + dx) * 3 + 3);
    const chip = faceChip(image, EYES, 300, 0.25);
    const lit = (x: number, y: number) => chip.data[(Math.round(y) * 300 + Math.round(x)) * 3];
    const at = (t: number) => ((0.25 + t) / 1.5) * 300 - 0.5;
    expect(lit(at(0.2273), at(0.2214))).toBeGreaterThan(200);
    expect(lit(at(0.7528), at(0.2212))).toBeGreaterThan(200);
    expect(lit(at(0.4917), at(0.523))).toBeGreaterThan(200);
    expect(lit(at(0.49), at(0.35))).toBe(0);
  });

  it("is black where the chip leaves the picture", () => {
    const image = { width: 60, height: 60, data: new Uint8Array(60 * 60 * 3).fill(200) };
    const far = { rightEye: { x: 900, y: 900 }, leftEye: { x: 940, y: 900 }, nose: { x: 920, y: 920 } };
    expect(black(faceChip(image, far, 32, 0.25))).toBe(32 * 32);
  });

  it("refuses eyes that coincide and odd sizes", () => {
    const image = goldenPicture(64, 64);
    expect(() => faceChip(image, { ...EYES, leftEye: { x: 81, y: 100 } }, 300, 0.25)).toThrow(
      "Expected eyes at least 2 px apart for a face chip, got 1.00 px",
    );
    expect(() => faceChip(image, EYES, 20, 0.25)).toThrow(
      "Expected an integer from 32 to 1024 for the crop size in px, got 20",
    );
  });
});

describe("handCropFromBox", () => {
  it("squares the box on its long side with the margin, in whole pixels", () => {
    expect(handSquare({ x: 100, y: 50, width: 40, height: 100 }, 0.1)).toEqual({
      x: 60,
      y: 40,
      width: 120,
      height: 120,
    });
  });

  it("shows the square unturned, black outside", () => {
    const image = goldenPicture(100, 80);
    const crop = handCropFromBox(image, { x: -8, y: 20, width: 40, height: 32 }, 40, 0);
    expect(crop.data.subarray(0, 3)).toEqual(new Uint8Array(3));
    const at = (x: number, y: number, of: RgbImage) => [
      ...of.data.subarray((y * of.width + x) * 3, (y * of.width + x) * 3 + 3),
    ];
    expect(at(7, 10, crop)).toEqual([0, 0, 0]);
    expect(at(8, 0, crop)).toEqual(at(0, 16, image));
    expect(at(39, 39, crop)).toEqual(at(31, 55, image));
  });

  it("resizes to the wanted size", () => {
    const image = { width: 50, height: 50, data: new Uint8Array(50 * 50 * 3).fill(77) };
    const crop = handCropFromBox(image, { x: 10, y: 10, width: 20, height: 20 }, 300, 0.1);
    expect(crop.width * crop.height).toBe(300 * 300);
    expect(new Set(crop.data)).toEqual(new Set([77]));
  });
});
