// ◇ Browser-safe. Which lines of a long list a scrolled window shows, also where the list would be taller than browsers can draw.
// Source: our own. Invariants: every line can be reached; lines follow each other without gaps; where the list fits, a pixel of
// scrolling is a pixel, and where it does not, the scroll bar's way stands for all of it.

/** Taller elements are cut off: Firefox at 17.8 million px, Chromium at 33.5. */
export const TALLEST_PX = 15_000_000;
/** Lines that are drawn above and below the window, and where scrolling goes: their pictures are on their way before they are seen. */
const MARGIN = 1;
const AHEAD = 3;

/** A list of lines of one height. */
export interface List {
  readonly lines: number;
  readonly linePx: number;
  /** Of the window. */
  readonly heightPx: number;
}

/** Height of the element that is scrolled. */
export const scrolledPx = ({ lines, linePx }: Pick<List, "lines" | "linePx">): number =>
  Math.min(TALLEST_PX, lines * linePx);

/** Where the list begins, px above the window's upper edge, for a place of the scroll bar. */
export function offsetPx(list: List, scrollTop: number): number {
  const [all, drawn] = [list.lines * list.linePx, scrolledPx(list)];
  if (all <= drawn) return scrollTop;
  const way = Math.max(1, drawn - list.heightPx);
  return (Math.min(scrollTop, way) / way) * (all - list.heightPx);
}

/** The place of the scroll bar at which the list begins so far above the window. */
export function scrollTopFor(list: List, offset: number): number {
  const [all, drawn] = [list.lines * list.linePx, scrolledPx(list)];
  if (all <= drawn) return offset;
  const way = Math.max(1, drawn - list.heightPx);
  return (offset / (all - list.heightPx)) * way;
}

/** What is drawn. */
export interface Shown {
  readonly first: number;
  /** The line behind the last. */
  readonly end: number;
  /** Where the first line lies in the scrolled element, px. */
  readonly topPx: number;
}

/**
 * Lines that a window shows.
 *
 * @param towards - where it is scrolled: 1 down, -1 up
 */
export function linesAt(list: List, scrollTop: number, towards = 0): Shown {
  const offset = offsetPx(list, scrollTop);
  const [above, below] = [towards < 0 ? AHEAD : MARGIN, towards > 0 ? AHEAD : MARGIN];
  const first = Math.max(0, Math.floor(offset / list.linePx) - above);
  const end = Math.min(list.lines, Math.ceil((offset + list.heightPx) / list.linePx) + below);
  return { first, end: Math.max(first, end), topPx: scrollTop + first * list.linePx - offset };
}

/** As many lines as are drawn at once, at most. */
export const mostLines = ({ linePx, heightPx }: List): number =>
  Math.ceil(heightPx / linePx) + 1 + MARGIN + AHEAD;

/** The place of the scroll bar that shows a line whole, as near to the present one as can be. */
export function scrollTopShowing(list: List, scrollTop: number, line: number): number {
  const offset = offsetPx(list, scrollTop);
  const [top, bottom] = [line * list.linePx, (line + 1) * list.linePx];
  if (top < offset) return scrollTopFor(list, top);
  if (bottom > offset + list.heightPx) return scrollTopFor(list, bottom - list.heightPx);
  return scrollTop;
}

/**
 * Lines of rows in groups, each group on lines of its own: the first row of each line.
 *
 * @param groups - group of each row of the table
 * @param across - rows in a line
 */
export function groupedLines(rows: Uint32Array, groups: ArrayLike<number>, across: number): Uint32Array {
  const starts: number[] = [];
  for (let i = 0, since = 0; i < rows.length; i++) {
    const begins = i === 0 || groups[rows[i]!] !== groups[rows[i - 1]!];
    if (begins) since = i;
    if (begins || (i - since) % across === 0) starts.push(i);
  }
  return Uint32Array.from(starts);
}
