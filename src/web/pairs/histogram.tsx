// ◇ Browser-safe. One measure: how its values lie by all other filters, and from where to where they are shown. The drawing can be
// brushed; two fields say the same for keys.
import { effect, useSignal } from "@preact/signals";
import { useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { count } from "../../report/figure-text.ts";
import { choose, useChosen } from "../app/address.ts";
import { BINS, type Binned, binRange, MISSING_BIN } from "../table/bins.ts";
import { formatInterval, type Interval, parseInterval } from "../table/choose.ts";
import type { Desk } from "./desk.ts";
import { plain, titleOf } from "./words.ts";

const HEIGHT = 40;
const OPEN: Interval = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];

/** The histogram of a measure, folded until somebody looks. */
export function Histogram({ desk, name }: { readonly desk: Desk; readonly name: string }) {
  const text = useChosen(name);
  const interval = useMemo(() => parseInterval(text), [text]);
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
  const box = useRef<HTMLDivElement>(null);
  useLayoutEffect(
    () =>
      effect(() => {
        const counts = desk.sifted.value.count(name);
        if (box.current !== null && counts !== undefined) renew(box.current, counts);
      }),
    [desk, name],
  );
  if (binned === undefined) return <p class="soft">No frame has it.</p>;
  const set = ([low, high]: Interval, step = true) =>
    choose({ [name]: present(formatInterval([low, high])) }, step);
  const [low, high] = interval ?? OPEN;
  return (
    <div ref={box}>
      <Brush binned={binned} interval={interval} onBrush={set} />
      <div class="pairs-edges soft">
        <span>{plain(binned.low)}</span>
        <span>{plain(binned.high)}</span>
      </div>
      <div class="pairs-fields">
        <Field
          name={name}
          which="from"
          value={low}
          usual={binned.least}
          onSet={(to) => set([to ?? OPEN[0], high])}
        />
        <Field
          name={name}
          which="to"
          value={high}
          usual={binned.most}
          onSet={(to) => set([low, to ?? OPEN[1]])}
        />
        <button
          type="button"
          class="plain pairs-all"
          disabled={interval === undefined}
          onClick={() => set(OPEN)}
        >
          all<span class="sr"> values of {titleOf(name)}</span>
        </button>
      </div>
      <p class="soft"> </p>
    </div>
  );
}

/** Tells the elements of a histogram what is counted. */
function renew(box: Element, counts: Uint32Array): void {
  const [path, missing] = [box.querySelector("path")!, box.lastElementChild as HTMLElement];
  const bars = barsOf(counts);
  if (path.getAttribute("d") !== bars) path.setAttribute("d", bars);
  const n = counts[MISSING_BIN]!;
  missing.hidden = n === 0;
  missing.firstChild!.nodeValue = `${count(n)} without a value`;
}

interface FieldProps {
  readonly name: string;
  readonly which: "from" | "to";
  readonly value: number;
  /** Where the values of the table end. */
  readonly usual: number;
  readonly onSet: (to: number | undefined) => void;
}

function Field({ name, which, value, usual, onSet }: FieldProps) {
  return (
    <label>
      <span class="sr">{titleOf(name)}, </span>
      {which}
      <input
        type="number"
        step="any"
        value={Number.isFinite(value) ? value : ""}
        placeholder={plain(usual)}
        onChange={({ currentTarget: { value: text } }) => onSet(text === "" ? undefined : Number(text))}
      />
    </label>
  );
}

const present = (text: string | undefined) => (text === undefined ? undefined : [text]);

interface BrushProps {
  readonly binned: Binned;
  readonly interval: Interval | undefined;
  readonly onBrush: (interval: Interval, step: boolean) => void;
}

/** The drawing; a pointer drags an interval over it. */
function Brush({ binned, interval, onBrush }: BrushProps) {
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
      <path />
    </svg>
  );
}

/** Edges of bins with as many digits as a link needs. */
const short = (value: number) => (Number.isFinite(value) ? Number(value.toPrecision(6)) : value);

/** All bars as one path. */
function barsOf(counts: Uint32Array): string {
  const most = Math.max(1, ...counts.subarray(0, BINS));
  let path = "";
  for (let bin = 0; bin < BINS; bin++) {
    const tall = counts[bin] === 0 ? 0 : Math.max(1, (HEIGHT * counts[bin]!) / most);
    if (tall > 0) path += `M${bin} ${HEIGHT}v${-tall.toFixed(1)}h.9V${HEIGHT}z`;
  }
  return path;
}
