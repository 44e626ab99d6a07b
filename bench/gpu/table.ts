// What `npm run bench -- gpu` prints, and what docs/speed.md has of it.
import type { Spread } from "../statistics.ts";
import { aligned } from "../table.ts";
import type { Placed } from "./check.ts";

interface Row {
  readonly model: string;
  readonly batch: number;
  readonly sizePx: number;
  readonly commit: string | null;
  readonly modified: boolean;
  readonly machine: { readonly card: string | null };
  readonly time: string;
  /** Why nothing was measured. */
  readonly failed?: string | undefined;
}

/** Steps of one side. */
export interface StepRow extends Row {
  readonly benchmark: "gpu";
  readonly side: string;
  readonly ms?: Spread;
  readonly firstStepMs?: number;
  /** What the card's memory in use had grown by after the steps: arenas do not shrink. Null where no driver says it. */
  readonly cardMb?: number | null;
  readonly processMb?: number;
  /** Bytes that the last step copied; of ours. */
  readonly toDevice?: number | undefined;
  readonly fromDevice?: number | undefined;
  /** Images a second of our loader on this machine. */
  readonly loader: number;
  readonly versions?: Readonly<Record<string, string>>;
}

/** Losses beside the CPU's, and the providers that ran a step. */
export interface CheckRow extends Row {
  readonly benchmark: "gpu-check";
  readonly device: string;
  readonly steps: number;
  /** Relative distance of the loss, in the first step and at most. */
  readonly first?: number;
  readonly apart?: number;
  readonly placed?: Placed;
}

export type GpuRow = StepRow | CheckRow;

const COLUMNS = [
  ...["work", "side", "step, ms (quartiles)", "first step, s", "images/s", "loader, images/s"],
  ...["card memory, MB", "to the card a step, MB", "back, KB"],
];
const CHECK_COLUMNS = ["work", "device", "steps", "first loss apart", "at most", "operators by provider"];

/** Both tables, of the newest row of each. */
export function gpuTable(rows: readonly GpuRow[]): string {
  const newest = <R extends GpuRow>(of: readonly R[], key: (row: R) => string) => [
    ...new Map(of.map((row) => [`${workOf(row)} ${key(row)}`, row])).values(),
  ];
  const steps = newest(
    rows.filter((row): row is StepRow => row.benchmark === "gpu"),
    ({ side }) => side,
  );
  const checks = newest(
    rows.filter((row): row is CheckRow => row.benchmark === "gpu-check"),
    ({ device }) => device,
  );
  return `${aligned([COLUMNS, ...steps.map(stepCells)])}\n\n${aligned([CHECK_COLUMNS, ...checks.map(checkCells)])}\n`;
}

const workOf = ({ model, batch, sizePx }: Row) => `${model}, ${batch} x ${sizePx} px`;

function stepCells(row: StepRow): string[] {
  const { side, ms, firstStepMs = 0, cardMb, toDevice, fromDevice, loader, batch, failed } = row;
  const head = [workOf(row), side];
  if (ms === undefined)
    return [...head, failed ?? "not measured", ...Array<string>(COLUMNS.length - 3).fill("")];
  const speed = (1000 * batch) / ms.median;
  return [
    ...head,
    `${ms.median.toFixed(1)} (${ms.p25.toFixed(1)} to ${ms.p75.toFixed(1)})`,
    (firstStepMs / 1000).toFixed(1),
    speed.toFixed(0),
    `${loader}${loader < speed ? ", too slow" : ""}`,
    cardMb === null || cardMb === undefined ? "-" : String(cardMb),
    toDevice === undefined ? "-" : (toDevice / 1e6).toFixed(2),
    fromDevice === undefined ? "-" : (fromDevice / 1e3).toFixed(2),
  ];
}

function checkCells(row: CheckRow): string[] {
  const { device, steps, first = 0, apart = 0, placed, failed } = row;
  if (placed === undefined) return [workOf(row), device, String(steps), failed ?? "not measured", "", ""];
  const providers = Object.entries(placed).map(([name, ops]) => {
    const count = Object.values(ops).reduce((sum, n) => sum + n, 0);
    const which = name.startsWith("CPU")
      ? ` (${Object.entries(ops)
          .map(([op, n]) => `${n} ${op}`)
          .join(", ")})`
      : "";
    return `${name.replace("ExecutionProvider", "")} ${count}${which}`;
  });
  return [
    workOf(row),
    device,
    String(steps),
    first.toExponential(1),
    apart.toExponential(1),
    providers.join("; "),
  ];
}

const HEAD = `
## Graphics cards

\`npm run bench -- gpu\` trains on the card of the machine, where it has one: in under 8 minutes it prints, for each device of \`facehand doctor\`
that runs, steps of its five networks beside PyTorch's in float32, in TF32, and in bfloat16 compiled by inductor, how far losses are from the CPU's over
20 steps, the operators that fell back to the CPU, and whether the loader keeps up. The state of training stays on the card: a step sends images and
schedule there, and gets its loss, the norm of its gradient and its log-odds back. Without a card, \`--rehearse\` runs all of it on the processor, on both
sides, and records nothing.
`;

/** The section of docs/speed.md. */
export function gpuSection(rows: readonly GpuRow[]): string {
  return rows.length === 0
    ? `${HEAD}\nNot measured: no machine with a card was at hand.\n`
    : `${HEAD}\n${gpuTable(rows)}`;
}
