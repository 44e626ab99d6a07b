// The page's section of docs/speed.md, from what `npm run bench -- page` wrote into bench/results.jsonl.
import type { Spread } from "./statistics.ts";
import { aligned } from "./table.ts";

type Times = Spread & { readonly p95: number };

/** What this file reads of a row of results.jsonl. */
export interface PageRow {
  readonly benchmark: "page";
  /** Frames of the drawn ledger. */
  readonly rows: number;
  readonly repeats: number;
  readonly openMs: Times;
  readonly filterMs: Times;
  readonly sortMs: Times;
  readonly filterCpuMs: Times;
  readonly blankMs: Times;
  readonly memoryMb: Times;
  readonly versions: Readonly<Record<string, string>>;
  readonly machine: { readonly cpu: string; readonly cores: number; readonly idleBefore: number };
  readonly time: string;
}

/** What a person waits for, and how long that may be with 15,064 pairs and with 550,000 frames: ms, memory MB. */
const GOALS: readonly (readonly [
  work: string,
  goals: readonly [number, number],
  of: (row: PageRow) => number,
])[] = [
  ["address opened to grid usable", [1500, 4000], (row) => row.openMs.median],
  [
    "one more filter, all counts and histograms renewed (95th percentile)",
    [20, 50],
    (row) => row.filterMs.p95,
  ],
  ["the same, median", [20, 50], (row) => row.filterMs.median],
  ["sort by a measure", [30, 300], (row) => row.sortMs.median],
  ["fast scroll: longest time that a visible cell is blank", [150, 150], (row) => row.blankMs.median],
  ["memory, MB", [250, 500], (row) => row.memoryMb.median],
];
const SIZES = [15_064, 550_000] as const;

/** The section; "" where nothing was measured. The newest row of each size counts. */
export function pageSection(rows: readonly PageRow[]): string {
  const newest = SIZES.map((size) => rows.findLast((row) => row.rows === size));
  const last = newest.findLast((row) => row !== undefined);
  if (last === undefined) return "";
  const head = ["work, ms", ...SIZES.flatMap((size) => [`${size.toLocaleString("en")} frames`, "goal"])];
  const body = GOALS.map(([work, goals, of]) => [
    work,
    ...newest.flatMap((row, i) => [
      row === undefined ? "not measured" : of(row).toFixed(0),
      `<= ${goals[i]}`,
    ]),
  ]);
  return `${HEAD}Measured on ${whereOf(last)}.\n\n${aligned([head, ...body])}\n`;
}

function whereOf({ time, machine, versions, repeats }: PageRow): string {
  const busy = machine.idleBefore < 0.9 ? ", busy" : "";
  const chromium = versions["chromium"]?.split(".")[0];
  return `${time.slice(0, 10)}, ${machine.cpu}, ${machine.cores} cores${busy}, Chromium ${chromium}, ${repeats} repeats`;
}

const HEAD = `
## The page

\`npm run bench -- page\` opens drawn ledgers in Chromium, without a graphics card, and times what a person waits for, from the click
until the document has changed. Figures are medians but where it is said otherwise. Memory is what Chromium reports for the tab's
JavaScript and its workers, without decoded pictures.
`;
