// From a study file to a study: cells with their hashes, evaluations and comparisons with the cells they are of.
// Nothing is trained here; data and weights are opened, so that a plan that cannot run is refused now.
import { unexpected } from "../../core/errors.ts";
import { canonicalJson } from "../../core/schema.ts";
import { openSource, type Source } from "../../dataset/sources/sources.ts";
import { sha256, sha256File } from "../../machine/files.ts";
import { HUB_PREFIX } from "../../models/backbones/recipes.ts";
import { backbone } from "../../models/backbones/registry.ts";
import { fetchPretrained, weightsFile } from "../../models/files/hub.ts";
import { parseTag } from "../../models/tags.ts";
import { askedOf } from "../../predict/predictor.ts";
import { sourceFacts } from "../../train/data.ts";
import { pixelsOf } from "../../train/pretrained.ts";
import { describeEnvironment } from "../../train/run.ts";
import type { Cell, Comparison, DataSet, Evaluation, Study } from "../study.ts";
import { type Match, nearest, type Settings, type StudyFile, settingsSchema } from "./file.ts";
import { checkMatch, type Draft, draftCells, matches, pairCells } from "./grid.ts";
import { checkImages } from "./images.ts";

/** What a command line sets beside the file. */
export interface Overrides {
  /** Sources to learn from, `[NAME=]SOURCE`; in place of the file's. */
  readonly data?: readonly string[] | undefined;
  /** Sources to test on only, `NAME=SOURCE`; beside the file's. */
  readonly testData?: readonly string[] | undefined;
  /** In place of the file's networks; those that the file names keep their settings. */
  readonly backbones?: readonly string[] | undefined;
  readonly seeds?: readonly number[] | undefined;
  /** Over every setting of the file. */
  readonly settings?: Settings | undefined;
  /** Cells to keep. */
  readonly only?: Match | undefined;
}

/**
 * Resolves a study.
 *
 * @param given - as read from a study file
 * @param overrides - what the command line sets, over the file
 * @throws AppError as the readers of its sources and weights do; ("input", "STUDY_...") for what does not fit
 * @example await planStudy(await readStudyFile("ablation.yaml"), { data: ["pairs:data/pairs"] })
 */
export async function planStudy(given: StudyFile, overrides: Overrides = {}): Promise<Study> {
  const file = await withPixels(overridden(given, overrides));
  const sets = setsOf(file, overrides);
  const opened = await openSets(sets);
  const all = draftCells(
    file,
    Object.fromEntries([...sets].flatMap(([n, s]) => (s.train ? [[n, s.sources]] : []))),
  );
  const only = overrides.only ?? {};
  checkMatch(only, all, "--only");
  const drafts = all.filter(({ axes }) => matches(axes, only));
  if (drafts.length === 0)
    throw unexpected("input", { code: "STUDY_EMPTY", expected: "at least one cell", name: "--only", got: 0 });
  const cells = await Promise.all(drafts.map((draft) => toCell(draft, opened)));
  const partial = overrides.only !== undefined;
  const study: Study = {
    format: 1,
    name: file.name,
    about: file.about,
    code: await codeFacts(),
    data: Object.fromEntries([...opened].map(([name, { set }]) => [name, set])),
    seeds: [...file.seeds],
    cells,
    evaluations: evaluations(file, cells, opened, partial),
    comparisons: comparisons(file, cells, partial),
    resources: file.resources.map(({ only: match, ...resources }) => ({
      ...resources,
      cells: cells.flatMap(({ id, axes }) => (matches(axes, match) ? [id] : [])),
    })),
  };
  checkImages(study, opened);
  return study;
}

async function codeFacts(): Promise<Study["code"]> {
  const { facehand, commit } = await describeEnvironment([]);
  return { facehand, commit };
}

/** The file with the command line's networks, seeds and settings. */
function overridden(file: StudyFile, { backbones, seeds, settings = {} }: Overrides): StudyFile {
  const keys = Object.keys(settingsSchema.parse(settings));
  const without = <T extends object>(values: T) =>
    Object.fromEntries(Object.entries(values).filter(([key]) => !keys.includes(key)));
  const names = backbones ?? Object.keys(file.backbones);
  return {
    ...file,
    seeds: [...(seeds ?? file.seeds)],
    train: { ...file.train, ...settings },
    grid: without(file.grid) as StudyFile["grid"],
    backbones: Object.fromEntries(names.map((name) => [name, without(file.backbones[name] ?? {})])),
  };
}

/**
 * Weights of the hub that timm's table here does not know bring their pixels, unless the study sets them. Where weights
 * are an axis, a backbone's own are not used, and nothing is asked of the hub for them.
 */
async function withPixels(file: StudyFile): Promise<StudyFile> {
  const { train, grid } = file;
  if (train["pixels"] !== undefined || grid.pixels !== undefined || grid.weights !== undefined) return file;
  const entries = Object.entries(file.backbones).map(async ([name, own]) => {
    const weights = own?.["weights"] ?? file.train["weights"];
    const isHubs = typeof weights === "string" && weights.startsWith(HUB_PREFIX);
    // Those of the table are known to parseTrainConfig.
    if (own?.["pixels"] !== undefined || !isHubs || isKnown(name)) return [name, own] as const;
    const pixels = pixelsOf(await fetchPretrained(weights.slice(HUB_PREFIX.length)));
    return [name, { ...own, pixels }] as const;
  });
  return { ...file, backbones: Object.fromEntries(await Promise.all(entries)) };
}

/** True for a backbone with a tag of timm's table. */
function isKnown(name: string): boolean {
  const [network, tag] = name.split(/\.(.*)/s) as [string, string | undefined];
  return tag !== undefined && backbone(network).pretrained[tag] !== undefined;
}

type NamedSources = Pick<DataSet, "sources" | "train">;

/** Sets by name, those to learn from first. */
function setsOf(file: StudyFile, { data, testData = [] }: Overrides): Map<string, NamedSources> {
  const sets = new Map<string, NamedSources>();
  const add = (name: string, sources: readonly string[], train: boolean) => {
    const before = sets.get(name);
    if (before !== undefined && before.train !== train) throw twice(name);
    sets.set(name, { sources: [...(before?.sources ?? []), ...sources], train });
  };
  if (data !== undefined)
    for (const [name, source] of data.map((text) => named(text, "data"))) add(name, [source], true);
  else if (Array.isArray(file.data)) add("data", file.data, true);
  else for (const [name, sources] of Object.entries(file.data ?? {})) add(name, sources, true);
  for (const [name, sources] of Object.entries(file.testData ?? {})) add(name, sources, false);
  for (const [name, source] of testData.map((text) => named(text, undefined))) add(name, [source], false);
  if ([...sets.values()].some(({ train }) => train)) return sets;
  const hint = "name it: --data pairs:DIR, or the key data in the study file";
  throw unexpected("input", {
    code: "STUDY_DATA",
    expected: "data to learn from",
    name: "a study",
    got: undefined,
    hint,
  });
}

function named(text: string, unnamed: string | undefined): readonly [name: string, source: string] {
  const [, name, source] = /^([A-Za-z0-9][A-Za-z0-9._+-]*)=(.+)$/.exec(text) ?? [];
  if (name !== undefined && source !== undefined) return [name, source];
  if (unnamed !== undefined) return [unnamed, text];
  throw unexpected("input", { code: "FLAG", expected: "NAME=SOURCE", name: "--test-data", got: text });
}

function twice(name: string) {
  const expected = "a name that no set to learn from has";
  return unexpected("input", { code: "STUDY_SET", expected, name: "test data", got: name });
}

/** A set whose sources were read. */
export interface OpenedSet {
  readonly set: DataSet;
  readonly sources: readonly Source[];
}

async function openSets(sets: ReadonlyMap<string, NamedSources>): Promise<Map<string, OpenedSet>> {
  const entries = [...sets].map(async ([name, { sources: specs, train }]) => {
    const sources = await Promise.all(specs.map(openSource));
    const facts = await Promise.all(sources.map(sourceFacts));
    return [name, { set: { sources: [...specs], facts, train }, sources }] as [string, OpenedSet];
  });
  return new Map(await Promise.all(entries));
}

/** Paths are no part of the hash: what counts are the bytes behind them. */
async function toCell(
  { axes, label, data, config }: Draft,
  opened: ReadonlyMap<string, OpenedSet>,
): Promise<Cell> {
  const { data: _paths, seed: _seed, weights, ...settings } = config;
  const facts = opened.get(data)!.set.facts;
  const hash = sha256(
    canonicalJson({ format: 1, settings, data: facts, weights: await weightsHash(weights) }),
  );
  const { seed: _, ...rest } = config;
  const { arch, tag } = config;
  return {
    id: `${label}-${hash.slice(0, 8)}`,
    hash,
    label,
    arch,
    tag,
    axes: { ...axes },
    data,
    config: rest,
  };
}

async function weightsHash(weights: string | undefined): Promise<string | null> {
  return weights === undefined ? null : await sha256File(await weightsFile(weights));
}

function evaluations(
  file: StudyFile,
  cells: readonly Cell[],
  opened: ReadonlyMap<string, OpenedSet>,
  partial: boolean,
): Evaluation[] {
  return file.evaluate.flatMap((given) => {
    if (!partial) checkMatch(given.only, cells, `evaluation ${given.name}`);
    const own = cells.filter(({ axes }) => matches(axes, given.only));
    checkModality(given, own);
    const { splits, told, perturb } = given;
    const modality = given.modality === "both" ? null : given.modality;
    return setsNamed(given, opened).flatMap((data): Evaluation[] => {
      const what = { splits, modality, told, perturb: perturb ?? null };
      const evaluated = own.filter((cell) => given.data !== "others" || cell.data !== data);
      if (evaluated.length === 0) return [];
      checkSplits(given, data, evaluated);
      const facts = data === null ? null : opened.get(data)!.set.facts;
      const hash = sha256(canonicalJson({ format: 1, ...what, data: facts }));
      const name = data === null || data === given.data ? given.name : `${given.name}-${data}`;
      return [{ name, hash, data, ...what, cells: evaluated.map(({ id }) => id) }];
    });
  });
}

/** Another set is evaluated whole: its rows have split test, and it has no other. */
function checkSplits(
  { name, splits }: StudyFile["evaluate"][number],
  data: string | null,
  evaluated: readonly Cell[],
): void {
  if (data === null || splits.every((split) => split === "test")) return;
  if (evaluated.some((cell) => cell.data === data)) return;
  throw unexpected("input", {
    code: "STUDY_SPLITS",
    expected: `all images of ${data}, whose splits no cell was trained on,`,
    name: `evaluation ${name}`,
    got: splits.join(", "),
    hint: "leave out splits: another set than the cell's own is evaluated whole",
  });
}

/** Only UMCC F1 is given the modality; for the others it changes nothing. */
function checkModality({ name, told }: StudyFile["evaluate"][number], own: readonly Cell[]): void {
  const deaf = own.find(
    ({ config, tag }) => askedOf({ arch: config.arch, flag: parseTag(tag).flag }, "hand") === "auto",
  );
  if (told === "recorded" || deaf === undefined) return;
  throw unexpected("input", {
    code: "STUDY_TOLD",
    expected: "cells that are given the modality",
    name: `evaluation ${name} with told: ${told}`,
    got: deaf.label,
    hint: "limit it to them: only: { F: 1 }",
  });
}

/** The sets that an evaluation is on; null for each cell's own. */
function setsNamed({ name, data }: StudyFile["evaluate"][number], opened: ReadonlyMap<string, OpenedSet>) {
  if (data === "own") return [null];
  const known = [...opened.keys()];
  if (data === "others" && known.length < 2) {
    const hint = "name further sets by --data NAME=SOURCE or --test-data NAME=SOURCE";
    const e = {
      code: "STUDY_SET",
      expected: "another set",
      name: `evaluation ${name}`,
      got: known.join(", "),
    };
    throw unexpected("input", { ...e, hint });
  }
  if (data === "each" || data === "others") return known;
  if (opened.has(data)) return [data];
  const e = {
    code: "STUDY_SET",
    expected: "own, each, others or a set",
    name: `data of evaluation ${name}`,
    got: data,
  };
  const hint = nearest(data, ["own", "each", "others", ...known]);
  throw unexpected("input", hint === undefined ? e : { ...e, hint });
}

function comparisons(file: StudyFile, cells: readonly Cell[], partial: boolean): Comparison[] {
  return file.compare.flatMap(({ name, a, b, evaluation, modality, metric }) => {
    if (!partial) for (const match of [a, b]) checkMatch(match, cells, `comparison ${name}`);
    const pairs = pairCells(cells, a, b).map((pair) => ({ a: pair.a.id, b: pair.b.id }));
    if (pairs.length === 0 && !partial) throw noPairs(name);
    return pairs.length === 0
      ? []
      : [{ name, evaluation: evaluation ?? null, modality: modality ?? null, metric, pairs }];
  });
}

function noPairs(name: string) {
  const expected = "two cells that differ in what it names, and in nothing else";
  return unexpected("input", { code: "STUDY_NO_PAIR", expected, name: `comparison ${name}`, got: "none" });
}
