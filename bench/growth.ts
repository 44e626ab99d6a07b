// Does a step's cost grow linearly with batch and pixels? Times steps of several batches and sizes, each in a process of
// its own, and lays a line through them: what a step costs by itself, and what a million pixels cost.
// Usage: npm run bench -- growth [--model NAME] [--batches N,N] [--sizes PX,PX] [--steps K] [--threads N] [--no-record]
import { appendFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { unexpected } from "../src/core/errors.ts";
import { startOurs } from "./child.ts";
import { checkout, idleShare, machine } from "./machine.ts";
import { parseOptions } from "./options.ts";
import { aligned } from "./table.ts";

const RESULTS = fileURLToPath(new URL("results.jsonl", import.meta.url));
/** Steps that are not counted: the first ones allocate. */
const WARMUP = 2;

export interface GrowthPoint {
  readonly batch: number;
  readonly sizePx: number;
  /** Least of the steps: other work on the machine only ever adds time. */
  readonly ms: number;
  readonly peakMb: number;
}

/** A line through values over millions of pixels a step. */
export interface Line {
  /** At no pixels. */
  readonly fixed: number;
  readonly perMpx: number;
  /** Share of the variance that the line explains. */
  readonly r2: number;
  /** Largest distance of a value from the line, as a share of the value. */
  readonly worst: number;
}

/** A row of results.jsonl. */
export interface GrowthRow {
  readonly benchmark: "growth";
  readonly model: string;
  readonly threads: number;
  readonly points: readonly GrowthPoint[];
  readonly time: string;
  readonly commit: string | null;
  readonly machine: { readonly cpu: string; readonly cores: number; readonly idleBefore: number };
}

/** Millions of pixels of a step. */
export const megapixels = ({ batch, sizePx }: Pick<GrowthPoint, "batch" | "sizePx">) =>
  (batch * sizePx * sizePx) / 1e6;

/** The line whose relative errors have the least sum of squares: small steps count as much as large ones. */
export function fitLine(points: readonly { readonly x: number; readonly y: number }[]): Line {
  const total = (of: (p: { x: number; y: number }) => number) => points.reduce((sum, p) => sum + of(p), 0);
  const [w, wx, wy, wxx, wxy] = [
    total(({ y }) => 1 / y ** 2),
    total(({ x, y }) => x / y ** 2),
    total(({ y }) => 1 / y),
    total(({ x, y }) => x ** 2 / y ** 2),
    total(({ x, y }) => x / y),
  ] as const;
  const perMpx = (w * wxy - wx * wy) / (w * wxx - wx * wx);
  const fixed = (wy - perMpx * wx) / w;
  const off = ({ x, y }: { x: number; y: number }) => fixed + perMpx * x - y;
  const mean = total(({ y }) => y) / points.length;
  return {
    fixed,
    perMpx,
    r2: 1 - total((p) => off(p) ** 2) / total(({ y }) => (y - mean) ** 2),
    worst: Math.max(...points.map((p) => Math.abs(off(p)) / p.y)),
  };
}

/** Cells of docs/speed.md for a row, in the order of GROWTH_COLUMNS. */
export function growthCells({ model, points, ...row }: GrowthRow): string[] {
  const [time, memory] = linesOf(points);
  const mpx = points.map(megapixels);
  const range = (values: readonly number[], digits = 0) =>
    `${Math.min(...values).toFixed(digits)} to ${Math.max(...values).toFixed(digits)}`;
  return [
    model,
    range(points.map(({ batch }) => batch)),
    range(points.map(({ sizePx }) => sizePx)),
    range(mpx, 2),
    time.fixed.toFixed(0),
    time.perMpx.toFixed(0),
    `${time.r2.toFixed(4)}, ${(100 * time.worst).toFixed(0)} %`,
    memory.fixed.toFixed(0),
    memory.perMpx.toFixed(0),
    `${memory.r2.toFixed(4)}, ${(100 * memory.worst).toFixed(0)} %`,
    `${row.time.slice(0, 10)}, ${row.machine.cpu}, ${row.machine.cores} cores${row.machine.idleBefore < 0.9 ? ", busy" : ""}, ${row.commit?.slice(0, 7)}`,
  ];
}

export const GROWTH_COLUMNS = [
  "model",
  "images",
  "side, px",
  "Mpx a step",
  "fixed, ms",
  "ms a Mpx",
  "R², farthest",
  "fixed, MB",
  "MB a Mpx",
  "R², farthest",
  "measured",
] as const;

function linesOf(points: readonly GrowthPoint[]): [time: Line, memory: Line] {
  const line = (value: (p: GrowthPoint) => number) =>
    fitLine(points.map((p) => ({ x: megapixels(p), y: value(p) })));
  return [line(({ ms }) => ms), line(({ peakMb }) => peakMb)];
}

const OPTIONS = {
  model: { type: "string", default: "mobilenetv2_100" },
  batches: { type: "string", default: "4,8,16,32,64" },
  sizes: { type: "string", default: "96,128,192,256" },
  steps: { type: "string", default: "8" },
  threads: { type: "string", default: String(availableParallelism()) },
  "no-record": { type: "boolean", default: false },
} as const;

/** All batches at the second size, and all sizes at the second batch. */
function pointsOf(batches: readonly number[], sizes: readonly number[]): { batch: number; sizePx: number }[] {
  const [batch, sizePx] = [batches[1] ?? batches[0]!, sizes[1] ?? sizes[0]!];
  const line = batches.map((n) => ({ batch: n, sizePx }));
  return [...line, ...sizes.filter((px) => px !== sizePx).map((px) => ({ batch, sizePx: px }))];
}

function integers(flag: string, text: string): number[] {
  const values = text.split(",").map(Number);
  if (values.every((v) => Number.isInteger(v) && v >= 1 && v <= 4096)) return values;
  const expected = "integers from 1 to 4096 with commas between them";
  throw unexpected("input", { code: "BENCH_NUMBER", expected, name: `--${flag}`, got: text });
}

/** Runs the benchmark. @throws AppError("input") for options that it does not know or that are too few */
export async function growth(argv: readonly string[]): Promise<void> {
  const flags = parseOptions(argv, OPTIONS).values;
  const [batches, sizes] = [integers("batches", flags.batches), integers("sizes", flags.sizes)];
  const [steps, threads] = [integers("steps", flags.steps)[0]!, integers("threads", flags.threads)[0]!];
  const wanted = pointsOf(batches, sizes);
  if (new Set(wanted.map(megapixels)).size < 3) {
    const expected = "at least three different numbers of pixels";
    throw unexpected("input", {
      code: "BENCH_NUMBER",
      expected,
      name: "--batches and --sizes",
      got: wanted.length,
    });
  }
  const idleBefore = await idleShare();
  const points: GrowthPoint[] = [];
  for (const { batch, sizePx } of wanted) {
    const side = await startOurs("train-step", {
      model: flags.model,
      batch,
      sizePx,
      threads,
      lowering: "nchwc",
    });
    for (let k = 0; k < WARMUP; k++) await side.step();
    let [ms, peakMb] = [Number.POSITIVE_INFINITY, 0];
    for (let k = 0; k < steps; k++) {
      const measured = await side.step();
      [ms, peakMb] = [Math.min(ms, measured.ms), measured.peakMb];
    }
    await side.close();
    points.push({ batch, sizePx, ms: Number(ms.toFixed(3)), peakMb: Math.round(peakMb) });
    console.log(
      `${batch} x ${sizePx} px: ${ms.toFixed(1)} ms, ${(ms / batch).toFixed(2)} ms an image, ${peakMb.toFixed(0)} MB`,
    );
  }
  const state = { ...checkout(), machine: { ...machine(), idleBefore, idleAfter: await idleShare() } };
  const row = {
    benchmark: "growth",
    model: flags.model,
    threads,
    points,
    ...state,
    time: new Date().toISOString(),
  } as const;
  console.log(aligned([GROWTH_COLUMNS, growthCells(row)]));
  if (!flags["no-record"]) appendFileSync(RESULTS, `${JSON.stringify(row)}\n`);
  console.log(JSON.stringify(row));
}
