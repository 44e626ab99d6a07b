// The section of docs/speed.md on the time to an accuracy, and its figures, from what `to-accuracy` wrote into bench/results.jsonl.
import * as Plot from "@observablehq/plot";
import { seedSummary } from "../src/evaluate/intervals/seeds.ts";
import { drawFigure } from "../src/report/frame.ts";
import { COLORS } from "../src/report/plots/spec.ts";
import {
  type Contender,
  epochRatio,
  epochSeconds,
  isFull,
  type LeftOut,
  leftOut,
  levelOf,
  meanPoints,
  type Paced,
  seedsAt,
  strongest,
} from "./pace.ts";
import { kindOf, kindsOf } from "./speed-rows.ts";
import { aligned } from "./table.ts";

/** A row of results.jsonl. */
export interface PaceRow {
  readonly benchmark: "to-accuracy";
  /** Network and what its weights were trained on; `random` for drawn ones, the same on both sides. */
  readonly model: string;
  readonly sizePx: number;
  readonly images: { readonly train: number; readonly val: number };
  readonly plain: Readonly<Record<string, number>>;
  /** What the best recipe changes. */
  readonly best: Readonly<Record<string, number>>;
  readonly contenders: readonly Paced[];
  readonly commit: string | null;
  readonly machine: {
    readonly cpu: string;
    readonly vectors?: string | null | undefined;
    readonly cores: number;
    readonly idleBefore: number;
  };
  readonly time: string;
}

/** Our time over the strongest PyTorch's, at most. */
const GOAL = 0.5;

/** The section; "" where nothing was measured. The newest row of each network on each kind of processor counts. */
export function paceSection(rows: readonly PaceRow[]): string {
  return rows.length === 0 ? "" : `${HEAD}${newest(rows).map(part).join("")}`;
}

/** Figures by their paths below docs. */
export function paceFigures(rows: readonly PaceRow[]): Map<string, string> {
  return new Map(newest(rows).map(([path, row]) => [path, paceFigure(row)]));
}

const slug = (text: string) => text.replaceAll(/[^\w-]+/g, "-");

/**
 * What is shown, with its figure's path: networks as they came first, of each its processors in the order of the other tables.
 * The processor that was a network's first is not in the name of its figure: as rows are only ever added, none changes its name.
 */
function newest(rows: readonly PaceRow[]): (readonly [path: string, row: PaceRow])[] {
  const models = [...new Set(rows.map(({ model }) => model))];
  return models.flatMap((model) => {
    const own = rows.filter((row) => row.model === model);
    return kindsOf(own).map((kind) => {
      const name = kind === kindOf(own[0]!) ? model : `${model}-${kind}`;
      return [`figures/to-accuracy-${slug(name)}.svg`, own.findLast((row) => kindOf(row) === kind)!] as const;
    });
  });
}

const COLUMNS = [
  "trained by",
  "recipe",
  "epochs",
  "s an epoch",
  "CPU s an epoch",
  "accuracy at the end",
  "s until it is reached",
  "seeds that reach it",
  "time, of the strongest fp32 PyTorch's",
  "an epoch, of its",
];

function part([path, row]: readonly [path: string, row: PaceRow]): string {
  const { model, sizePx, images, contenders, machine, time, commit } = row;
  const level = levelOf(contenders);
  const peer = strongest(contenders, level);
  const busy = machine.idleBefore < 0.9 ? ", busy" : "";
  const versions = contenders.find(({ side }) => side === "PyTorch")?.versions;
  const torch = versions === undefined ? "" : ` PyTorch ${versions["torch"]?.split(/[a+]/)[0]},`;
  const list = (settings: Readonly<Record<string, number>>) =>
    Object.entries(settings)
      .map(([key, value]) => `${key} ${value}`)
      .join(", ");
  const drawn = model.endsWith(".random")
    ? " Its first weights are drawn, the same on both sides, so that its accuracy is far below that of pretrained ones."
    : "";
  return `
### ${model}, ${sizePx} px, ${kindOf(row)}

${images.train} images to learn from, ${images.val} of other subjects to validate; plain: ${list(row.plain)}; best: ${list(row.best)}.${drawn}
To be reached: ${level.toFixed(4)}.
${time.slice(0, 10)},${torch} ${machine.cores} cores${busy}, ${commit?.slice(0, 7)}.

${aligned([COLUMNS, ...contenders.map((paced) => cells(paced, level, peer))])}

![Balanced accuracy over seconds since the start: thin lines are seeds, thick ones their means](${path})
`;
}

function cells(paced: Paced, level: number, peer: Paced | undefined): string[] {
  const { recipe, curves } = paced;
  const last = seedSummary(curves.map(({ points }) => points.at(-1)!.value));
  const isOther = peer !== undefined && paced !== peer;
  return [
    nameOf(paced),
    recipe,
    String(Math.max(...curves.map(({ points }) => points.length))),
    epochSeconds(curves, "s")?.toFixed(1) ?? "-",
    epochSeconds(curves, "cpuS")?.toFixed(1) ?? "-",
    `${last.mean.toFixed(4)}${last.std === null ? "" : ` ± ${last.std.toFixed(4)}`}`,
    rangeText(leftOut(level, paced), 1),
    `${seedsAt(level, paced)} of ${curves.length}`,
    isOther ? rangeText(leftOut(level, paced, peer), 2) : "",
    isOther ? epochText(paced, peer) : "",
  ];
}

/** An epoch's time over another's; "" without seeds that both have. */
function epochText(paced: Paced, over: Paced): string {
  const epoch = epochRatio(paced, over);
  if (epoch === null) return "";
  const { mean, low, high } = epoch;
  return `${mean.toFixed(2)}${low === null || high === null ? "" : ` [${low.toFixed(2)}, ${high.toFixed(2)}]`}`;
}

function rangeText({ all, range }: LeftOut, digits: number): string {
  const text = (value: number | null) => value?.toFixed(digits) ?? "-";
  return range === null ? text(all) : `${text(all)} (${range.map(text).join(" to ")})`;
}

/** Words of a contender without its recipe. */
function nameOf({ side, setup, pictures, kernels }: Contender): string {
  if (side === "here") return kernels === undefined ? "here" : `here, --kernels ${kernels}`;
  const reduced = setup === "bf16" ? `, bf16 autocast${REDUCED}` : setup === "compile" ? ", compiled" : "";
  const layout = setup === "default" ? "" : ", channels_last";
  const kept = { files: "", kept: ", pictures kept", small: ", small pictures kept" }[pictures ?? "files"];
  return `PyTorch${layout}${reduced}${kept}`;
}

const REDUCED = " (reduced precision)";
const LINES = { here: COLORS.face, PyTorch: COLORS.hand } as const;
const DASHES = { plain: "none", best: "5 3", kernels: "12 5 2 5", reduced: "1 3" } as const;
const dashOf = (paced: Contender) =>
  DASHES[!isFull(paced) ? "reduced" : paced.kernels === undefined ? paced.recipe : "kernels"];

/**
 * Curves of all contenders: a thin line a seed, a thick one their means, dotted in reduced precision, dashed and dotted by kernels of
 * our own; the level is a rule.
 *
 * @returns a whole SVG document
 */
export function paceFigure(row: PaceRow): string {
  const { model, sizePx, contenders } = row;
  const marks = contenders.flatMap((paced) => {
    const look = { x: "s", y: "value", stroke: LINES[paced.side], strokeDasharray: dashOf(paced) };
    const seeds = paced.curves.flatMap(({ seed, points }) =>
      points.map(({ s, value }) => ({ seed, s, value })),
    );
    return [
      Plot.line(seeds, { ...look, z: "seed", strokeWidth: 1, strokeOpacity: 0.4 }),
      Plot.line(meanPoints(paced.curves), { ...look, strokeWidth: 3 }),
    ];
  });
  return drawFigure({
    title: `Accuracy over time, ${model}, ${sizePx} px`,
    legend: contenders.map((paced) => ({
      label: [paced.side, paced.recipe, isFull(paced) ? paced.kernels : `bf16${REDUCED}`]
        .filter(Boolean)
        .join(", "),
      color: LINES[paced.side],
      shape: "line" as const,
      dash: dashOf(paced) === "none" ? undefined : dashOf(paced),
    })),
    plot: {
      x: { label: `seconds since the start, ${shortKind(row)}`, domain: [0, Math.max(...ends(contenders))] },
      y: { label: "balanced accuracy, validation", grid: true },
      marks: [Plot.ruleY([levelOf(contenders)], { stroke: "currentColor", strokeOpacity: 0.5 }), ...marks],
    },
  });
}

/** As much of a processor's name as tells it from others: a figure has little room. */
const shortKind = (row: PaceRow) =>
  kindOf(row).replaceAll(/\((?:R|TM)\)| (?:CPU|Processor)\b| @ [\d.]+GHz/g, "");

const ends = (all: readonly Paced[]) =>
  all.flatMap(({ curves }) => curves.map(({ points }) => points.at(-1)!.s));

const HEAD = `
## Time to an accuracy

\`npm run bench -- to-accuracy\` trains on faces of UTKFace by \`facehand train\` and by PyTorch, seed by seed in turn, and asks how long it
takes until the balanced accuracy on subjects that are held out is what plain settings reach at their end (mean over seeds, of the side that ends lower). Time runs from the start of
the process: interpreter, libraries, weights, the first opening of everything, and validation after each epoch count on both sides.
PyTorch is set up as an expert would: channels_last, fused AdamW, as many threads as cores, two loader processes, decoded pictures kept,
validation in inference mode on tensors that are kept. \`small pictures\` are kept at the network's size and augmented there, which is cheaper and not
quite the same. An accuracy is reached when the mean over seeds has it at the end of an epoch, so that times are as coarse as epochs; in brackets are the least and the
most with each seed left out in turn, and \`-\` stands where it is not reached. The last column, the time of an epoch after the first, does not depend on what is learnt: geometric mean over
seeds with its interval of 95 % (Student's t of logarithms). The last two columns compare every row with the fastest
float32 PyTorch: of equal precision, \`--kernels native\` too, but for rows at reduced precision, which are PyTorch's. Neither these nor rows with \`--kernels\` have a part in what is to be
reached: that is the end of plain settings without them, in float32. Goal: <= ${GOAL} of the time. With one recipe both sides need about as many epochs, but for chance,
so that the time is that of an epoch, which misses the goal in all tables, and this is steps, of which \`train-step\` above has the ratio and [decision 29](decisions/0029-native-kernels-in-float32.md) the profile. Whatever
reaches the accuracy in fewer epochs serves PyTorch as well; what was tried is the study [labelled-pace](studies/labelled-pace/report.md).
A table is of one run, the newest of its network on its kind of processor, and has an accuracy to be reached of its own.
`;
