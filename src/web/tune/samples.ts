// ◇ Browser-safe. The pairs that a head learns from, in the order in which `train` reads them: rows of the tables of pairs that are
// selected, dealt into training and validation by subject.
// Source: csv-parse's build for browsers. Invariants: a subject is in one split; pairs of the test split are never among them.
import { parse } from "csv-parse/browser/esm/sync";
import { AppError } from "../../core/errors.ts";
import { COLUMNS, MODALITIES, type Pair, type Sample, type Split } from "../../core/words.ts";
import { type PairCells, pairOf } from "../../dataset/pair-cells.ts";
import { splitSamples } from "../../dataset/sources/split.ts";

/** The tables of a dataset's pairs that are read. */
export const TABLES = ["train", "val"] as const;

/** A table as text. */
export interface PairTable {
  readonly split: (typeof TABLES)[number];
  readonly text: string;
}

/** How validation images are chosen. */
export type Validation =
  | { readonly by: "split" }
  | { readonly by: "share"; readonly share: number; readonly seed: number };

/** Samples to learn from, and to choose by. */
export type Dealt = Readonly<Record<"train" | "val", readonly Sample[]>>;

/**
 * Both pictures of every selected pair, hand first.
 *
 * @param chosen - ids of pairs; all if left out
 * @throws AppError("data", "PAIRS_TABLE") for a table without the columns; what the readers of cells refuse; ("data",
 *   "SUBJECT_IN_TWO_SPLITS"); ("input", "TUNE_EMPTY") where nothing is left to train or to validate on
 */
export function dealPairs(
  tables: readonly PairTable[],
  chosen: ReadonlySet<string> | undefined,
  validation: Validation,
  recipeHash: string | undefined,
): Dealt {
  const split = new Map<string, Split>();
  const samples: Sample[] = [];
  for (const table of tables) {
    for (const pair of rowsOf(table)) {
      if (chosen?.has(pair.id) === false) continue;
      for (const modality of MODALITIES) {
        const sample = sampleOf(pair, modality, recipeHash);
        split.set(sample.id, table.split);
        samples.push(sample);
      }
    }
  }
  return deal("pairs", samples, split, validation);
}

/**
 * Samples to train and to validate on; nobody is in both.
 *
 * @param kind - of their source
 * @param split - where each is, by id; needed where it decides
 * @throws as dealPairs
 */
export function deal(
  kind: string,
  samples: readonly Sample[],
  split: ReadonlyMap<string, Split>,
  validation: Validation,
): Dealt {
  if (samples.length === 0) throw empty("labelled pictures", 0);
  const source = { kind, samples };
  const { train, val } =
    validation.by === "split"
      ? splitSamples([{ ...source, split }], { seed: 0 })
      : splitSamples([source], { seed: validation.seed, fractions: { val: validation.share, test: 0 } });
  if (val.length === 0) throw empty("pictures to validate on", train.length);
  return { train, val };
}

function sampleOf(pair: Pair, modality: (typeof MODALITIES)[number], recipeHash: string | undefined): Sample {
  return {
    id: `${pair.id}/${modality}`,
    subject: `pairs:${pair.userId}`,
    modality,
    sex: pair.gender,
    path: modality === "hand" ? pair.handImage : pair.faceImage,
    source: "pairs",
    groups: { age: pair.age, race: pair.race, gesture: pair.gesture },
    recipeHash,
  };
}

function rowsOf({ split, text }: PairTable): Pair[] {
  const rows = parse(text, { columns: true, bom: true, skip_empty_lines: true }) as Record<string, string>[];
  const missing = COLUMNS.find((column) => rows[0] !== undefined && rows[0][column] === undefined);
  if (missing !== undefined)
    throw new AppError("data", "PAIRS_TABLE", `Expected the column ${missing} in ${split}.csv, got none`, {
      hint: "run `facehand data check` on the folder",
    });
  return rows.map((row, i) => pairOf(row as unknown as PairCells, `${split}.csv:${i + 2}`));
}

function empty(expected: string, pairs: number): AppError {
  const message = `Expected ${expected} in the selection, got none of ${pairs}`;
  return new AppError("input", "TUNE_EMPTY", message, {
    hint: "take filters away, or let a share of the subjects validate",
  });
}
