// ◇ Browser-safe. The tiles that are in sight: as many as there is room for, each used again for another row when it leaves.
// Source: our own. Invariants: a tile that stays in sight stays the same element; at the list's head tiles lie in the document as they
// are seen.

import { count } from "../../report/figure-text.ts";
import { textAt } from "../table/column.ts";
import type { Desk } from "./desk.ts";
import { GAP_PX, HEADING_PX, lineOf, type Plan, startOf } from "./grid-plan.ts";
import { type Shared, Tile } from "./tile.ts";
import { linesAt, mostLines, scrolledPx } from "./window.ts";

/** What is to be seen. */
export interface Sight {
  readonly shared: Shared;
  readonly scrollTop: number;
  /** Where scrolling goes: 1 down, -1 up, 0 nowhere. */
  readonly towards: number;
  readonly cursor: number;
  readonly picked: ReadonlySet<number>;
}

/** The tiles of a grid. */
export class Tiles {
  readonly #way: HTMLElement;
  readonly #lines: HTMLElement;
  readonly #names = document.createElement("div");
  #tiles: Tile[] = [];

  /**
   * Tiles in an empty element.
   *
   * @param way - as high as all lines together; has one element, for the lines
   */
  constructor(way: HTMLElement) {
    this.#way = way;
    this.#lines = way.firstElementChild as HTMLElement;
    this.#names.setAttribute("role", "presentation");
  }

  /** Draws what is in sight. */
  draw({ shared, scrollTop, towards, cursor, picked }: Sight): void {
    const { plan } = shared;
    const { first, end, topPx } = linesAt(plan.list, scrollTop, towards);
    const [begin, behind] = [startOf(plan, first), startOf(plan, end)];
    this.#makeRoom(Math.max(behind - begin, mostLines(plan.list) * plan.across));
    this.reach(plan);
    this.#lines.style.transform = `translateY(${topPx}px)`;
    const room = this.#tiles.length;
    for (let slot = 0; slot < room; slot++) {
      const index = begin + ((slot - (begin % room) + room) % room);
      const tile = this.#tiles[slot]!;
      if (index >= behind) {
        if (tile.index >= 0) tile.clear();
        continue;
      }
      const line = lineOf(plan, index);
      const row = plan.rows[index]!;
      tile.show(shared, row, {
        index,
        isCursor: index === cursor,
        isPicked: picked.has(row),
        xPx: (index - startOf(plan, line)) * (plan.tilePx.width + GAP_PX),
        yPx: (line - first) * plan.list.linePx + (plan.groups === undefined ? 0 : HEADING_PX),
      });
    }
    this.#nameGroups(shared, first, end);
  }

  /** Makes the way as long as all lines. */
  reach({ list }: Plan): void {
    this.#way.style.height = `${scrolledPx(list)}px`;
  }

  /** The index of the tile that an element is in. */
  indexOf(target: EventTarget | null): number | undefined {
    const found = this.#tiles.find(({ element }) => target instanceof Node && element.contains(target));
    return found?.index;
  }

  #makeRoom(wanted: number): void {
    if (wanted <= this.#tiles.length) return;
    this.#tiles = Array.from({ length: wanted }, () => new Tile());
    this.#lines.replaceChildren(this.#names, ...this.#tiles.map(({ element }) => element));
  }

  /** Names of groups stand above their lines. */
  #nameGroups({ desk, plan }: Shared, first: number, end: number): void {
    const lines = plan.groups === undefined ? 0 : end - first;
    this.#names.replaceChildren(
      ...Array.from({ length: lines }, (_, i) => {
        const name = document.createElement("span");
        name.className = "pairs-group";
        name.textContent = groupName(desk, plan, startOf(plan, first + i));
        name.style.transform = `translateY(${i * plan.list.linePx}px)`;
        return name;
      }),
    );
  }
}

/** What a group is called, above its first line. */
function groupName({ loaded }: Desk, { rows, groups, grouping }: Plan, index: number): string {
  const row = rows[index]!;
  const group = groups![row]!;
  const begins = index === 0 || groups![rows[index - 1]!] !== group;
  let size = 0;
  while (index + size < rows.length && groups![rows[index + size]!] === group) size++;
  const { columns } = loaded.table;
  const name =
    grouping === "subject"
      ? `Subject ${textAt(columns.get("user_id"), row).slice(0, 12) || "not recorded"}`
      : `Copies of ${textAt(columns.get("image_id"), group).slice(0, 8)}`;
  return begins ? `${name} · ${count(size)} shown` : `${name}, continued`;
}
