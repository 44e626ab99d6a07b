// ◇ Browser-safe. The grid: only the lines in sight are in the document, however many there are.
// Invariants: the list has the focus and names the active tile; a line is as high as every other one; tiles are drawn at once when what
// they show changes, by no component.
import { computed, effect, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { RefObject } from "preact";
import { useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { chosen } from "../app/address.ts";
import { useKeys } from "../app/keys.ts";
import type { Desk } from "./desk.ts";
import { keysOf, movesOf } from "./grid-moves.ts";
import { placeKeeper, standOf } from "./grid-place.ts";
import { type Box, type Plan, planOf, sizeNow } from "./grid-plan.ts";
import { Tiles } from "./tiles.ts";

/** A grid as it stands. */
interface GridState {
  readonly desk: Desk;
  readonly size: Signal<Box>;
  readonly scrolled: Signal<{ readonly top: number; readonly towards: number }>;
  readonly plan: ReadonlySignal<Plan>;
}

const UNSCROLLED = { top: 0, towards: 0 } as const;

function gridOf(desk: Desk): GridState {
  const size = signal<Box>({ width: 0, height: 0 });
  const sizePx = computed(sizeNow);
  const plan = computed(() => planOf(desk.sifted.value, size.value, sizePx.value));
  return { desk, size, scrolled: signal(UNSCROLLED), plan };
}

/**
 * The grid of the rows that are shown.
 *
 * @param covered - whether one pair lies over it: it keeps its place, and has no keys
 */
export function Grid({ desk, covered }: { readonly desk: Desk; readonly covered: boolean }) {
  const box = useRef<HTMLDivElement>(null);
  const grid = useMemo(() => gridOf(desk), [desk]);
  const isCovered = useRef(covered);
  isCovered.current = covered;
  const moved = { desk, plan: () => grid.plan.peek(), box: () => box.current! };
  const moves = useMemo(() => movesOf(moved), [grid]);
  const tiles = useMemo(() => ({ now: undefined as Tiles | undefined }), []);
  useLayoutEffect(() => {
    tiles.now ??= new Tiles(box.current!.firstElementChild as HTMLElement);
    const stops = [measure(grid, box.current!), draw(grid, box.current!, tiles.now, isCovered)];
    return () => {
      for (const stop of stops) stop();
    };
  }, [grid]);
  useLayoutEffect(() => {
    if (covered) return;
    const { rows, list } = grid.plan.peek();
    if (list.heightPx > 0) moves.show(Math.min(desk.cursor.peek(), Math.max(0, rows.length - 1)));
    box.current!.focus({ preventScroll: true });
  }, [covered]);
  useKeys(covered ? [] : keysOf(moved, moves));
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: keysOf has the keys, for the whole view
    <div
      ref={box}
      class="pairs-grid"
      inert={covered}
      role="listbox"
      aria-label="Pairs"
      aria-multiselectable="true"
      tabIndex={0}
      onScroll={({ currentTarget: { scrollTop: top } }) => {
        grid.scrolled.value = { top, towards: Math.sign(top - grid.scrolled.peek().top) };
      }}
      onClick={(event) => {
        const index = tiles.now?.indexOf(event.target) ?? -1;
        if (index >= 0) moves.click(event, index);
      }}
    >
      <div class="pairs-way" role="presentation">
        <div class="pairs-lines" role="presentation" />
      </div>
    </div>
  );
}

/** Keeps the grid's own size. */
function measure({ size }: GridState, box: HTMLElement): () => void {
  const look = () => {
    const { clientWidth: width, clientHeight: height } = box;
    const now = size.peek();
    if (now.width !== width || now.height !== height) size.value = { width, height };
  };
  look();
  const observer = new ResizeObserver(look);
  observer.observe(box);
  return () => observer.disconnect();
}

/** Draws tiles whenever what they show changes; other rows stand where the address says, as a rule at their head. */
function draw(grid: GridState, box: HTMLElement, tiles: Tiles, isCovered: RefObject<boolean>): () => void {
  const { desk, plan, scrolled } = grid;
  const keeper = placeKeeper(desk);
  const shared = computed(() => ({
    ...{ desk, plan: plan.value, changes: desk.changes.value },
    measure: chosen("sort")?.replace(/^-/, ""),
  }));
  scrolled.value = { top: box.scrollTop, towards: 0 };
  let rows: Uint32Array | undefined;
  const stop = effect(() => {
    const now = plan.value;
    if (rows !== now.rows && !isCovered.current) stand(grid, box, tiles, now);
    rows = now.rows;
    // Read after they were set above: what is drawn is drawn once.
    const { top, towards } = scrolled.value;
    const [cursor, picked] = [desk.cursor.value, desk.picked.value];
    tiles.draw({ shared: shared.value, scrollTop: top, towards, cursor, picked });
    const active = rows[cursor];
    if (active === undefined) box.removeAttribute("aria-activedescendant");
    else box.setAttribute("aria-activedescendant", `pair-${active}`);
    keeper.stands(now, { scrollTop: top, cursor });
  });
  return () => {
    stop();
    keeper.end();
  };
}

function stand({ desk, scrolled }: GridState, box: HTMLElement, tiles: Tiles, plan: Plan): void {
  const { scrollTop, cursor } = standOf(desk, plan);
  desk.cursor.value = cursor;
  if (scrollTop === scrolled.peek().top) return; // else it would lay the page out in vain
  tiles.reach(plan);
  box.scrollTop = scrollTop;
  scrolled.value = { top: scrollTop, towards: 0 };
}
