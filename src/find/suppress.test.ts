import { expect, it } from "vitest";
import { type Candidate, suppressGreedy, suppressWeighted } from "./suppress.ts";

const at = (x: number, score: number): Candidate => ({
  score,
  box: { x, y: 0, width: 10, height: 10 },
  points: [{ x: x + 1, y: 2 * x }],
});

it("averages the detections of one face by score, and keeps the best score", () => {
  const [face, other, ...none] = suppressWeighted([at(4, 0.25), at(0, 0.75), at(30, 0.5)], 0.3);
  expect(none).toEqual([]);
  expect(face).toEqual({ score: 0.75, box: { x: 1, y: 0, width: 10, height: 10 }, points: [{ x: 2, y: 2 }] });
  expect(other).toEqual(at(30, 0.5));
});

it("compares with the best only: a chain of overlaps is not one face", () => {
  const chain = [at(0, 0.9), at(5, 0.8), at(10, 0.7)]; // neighbours overlap by 1/3
  expect(suppressWeighted(chain, 0.3)).toHaveLength(2);
  expect(suppressWeighted(chain, 0.34)).toHaveLength(3);
});

it("greedy: keeps the best of each face as it is", () => {
  expect(suppressGreedy([at(4, 0.25), at(0, 0.75), at(30, 0.5)], 0.3)).toEqual([at(0, 0.75), at(30, 0.5)]);
  expect(suppressGreedy([], 0.3)).toEqual([]);
});

it("keeps a degenerate box, which overlaps nothing, itself included", () => {
  const flat: Candidate = { score: 0.9, box: { x: 0, y: 0, width: 0, height: 5 }, points: [] };
  expect(suppressGreedy([flat, flat], 0.3)).toEqual([flat]);
});
