// ◇ Browser-safe. Non-maximum suppression: several detections of one face or hand become one.
// Source: MediaPipe non_max_suppression_calculator.cc (weighted) and OpenCV dnn::NMSBoxes (greedy).
import { type Box, boxIou, type Point } from "../pixels/geometry.ts";

/** A detection before it is named: points in the detector's own order. */
export interface Candidate {
  readonly score: number;
  readonly box: Box<"px">;
  readonly points: readonly Point<"px">[];
}

/**
 * Groups detections that overlap the best one and averages each group, weighted by score.
 *
 * @param candidates - any order
 * @param minIou - overlap above which two detections mean the same thing, 0 to 1
 * @returns one detection a face or hand, best first; the score is the best of its group
 * @source MediaPipe NonMaxSuppressionCalculator, WEIGHTED
 */
export function suppressWeighted(candidates: readonly Candidate[], minIou: number): Candidate[] {
  return groups(candidates, minIou).map((group) => {
    const total = group.reduce((sum, c) => sum + c.score, 0);
    const mean = (value: (c: Candidate) => number) =>
      group.reduce((sum, c) => sum + c.score * value(c), 0) / total;
    const box = {
      x: mean((c) => c.box.x),
      y: mean((c) => c.box.y),
      width: mean((c) => c.box.width),
      height: mean((c) => c.box.height),
    };
    const points = group[0]!.points.map((_, k) => ({
      x: mean((c) => c.points[k]!.x),
      y: mean((c) => c.points[k]!.y),
    }));
    return { score: group[0]!.score, box, points };
  });
}

/**
 * Keeps the best of the detections that overlap.
 *
 * @param candidates - any order
 * @param minIou - overlap above which two detections mean the same thing, 0 to 1
 * @returns one detection a face or hand, best first
 * @source OpenCV dnn::NMSBoxes
 */
export function suppressGreedy(candidates: readonly Candidate[], minIou: number): Candidate[] {
  return groups(candidates, minIou).map(([best]) => best!);
}

/** Detections by what they show; the first of each group is its best. */
function groups(candidates: readonly Candidate[], minIou: number): Candidate[][] {
  let rest = [...candidates].sort((a, b) => b.score - a.score);
  const out: Candidate[][] = [];
  while (rest.length > 0) {
    const [best] = rest as [Candidate];
    const same = (c: Candidate) => c === best || boxIou(c.box, best.box) > minIou;
    out.push(rest.filter(same));
    rest = rest.filter((c) => !same(c));
  }
  return out;
}
