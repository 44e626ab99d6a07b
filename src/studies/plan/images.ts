// Whether a study has the images that it asks for: found out when it is planned, not hours later.
import { unexpected } from "../../core/errors.ts";
import { MODALITIES, type Modality, type Sample } from "../../core/words.ts";
import type { Source } from "../../dataset/sources/sources.ts";
import { splitSamples } from "../../dataset/sources/split.ts";
import type { Cell, Evaluation, Study } from "../study.ts";

/** Sources of each set. */
export type OpenedSources = ReadonlyMap<string, { readonly sources: readonly Source[] }>;

/** Images that a cell learns from and validates on, and how many an epoch has. */
export interface CellImages {
  readonly train: number;
  readonly val: number;
}

/**
 * Images of a cell.
 *
 * @throws AppError as splitSamples
 */
export function cellImages(
  { data, config }: Pick<Cell, "data" | "config">,
  opened: OpenedSources,
): CellImages {
  const samples = splitOf({ data, config }, opened);
  const own = (all: readonly Sample[]) =>
    all.filter(({ modality }) => config.modality === undefined || modality === config.modality).length;
  return { train: own(samples.train), val: own(samples.val) };
}

function splitOf({ data, config }: Pick<Cell, "data" | "config">, opened: OpenedSources) {
  const { splitSeed, val, test } = config;
  return splitSamples(opened.get(data)!.sources, { seed: splitSeed, fractions: { val, test } });
}

/**
 * Refuses cells that have nothing to learn from, and evaluations without images.
 *
 * @throws AppError("input", "STUDY_IMAGES")
 */
export function checkImages({ cells, evaluations }: Study, opened: OpenedSources): void {
  for (const cell of cells) {
    const { train, val } = cellImages(cell, opened);
    if (train < cell.config.batch)
      throw noImages(`cell ${cell.label}`, `${cell.config.batch} images to train on`, train);
    if (val === 0) throw noImages(`cell ${cell.label}`, "images to validate on", val);
  }
  for (const evaluation of evaluations) {
    for (const cell of cells.filter(({ id }) => evaluation.cells.includes(id)))
      checkEvaluation(evaluation, cell, opened);
  }
}

function checkEvaluation(evaluation: Evaluation, cell: Cell, opened: OpenedSources): void {
  const { name, splits, data } = evaluation;
  const wanted: readonly Modality[] = evaluation.modality === null ? MODALITIES : [evaluation.modality];
  const has = (samples: readonly Sample[]) => samples.some(({ modality }) => wanted.includes(modality));
  if (data !== null && data !== cell.data) {
    if (has(opened.get(data)!.sources.flatMap(({ samples }) => samples))) return;
    throw noImages(`evaluation ${name}`, `${wanted.join(" or ")} images in set ${data}`, 0);
  }
  const own = splitOf(cell, opened);
  const empty = splits.find((split) => !has(own[split]));
  if (empty === undefined) return;
  throw noImages(
    `evaluation ${name}`,
    `${wanted.join(" or ")} images in split ${empty} of set ${cell.data}`,
    0,
  );
}

function noImages(name: string, expected: string, got: number) {
  return unexpected("input", {
    code: "STUDY_IMAGES",
    expected,
    name,
    got,
    hint: "give more data, a smaller --batch, or shares of the subjects by --val and --test",
  });
}
