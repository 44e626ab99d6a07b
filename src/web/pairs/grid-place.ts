// ◇ Browser-safe. The place in the grid that the address has: the first row in sight and the cursor, by their ids, so that Back, a
// reload and a link lead to it.
// Invariants: it is written once scrolling has stopped, and never as a step of its own; a place that the rows do not have is the head.
import { choose, chosen } from "../app/address.ts";
import { columnOf, rowsOfTexts } from "../table/column.ts";
import { type Desk, idOf } from "./desk.ts";
import { lineOf, type Plan, startOf } from "./grid-plan.ts";
import { offsetPx, scrollTopFor } from "./window.ts";

/** Milliseconds without scrolling after which the address follows. */
const STILL_MS = 250;

/** Where a grid stands. */
export interface Stand {
  readonly scrollTop: number;
  readonly cursor: number;
}

/** The place of the address among the rows of a grid. */
export function standOf(desk: Desk, plan: Plan): Stand {
  const [at, on] = [chosen("at"), chosen("pair") ?? chosen("on")]; // the pair that is open is where the cursor is
  const wanted = [at, on].filter((id) => id !== undefined);
  const ids = columnOf(desk.loaded.table, "image_id", "texts");
  if (wanted.length === 0 || ids === undefined) return { scrollTop: 0, cursor: 0 };
  const rows = rowsOfTexts(ids, wanted);
  const indexOf = (id: string | undefined) => {
    const row = rows.get(id ?? "");
    return row === undefined ? 0 : Math.max(0, plan.rows.indexOf(row));
  };
  const top = lineOf(plan, indexOf(at)) * plan.list.linePx;
  return { scrollTop: scrollTopFor(plan.list, top), cursor: indexOf(on) };
}

/** Tells the address where the grid stands, once it has stood still. */
export function placeKeeper(desk: Desk): { stands(plan: Plan, stand: Stand): void; end(): void } {
  let timer = 0;
  const tell = (plan: Plan, { scrollTop, cursor }: Stand) => {
    const line = Math.round(offsetPx(plan.list, scrollTop) / plan.list.linePx);
    const idAt = (index: number) => {
      const row = index <= 0 ? undefined : plan.rows[index];
      return row === undefined ? undefined : [idOf(desk, row)];
    };
    const [at, on] = [idAt(startOf(plan, line)), idAt(cursor)];
    if (at?.[0] !== chosen("at") || on?.[0] !== chosen("on")) choose({ at, on }, false);
  };
  return {
    stands(plan, stand) {
      window.clearTimeout(timer);
      timer = window.setTimeout(tell, STILL_MS, plan, stand);
    },
    end: () => window.clearTimeout(timer),
  };
}
