import { describe, expect, it } from "vitest";
import {
  groupedLines,
  linesAt,
  mostLines,
  offsetPx,
  scrolledPx,
  scrollTopFor,
  scrollTopShowing,
  TALLEST_PX,
} from "./window.ts";

const SHORT = { lines: 100, linePx: 50, heightPx: 400 };
const TALL = { lines: 550_000, linePx: 170, heightPx: 700 };

describe("a window on lines", () => {
  it("moves a pixel a pixel where the list fits", () => {
    expect(scrolledPx(SHORT)).toBe(5000);
    expect(linesAt(SHORT, 120)).toEqual({ first: 1, end: 12, topPx: 50 });
  });

  it("draws more lines where scrolling goes, and never more than it says", () => {
    expect(linesAt(SHORT, 1120, 1)).toEqual({ first: 21, end: 34, topPx: 1050 });
    expect(linesAt(SHORT, 1120, -1)).toEqual({ first: 19, end: 32, topPx: 950 });
    for (let top = 0; top < 5000; top += 7) {
      const { first, end } = linesAt(SHORT, top, 1);
      expect(end - first).toBeLessThanOrEqual(mostLines(SHORT));
    }
  });

  it("reaches the first and the last line of a list that is taller than browsers draw", () => {
    expect(scrolledPx(TALL)).toBe(TALLEST_PX);
    expect(linesAt(TALL, 0).first).toBe(0);
    const last = linesAt(TALL, TALLEST_PX - TALL.heightPx);
    expect(last.end).toBe(550_000);
    expect(last.topPx + (last.end - last.first) * TALL.linePx).toBeCloseTo(TALLEST_PX, 3);
  });

  it("shows any line whole, and stays where it is seen", () => {
    for (const list of [SHORT, TALL])
      for (const line of [0, 7, 49, list.lines - 1]) {
        const top = scrollTopShowing(list, 0, line);
        const offset = offsetPx(list, top);
        expect(line * list.linePx).toBeGreaterThanOrEqual(offset - 0.01);
        expect((line + 1) * list.linePx).toBeLessThanOrEqual(offset + list.heightPx + 0.01);
        expect(scrollTopShowing(list, top, line)).toBeCloseTo(top, 6);
        expect(scrollTopFor(list, offset)).toBeCloseTo(top, 6);
      }
  });

  it("begins each group on a line of its own", () => {
    const rows = Uint32Array.of(0, 1, 2, 3, 4, 5);
    expect([...groupedLines(rows, [7, 7, 7, 1, 2, 2], 2)]).toEqual([0, 2, 3, 4]);
  });
});
