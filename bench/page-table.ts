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

/** Spotlight's row of the smaller ledger. */
export interface PeerRow {
  readonly benchmark: "page-peer";
  readonly openMs: Times;
  readonly filterMs: Times;
  readonly memoryMb: Times;
  readonly versions: Readonly<Record<string, string>>;
}

/** What a person waits for, and how long that may be with 15,064 pairs and with 550,000 frames: ms, memory MB. */
const GOALS: readonly Goal[] = [
  { work: "address opened to grid usable", goals: [1500, 4000], of: ({ openMs }) => openMs?.median },
  {
    work: "one more filter, all counts and histograms renewed (95th percentile)",
    goals: [20, 50],
    of: ({ filterMs }) => filterMs?.p95,
  },
  { work: "the same, median", goals: [20, 50], of: ({ filterMs }) => filterMs?.median },
  { work: "sort by a measure", goals: [30, 300], of: ({ sortMs }) => sortMs?.median },
  {
    work: "fast scroll: longest time that a visible cell is blank",
    goals: [150, 150],
    of: ({ blankMs }) => blankMs?.median,
  },
  { work: "memory, MB", goals: [250, 500], of: ({ memoryMb }) => memoryMb?.median },
];
interface Goal {
  readonly work: string;
  readonly goals: readonly [number, number];
  readonly of: (row: Partial<PageRow>) => number | undefined;
}
const SIZES = [15_064, 550_000] as const;

/** The section; "" where nothing was measured. The newest row of each size counts, and of the peer. */
export function pageSection(rows: readonly PageRow[], peers: readonly PeerRow[]): string {
  const newest = SIZES.map((size) => rows.findLast((row) => row.rows === size));
  const last = newest.findLast((row) => row !== undefined);
  if (last === undefined) return "";
  const peer = peers.at(-1);
  const frames = SIZES.map((size) => `${size.toLocaleString("en")} frames`);
  const beside = peer === undefined ? [] : [`Spotlight ${peer.versions["spotlight"]}, ${frames[0]}`];
  const head = ["work, ms", ...frames.flatMap((each) => [each, "goal"]), ...beside];
  const body = GOALS.map(({ work, goals, of }) => [
    work,
    ...newest.flatMap((row, i) => [figure(row && of(row)), `<= ${goals[i]}`]),
    ...(peer === undefined
      ? []
      : [figure(of({ openMs: peer.openMs, filterMs: peer.filterMs, memoryMb: peer.memoryMb }), "-")]),
  ]);
  return `${HEAD}${peer === undefined ? "" : PEER}Measured on ${whereOf(last)}.\n\n${aligned([head, ...body])}\n`;
}

const figure = (value: number | undefined, none = "not measured") => value?.toFixed(0) ?? none;

function whereOf({ time, machine, versions, repeats }: PageRow): string {
  const busy = machine.idleBefore < 0.9 ? ", busy" : "";
  const chromium = versions["chromium"]?.split(".")[0];
  return `${time.slice(0, 10)}, ${machine.cpu}, ${machine.cores} cores${busy}, Chromium ${chromium}, ${repeats} repeats`;
}

const HEAD = `
## The page

\`npm run bench -- page\` opens drawn ledgers in Chromium, without a graphics card, and times what a person waits for, from the click
until the document has changed: counts, histograms and the words of tiles, whose pictures are asked for behind that. Figures are medians
but where it is said otherwise. Memory is what Chromium reports for the tab's JavaScript and its workers, without decoded pictures. A blank
is counted from the first frame that shows it: 0 is shorter than a frame, 17 ms.
`;

const PEER = `Spotlight (\`npm run bench -- page-peer\`) shows the same ledger as a table of rows, whose pictures appear for selected rows only: its times
are of the rows, of one filter from its button to the new count of rows, and its memory is the heap of the page's own thread.
`;
