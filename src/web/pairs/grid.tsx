// ◇ Browser-safe. The grid: only the lines in sight are in the document, however many there are.
// Invariants: the list has the focus and names the active tile; a line is as high as every other one.
import { useSignal } from "@preact/signals";
import { useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { choose, chosen } from "../app/address.ts";
import { type Key, useKeys } from "../app/keys.ts";
import { textAt } from "../table/column.ts";
import { type Desk, idOf, pick } from "./desk.ts";
import { Tile } from "./tile.tsx";
import { groupedLines, linesAt, scrolledPx, scrollTopShowing } from "./window.ts";
import { count } from "./words.ts";

/** Side of a picture, px. */
export const SIZES = { least: 48, most: 320, usual: 112 } as const;
const GAP_PX = 10;
const CAPTION_PX = 44;
const HEADING_PX = 30;

/** Side of a picture, as the address says. */
export const sizeNow = (): number => {
  const size = Number(chosen("size") ?? SIZES.usual);
  return size >= SIZES.least && size <= SIZES.most ? size : SIZES.usual;
};

/**
 * The grid of the rows that are shown.
 *
 * @param covered - whether one pair lies over it: it keeps its place, and has no keys
 */
export function Grid({ desk, covered }: { readonly desk: Desk; readonly covered: boolean }) {
  const box = useRef<HTMLDivElement>(null);
  const seen = useSignal({ width: 0, height: 0, top: 0 });
  const anchor = useRef(0);
  const { rows, groups } = desk.sifted.value;
  const sizePx = sizeNow();
  const across = Math.max(1, Math.floor((seen.value.width - GAP_PX) / (2 * sizePx + GAP_PX)));
  const starts = useMemo(() => groups && groupedLines(rows, groups, across), [rows, groups, across]);
  const list = {
    lines: starts?.length ?? Math.ceil(rows.length / across),
    linePx: sizePx + CAPTION_PX + GAP_PX + (groups === undefined ? 0 : HEADING_PX),
    heightPx: seen.value.height,
  };
  const lineOf = (index: number) =>
    starts === undefined ? Math.floor(index / across) : lineIn(starts, index);
  useSize(box, (width, height) => {
    seen.value = { ...seen.peek(), width, height };
  });
  useLayoutEffect(() => {
    if (covered) return; // a pair is looked at: its place is kept
    if (seen.peek().top > 0) box.current!.scrollTop = 0; // else it would lay the page out in vain
    desk.cursor.value = 0;
  }, [rows]);
  useLayoutEffect(() => {
    if (!covered && seen.peek().height > 0) show(Math.min(desk.cursor.peek(), Math.max(0, rows.length - 1)));
    if (!covered) box.current!.focus({ preventScroll: true });
  }, [covered]);
  const show = (index: number) => {
    desk.cursor.value = index;
    box.current!.scrollTop = scrollTopShowing(list, box.current!.scrollTop, lineOf(index));
  };
  const pickTo = (index: number) => {
    const [from, to] = [Math.min(anchor.current, index), Math.max(anchor.current, index)];
    pick(desk, new Set([...desk.picked.peek(), ...rows.subarray(from, to + 1)]));
  };
  const toggle = (index: number) => {
    const row = rows[index];
    if (row === undefined) return;
    anchor.current = index;
    const next = new Set(desk.picked.peek());
    if (!next.delete(row)) next.add(row);
    pick(desk, next);
  };
  const open = (index: number) => {
    const row = rows[index];
    if (row !== undefined) choose({ pair: [idOf(desk, row)] });
  };
  const move = (by: number, picks = false) => {
    const index = Math.min(rows.length - 1, Math.max(0, desk.cursor.peek() + by));
    if (picks && desk.picked.peek().size === 0) anchor.current = desk.cursor.peek();
    show(index);
    if (picks) pickTo(index);
  };
  const page = Math.max(1, Math.floor(list.heightPx / list.linePx)) * across;
  useGridKeys({
    covered,
    move,
    across,
    page,
    ends: rows.length,
    toggle: () => toggle(desk.cursor.peek()),
    open: () => open(desk.cursor.peek()),
    all: () => pick(desk, new Set(rows)),
    none: () => pick(desk, new Set()),
  });
  const { first, end, topPx } = linesAt(list, seen.value.top);
  const click = (event: MouseEvent, index: number) => {
    desk.cursor.value = index;
    if (event.shiftKey) pickTo(index);
    else if (event.ctrlKey || event.metaKey) toggle(index);
    else open(index);
  };
  const startOf = (line: number) => (starts === undefined ? line * across : (starts[line] ?? rows.length));
  return (
    <div
      ref={box}
      class="pairs-grid"
      inert={covered}
      role="listbox"
      aria-label="Pairs"
      aria-multiselectable="true"
      aria-activedescendant={rows.length === 0 ? undefined : `pair-${rows[desk.cursor.value]}`}
      tabIndex={0}
      onScroll={(event) => {
        seen.value = { ...seen.peek(), top: event.currentTarget.scrollTop };
      }}
    >
      <div class="pairs-way" role="presentation" style={{ height: `${scrolledPx(list)}px` }}>
        <div
          class="pairs-lines"
          role="presentation"
          style={{
            top: `${topPx}px`,
            gridTemplateColumns: `repeat(${across}, ${2 * sizePx}px)`,
            gridAutoRows: `${list.linePx - GAP_PX}px`,
          }}
        >
          {Array.from({ length: end - first }, (_, i) => first + i).flatMap((line) => {
            const begin = startOf(line);
            const group =
              groups === undefined ? undefined : (
                <GroupName desk={desk} rows={rows} groups={groups} index={begin} line={line - first + 1} />
              );
            return [
              group,
              ...Array.from(rows.subarray(begin, startOf(line + 1)), (row, k) => (
                <Tile
                  key={row}
                  desk={desk}
                  row={row}
                  index={begin + k}
                  sizePx={sizePx}
                  isCursor={desk.cursor.value === begin + k}
                  isPicked={desk.picked.value.has(row)}
                  measure={chosen("sort")?.replace(/^-/, "")}
                  place={{
                    gridColumn: k + 1,
                    gridRow: line - first + 1,
                    marginTop: groups === undefined ? "0" : `${HEADING_PX}px`,
                  }}
                  onClick={click}
                />
              )),
            ];
          })}
        </div>
      </div>
    </div>
  );
}

/** The line that an index lies in. */
function lineIn(starts: Uint32Array, index: number): number {
  let [low, high] = [0, starts.length];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (starts[middle]! <= index) low = middle;
    else high = middle;
  }
  return low;
}

interface GroupProps {
  readonly desk: Desk;
  readonly rows: Uint32Array;
  readonly groups: ArrayLike<number>;
  readonly index: number;
  readonly line: number;
}

/** What a group is called, above its first line. */
function GroupName({ desk, rows, groups, index, line }: GroupProps) {
  const row = rows[index]!;
  const group = groups[row]!;
  const begins = index === 0 || groups[rows[index - 1]!] !== group;
  let size = 0;
  while (groups[rows[index + size]!] === group && index + size < rows.length) size++;
  const { columns } = desk.loaded.table;
  const name =
    chosen("group") === "subject"
      ? `Subject ${textAt(columns.get("user_id"), row).slice(0, 12) || "not recorded"}`
      : `Copies of ${textAt(columns.get("image_id"), group).slice(0, 8)}`;
  return (
    <span
      key={`group-${line}`}
      class="pairs-group"
      role="presentation"
      style={{ gridColumn: "1 / -1", gridRow: line }}
    >
      {begins ? `${name} · ${count(size)} shown` : `${name}, continued`}
    </span>
  );
}

function useSize(
  box: { readonly current: HTMLElement | null },
  onSize: (width: number, height: number) => void,
) {
  useLayoutEffect(() => {
    const element = box.current!;
    onSize(element.clientWidth, element.clientHeight);
    const observer = new ResizeObserver(() => onSize(element.clientWidth, element.clientHeight));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
}

interface GridKeys {
  readonly covered: boolean;
  readonly move: (by: number, picks?: boolean) => void;
  readonly across: number;
  readonly page: number;
  readonly ends: number;
  readonly toggle: () => void;
  readonly open: () => void;
  readonly all: () => void;
  readonly none: () => void;
}

function useGridKeys(now: GridKeys): void {
  const latest = useRef(now);
  latest.current = now;
  const keys = gridKeys(latest);
  useKeys(now.covered ? [] : keys);
}

function gridKeys(latest: { readonly current: GridKeys }): readonly Key[] {
  const to =
    (by: (keys: GridKeys) => number, picks = false) =>
    () =>
      latest.current.move(by(latest.current), picks);
  return [
    { keys: ["ArrowRight"], does: "next pair", run: to(() => 1) },
    { keys: ["ArrowLeft"], does: "pair before", run: to(() => -1) },
    { keys: ["ArrowDown"], does: "a line down", run: to(({ across }) => across) },
    { keys: ["ArrowUp"], does: "a line up", run: to(({ across }) => -across) },
    { keys: ["PageDown"], does: "a page down", run: to(({ page }) => page) },
    { keys: ["PageUp"], does: "a page up", run: to(({ page }) => -page) },
    { keys: ["Home"], does: "first pair", run: to(({ ends }) => -ends) },
    { keys: ["End"], does: "last pair", run: to(({ ends }) => ends) },
    { keys: ["Shift+ArrowRight"], does: "select to the next pair", run: to(() => 1, true) },
    { keys: ["Shift+ArrowLeft"], does: "select to the pair before", run: to(() => -1, true) },
    { keys: ["Shift+ArrowDown"], does: "select to a line down", run: to(({ across }) => across, true) },
    { keys: ["Shift+ArrowUp"], does: "select to a line up", run: to(({ across }) => -across, true) },
    { keys: [" ", "x"], does: "select this pair, or not", run: () => latest.current.toggle() },
    { keys: ["Ctrl+a"], does: "select all that are shown", run: () => latest.current.all() },
    { keys: ["u"], does: "select none", run: () => latest.current.none() },
    { keys: ["Enter"], does: "open this pair", run: () => latest.current.open() },
  ];
}
