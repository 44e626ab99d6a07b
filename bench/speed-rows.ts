// Rows of the speed table: which of results.jsonl count, who the peer is, and their cells. The newest row counts, for each setup of the
// peer and each kind of processor (its name, and its widest vectors); beside which peer ours is the slowest stands in a table of its own.
import type { Kernels } from "../src/engine/lower/nchwc/blocked.ts";
import type { Spread } from "./statistics.ts";
import { aligned } from "./table.ts";

/** A row of the table. */
export interface Goal {
  readonly benchmark:
    | "train-step"
    | "forward"
    | "head-step"
    | "inference"
    | "inference-int8"
    | "loader"
    | "loader-kept"
    | "derive"
    | "derive-lean"
    | "derive-peer-floor"
    | "derive-floor";
  readonly model: string;
  /** What it is called, where the network plays no part. */
  readonly label?: string;
  readonly batch: number;
  readonly sizePx: number;
  /** Operators of our own: another work than the same without. */
  readonly kernels?: Kernels;
  /** Our time over the peer's: at most; of `derive-floor`, whose peer is all of our derivation, at least. */
  readonly time: number;
  /** Our peak memory over the peer's, at most; none where the peer is ours. */
  readonly memory?: number;
}

/** What the table needs of a row of results.jsonl. */
export interface SpeedRow {
  readonly benchmark: string;
  readonly model: string;
  readonly batch: number;
  readonly sizePx: number;
  readonly kernels?: string | undefined;
  readonly ratio: Spread | null;
  readonly ours: Side;
  readonly peer: Side | null;
  readonly commit: string | null;
  readonly machine: {
    readonly cpu: string;
    readonly vectors?: string | null | undefined;
    readonly cores: number;
    readonly idleBefore: number;
  };
  readonly time: string;
}

interface Side {
  readonly ms: Spread;
  readonly peakMb: number;
  readonly firstStepMs?: number;
  readonly versions: Readonly<Record<string, string>>;
}

/** The table's head. */
export const COLUMNS = [
  "work",
  "peer",
  "goal",
  "time",
  "ours, ms",
  "memory goal",
  "memory",
  "first step, s",
  "measured",
];

/** A row is of this work, by the way of measuring of today. */
export const matches = (row: SpeedRow, goal: Goal) =>
  (["benchmark", "model", "batch", "sizePx", "kernels"] as const).every((key) => row[key] === goal[key]) &&
  row.ratio !== null &&
  (!goal.benchmark.startsWith("derive") || row.peer?.versions["steps"] !== undefined || isFloor(goal));

const isFloor = ({ benchmark }: { readonly benchmark: string }) => benchmark === "derive-floor";

/** What the peer of derive does. */
const STEPS: Readonly<Record<string, string>> = {
  all: "Python, all steps",
  lean: "Python, crops only",
  floor: "Python, decoding and detection only",
};

/** Setups of PyTorch in the order of the table; the first that a row's versions fit is its own. */
const SETUPS: readonly Setup[] = [
  { words: "", is: ({ layout, decoder }) => layout !== "channels_last" && !isOther(decoder) },
  { words: "Pillow-SIMD", is: ({ decoder }) => decoder === "pillow-simd" },
  { words: "decode_jpeg, transforms v2", is: ({ decoder }) => decoder === "decode_jpeg" },
  { words: "libvips", is: ({ decoder }) => decoder === "pyvips" },
  {
    words: "channels_last",
    is: ({ precision, compiler }) => !isReduced(precision) && compiler !== "inductor",
  },
  { words: "channels_last, compiled", is: ({ precision }) => !isReduced(precision) },
  { words: "channels_last, bf16 autocast", is: ({ precision }) => precision === "bf16" },
  { words: "channels_last, int8", is: () => true },
];

interface Setup {
  readonly words: string;
  readonly is: (versions: Readonly<Record<string, string | null | undefined>>) => boolean;
}

const isOther = (decoder: string | null | undefined) => (decoder ?? "pillow") !== "pillow";
const isReduced = (precision: string | null | undefined) => precision === "bf16" || precision === "int8";

const setupOf = ({ peer }: SpeedRow) => SETUPS.findIndex(({ is }) => is(peer?.versions ?? {}));

function peerOf(row: SpeedRow): string {
  const { torch, steps } = row.peer?.versions ?? {};
  if (torch !== undefined)
    return [`PyTorch ${torch.split(/[a+]/)[0]}`, SETUPS[setupOf(row)]!.words].filter(Boolean).join(", ");
  if (steps !== undefined) return STEPS[steps] ?? steps;
  return isFloor(row) ? "our derive" : row.benchmark === "inference-int8" ? "our float32" : "our forward";
}

/** A row of any benchmark. */
type Measured = { readonly machine: Pick<SpeedRow["machine"], "cpu" | "vectors"> };

const isNarrow = ({ machine }: Measured) => machine.vectors === "AVX2";
/** Kinds of processors differ in what is fast on them, such as arithmetic in bf16. */
export const kindOf = (row: Measured) => `${row.machine.cpu}, ${isNarrow(row) ? "AVX2" : "AVX-512"}`;
/** In the order of the tables: with AVX-512 (or of which nothing is recorded), then those without. */
export function kindsOf(rows: readonly Measured[]): string[] {
  const of = (narrow: boolean) =>
    rows
      .filter((row) => isNarrow(row) === narrow)
      .map(kindOf)
      .sort();
  return [...new Set([...of(false), ...of(true)])];
}

/**
 * The last row for each setup of the peer, on each kind of processor.
 *
 * @param rows - of one work
 */
export function newest(rows: readonly SpeedRow[]): SpeedRow[] {
  const name = (row: SpeedRow) => `${peerOf(row).replace(/PyTorch [\d.]+/, "PyTorch")} ${kindOf(row)}`;
  const kinds = kindsOf(rows);
  const order = (row: SpeedRow) => kinds.indexOf(kindOf(row)) * SETUPS.length + setupOf(row);
  return [...new Map(rows.map((row) => [name(row), row])).values()].sort((a, b) => order(a) - order(b));
}

const STRONGEST = [
  ...[
    "work",
    "processor",
    "PyTorch by default",
    "best float32 PyTorch",
    "best at reduced precision",
    "measured",
  ],
];

/**
 * Ours beside PyTorch by default, and beside the setup that leaves us the largest ratio, of the rows that the newest commit of each
 * processor measured; "" where there are none of several setups.
 *
 * @param works - the rows of each goal
 */
export function strongestTable(works: readonly (readonly [goal: Goal, rows: readonly SpeedRow[]])[]): string {
  const lines = works.flatMap(([goal, rows]) =>
    kindsOf(rows).flatMap((kind) => {
      const of = rows.filter((row) => row.peer?.versions["torch"] !== undefined && kindOf(row) === kind);
      if (of.length === 0) return [];
      const last = of.reduce((a, b) => (b.time > a.time ? b : a), of[0]!);
      const alike = of.filter(({ commit }) => commit === last.commit);
      return alike.length < 2 ? [] : [strongestCells(goal, alike, last)];
    }),
  );
  return lines.length === 0 ? "" : aligned([STRONGEST, ...lines]);
}

function strongestCells(goal: Goal, rows: readonly SpeedRow[], last: SpeedRow): string[] {
  const { time, commit } = last;
  const cell = (some: readonly SpeedRow[]) => {
    const best = [...some].sort((a, b) => b.ratio!.median - a.ratio!.median)[0];
    if (best === undefined) return "-";
    const { words } = SETUPS[setupOf(best)]!;
    return `${best.ratio!.median.toFixed(2)}${words === "" ? "" : ` (${words})`}`;
  };
  const reduced = (row: SpeedRow) => isReduced(row.peer?.versions["precision"]);
  return [
    workOf(goal),
    kindOf(last),
    cell(rows.filter((row) => setupOf(row) === 0)),
    cell(rows.filter((row) => !reduced(row))),
    cell(rows.filter(reduced)),
    `${time.slice(0, 10)}, ${commit?.slice(0, 7)}`,
  ];
}

/** What a row is of, for people. */
export const workOf = ({ benchmark, model, label = model, batch, sizePx, kernels }: Goal) =>
  `${benchmark} ${label}, ${batch} x ${sizePx} px${kernels === undefined ? "" : `, --kernels ${kernels}`}`;

/** A line of the table. @param row - undefined where nothing was measured */
export function cells(goal: Goal, row?: SpeedRow): string[] {
  const { time, memory } = goal;
  const work = workOf(goal);
  const most = (limit?: number) => (limit === undefined ? "" : `<= ${limit}`);
  const wanted = isFloor(goal) ? `>= ${time}` : most(time);
  if (row?.ratio == null || row.peer === null)
    return [work, "", wanted, "not measured", "", most(memory), "", "", ""];
  const { ratio, ours, peer } = row;
  const share = memory === undefined ? "" : (ours.peakMb / peer.peakMb).toFixed(2);
  const first = ours.firstStepMs === undefined ? "" : (ours.firstStepMs / 1000).toFixed(1);
  const busy = row.machine.idleBefore < 0.9 ? ", busy" : "";
  return [
    work,
    peerOf(row),
    wanted,
    `${ratio.median.toFixed(2)} (${ratio.p25.toFixed(2)} to ${ratio.p75.toFixed(2)})`,
    ours.ms.median.toFixed(0),
    most(memory),
    share,
    first,
    `${row.time.slice(0, 10)}, ${row.machine.cpu}${isNarrow(row) ? " (AVX2)" : ""}, ${row.machine.cores} cores${busy}, ${row.commit?.slice(0, 7)}`,
  ];
}

/**
 * How much longer a step takes without AVX-512, on the best float32 peer that both processors have and here.
 *
 * @returns "" unless both were measured
 */
export function withoutWide(rows: readonly SpeedRow[]): string {
  const alike = rows.filter((row) => peerOf(row).endsWith(", channels_last"));
  const narrow = alike.find(isNarrow);
  const wide = alike.find((row) => !isNarrow(row) && row.machine.cpu === narrow?.machine.cpu);
  if (wide?.peer == null || narrow?.peer == null) return "";
  const times = (a: Side, b: Side) => (b.ms.median / a.ms.median).toFixed(1);
  return ` without, PyTorch's step of \`${wide.model}\` takes ${times(wide.peer, narrow.peer)} times as long (channels_last), ours ${times(wide.ours, narrow.ours)};`;
}
