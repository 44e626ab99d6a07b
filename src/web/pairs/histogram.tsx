// ◇ Browser-safe. One measure: how its values lie by all other filters, and from where to where they are shown. The drawing can be
// brushed; two fields say the same for keys.
import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { choose, chosen } from "../app/address.ts";
import { BINS, type Binned, binRange, MISSING_BIN } from "../table/bins.ts";
import { formatInterval, type Interval, parseInterval } from "../table/choose.ts";
import type { Desk } from "./desk.ts";
import { count, plain, titleOf } from "./words.ts";

const HEIGHT = 40;
const OPEN: Interval = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];

/** The histogram of a measure, folded until somebody looks. */
export function Histogram({ desk, name }: { readonly desk: Desk; readonly name: string }) {
  const interval = parseInterval(chosen(name));
  const open = useSignal(interval !== undefined);
  const title = titleOf(name);
  return (
    <details
      class="pairs-measure"
      data-measure={name}
      open={open.value}
      onToggle={(event) => {
        open.value = event.currentTarget.open;
      }}
    >
      <summary>
        <code>{name}</code> <span class="soft">{title === name.replaceAll("_", " ") ? "" : title}</span>
        {interval === undefined ? null : <strong> {shownInterval(interval)}</strong>}
      </summary>
      {open.value ? <Drawing desk={desk} name={name} interval={interval} /> : null}
    </details>
  );
}

const shownInterval = ([low, high]: Interval) =>
  `${Number.isFinite(low) ? `from ${plain(low)}` : ""}${Number.isFinite(high) ? ` to ${plain(high)}` : ""}`.trim();

interface DrawingProps {
  readonly desk: Desk;
  readonly name: string;
  readonly interval: Interval | undefined;
}

function Drawing({ desk, name, interval }: DrawingProps) {
  const binned = desk.sifting.bins(name);
  const counts = desk.sifted.value.count(name);
  if (binned === undefined || counts === undefined) return <p class="soft">No frame has it.</p>;
  const set = ([low, high]: Interval, step = true) =>
    choose({ [name]: present(formatInterval([low, high])) }, step);
  const [low, high] = interval ?? OPEN;
  const field = (which: "from" | "to", value: number) => (
    <label>
      <span class="sr">{titleOf(name)}, </span>
      {which}
      <input
        type="number"
        step="any"
        value={Number.isFinite(value) ? value : ""}
        placeholder={plain(which === "from" ? binned.least : binned.most)}
        onChange={({ currentTarget: { value: text } }) => {
          const number = text === "" ? undefined : Number(text);
          set(which === "from" ? [number ?? OPEN[0], high] : [low, number ?? OPEN[1]]);
        }}
      />
    </label>
  );
  return (
    <div>
      <Brush binned={binned} counts={counts} interval={interval} onBrush={set} />
      <div class="pairs-edges soft">
        <span>{plain(binned.low)}</span>
        <span>{plain(binned.high)}</span>
      </div>
      <div class="pairs-fields">
        {field("from", low)}
        {field("to", high)}
        <button
          type="button"
          class="plain pairs-all"
          disabled={interval === undefined}
          onClick={() => set(OPEN)}
        >
          all<span class="sr"> values of {titleOf(name)}</span>
        </button>
      </div>
      {counts[MISSING_BIN] === 0 ? null : <p class="soft">{count(counts[MISSING_BIN]!)} without a value</p>}
    </div>
  );
}

const present = (text: string | undefined) => (text === undefined ? undefined : [text]);

interface BrushProps {
  readonly binned: Binned;
  readonly counts: Uint32Array;
  readonly interval: Interval | undefined;
  readonly onBrush: (interval: Interval, step: boolean) => void;
}

/** The drawing; a pointer drags an interval over it. */
function Brush({ binned, counts, interval, onBrush }: BrushProps) {
  const from = useRef<number | undefined>(undefined);
  const binOf = (event: PointerEvent) => {
    const { left, width } = (event.currentTarget as Element).getBoundingClientRect();
    return Math.min(BINS - 1, Math.max(0, Math.floor(((event.clientX - left) / width) * BINS)));
  };
  const brush = (event: PointerEvent, step: boolean) => {
    if (from.current === undefined) return;
    const [a, b] = [from.current, binOf(event)].sort((x, y) => x - y) as [number, number];
    const low = a === 0 ? OPEN[0] : binRange(binned, a)[0];
    const high = b === BINS - 1 ? OPEN[1] : binRange(binned, b)[1];
    onBrush([short(low), short(high)], step);
  };
  const place = (value: number) => (BINS * (value - binned.low)) / Math.max(1e-12, binned.high - binned.low);
  const [low, high] = interval ?? OPEN;
  const [left, right] = [Math.max(0, place(low)), Math.min(BINS, place(high))];
  return (
    <svg
      class="pairs-bars"
      viewBox={`0 0 ${BINS} ${HEIGHT}`}
      preserveAspectRatio="none"
      aria-hidden="true"
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        from.current = binOf(event);
      }}
      onPointerMove={(event) => brush(event, false)}
      onPointerUp={(event) => {
        brush(event, true);
        from.current = undefined;
      }}
    >
      {interval === undefined ? null : (
        <rect class="pairs-brushed" x={left} y={0} width={Math.max(0, right - left)} height={HEIGHT} />
      )}
      <path d={barsOf(counts)} />
    </svg>
  );
}

/** Edges of bins with as many digits as a link needs. */
const short = (value: number) => (Number.isFinite(value) ? Number(value.toPrecision(6)) : value);

/** All bars as one path: forty elements would be drawn anew with every filter. */
function barsOf(counts: Uint32Array): string {
  const most = Math.max(1, ...counts.subarray(0, BINS));
  let path = "";
  for (let bin = 0; bin < BINS; bin++) {
    const tall = counts[bin] === 0 ? 0 : Math.max(1, (HEIGHT * counts[bin]!) / most);
    if (tall > 0) path += `M${bin} ${HEIGHT}v${-tall.toFixed(1)}h.9V${HEIGHT}z`;
  }
  return path;
}
