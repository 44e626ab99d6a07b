// What `facehand predict` prints: a row for each image, what decided it, and where MAG's gate contradicts what is known of it.

import { visible } from "../../core/visible.ts";
import { decideClass } from "../../evaluate/metrics/classes.ts";
import type { ClassProbabilities } from "../../evaluate/stored/prediction-row.ts";
import { writeCsv } from "../../formats/csv.ts";
import type { TargetFacts } from "../../models/targets.ts";
import { GATED } from "../../predict/predictor.ts";
import type { PhotoPrediction } from "../../predict/prepare.ts";
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
  /** Messages about those in which nothing was found. */
  readonly notFound: readonly string[];
  /** Messages about files that could not be read. */
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
    const which = `Warning: ${photos.length} of ${images} images seem uncropped, so their predictions mean little`;
    out.push(`${which}: ${first.image}: ${first.uncropped}; --detect finds faces and hands and crops them`);
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

/** One fact about an image: columns of the CSV file, and one of the printed table unless it is left out there. */
interface Column {
  /** What a cell of the CSV file contains, by the column's name; an empty one for undefined. */
  readonly csv: Readonly<Record<string, (row: PhotoPrediction) => string | number | undefined>>;
  readonly printed?: PrintedColumn | undefined;
}

interface PrintedColumn {
  readonly title: string;
  readonly text: (row: PhotoPrediction) => string;
  /** The column is shown if this is true of any row; always if left out. */
  readonly where?: ((row: PhotoPrediction) => boolean) | undefined;
}

/** What is stated of every image, whatever the model. */
const FIRST_COLUMNS: readonly Column[] = [
  { csv: { image: ({ image }) => image }, printed: { title: "image", text: ({ image }) => image } },
  {
    csv: { found: ({ found }) => found },
    printed: {
      title: "found",
      text: ({ found }) => found ?? "-",
      where: ({ found }) => found !== undefined,
    },
  },
  {
    csv: { modality: ({ modality }) => modality ?? undefined },
    printed: { title: "modality", text: ({ modality }) => modality ?? "-" },
  },
  {
    csv: { probability_male: ({ probability }) => probability },
    printed: { title: "p(male)", text: ({ probability }) => probability.toFixed(4) },
  },
];

/** What follows the seeds of several models. */
const LATER_COLUMNS: readonly Column[] = [
  {
    csv: { decision: ({ decision }) => decision },
    printed: { title: "decision", text: ({ decision }) => decision },
  },
  { csv: { head: ({ head }) => head } },
  {
    csv: { gate_hand: ({ gateHand }) => gateHand ?? undefined },
    printed: {
      title: "gate hand",
      text: ({ gateHand }) => gateHand?.toFixed(3) ?? "-",
      where: ({ gateHand }) => gateHand !== null,
    },
  },
  {
    csv: {
      x: ({ box }) => box?.x,
      y: ({ box }) => box?.y,
      width: ({ box }) => box?.width,
      height: ({ box }) => box?.height,
    },
  },
  { csv: { uncropped: ({ uncropped }) => uncropped } },
];

/** How the CSV file of every model begins. */
export const BEGINNING = FIRST_COLUMNS.flatMap(({ csv }) => Object.keys(csv));

/** What is stated of an image, in order: in the CSV file numbers in full and boxes in px, printed in few digits. */
function columnsOf({ facts, seeds }: Pick<Answer, "facts" | "seeds">): readonly Column[] {
  const seedColumns = seeds === undefined ? [] : [membersColumn(seeds)];
  const targets = (facts.targets ?? []).map(targetColumn);
  return [...FIRST_COLUMNS, ...seedColumns, ...LATER_COLUMNS, ...targets];
}

function membersColumn(seeds: readonly number[]): Column {
  return {
    csv: Object.fromEntries(seeds.map((seed, i) => [`seed_${seed}`, ({ members }) => members![i]!])),
    printed: {
      title: "by seed",
      text: ({ members = [] }) => members.map((p) => p.toFixed(3)).join(" "),
    },
  };
}

function targetColumn({ name, classes }: TargetFacts): Column {
  return {
    csv: Object.fromEntries(classes.map((c) => [`${name}:${c}`, (row) => row.classes![name]![c]!])),
    printed: { title: name, text: (row) => likeliest(row.classes![name]!) },
  };
}

/** Writes the answers as CSV. */
export async function writeRows(path: string, answer: Answer): Promise<void> {
  const columns = columnsOf(answer).flatMap(({ csv }) => Object.entries(csv));
  const cells = (row: PhotoPrediction) =>
    Object.fromEntries(columns.map(([name, cell]) => [name, cell(row) ?? ""]));
  const names = columns.map(([name]) => name);
  await writeCsv(path, names, answer.rows.map(cells).map(plainRow));
}

/** The answers as a table with notes of what its columns are. */
export function formatRows(answer: Answer): string {
  const { path, facts, seeds, rows } = answer;
  const columns = columnsOf(answer)
    .flatMap(({ printed }) => printed ?? [])
    .filter(({ where }) => where === undefined || rows.some(where));
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
        `decided by the ${head} head alone, as asked for; gate hand is the weight that the gate would have given to the hand`,
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
