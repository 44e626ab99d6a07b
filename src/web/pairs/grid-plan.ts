// ◇ Browser-safe. Where each row of the grid lies: how many stand side by side, and which line an index is in.
import { chosen } from "../app/address.ts";
import type { Sifted } from "./sift.ts";
import { groupedLines, type List } from "./window.ts";

/** Side of a picture, px. */
export const SIZES = { least: 48, most: 320, usual: 112 } as const;
export const GAP_PX = 10;
const CAPTION_PX = 44;
/** Of a group's name above its line. */
export const HEADING_PX = 30;

/** Side of a picture, as the address says. */
export const sizeNow = (): number => {
  const size = Number(chosen("size") ?? SIZES.usual);
  return size >= SIZES.least && size <= SIZES.most ? size : SIZES.usual;
};

/** The grid's own width and height, px. */
export interface Box {
  readonly width: number;
  readonly height: number;
}

/** All rows as lines. */
export interface Plan extends Pick<Sifted, "rows" | "groups" | "grouping"> {
  readonly sizePx: number;
  readonly tilePx: { readonly width: number; readonly height: number };
  /** Rows side by side. */
  readonly across: number;
  /** Index of each line's first row, where groups begin lines of their own. */
  readonly starts?: Uint32Array | undefined;
  readonly list: List;
}

/**
 * Lays rows out in a box: as many side by side as have room with pictures of the size that is asked for, which then grow to fill
 * the width; a single one shrinks to it.
 */
export function planOf(sifted: Sifted, box: Box, askedPx: number): Plan {
  const { rows, groups, grouping } = sifted;
  const across = Math.max(1, Math.floor(box.width / (2 * askedPx + GAP_PX)));
  const widthPx = Math.floor(box.width / across) - GAP_PX;
  const sizePx = widthPx > 0 ? widthPx / 2 : askedPx; // not measured yet
  const starts = groups && groupedLines(rows, groups, across);
  const list = {
    lines: starts?.length ?? Math.ceil(rows.length / across),
    linePx: sizePx + CAPTION_PX + GAP_PX + (groups === undefined ? 0 : HEADING_PX),
    heightPx: box.height,
  };
  const tilePx = { width: 2 * sizePx, height: sizePx + CAPTION_PX };
  return { rows, groups, grouping, sizePx, tilePx, across, starts, list };
}

/** The index of a line's first row. */
export const startOf = ({ starts, across, rows }: Plan, line: number): number =>
  Math.min(rows.length, starts === undefined ? line * across : (starts[line] ?? rows.length));

/** The line that an index lies in. */
export function lineOf({ starts, across }: Plan, index: number): number {
  if (starts === undefined) return Math.floor(index / across);
  let [low, high] = [0, starts.length];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (starts[middle]! <= index) low = middle;
    else high = middle;
  }
  return low;
}
