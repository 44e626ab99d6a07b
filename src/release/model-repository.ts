// A trained model as a repository of a model hub: what other programs need to load it, what people need to judge it.
// Source: the names that timm's `config.json` and transformers' `preprocessor_config.json` have; Hugging Face's model cards.
// Invariants: the same run gives the same bytes; of the run only its best checkpoint and what its card states are published.
import { copyFile, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { hashesOf, type PushFile } from "../fetch/hub/plan.ts";
import { SUMS } from "../fetch/sums.ts";
import { sha256File, writeAtomic, writeJson } from "../machine/files.ts";
import { makeFolders } from "../machine/make-folders.ts";
import type { ModelFacts } from "../models/facts.ts";
import { MODEL_CONFIG, MODEL_FORMAT, modelFile } from "../models/files/hub-model.ts";
import { exportOnnx } from "../predict/export.ts";
import { loadModel } from "../predict/model-file.ts";
import { LABEL_NOTE } from "../report/figure-text.ts";
import { seedRuns } from "../train/seeds.ts";
import { dataLicenceText } from "./licence.ts";
import { modelCard } from "./model-card.ts";
import { seedsCard } from "./model-card-seeds.ts";

/** What the publisher states, and how figures are judged. */
export interface RepositoryInfo {
  /** `hf:USER/NAME`, where it is to be. */
  readonly repository: string;
  /** Of the model: an SPDX name or words. */
  readonly licence: string;
  /** Version of facehand. */
  readonly madeBy: string;
  readonly minSubjects: number;
  readonly replicates?: number | undefined;
}

/** What was written. */
export interface ModelRepository {
  readonly tag: string;
  readonly files: readonly PushFile[];
}

const ONNX = "model.onnx";

/**
 * Writes the files of a model's repository.
 *
 * @param run - run folder, or folder of seeds, whose models lie in `seed_<n>/`
 * @param dir - empty folder
 * @throws as modelCard and seedRuns for what is not finished
 */
export async function writeModelRepository(
  run: string,
  dir: string,
  info: RepositoryInfo,
): Promise<ModelRepository> {
  const seeds = await seedRuns(run);
  const { licence, minSubjects, replicates } = info;
  const models = seeds ?? [{ seed: null, dir: run }];
  const names: string[] = [];
  const put = async (name: string, write: (path: string) => Promise<unknown>) => {
    await makeFolders(dirname(join(dir, name)));
    await write(join(dir, name));
    names.push(name);
  };
  let facts: ModelFacts | undefined;
  for (const { seed, dir: own } of models) {
    const model = await loadModel(own);
    facts ??= model.facts;
    const name = modelFile(seed);
    await put(name, (to) => copyFile(model.path, to));
    await put(join(dirname(name), ONNX).replaceAll("\\", "/"), (to) =>
      writeAtomic(to, exportOnnx(model).bytes),
    );
  }
  const card = await (seeds === undefined
    ? modelCard(run, { minSubjects, replicates, licence })
    : seedsCard(seeds, minSubjects, licence));
  const config = configOf(facts!, seeds?.map(({ seed }) => seed) ?? null, info);
  await put("README.md", (to) => writeAtomic(to, withUse(card, info)));
  await put(MODEL_CONFIG, (to) => writeJson(to, config));
  await put("preprocessor_config.json", (to) => writeJson(to, preprocessorOf(facts!)));
  await put("DATA-LICENSE.md", (to) => writeAtomic(to, dataLicenceText()));
  const lines: string[] = [];
  for (const name of names.sort()) lines.push(`${await sha256File(join(dir, name))}  ${name}\n`);
  await put(SUMS, (to) => writeAtomic(to, lines.join("")));
  const files: PushFile[] = [];
  for (const name of names.sort()) {
    const path = join(dir, name);
    files.push({ name, path, ...(await hashesOf(path, (await stat(path)).size)) });
  }
  return { tag: facts!.tag, files };
}

/** All that loads the model, in timm's words where timm has any, and the facts of its checkpoint. */
function configOf(facts: ModelFacts, seeds: readonly number[] | null, { madeBy, licence }: RepositoryInfo) {
  const { arch, tag, backbone, pixels, threshold, output, targets } = facts;
  return {
    format: MODEL_FORMAT,
    library_name: "facehand",
    library_version: madeBy,
    architecture: backbone,
    head: arch,
    tag,
    pretrained_cfg: {
      input_size: [3, pixels.sizePx, pixels.sizePx],
      fixed_input_size: true,
      interpolation: pixels.interpolation,
      crop_pct: 1,
      crop_mode: "squash",
      mean: pixels.mean,
      std: pixels.std,
    },
    predicts: {
      output,
      threshold,
      targets: targets ?? [],
      note: LABEL_NOTE,
    },
    license: licence,
    seeds,
    facts,
  };
}

/** The same in the words of transformers' image processors: resized whole, as Pillow does, to a square. */
function preprocessorOf({ pixels, trainedOn }: ModelFacts) {
  const { sizePx, mean, std } = pixels;
  return {
    do_resize: true,
    size: { height: sizePx, width: sizePx },
    resample: 2, // Pillow's BILINEAR
    do_center_crop: false,
    do_rescale: true,
    rescale_factor: 1 / 255,
    do_normalize: true,
    image_mean: mean,
    image_std: std,
    crops: trainedOn.map(({ kind, recipeHash }) => ({ source: kind, recipe: recipeHash ?? null })),
  };
}

/** How to load it, before the card's own sections. */
function withUse(card: string, { madeBy, repository }: RepositoryInfo): string {
  const at = card.indexOf("\n## ");
  const text = [
    "",
    "## How to use it",
    "",
    "```sh",
    `facehand predict ${repository} photo.jpg --detect`,
    "```",
    "",
    `by facehand ${madeBy} or later, which takes all that it needs from here. \`model.onnx\` runs in any program with ONNX Runtime: its metadata states`,
    "what it takes; `config.json` and `preprocessor_config.json` state how pixels are made.",
    "",
  ];
  return `${card.slice(0, at)}${text.join("\n")}${card.slice(at)}`;
}
