// ◇ Browser-safe. Places in a frame as journal and ledger have them: boxes, the turned squares that crops show, landmarks.
// Invariant: px of the frame as it is seen, after EXIF's turn; rounded, so that machines whose last bits differ write the same.
import type { TurnedSquare } from "../../find/hand-square.ts";
import type { Box, Point } from "../../pixels/geometry.ts";

/** Four numbers of a cell. */
export type Four = [number, number, number, number];

/** Of boxes (px) and squares (px, and degrees of their turn). */
const DIGITS = 2;
/** Landmarks are for the eye: what a crop shows is in its square. */
const POINT_DIGITS = 1;

/** A box as x, y, width, height. */
export const boxNumbers = ({ x, y, width, height }: Box<"px">): Four => [
  round(x),
  round(y),
  round(width),
  round(height),
];

/**
 * A square as x and y of its centre, side, and degrees that it is turned clockwise.
 *
 * @example squareNumbers({ centre: { x: 10, y: 20 }, sidePx: 5, angle: Math.PI / 2 }) // [10, 20, 5, 90]
 */
export const squareNumbers = ({ centre, sidePx, angle }: TurnedSquare): Four => [
  round(centre.x),
  round(centre.y),
  round(sidePx),
  round((angle * 180) / Math.PI),
];

/** Points as x and y of each. */
export const pointNumbers = (points: readonly Point<"px">[]): number[] =>
  points.flatMap(({ x, y }) => [round(x, POINT_DIGITS), round(y, POINT_DIGITS)]);

/**
 * A box as a ledger has it.
 *
 * @returns undefined for what is not four numbers
 * @example parseBox("10 20.5 100 90") // { x: 10, y: 20.5, width: 100, height: 90 }
 */
export function parseBox(cell: unknown): Box<"px"> | undefined {
  const [x, y, width, height, ...rest] = parseNumbers(cell);
  return height === undefined || rest.length > 0 ? undefined : { x: x!, y: y!, width: width!, height };
}

/**
 * A square as a ledger has it: what `turnedCrop` cuts.
 *
 * @returns undefined for what is not four numbers
 * @example parseSquare("10 20 5 90") // { centre: { x: 10, y: 20 }, sidePx: 5, angle: Math.PI / 2 }
 */
export function parseSquare(cell: unknown): TurnedSquare | undefined {
  const [x, y, sidePx, degrees, ...rest] = parseNumbers(cell);
  if (degrees === undefined || rest.length > 0) return undefined;
  return { centre: { x: x!, y: y! }, sidePx: sidePx!, angle: (degrees * Math.PI) / 180 };
}

/** Points as a ledger has them; none for what is not pairs of numbers. */
export function parsePoints(cell: unknown): Point<"px">[] {
  const numbers = parseNumbers(cell);
  if (numbers.length % 2 === 1) return [];
  return Array.from({ length: numbers.length / 2 }, (_, i) => ({
    x: numbers[2 * i]!,
    y: numbers[2 * i + 1]!,
  }));
}

function parseNumbers(cell: unknown): number[] {
  const numbers = typeof cell === "string" && cell !== "" ? cell.split(" ").map(Number) : [];
  return numbers.every(Number.isFinite) ? numbers : [];
}

function round(value: number, digits = DIGITS): number {
  return Number(value.toFixed(digits));
}
