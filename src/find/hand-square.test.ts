import { readFileSync } from "node:fs";
import { crc32 } from "node:zlib";
import { describe, expect, it } from "vitest";
import { withSimd } from "../../test/lent.ts";
import { goldenPicture } from "../../test/parity/picture.ts";
import { turnedCrop } from "./crops.ts";
import { fromSquare, onGrid, squareFromBox, squareFromLandmarks, squareFromPalm } from "./hand-square.ts";

type Pair = readonly [number, number];
type Square = readonly [x: number, y: number, side: number, angle: number];
interface Goldens {
  readonly landmarks: readonly { readonly points: readonly Pair[]; readonly square: Square }[];
  readonly palms: readonly {
    readonly box: Square;
    readonly points: readonly Pair[];
    readonly square: Square;
  }[];
  readonly crops: readonly {
    readonly width: number;
    readonly height: number;
    readonly square: Square;
    readonly sizePx: number;
    readonly rows: string;
  }[];
}
const PATH = new URL("../../test/parity/goldens/derive.json", import.meta.url);
const goldens = JSON.parse(readFileSync(PATH, "utf8")) as Goldens;
const point = ([x, y]: Pair) => ({ x, y });

function expectSquare(got: ReturnType<typeof squareFromPalm>, [x, y, side, angle]: Square): void {
  expect(got.centre.x).toBeCloseTo(x, 6);
  expect(got.centre.y).toBeCloseTo(y, 6);
  expect(got.sidePx).toBeCloseTo(side, 6);
  // -pi and pi are one direction
  expect(Math.cos(got.angle - angle)).toBeCloseTo(1, 12);
}

describe("squares of hands", () => {
  it.each(goldens.landmarks.map((golden, i) => [i, golden] as const))("from landmarks %i", (_, golden) => {
    expectSquare(squareFromLandmarks(golden.points.map(point)), golden.square);
  });

  it.each(goldens.palms.map((golden, i) => [i, golden] as const))("from palm %i", (_, golden) => {
    const [x, y, width, height] = golden.box;
    const [wrist, knuckle] = golden.points.map(point);
    expectSquare(squareFromPalm({ x, y, width, height }, wrist!, knuckle!), golden.square);
  });

  it("keeps an upright hand upright and turns a mirrored one the other way", () => {
    const { points } = goldens.landmarks[0]!;
    const direct = squareFromLandmarks(points.map(point));
    const mirrored = squareFromLandmarks(points.map(([x, y]) => ({ x: 1000 - x, y })));
    expect(mirrored.angle).toBeCloseTo(-direct.angle, 10);
    expect(mirrored.sidePx).toBeCloseTo(direct.sidePx, 8);
    expect(mirrored.centre.x).toBeCloseTo(1000 - direct.centre.x, 8);
  });

  it("from a box: centred, upright, with the margin at each end", () => {
    const box = { x: 10, y: 20, width: 40, height: 100 };
    expect(squareFromBox(box, 0.16)).toEqual({ centre: { x: 30, y: 70 }, sidePx: 132, angle: 0 });
  });

  it("carries its corners and centre into the photo", () => {
    const square = { centre: { x: 100, y: 50 }, sidePx: 20, angle: Math.PI / 2 };
    expect(fromSquare(square, { x: 0.5, y: 0.5 })).toEqual({ x: 100, y: 50 });
    const top = fromSquare(square, { x: 0.5, y: 0 }); // its up points right
    expect([top.x, top.y]).toEqual([expect.closeTo(110, 10), expect.closeTo(50, 10)]);
  });
});

describe("onGrid", () => {
  const square = { centre: { x: 10.1, y: -3.2 }, sidePx: 99.9, angle: 1.2345 };

  it("moves a square by at most an eighth of a px and a twentieth of a degree", () => {
    const near = onGrid(square);
    expect(near).toMatchObject({ centre: { x: 10, y: -3.25 }, sidePx: 100 });
    expect((near.angle * 180) / Math.PI).toBeCloseTo(70.7, 9);
    expect(onGrid(near)).toEqual(near);
  });

  it("gives one square for what differs by the order of a model's additions", () => {
    const off = (by: number) =>
      onGrid({ ...square, sidePx: 99.9 + by, centre: { x: 10.1 - by, y: -3.2 + by } });
    expect(off(1e-5)).toEqual(off(-1e-5));
  });
});

describe("turnedCrop", () => {
  it.each(goldens.crops.map((golden, i) => [i, golden] as const))("gives dlib's pixels %i", (_, golden) => {
    const [x, y, sidePx, angle] = golden.square;
    const image = goldenPicture(golden.width, golden.height);
    const square = { centre: { x, y }, sidePx, angle };
    const crop = withSimd(image, (picture) => turnedCrop(picture, square, golden.sizePx).copy());
    const crcs = Buffer.from(golden.rows, "base64");
    const stride = 3 * golden.sizePx;
    const other = Array.from({ length: golden.sizePx }, (_, r) => r).filter(
      (r) => crc32(crop.data.subarray(r * stride, (r + 1) * stride)) !== crcs.readUInt32LE(4 * r),
    );
    expect(other.length).toBeLessThanOrEqual(3); // values on a whole number, see crops.test.ts
  });
});
