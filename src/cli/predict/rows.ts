// What `facehand predict` prints: a row an image, what decided it, and where MAG's gate contradicts what is known of it.

import { visible } from "../../core/visible.ts";
import { decideClass } from "../../evaluate/metrics/classes.ts";
import type { ClassProbabilities } from "../../evaluate/stored/prediction-row.ts";
import { writeCsv } from "../../formats/csv.ts";
import type { PhotoPrediction } from "../../predict/photo.ts";
import { GATED } from "../../predict/predictor.ts";
import { alignColumns, LABEL_NOTE } from "../../report/figure-text.ts";
import { plainRow } from "../../report/format-csv.ts";
import { seedsText } from "../../report/format-seeds.ts";
import type { LoadedModels } from "../../train/ensemble.ts";

/** What was asked, of what, and the answers. */
export interface Answer extends Pick<LoadedModels, "path" | "facts"> {
  /** Of several models that answered together. */
  readonly seeds: readonly number[] | undefined;
  readonly rows: readonly PhotoPrediction[];
  /** How many images were given. */
  readonly images: number;
  /** What was said of those in which nothing was found. */
  readonly notFound: readonly string[];
  /** What was said of files that could not be read. */
  readonly unread: readonly string[];
}

/** What has to be known before any number is read. */
function warningsOf({ rows, images, notFound, unread }: Answer): string[] {
  const photos = rows.filter(({ uncropped }) => uncropped !== undefined);
  const [first] = photos;
  const out: string[] = [];
  if (unread.length > 0)
    out.push(
      `Warning: ${unread.length} of ${images} files cannot be read as images, and have no row: ${unread[0]}`,
    );
  if (first !== undefined) {
    const which = `Warning: ${photos.length} of ${images} images look uncropped, and what is said of them means little`;
    out.push(`${which}: ${first.image}: ${first.uncropped}; --detect finds and cuts`);
  }
  if (notFound.length > 0)
    out.push(
      `Warning: nothing was found in ${notFound.length} of ${images} images, which have no row: ${notFound[0]}`,
    );
  return out;
}

/** The answers as JSON. */
export function rowsJson(answer: Answer) {
  const { path, facts, seeds, rows: predictions, notFound, unread } = answer;
  const { tag, arch, threshold } = facts;
  const warnings = warningsOf(answer);
  return {
    ...(warnings.length === 0 ? {} : { warnings }),
    model: { path, tag, arch, threshold, seeds },
    note: LABEL_NOTE,
    predictions,
    ...(notFound.length === 0 ? {} : { notFound }),
    ...(unread.length === 0 ? {} : { unread }),
  };
}

/** Writes the answers as CSV: numbers in full, boxes in px, a column for each class of further targets. */
export async function writeRows(path: string, { rows, facts, seeds = [] }: Answer): Promise<void> {
  const targets = (facts.targets ?? []).flatMap(({ name, classes }) =>
    classes.map((c) => [name, c] as const),
  );
  const cells = (row: PhotoPrediction): Readonly<Record<string, string | number>> => ({
    image: row.image,
    found: row.found ?? "",
    modality: row.modality ?? "",
    probability_male: row.probability,
    ...Object.fromEntries(seeds.map((seed, i) => [`seed_${seed}`, row.members![i]!])),
    decision: row.decision,
    head: row.head ?? "",
    gate_hand: row.gateHand ?? "",
    x: row.box?.x ?? "",
    y: row.box?.y ?? "",
    width: row.box?.width ?? "",
    height: row.box?.height ?? "",
    uncropped: row.uncropped ?? "",
    ...Object.fromEntries(targets.map(([name, c]) => [`${name}:${c}`, row.classes![name]![c]!])),
  });
  const all = rows.map(cells);
  await writeCsv(path, Object.keys(all[0]!), all.map(plainRow));
}

interface Column {
  readonly title: string;
  readonly shown: boolean;
  readonly text: (row: PhotoPrediction) => string;
}

function columnsOf({ facts, seeds, rows }: Answer): readonly Column[] {
  const targets = (facts.targets ?? []).map(({ name }) => ({
    title: name,
    shown: true,
    text: ({ classes }: PhotoPrediction) => likeliest(classes![name]!),
  }));
  return [
    { title: "image", shown: true, text: ({ image }) => image },
    {
      title: "found",
      shown: rows.some(({ found }) => found !== undefined),
      text: ({ found }) => found ?? "-",
    },
    { title: "modality", shown: true, text: ({ modality }) => modality ?? "-" },
    { title: "p(male)", shown: true, text: ({ probability }) => probability.toFixed(4) },
    {
      title: "by seed",
      shown: seeds !== undefined,
      text: ({ members = [] }) => members.map((p) => p.toFixed(3)).join(" "),
    },
    { title: "decision", shown: true, text: ({ decision }) => decision },
    {
      title: "gate hand",
      shown: rows.some(({ gateHand }) => gateHand !== null),
      text: ({ gateHand }) => gateHand?.toFixed(3) ?? "-",
    },
    ...targets,
  ];
}

/** The answers as a table with notes of what its columns are. */
export function formatRows(answer: Answer): string {
  const { path, facts, seeds, rows } = answer;
  const columns = columnsOf(answer).filter(({ shown }) => shown);
  const targets = (facts.targets ?? []).map(({ name }) => name);
  const heads = [
    ...new Set(rows.flatMap(({ head }) => (head === undefined || head === GATED ? [] : [head]))),
  ];
  return [
    ...warningsOf(answer).map(visible),
    `${visible(`${facts.arch} ${facts.tag} (${path})`)}${seeds === undefined ? "" : `: mean log-odds of ${seedsText(seeds)}`}`,
    alignColumns([
      columns.map(({ title }) => title),
      ...rows.map((row) => columns.map(({ text }) => text(row))),
    ]),
    ...heads.map(
      (head) =>
        `decided by the ${head} head alone, as asked for; gate hand is what the gate would have given it`,
    ),
    `p(male): probability of male as recorded in the training labels; decision male from ${facts.threshold.toFixed(2)}`,
    ...(targets.length === 0 ? [] : [`${targets.join(", ")}: ${CLASS_NOTE}`]),
    LABEL_NOTE,
  ].join("\n");
}

/** What classes are. */
const CLASS_NOTE =
  "apparent, the likeliest of the classes recorded in the training data, with its probability";

function likeliest(probabilities: ClassProbabilities): string {
  const name = decideClass(probabilities);
  return `${name} ${probabilities[name]!.toFixed(2)}`;
}
