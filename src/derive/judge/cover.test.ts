import { describe, expect, it } from "vitest";
import { convexHull, hiddenShare, insideShare } from "./cover.ts";

const FACE = { x: 100, y: 100, width: 100, height: 100 }; // its middle: 115 to 185

describe("hiddenShare", () => {
  it("is the share of the face's middle inside the outline of the hand", () => {
    const left = [115, 150].flatMap((x) => [100, 300].map((y) => ({ x, y })));
    expect(hiddenShare(FACE, left)).toBeCloseTo(0.5, 12);
    expect(hiddenShare(FACE, [...left, { x: 130, y: 200 }])).toBeCloseTo(0.5, 12); // points inside change nothing
    const all = [0, 400].flatMap((x) => [0, 400].map((y) => ({ x, y })));
    expect(hiddenShare(FACE, all)).toBe(1);
    expect(
      hiddenShare(
        FACE,
        all.map(({ x, y }) => ({ x: x + 500, y })),
      ),
    ).toBe(0);
  });

  it("is nothing for a hand seen as a line or a point", () => {
    expect(
      hiddenShare(FACE, [
        { x: 100, y: 150 },
        { x: 200, y: 150 },
      ]),
    ).toBe(0);
    expect(
      hiddenShare(
        FACE,
        Array.from({ length: 21 }, () => ({ x: 150, y: 150 })),
      ),
    ).toBe(0);
  });
});

describe("convexHull", () => {
  it("has the corners only", () => {
    const points = [
      ...[
        [0, 0],
        [4, 0],
        [4, 4],
        [0, 4],
        [2, 2],
        [2, 0],
        [1, 3],
      ].map(([x, y]) => ({ x: x!, y: y! })),
    ];
    expect(new Set(convexHull(points).map(({ x, y }) => `${x},${y}`))).toEqual(
      new Set(["0,0", "4,0", "4,4", "0,4"]),
    );
  });
});

describe("insideShare", () => {
  it("counts the part of a turned square in the picture", () => {
    expect(insideShare({ centre: { x: 50, y: 50 }, sidePx: 60, angle: 1 }, 100, 100)).toBe(1);
    expect(insideShare({ centre: { x: 0, y: 50 }, sidePx: 60, angle: 0 }, 100, 100)).toBeCloseTo(0.5, 12);
    // A square on its corner: half of it beyond a side through its centre, an eighth of a turn or not.
    expect(insideShare({ centre: { x: 0, y: 50 }, sidePx: 60, angle: Math.PI / 4 }, 100, 100)).toBeCloseTo(
      0.5,
      1,
    );
    expect(insideShare({ centre: { x: -80, y: 50 }, sidePx: 60, angle: 0.3 }, 100, 100)).toBe(0);
  });
});
