// `npm run bench -- speed`: measures all work whose speed is a goal; `npm run bench -- speed-table`: writes what
// bench/results.jsonl has of it into docs/speed.md. The newest row counts, for each setup of the peer.
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { kernelState } from "../src/engine/kernels/library.ts";
import { type GpuRow, gpuSection } from "./gpu/table.ts";
import { GROWTH_COLUMNS, type GrowthRow, growthCells } from "./growth.ts";
import { IN_PAGE, type InPageRow, inPageSection } from "./in-page-table.ts";
import { noKernels } from "./kernels.ts";
import { type PageRow, type PeerRow, pageSection } from "./page-table.ts";
import {
  COLUMNS,
  cells,
  type Goal,
  matches,
  newest,
  type SpeedRow,
  strongestTable,
  withoutWide,
  workOf,
} from "./speed-rows.ts";
import { aligned } from "./table.ts";
import { type PaceRow, paceFigures, paceSection } from "./to-accuracy-table.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

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
  {
    ...{ benchmark: "train-step", model: LARGE, ...at(8, 224), time: 0.75, memory: 1.15 },
    kernels: "native",
  },
  ...SMALL.map(
    (model) =>
      ({
        ...({ benchmark: "train-step", model, ...at(32, 128), time: 0.5, memory: 1 } as const),
        kernels: "native",
      }) as const,
  ),
  { benchmark: "forward", model: LARGE, ...at(8, 224), time: 0.5, memory: 1 },
  ...SMALL.map((model) => ({ benchmark: "forward", model, ...at(32, 128), time: 0.5, memory: 1 }) as const),
  { benchmark: "head-step", model: LARGE, ...at(8, 224), time: 1.15 },
  { benchmark: "inference", model: SMALL[0]!, ...at(250, 224), time: 1 },
  { benchmark: "inference-int8", model: SMALL[0]!, ...at(250, 224), time: 1 },
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

/**
 * Measures every row, one after the other, each a run of its own; what this machine cannot run is said and left out.
 *
 * @param flags - passed on, such as --python and --timm
 * @returns true if all ran
 * @throws AppError("input", "BENCH_KERNELS") for --kernels, which is in rows of its own
 */
export function measureAll(flags: readonly string[]): boolean {
  if (flags.some((flag) => flag.startsWith("--kernels"))) throw noKernels("speed");
  return speedRuns(flags)
    .map((args) => {
      console.log(`\n${typeof args === "string" ? args : args.slice(0, 7).join(" ")}`);
      if (typeof args === "string") return true;
      const command = ["--import", "tsx", "bench/run.ts", ...args];
      return spawnSync(process.execPath, command, { cwd: ROOT, stdio: "inherit" }).status === 0;
    })
    .every((ok) => ok);
}

/**
 * Arguments of each run of `npm run bench -- speed`; a line instead of them where it is left out.
 *
 * @param kernels - whether the operators of `--kernels` are there, in the words of kernelState
 */
export function speedRuns(flags: readonly string[], kernels = kernelState()): (string | readonly string[])[] {
  const goals = GOALS.flatMap((goal): (string | string[])[] => {
    const { benchmark, model, batch, sizePx } = goal;
    const words = [benchmark, "--model", model, "--batch", String(batch), "--size", String(sizePx)];
    const own = benchmark.startsWith("derive") ? FRAME_FLAGS : [];
    if (goal.kernels === undefined)
      return setupsOf(goal).map((setup) => [...words, ...own, ...setup, ...flags]);
    if (kernels !== "built") return [`${workOf(goal)}: left out, kernels ${goal.kernels}: ${kernels}`];
    return setupsOf(goal).map((setup) => [...words, ...setup, "--kernels", goal.kernels!, ...flags]);
  });
  const inPage = IN_PAGE.map(({ benchmark, model, batch, sizePx, threads }) => [
    ...[benchmark, "--model", model, "--batch", String(batch), "--size", String(sizePx)],
    ...["--threads", String(threads)],
  ]);
  const grown = GROWN.map((model) => ["growth", "--model", model]);
  return [...goals, ...inPage, ...grown];
}

/** All setups of PyTorch in one run, where their memory has room beside each other; else one run for each. */
function setupsOf({ benchmark, batch, sizePx }: Goal): string[][] {
  if (benchmark === "loader") return [["--setup", LOADERS.join(",")]];
  if (benchmark.startsWith("inference"))
    return [["--pairs", "8", "--warmup", "1", ...(benchmark === "inference" ? INFERENCE_FLAGS : [])]];
  if (benchmark !== "train-step" && benchmark !== "forward") return [[]];
  const all = ["default", "channels_last", "compile", "bf16"];
  const large = batch * sizePx ** 2 > LARGE_STEP;
  return (large ? all : [all.join(",")]).map((setup) => [
    "--setup",
    setup,
    ...(large ? ["--pairs", "5"] : []),
  ]);
}

/** Pillow-SIMD takes Pillow's name, and lies beside it. */
const LOADERS = [
  "default",
  ...(process.env["PILLOW_SIMD"] === undefined ? [] : ["simd"]),
  "tensors",
  "pyvips",
];

const INFERENCE_FLAGS = ["--setup", "default,compile,bf16,int8"];

/** Pixels a step from which five processes together could need more than 24 GB. */
const LARGE_STEP = 2 ** 20;

/** Rewrites docs/speed.md and its figures. */
export function writeSpeedTable(): void {
  const lines = readFileSync(`${ROOT}bench/results.jsonl`, "utf8");
  writeFileSync(`${ROOT}docs/speed.md`, speedTable(lines));
  for (const [path, svg] of speedFigures(lines)) writeFileSync(`${ROOT}docs/${path}`, svg);
}

type Row = SpeedRow | GrowthRow | PageRow | PeerRow | InPageRow | PaceRow;

/** Rows of some benchmarks. */
function rowsOf<R>(lines: string, ...names: readonly string[]): R[] {
  const all = lines.split("\n").filter((line) => line !== "");
  return all
    .map((line) => JSON.parse(line) as Row)
    .filter(({ benchmark }) => names.includes(benchmark)) as R[];
}

/** Figures of the document by their paths below docs, from the lines of results.jsonl. */
export function speedFigures(lines: string): Map<string, string> {
  return paceFigures(rowsOf<PaceRow>(lines, "to-accuracy"));
}

/** The document, from the lines of results.jsonl. */
export function speedTable(lines: string): string {
  const of = <R>(...names: readonly string[]) => rowsOf<R>(lines, ...names);
  const rows = of<SpeedRow>(...GOALS.map(({ benchmark }) => benchmark));
  const works = GOALS.map((goal) => [goal, newest(rows.filter((row) => matches(row, goal)))] as const);
  const body = works.flatMap(([goal, found]) =>
    found.length === 0 ? [cells(goal)] : found.map((row) => cells(goal, row)),
  );
  const narrow = works.find(
    ([{ benchmark, model, kernels }]) =>
      benchmark === "train-step" && model === "resnet18" && kernels === undefined,
  );
  const strongest = strongestTable(works);
  const grown = new Map(of<GrowthRow>("growth").map((row) => [row.model, growthCells(row)]));
  const growth = grown.size === 0 ? "" : `${GROWTH}\n${aligned([GROWTH_COLUMNS, ...grown.values()])}\n`;
  return `${head(withoutWide(narrow?.[1] ?? []))}\n${strongest === "" ? "" : `${STRONGEST}\n${strongest}\n${ALL}\n`}${aligned([COLUMNS, ...body])}\n${paceSection(of<PaceRow>("to-accuracy"))}${pageSection(of<PageRow>("page"), of<PeerRow>("page-peer"))}${inPageSection(of<InPageRow>("page-forward", "page-step"))}${gpuSection(of<GpuRow>("gpu", "gpu-check"))}${growth}`;
}

/** @param narrow - what a processor without AVX-512 makes of a step, or "" */
const head = (narrow: string) => `# Speed

Written by \`npm run bench -- speed-table\` from \`bench/results.jsonl\`, whose newest rows \`npm run bench -- speed\`
measures (\`--python PATH\` chooses PyTorch's Python). PyTorch runs as it is by default, in the channels_last memory format,
there compiled by inductor, and there with autocast to bfloat16: **bf16 is reduced precision**, ours is float32 in all rows, those
with \`--kernels native\` too: an option that is off unless it is asked for, and a work of its own ([decision 29](decisions/0029-native-kernels-in-float32.md)).
Where bf16 is slower than channels_last, as in a step of mobilenetv2_100, its backward convolutions are: 298 ms against 132 ms,
while all else takes half (torch.profiler, PyTorch 2.15, two cores of an AMD EPYC); on the Intel Xeon its products are slower themselves ([why](decisions/0027-native-kernels.md#intels-processors)). Rows with (AVX2) are of a processor without AVX-512, others of one that
has it:${narrow} bf16 is emulated without (9 s a step of \`mobilenetv2_100\`) and has no row. The sides alternate within one run on the same machine; the ratio
is ours over the peer's, the median of pairs with their quartiles. Memory is the peak of the process. \`head-step\` trains
the head alone, and its peer is our own forward pass. \`loader\` decodes, augments and makes batches beside PyTorch's DataLoader with a worker a core:
torchvision on Pillow's pictures, which is its default, on those of Pillow-SIMD, torchvision on tensors, or libvips. Pillow-SIMD (12.1.1, AVX2) resizes in .42 of Pillow 13's processor time, but changes colours in 2.0 of it (2.3 ms an image, not 1.2), so that it is slower in all. \`derive\` works on real frames on one core, with its files in memory (\`TMPDIR=/dev/shm\`), beside Python that does
all of its steps, \`derive-lean\` beside one that only makes the crops, \`derive-peer-floor\` beside one that only decodes and
finds faces; \`derive-floor\` is what decoding and detection alone take of ours ([what each step costs](derivation.md#speed)). \`inference\` is \`predict\` over a folder of JPEGs of 224 to 300 px, a chunk of which is one
step: ours also checks whether each is a crop; its peers are PyTorch in channels_last, compiled with frozen weights, with bf16 autocast and quantised to int8 by torch.ao (timm's norms folded). \`inference-int8\` opens what \`model export --int8\` wrote, whose peer is our checkpoint:
that file has its large weights in int8 and **computes in float32**, so that it is a smaller file and not a faster model, unlike PyTorch's int8, which multiplies int8. What is behind the figures: [decision 8](decisions/0008-nchwc-lowering.md).
`;

const STRONGEST = `## Beside the strongest PyTorch

Our time over PyTorch's by default, over its fastest float32 setup's, and over its fastest setup at reduced precision: medians of the
tables below, of what one commit measured on one machine. Ours is float32, with \`--kernels native\` too: the first two ratios are of equal precision, and
the last is not. All setups take turns in one run, but for 32 x 224 px, where memory has room for one at a time.
Above 1 PyTorch is faster.
`;

const ALL = `
## All measurements
`;

const GROWTH = `
## Growth with batch and pixels

\`npm run bench -- growth\` times steps of several batches and sizes, the least of eight each, and lays a line through
them: what a step costs by itself, and what every million pixels cost. The farthest step is so far from the line, as a
share of its own value.
`;
