// The section of docs/speed.md on models in a page, from what `page-forward` and `page-step` wrote into bench/results.jsonl.
import type { Spread } from "./statistics.ts";
import { aligned } from "./table.ts";

/** What this file reads of a row of results.jsonl. */
export interface InPageRow {
  readonly benchmark: "page-forward" | "page-step";
  readonly model: string;
  readonly batch: number;
  readonly sizePx: number;
  readonly threads: number;
  readonly ratio: Spread | null;
  readonly ours: { readonly ms: Spread; readonly versions: Readonly<Record<string, string>> };
  readonly peer: { readonly ms: Spread } | null;
  readonly commit: string | null;
  readonly machine: { readonly cpu: string; readonly cores: number; readonly idleBefore: number };
  readonly time: string;
}

/** What is measured: one picture predicted, a step of a small batch, by one thread and by two. */
export const IN_PAGE = (
  [
    { benchmark: "page-forward", batch: 1, sizePx: 224 },
    { benchmark: "page-step", batch: 8, sizePx: 96 },
  ] as const
).flatMap((work) =>
  ["mobilenetv2_100", "tf_efficientnetv2_s"].flatMap((model) =>
    [1, 2].map((threads) => ({ ...work, model, threads })),
  ),
);

/** The section; "" where nothing was measured. The newest row of each work counts. */
export function inPageSection(rows: readonly InPageRow[]): string {
  if (rows.length === 0) return "";
  const body = IN_PAGE.map((work) =>
    cells(
      work,
      rows.findLast((row) => isOf(row, work)),
    ),
  );
  return `${HEAD}\n${aligned([["work", "threads", "page / Node", "page, ms", "Node, ms", "measured"], ...body])}\n`;
}

type Work = (typeof IN_PAGE)[number];

const isOf = (row: InPageRow, work: Work) =>
  (["benchmark", "model", "batch", "sizePx", "threads"] as const).every((key) => row[key] === work[key]) &&
  row.ratio !== null;

function cells({ benchmark, model, batch, sizePx, threads }: Work, row: InPageRow | undefined): string[] {
  const work = [`${benchmark} ${model}, ${batch} x ${sizePx} px`, String(threads)];
  if (row?.ratio == null || row.peer === null) return [...work, "not measured", "", "", ""];
  const { ratio, ours, peer, machine, time, commit } = row;
  const busy = machine.idleBefore < 0.9 ? ", busy" : "";
  const chromium = ours.versions["chromium"]?.split(".")[0];
  return [
    ...work,
    `${ratio.median.toFixed(2)} (${ratio.p25.toFixed(2)} to ${ratio.p75.toFixed(2)})`,
    ours.ms.median.toFixed(0),
    peer.ms.median.toFixed(0),
    `${time.slice(0, 10)}, ${machine.cpu}, ${machine.cores} cores${busy}, Chromium ${chromium}, ${commit?.slice(0, 7)}`,
  ];
}

const HEAD = `
## Models in the page

\`npm run bench -- page-forward\` and \`page-step\` run UMCC in a thread of a page, by ONNX Runtime's WebAssembly in Chromium, beside Node with as
many threads on the same machine, in turn. A step is one of training, from pixels to updated weights, by the plain lowering on both sides: Node's own
is faster (\`train-step\`). A forward graph is optimised on both sides, and Node's then runs in blocks of channels, for which WebAssembly has no
kernels; a training graph is left as it is on both, so that a step's ratio is smaller.
`;
