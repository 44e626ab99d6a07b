// How much of a face a hand hides, and how much of a crop lies in the picture: shares of areas, by counting points.
// Source: our own; convex hull by Andrew's monotone chain. Invariant: shares are 0 to 1, of a fixed grid of points.

import { boundsOf, fromSquare, type TurnedSquare } from "../../find/hand-square.ts";
import { type Box, boxIou, type Point } from "../../pixels/geometry.ts";

/** Points of the grid in each direction. */
const GRID = 32;

/**
 * Share of the middle of a face that lies inside the outline of a hand.
 *
 * @param face - forehead to chin; its inner 70 % counts, eyes to mouth
 * @param hand - its landmarks; the outline is their convex hull
 */
export function hiddenShare(face: Box<"px">, hand: readonly Point<"px">[]): number {
  const hull = convexHull(hand);
  const inner = 0.7;
  const bounds = boundsOf(hand);
  if (boxIou(bounds, face) === 0) return 0; // most hands: nothing to count
  return shareOf((u, v) => {
    const x = face.x + face.width * (0.5 + inner * (u - 0.5));
    const y = face.y + face.height * (0.5 + inner * (v - 0.5));
    return isInside(hull, { x, y });
  });
}

/** Share of a turned square that lies inside a picture of this size. */
export function insideShare(square: TurnedSquare, width: number, height: number): number {
  const inside = (p: Point) => p.x >= 0 && p.y >= 0 && p.x <= width && p.y <= height;
  const corners = [0, 1].flatMap((x) => [0, 1].map((y) => fromSquare(square, { x, y })));
  if (corners.every(inside)) return 1;
  const origin = corners[0]!;
  const [down, across] = [corners[1]!, corners[2]!];
  return shareOf((u, v) =>
    inside({
      x: origin.x + u * (across.x - origin.x) + v * (down.x - origin.x),
      y: origin.y + u * (across.y - origin.y) + v * (down.y - origin.y),
    }),
  );
}

function shareOf(has: (u: number, v: number) => boolean): number {
  let count = 0;
  for (let i = 0; i < GRID; i++) {
    for (let j = 0; j < GRID; j++) if (has((i + 0.5) / GRID, (j + 0.5) / GRID)) count++;
  }
  return count / (GRID * GRID);
}

/**
 * The convex hull of points.
 *
 * @returns its corners, clockwise on the screen (y down), without repeats; all points if fewer than three
 */
export function convexHull(points: readonly Point<"px">[]): Point<"px">[] {
  const sorted = [...points].sort((p, q) => p.x - q.x || p.y - q.y);
  if (sorted.length < 3) return sorted;
  const half = (along: readonly Point[]) => {
    const chain: Point[] = [];
    for (const p of along) {
      while (chain.length >= 2 && cross(chain.at(-2)!, chain.at(-1)!, p) <= 0) chain.pop();
      chain.push(p);
    }
    return chain.slice(0, -1);
  };
  return [...half(sorted), ...half([...sorted].reverse())];
}

/** Twice the area of the triangle; positive if it turns right on the screen. */
function cross(a: Point, b: Point, c: Point): number {
  return (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x);
}

function isInside(hull: readonly Point[], p: Point): boolean {
  return hull.length >= 3 && hull.every((a, i) => cross(a, hull[(i + 1) % hull.length]!, p) >= 0);
}
