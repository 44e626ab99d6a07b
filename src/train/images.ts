// Which images of some data a model is evaluated on, counted: of its own data the split that its run dealt; of other
// data all images, or those of the requested split if they have splits.
// Invariants: no image of a person whom the model learnt from, or by whom it was chosen, is among them, as far as that is
// known; where it is not, a note states it; what is not used is counted with its reason.
import { AppError, unexpected } from "../core/errors.ts";
import type { Sample, Split } from "../core/words.ts";
import { openSource, type Source } from "../dataset/sources/sources.ts";
import { splitSamples } from "../dataset/sources/split.ts";
import type { ImageCounts } from "../evaluate/analysis/summary.ts";
import type { ModelFacts, SourceFacts } from "../models/facts.ts";
import { runOf } from "../predict/model-file.ts";
import { type TrainConfig, trainConfigSchema } from "./config.ts";
import { sourceFacts } from "./data.ts";
import { readRunConfig } from "./run.ts";

/** Which images to take. */
export interface ImageChoice {
  readonly data: readonly string[];
  /** Of other data than the model's: all images if left out. */
  readonly split?: Split | undefined;
  /** Of the model's own data, where `split` is left out; default test. */
  readonly ownSplit?: Split | undefined;
  /** Accept crops of another alignment recipe. */
  readonly otherRecipe?: boolean | undefined;
}

/** Images, and how they were chosen. */
export interface ChosenImages {
  readonly samples: readonly Sample[];
  readonly counts: ImageCounts;
  /** The run's; the default for a checkpoint alone. */
  readonly batch: number;
}

/** What of the model's own data could be opened again, and how its run dealt it. */
interface Learnt {
  readonly splits: ReadonlyMap<string, Split>;
  /** Of training and validation images. */
  readonly people: ReadonlySet<string>;
  /** Kinds of sources of which something is missing. */
  readonly missing: ReadonlySet<string>;
}

/**
 * Chooses images to evaluate a model on.
 *
 * @param target - run folder or checkpoint
 * @throws AppError("input", "NO_IMAGES" | "NO_SPLIT" | "SPLIT_UNKNOWN" | "ALL_LEARNT"), ("data", "RECIPE_MISMATCH") for
 *   crops of another recipe
 * @example (await chooseImages("runs/a", facts, { data: ["utkface:faces"] })).counts.given
 */
export async function chooseImages(
  target: string,
  { trainedOn }: Pick<ModelFacts, "trainedOn">,
  choice: ImageChoice,
): Promise<ChosenImages> {
  const sources = await Promise.all(choice.data.map(openSource));
  if (choice.otherRecipe !== true) checkRecipes(trainedOn, await Promise.all(sources.map(sourceFacts)));
  checkOnce(sources);
  const run = await runOf(target);
  const config = run === undefined ? undefined : await readRunConfig(run);
  const own = new Set(trainedOn.map(({ manifestHash }) => manifestHash));
  const learnt = await reopen(trainedOn, sources, config);
  const tally = new Tally();
  const samples = sources.flatMap((source) => {
    tally.drop(source.dropped);
    return own.has(source.manifestHash)
      ? ownImages(source, learnt, choice, tally)
      : outsideImages(source, learnt, choice, tally);
  });
  const isOwn = sources.some(({ manifestHash }) => own.has(manifestHash));
  const split = choice.split ?? (isOwn ? (choice.ownSplit ?? "test") : null);
  if (samples.length === 0) throw noImages(split, tally.leftOut);
  const notes = [...(isOwn ? usedNotes(split) : []), ...notesOf(sources, trainedOn, own, learnt)];
  const isMixed =
    choice.split === undefined && isOwn && sources.some((source) => !own.has(source.manifestHash));
  const counts = { split, besideOthers: isMixed || undefined, ...tally.counts(samples.length), notes };
  return { samples, counts, batch: config?.batch ?? trainConfigSchema.shape.batch.parse(undefined) };
}

/** An image that is given twice, also by two rows under two ids, would count twice. */
function checkOnce(sources: readonly Source[]): void {
  const seen = new Map<string, string>();
  const paths = new Set<string>();
  for (const { source, id, path } of sources.flatMap(({ samples }) => samples)) {
    const key = `${source}:${id}`;
    const before = seen.get(key) ?? (paths.has(path) ? path : undefined);
    seen.set(key, path);
    paths.add(path);
    if (before === undefined) continue;
    const expected = before === path ? "each image once" : `another image than ${before}`;
    const e = { code: "SOURCE_TWICE", expected, name: "--data", got: id, where: path };
    throw unexpected("input", {
      ...e,
      hint: "name each folder once, and no copies of it; data check names rows that share an image",
    });
  }
}

/** Counts images that are left out, by reason. */
class Tally {
  readonly leftOut: Record<string, number> = {};

  drop(reasons: Readonly<Record<string, number>>): void {
    for (const [reason, n] of Object.entries(reasons))
      if (n > 0) this.leftOut[reason] = (this.leftOut[reason] ?? 0) + n;
  }

  /** The images of the wanted reason "", the others counted by theirs. */
  keep(samples: readonly Sample[], reasonAgainst: (sample: Sample) => string): Sample[] {
    return samples.filter((sample) => {
      const reason = reasonAgainst(sample);
      if (reason !== "") this.drop({ [reason]: 1 });
      return reason === "";
    });
  }

  counts(used: number) {
    const given = Object.values(this.leftOut).reduce((sum, n) => sum + n, used);
    return { given, used, leftOut: this.leftOut };
  }
}

function ownImages(source: Source, learnt: Learnt, choice: ImageChoice, tally: Tally): Sample[] {
  const wanted = choice.split ?? choice.ownSplit ?? "test";
  const splitOf = ({ id, path }: Sample) => source.split?.get(id) ?? learnt.splits.get(path);
  if (source.samples.some((sample) => splitOf(sample) === undefined)) {
    throw unexpected("input", {
      code: "SPLIT_UNKNOWN",
      expected: "all data of the run, which its splits were dealt from",
      name: `${source.kind}:${source.dir}`,
      got: "a part of it, or a checkpoint without its run folder",
      hint: `give the run folder instead of a checkpoint, and name all of the run's ${source.kind} sources with --data`,
    });
  }
  return tally.keep(source.samples, (sample) => {
    const split = splitOf(sample)!;
    return split === wanted ? "" : `split ${split}`;
  });
}

function outsideImages(source: Source, learnt: Learnt, { split }: ImageChoice, tally: Tally): Sample[] {
  if (split !== undefined) checkHasSplit(source, split);
  return tally.keep(source.samples, (sample) => {
    const own = split === undefined ? undefined : source.split?.get(sample.id);
    if (own !== split) return `split ${own}`;
    return learnt.people.has(sample.subject) ? LEARNT : "";
  });
}

/** Why images of people that a model has seen are left out. */
export const LEARNT = "subject was learnt from";

/** A split that somebody else would have to deal is none: an outside set is a whole. */
function checkHasSplit({ kind, dir, split }: Source, wanted: Split): void {
  const has = [...new Set(split?.values() ?? [])];
  if (has.includes(wanted)) return;
  throw unexpected("input", {
    code: "NO_SPLIT",
    expected: `a split that ${kind}:${dir} has (${has.join(", ") || "none"})`,
    name: "--split",
    got: wanted,
    hint: "leave out --split to evaluate all of its images",
  });
}

/** Opens the model's own data where it was, and deals it as its run did. */
async function reopen(
  trainedOn: readonly SourceFacts[],
  given: readonly Source[],
  config: TrainConfig | undefined,
): Promise<Learnt> {
  const specs = await Promise.allSettled((config?.data ?? []).map(openSource));
  const there = [...given, ...specs.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []))];
  const found = trainedOn.map((facts) => ({
    facts,
    source: there.find(({ manifestHash }) => manifestHash === facts.manifestHash),
  }));
  const isKnown = ({ source }: (typeof found)[number]) =>
    source !== undefined && (source.split !== undefined || config !== undefined);
  const missing = new Set(found.filter((one) => !isKnown(one)).map(({ facts }) => facts.kind));
  const known = found.flatMap(({ facts, source }) => (missing.has(facts.kind) ? [] : [source!]));
  if (known.length === 0) return { splits: new Map(), people: new Set(), missing };
  const { splitSeed: seed = 0, val = 0.2, test = 0 } = config ?? {};
  const dealt = splitSamples(known, { seed, fractions: { val, test } });
  const splits = (["train", "val", "test"] as const).flatMap((split) =>
    dealt[split].map(({ path }) => [path, split] as const),
  );
  const people = new Set([...dealt.train, ...dealt.val].map(({ subject }) => subject));
  return { splits: new Map(splits), people, missing };
}

/** What a run used its own images for before they were evaluated: figures of them are better than of other people. */
export function usedNotes(split: Split | null): string[] {
  if (split === "train") return ["the model learnt from these images"];
  return split === "val" ? ["these images chose the epoch"] : [];
}

function notesOf(
  sources: readonly Source[],
  trainedOn: readonly SourceFacts[],
  own: ReadonlySet<string>,
  { missing }: Learnt,
): string[] {
  if (trainedOn.length === 0) {
    return ["what the model learnt from is not recorded: its training images may be among these"];
  }
  const outside = sources.filter(({ manifestHash }) => !own.has(manifestHash));
  const kinds = [...new Set(outside.map(({ kind }) => kind))].filter((kind) => missing.has(kind));
  return kinds.map(
    (kind) => `people of the model's own ${kind} data may be among these: it could not be opened as it was`,
  );
}

function noImages(split: Split | null, leftOut: Readonly<Record<string, number>>) {
  const reasons = Object.entries(leftOut).map(([reason, n]) => `${n} left out: ${reason}`);
  if (split !== null) {
    const hint = "train with --test 0.2, or choose a split that has images";
    const e = { code: "NO_IMAGES", expected: "a split with images", name: "--split", got: split };
    throw unexpected("input", { ...e, hint });
  }
  return unexpected("input", {
    code: "ALL_LEARNT",
    expected: "images of people that the model did not learn from",
    name: "--data",
    got: reasons.join(", ") || "none",
  });
}

/** A model sees crops as it was trained on: another alignment is another input. */
export function checkRecipes(trained: readonly SourceFacts[], given: readonly SourceFacts[]): void {
  const known = new Set(trained.flatMap(({ recipeHash }) => recipeHash ?? []));
  if (known.size === 0) return;
  for (const { recipeHash } of given) {
    if (recipeHash === undefined || known.has(recipeHash)) continue;
    const short = (hash: string) => hash.slice(0, 12);
    const message = `Expected crops of recipe ${[...known].map(short).join(" or ")} as in training, got ${short(recipeHash)}`;
    throw new AppError("data", "RECIPE_MISMATCH", message, {
      hint: "derive the images with the model's recipe, or pass --other-recipe to compare across recipes on purpose",
    });
  }
}
