// ◇ Browser-safe. One pair in the grid: hand and face side by side, what is recorded, why it was removed.
import { Picture } from "../parts/picture.tsx";
import { numberAt, textAt } from "../table/column.ts";
import type { Desk } from "./desk.ts";
import { pictureOf } from "./pictures.ts";
import { plain, recordedOf, whyRemoved } from "./words.ts";

/** What a tile is told. */
export interface TileProps {
  readonly desk: Desk;
  readonly row: number;
  /** Place among the rows that are shown. */
  readonly index: number;
  readonly sizePx: number;
  readonly isCursor: boolean;
  readonly isPicked: boolean;
  /** The measure by which tiles are sorted. */
  readonly measure?: string | undefined;
  readonly place: Readonly<Record<string, string | number>>;
  readonly onClick: (event: MouseEvent, index: number) => void;
}

/** The tile; its list has the keys. */
export function Tile(props: TileProps) {
  const { desk, row, index, sizePx, isCursor, isPicked, measure, place, onClick } = props;
  const recorded = recordedOf(desk, row);
  const why = whyRemoved(desk, row);
  const change = desk.changes.value?.[row] ?? 0;
  const value = measure === undefined ? Number.NaN : numberAt(desk.loaded.table.columns.get(measure), row);
  const split = textAt(desk.loaded.table.columns.get("split"), row);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the list has the keys, and names this tile as the active one
    <div
      id={`pair-${row}`}
      role="option"
      tabIndex={-1}
      class={`pairs-tile${isCursor ? " pairs-cursor" : ""}${why === "" ? "" : " pairs-removed"}`}
      aria-selected={isPicked}
      style={place}
      onClick={(event) => onClick(event, index)}
    >
      <span class="pairs-pictures" style={{ height: `${sizePx}px` }}>
        <Picture url={pictureOf(desk, row, "hand")} words="hand" sizePx={sizePx} />
        <Picture url={pictureOf(desk, row, "face")} words="face" sizePx={sizePx} />
        {isPicked ? <span class="pairs-tick">✓</span> : null}
      </span>
      <span class="pairs-caption">
        {measure === undefined || Number.isNaN(value) ? null : <b>{plain(value)} </b>}
        {recorded}
      </span>
      <span class="pairs-caption">
        {why === "" ? (
          split
        ) : (
          <span class="trouble" title={why}>
            removed: {why}
          </span>
        )}
        {change === 0 ? null : (
          <span class={`pairs-change-${change}`}>
            {change === 1 ? " − would be taken away" : " + would come back"}
          </span>
        )}
      </span>
    </div>
  );
}
