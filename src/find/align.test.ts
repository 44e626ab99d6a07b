import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { applySimilarity, CENTRE_TEMPLATE, chipToImage, DLIB_TEMPLATE, fitSimilarity } from "./align.ts";

const number = fc.double({ min: -100, max: 100, noNaN: true });
const point = fc.record({ x: number, y: number });

describe("fitSimilarity", () => {
  it("recovers any rotation, scale and shift", () => {
    const points = fc.array(point, { minLength: 2, maxLength: 6 });
    fc.assert(
      fc.property(points, point, point, (from, turn, shift) => {
        const spread = Math.max(...from.map((p) => Math.hypot(p.x - from[0]!.x, p.y - from[0]!.y)));
        fc.pre(spread > 1);
        const truth = { a: turn.x, b: turn.y, dx: shift.x, dy: shift.y };
        const fitted = fitSimilarity(
          from,
          from.map((p) => applySimilarity(truth, p)),
        );
        expect(Math.hypot(fitted.a - truth.a, fitted.b - truth.b)).toBeLessThan(1e-6);
        expect(Math.hypot(fitted.dx - truth.dx, fitted.dy - truth.dy)).toBeLessThan(1e-4);
      }),
    );
  });

  it("leaves a residual that no neighbour betters: least squares", () => {
    const from = [
      { x: 0, y: 0 },
      { x: 4, y: 1 },
      { x: 1, y: 5 },
    ];
    const to = [
      { x: 3, y: 2 },
      { x: 1, y: 9 },
      { x: -4, y: 2.5 },
    ];
    const best = fitSimilarity(from, to);
    const error = (s: typeof best) =>
      from.reduce((sum, p, i) => {
        const q = applySimilarity(s, p);
        return sum + (q.x - to[i]!.x) ** 2 + (q.y - to[i]!.y) ** 2;
      }, 0);
    for (const key of ["a", "b", "dx", "dy"] as const)
      for (const step of [-1e-3, 1e-3]) {
        expect(error({ ...best, [key]: best[key] + step })).toBeGreaterThan(error(best));
      }
  });

  it("does not mirror", () => {
    const from = [
      { x: 0, y: 0 },
      { x: 1, y: 0 },
      { x: 0, y: 1 },
    ];
    const { a, b } = fitSimilarity(
      from,
      from.map(({ x, y }) => ({ x: -x, y })),
    );
    expect(a * a + b * b).toBeLessThan(1); // a mirrored triangle cannot be matched: it shrinks instead
  });

  it("refuses points that are all the same", () => {
    const p = { x: 1, y: 1 };
    expect(() => fitSimilarity([p, p], [p, p])).toThrow("A similarity needs two pairs of points");
  });
});

describe("chipToImage", () => {
  it("is the inverse of the template for points that lie on it", () => {
    const at = (t: number) => ((t + 0.25) / 1.5) * 300;
    const landmarks = Object.fromEntries(
      Object.entries(DLIB_TEMPLATE).map(([name, { x, y }]) => [name, { x: at(x), y: at(y) }]),
    ) as unknown as Parameters<typeof chipToImage>[0];
    const { a, b, dx, dy } = chipToImage(landmarks, 300, 0.25);
    expect(Math.abs(a - 1) + Math.abs(b) + Math.abs(dx) + Math.abs(dy)).toBeLessThan(1e-9);
  });

  it("has ArcFace's nose tip .57 eye distances under dlib's eyes", () => {
    const { rightEye, leftEye, nose } = CENTRE_TEMPLATE;
    const below = (nose.y - (rightEye.y + leftEye.y) / 2) / (leftEye.x - rightEye.x);
    expect(below).toBeCloseTo(0.5715, 3);
    expect(rightEye.x).toBeCloseTo((0.1205750620789 + 0.3340850613712) / 2, 12);
  });
});
