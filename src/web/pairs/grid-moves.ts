// ◇ Browser-safe. What keys and clicks do in the grid: move through it, select, open.
// Invariants: the list has the focus, and the cursor is its active tile; what Shift selects reaches from where the last selection began.
import { choose } from "../app/address.ts";
import type { Key } from "../app/keys.ts";
import { type Desk, idOf, pick } from "./desk.ts";
import { lineOf, type Plan } from "./grid-plan.ts";
import { scrollTopShowing } from "./window.ts";

/** What moves need of a grid. */
export interface Moved {
  readonly desk: Desk;
  /** As the grid is now. */
  readonly plan: () => Plan;
  /** What is scrolled. */
  readonly box: () => HTMLElement;
}

/** What can be done in a grid. */
export interface Moves {
  /** Makes an index the cursor, and scrolls to it. */
  show(index: number): void;
  move(by: number, picks?: boolean): void;
  toggle(index: number): void;
  open(index: number): void;
  click(event: MouseEvent, index: number): void;
}

/** The moves of a grid. */
export function movesOf({ desk, plan, box }: Moved): Moves {
  let anchor = 0;
  const show = (index: number) => {
    const now = plan();
    desk.cursor.value = index;
    box().scrollTop = scrollTopShowing(now.list, box().scrollTop, lineOf(now, index));
  };
  const pickTo = (index: number) => {
    const [from, to] = [Math.min(anchor, index), Math.max(anchor, index)];
    pick(desk, new Set([...desk.picked.peek(), ...plan().rows.subarray(from, to + 1)]));
  };
  const toggle = (index: number) => {
    const row = plan().rows[index];
    if (row === undefined) return;
    anchor = index;
    const next = new Set(desk.picked.peek());
    if (!next.delete(row)) next.add(row);
    pick(desk, next);
  };
  const open = (index: number) => {
    const row = plan().rows[index];
    if (row !== undefined) choose({ pair: [idOf(desk, row)] });
  };
  const move = (by: number, picks = false) => {
    const index = Math.max(0, Math.min(plan().rows.length - 1, desk.cursor.peek() + by));
    if (picks && desk.picked.peek().size === 0) anchor = desk.cursor.peek();
    show(index);
    if (picks) pickTo(index);
  };
  const click = (event: MouseEvent, index: number) => {
    desk.cursor.value = index;
    if (event.shiftKey) pickTo(index);
    else if (event.ctrlKey || event.metaKey) toggle(index);
    else open(index);
  };
  return { show, move, toggle, open, click };
}

/** The grid's keys. */
export function keysOf({ desk, plan }: Pick<Moved, "desk" | "plan">, moves: Moves): readonly Key[] {
  const { across, ends, page } = {
    across: () => plan().across,
    ends: () => plan().rows.length,
    page: () => Math.max(1, Math.floor(plan().list.heightPx / plan().list.linePx)) * plan().across,
  };
  const by = (step: () => number, picks = false) => ({ run: () => moves.move(step(), picks) });
  return [
    { keys: ["ArrowRight"], does: "next pair", ...by(() => 1) },
    { keys: ["ArrowLeft"], does: "pair before", ...by(() => -1) },
    { keys: ["ArrowDown"], does: "a line down", ...by(across) },
    { keys: ["ArrowUp"], does: "a line up", ...by(() => -across()) },
    { keys: ["PageDown"], does: "a page down", ...by(page) },
    { keys: ["PageUp"], does: "a page up", ...by(() => -page()) },
    { keys: ["Home"], does: "first pair", ...by(() => -ends()) },
    { keys: ["End"], does: "last pair", ...by(ends) },
    { keys: ["Shift+ArrowRight"], does: "select to the next pair", ...by(() => 1, true) },
    { keys: ["Shift+ArrowLeft"], does: "select to the pair before", ...by(() => -1, true) },
    { keys: ["Shift+ArrowDown"], does: "select to a line down", ...by(across, true) },
    { keys: ["Shift+ArrowUp"], does: "select to a line up", ...by(() => -across(), true) },
    { keys: [" ", "x"], does: "select this pair, or not", run: () => moves.toggle(desk.cursor.peek()) },
    { keys: ["Ctrl+a"], does: "select all that are shown", run: () => pick(desk, new Set(plan().rows)) },
    { keys: ["u"], does: "select none", run: () => pick(desk, new Set()) },
    { keys: ["Enter"], does: "open this pair", run: () => moves.open(desk.cursor.peek()) },
  ];
}
