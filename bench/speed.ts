// `npm run bench -- speed`: measures all work whose speed is a goal; `npm run bench -- speed-table`: writes what
// bench/results.jsonl has of it into docs/speed.md. The newest row counts, for each setup of the peer.
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { GROWTH_COLUMNS, type GrowthRow, growthCells } from "./growth.ts";
import { IN_PAGE, type InPageRow, inPageSection } from "./in-page-table.ts";
import { type PageRow, type PeerRow, pageSection } from "./page-table.ts";
import type { Spread } from "./statistics.ts";
import { aligned } from "./table.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** A row of the table. */
interface Goal {
  readonly benchmark:
    | "train-step"
    | "forward"
    | "head-step"
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
  /** Our time over the peer's: at most; of `derive-floor`, whose peer is all of our derivation, at least. */
  readonly time: number;
  /** Our peak memory over the peer's, at most; none where the peer is ours. */
  readonly memory?: number;
}

const SMALL = ["mobilenetv2_100", "resnet18", "tf_efficientnet_lite0"];
const LARGE = "tf_efficientnetv2_s";
const at = (batch: number, sizePx: number) => ({ batch, sizePx });

/** A network plays no part: the option's default. */
const FRAMES = { model: LARGE, batch: 64 } as const;
/** Frames are counted by core. */
const FRAME_FLAGS = ["--threads", "1", "--pairs", "7", "--warmup", "2"];

const GOALS: readonly Goal[] = [
  ...[8, 32].map(
    (batch) =>
      ({ benchmark: "train-step", model: LARGE, ...at(batch, 224), time: 0.75, memory: 1.15 }) as const,
  ),
  ...SMALL.map(
    (model) => ({ benchmark: "train-step", model, ...at(32, 128), time: 0.5, memory: 1 }) as const,
  ),
  { benchmark: "forward", model: LARGE, ...at(8, 224), time: 0.5, memory: 1 },
  ...SMALL.map((model) => ({ benchmark: "forward", model, ...at(32, 128), time: 0.5, memory: 1 }) as const),
  { benchmark: "head-step", model: LARGE, ...at(8, 224), time: 1.15 },
  {
    benchmark: "loader",
    model: LARGE,
    ...at(32, 224),
    label: "JPEGs of 300 px decoded",
    time: 0.5,
    memory: 1,
  },
  { benchmark: "loader-kept", model: LARGE, ...at(32, 224), label: "later epochs, pictures kept", time: 0.5 },
  ...[512, 1080].flatMap((sizePx) => [
    { benchmark: "derive", ...FRAMES, sizePx, label: "frames", time: 0.67 } as const,
    { benchmark: "derive-lean", ...FRAMES, sizePx, label: "frames", time: 0.67 } as const,
    { benchmark: "derive-peer-floor", ...FRAMES, sizePx, label: "frames", time: 1.3 } as const,
    { benchmark: "derive-floor", ...FRAMES, sizePx, label: "decoding and detection", time: 0.77 } as const,
  ]),
];

/** Networks whose growth with batch and pixels is measured too. */
const GROWN = ["mobilenetv2_100", "resnet18"];

/** What this file reads of a row of results.jsonl. */
export interface SpeedRow {
  readonly benchmark: string;
  readonly model: string;
  readonly batch: number;
  readonly sizePx: number;
  readonly ratio: Spread | null;
  readonly ours: Side;
  readonly peer: Side | null;
  readonly commit: string | null;
  readonly machine: { readonly cpu: string; readonly cores: number; readonly idleBefore: number };
  readonly time: string;
}

interface Side {
  readonly ms: Spread;
  readonly peakMb: number;
  readonly firstStepMs?: number;
  readonly versions: Readonly<Record<string, string>>;
}

/**
 * Measures every row, one after the other, each a run of its own.
 *
 * @param flags - passed on, such as --python and --timm
 * @returns true if all ran
 */
export function measureAll(flags: readonly string[]): boolean {
  const run = (...args: readonly string[]) => {
    console.log(`\n${args.slice(0, 7).join(" ")}`);
    const command = ["--import", "tsx", "bench/run.ts", ...args];
    return spawnSync(process.execPath, command, { cwd: ROOT, stdio: "inherit" }).status === 0;
  };
  const goals = GOALS.flatMap((goal) => {
    const { benchmark, model, batch, sizePx } = goal;
    const own = benchmark.startsWith("derive") ? FRAME_FLAGS : [];
    return setupsOf(goal).map((setup) =>
      run(
        ...[benchmark, "--model", model, "--batch", String(batch), "--size", String(sizePx)],
        ...[...own, ...setup, ...flags],
      ),
    );
  });
  const inPage = IN_PAGE.map(({ benchmark, model, batch, sizePx, threads }) =>
    run(
      ...[benchmark, "--model", model, "--batch", String(batch), "--size", String(sizePx)],
      ...["--threads", String(threads)],
    ),
  );
  const grown = GROWN.map((model) => run("growth", "--model", model));
  return [...goals, ...inPage, ...grown].every((ok) => ok);
}

/** All setups of PyTorch in one run, where their memory has room beside each other; else one run for each. */
function setupsOf({ benchmark, batch, sizePx }: Goal): string[][] {
  if (benchmark !== "train-step" && benchmark !== "forward") return [[]];
  const all = ["default", "channels_last", "bf16"];
  const large = batch * sizePx ** 2 > LARGE_STEP;
  return (large ? all : [all.join(",")]).map((setup) => [
    "--setup",
    setup,
    ...(large ? ["--pairs", "5"] : []),
  ]);
}

/** Pixels a step from which four processes together could need more than 24 GB. */
const LARGE_STEP = 2 ** 20;

/** Rewrites docs/speed.md. */
export function writeSpeedTable(): void {
  writeFileSync(`${ROOT}docs/speed.md`, speedTable(readFileSync(`${ROOT}bench/results.jsonl`, "utf8")));
}

/** The document, from the lines of results.jsonl. */
export function speedTable(lines: string): string {
  const all = lines
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as SpeedRow | GrowthRow | PageRow | PeerRow | InPageRow);
  const of = <R>(...names: readonly string[]) =>
    all.filter(({ benchmark }) => names.includes(benchmark)) as R[];
  const rows = of<SpeedRow>(...GOALS.map(({ benchmark }) => benchmark));
  const body = GOALS.flatMap((goal) => {
    const found = newest(rows.filter((row) => matches(row, goal)));
    return found.length === 0 ? [cells(goal)] : found.map((row) => cells(goal, row));
  });
  const grown = new Map(of<GrowthRow>("growth").map((row) => [row.model, growthCells(row)]));
  const growth = grown.size === 0 ? "" : `${GROWTH}\n${aligned([GROWTH_COLUMNS, ...grown.values()])}\n`;
  return `${HEAD}\n${aligned([COLUMNS, ...body])}\n${pageSection(of<PageRow>("page"), of<PeerRow>("page-peer"))}${inPageSection(of<InPageRow>("page-forward", "page-step"))}${growth}`;
}

const HEAD = `# Speed

Written by \`npm run bench -- speed-table\` from \`bench/results.jsonl\`, whose newest rows \`npm run bench -- speed\`
measures (\`--python PATH\` chooses PyTorch's Python). PyTorch runs as it is by default, in the channels_last memory format,
and there with autocast to bfloat16: **bf16 is reduced precision**, ours is float32 throughout.
Where bf16 is slower than channels_last, as in a step of mobilenetv2_100, its backward convolutions are: 298 ms against 132 ms,
while all else takes half (torch.profiler, PyTorch 2.15, two cores). The sides alternate within one run on the same machine; the ratio
is ours over the peer's, the median of pairs with their quartiles. Memory is the peak of the process. \`head-step\` trains
the head alone, and its peer is our own forward pass. \`derive\` works on real frames on one core, beside Python that does
all of its steps, \`derive-lean\` beside one that only makes the crops, \`derive-peer-floor\` beside one that only decodes and
finds faces; \`derive-floor\` is what decoding and detection alone take of ours ([what each step costs](derivation.md#speed)). What is behind the figures: [decision 8](decisions/0008-nchwc-lowering.md).
`;

const GROWTH = `
## Growth with batch and pixels

\`npm run bench -- growth\` times steps of several batches and sizes, the least of eight each, and lays a line through
them: what a step costs by itself, and what every million pixels cost. The farthest step is so far from the line, as a
share of its own value.
`;

const COLUMNS = [
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

const matches = (row: SpeedRow, goal: Goal) =>
  (["benchmark", "model", "batch", "sizePx"] as const).every((key) => row[key] === goal[key]) &&
  row.ratio !== null &&
  (!goal.benchmark.startsWith("derive") || row.peer?.versions["steps"] !== undefined || isFloor(goal));

const isFloor = ({ benchmark }: { readonly benchmark: string }) => benchmark === "derive-floor";

/** What the peer of derive does. */
const STEPS: Readonly<Record<string, string>> = {
  all: "Python, all steps",
  lean: "Python, crops only",
  floor: "Python, decoding and detection only",
};

function peerOf(row: SpeedRow): string {
  const { torch, steps, layout, precision } = row.peer?.versions ?? {};
  const reduced = precision === "bf16" ? ", bf16 autocast" : "";
  if (torch !== undefined)
    return `PyTorch ${torch.split(/[a+]/)[0]}${layout === "channels_last" ? ", channels_last" : ""}${reduced}`;
  if (steps !== undefined) return STEPS[steps] ?? steps;
  return isFloor(row) ? "our derive" : "our forward";
}

/** The last row for each setup of the peer. */
function newest(rows: readonly SpeedRow[]): SpeedRow[] {
  const setup = (row: SpeedRow) => peerOf(row).replace(/PyTorch [\d.]+/, "PyTorch");
  return [...new Map(rows.map((row) => [setup(row), row])).values()];
}

function cells(goal: Goal, row?: SpeedRow): string[] {
  const { benchmark, model, label = model, batch, sizePx, time, memory } = goal;
  const work = `${benchmark} ${label}, ${batch} x ${sizePx} px`;
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
    `${row.time.slice(0, 10)}, ${row.machine.cpu}, ${row.machine.cores} cores${busy}, ${row.commit?.slice(0, 7)}`,
  ];
}
