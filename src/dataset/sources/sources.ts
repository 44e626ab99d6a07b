// Training sources by name: `pairs:DIR`, `utkface:DIR`, `hands11k:DIR`, `fairface:DIR`.
// Every source becomes samples, one labelled image each; pairs and FairFace also bring their own split.

import { stat } from "node:fs/promises";
import { relative, resolve } from "node:path";
import { z } from "zod";
import { unexpected } from "../../core/errors.ts";
import { canonicalJson } from "../../core/schema.ts";
import { MODALITIES, type Modality, type Pair, type Sample, SPLITS, type Split } from "../../core/words.ts";
import { exists, readJson, sha256, sha256File } from "../../machine/files.ts";
import { mapOrdered } from "../../machine/pool.ts";
import { imagePath, type Layout, locate } from "../layout.ts";
import { readPairs } from "../store.ts";
import { readFairface } from "./fairface.ts";
import { readHands11k } from "./hands11k.ts";
import { readUtkface } from "./utkface.ts";

export const SOURCE_KINDS = ["pairs", "utkface", "hands11k", "fairface"] as const;
export type SourceKind = (typeof SOURCE_KINDS)[number];

/** One opened source. */
export interface Source {
  readonly kind: SourceKind;
  /** Absolute path. */
  readonly dir: string;
  readonly samples: readonly Sample[];
  /** Split by sample id, for sources that bring one. */
  readonly split?: ReadonlyMap<string, Split> | undefined;
  /** What was left out, counted by reason; empty if nothing was. */
  readonly dropped: Readonly<Record<string, number>>;
  /** SHA-256 over labels, names and sizes of all images, and over the dataset's manifest if it has one. */
  readonly manifestHash: string;
}

/**
 * Opens a training source.
 *
 * @param spec - `<kind>:<folder>`
 * @throws AppError("input", "SOURCE_SPEC") for another form; what the kind's reader throws for bad data
 * @example await openSource("pairs:data/derived")
 */
export async function openSource(spec: string): Promise<Source> {
  const colon = spec.indexOf(":");
  const kind = SOURCE_KINDS.find((name) => name === spec.slice(0, Math.max(colon, 0)));
  const dir = sourceFolder(spec);
  if (kind === undefined || dir === "") {
    const expected = SOURCE_KINDS.map((name) => `${name}:DIR`).join(", ");
    throw unexpected("input", { code: "SOURCE_SPEC", expected, name: "--data", got: spec });
  }
  if (kind === "pairs") return await openPairs(dir);
  if (kind === "fairface") {
    const { samples, split, dropped } = await readFairface(dir);
    const root = resolve(dir);
    return {
      kind,
      dir: root,
      samples,
      split,
      dropped,
      manifestHash: await hashSamples(root, samples, { split }),
    };
  }
  const { samples, dropped } = await (kind === "utkface" ? readUtkface(dir) : readHands11k(dir));
  const root = resolve(dir);
  return { kind, dir: root, samples, dropped, manifestHash: await hashSamples(root, samples) };
}

/** The folder that a source's words name, whether it has been read or not. */
export const sourceFolder = (spec: string) => spec.slice(spec.indexOf(":") + 1);

async function openPairs(dir: string): Promise<Source> {
  const layout = await locate(dir);
  const pairs = await readPairs(dir);
  const recipe = await recipeOf(layout);
  const samples: Sample[] = [];
  const split = new Map<string, Split>();
  for (const name of SPLITS) {
    for (const pair of pairs[name]) {
      for (const modality of MODALITIES) {
        const sample = { ...pairSample(layout, pair, modality), ...recipe };
        samples.push(sample);
        split.set(sample.id, name);
      }
    }
  }
  const manifest = (await exists(layout.manifest)) ? await sha256File(layout.manifest) : undefined;
  const manifestHash = await hashSamples(layout.root, samples, { manifest, split });
  return { kind: "pairs", dir: layout.root, samples, split, dropped: {}, manifestHash };
}

/** The recipe's hash, whatever else is in the manifest: who needs more of it checks more of it. */
async function recipeOf({ manifest }: Layout): Promise<Pick<Sample, "recipeHash">> {
  if (!(await exists(manifest))) return {};
  const schema = z.looseObject({ recipeHash: z.string().optional() });
  const { recipeHash } = await readJson(manifest, schema, "the dataset's manifest");
  return recipeHash === undefined ? {} : { recipeHash };
}

/** The sample of one image of a pair; its id is `<pair id>/<modality>`. */
export function pairSample(layout: Layout, pair: Pair, modality: Modality): Sample {
  return {
    id: `${pair.id}/${modality}`,
    subject: `pairs:${pair.userId}`,
    modality,
    sex: pair.gender,
    path: imagePath(layout, modality, modality === "hand" ? pair.handImage : pair.faceImage),
    source: "pairs",
    groups: { age: pair.age, race: pair.race, gesture: pair.gesture },
  };
}

/** Sizes stand for contents: reading every image at each start would take longer than a short training. */
async function hashSamples(
  root: string,
  samples: readonly Sample[],
  extra: { manifest?: string | undefined; split?: ReadonlyMap<string, Split> } = {},
): Promise<string> {
  const rows: string[] = [];
  const stats = mapOrdered(samples, 32, async (sample) => ({
    sample,
    bytes: (await stat(sample.path)).size,
  }));
  for await (const { sample, bytes } of stats) {
    const { id, subject, modality, sex, groups } = sample;
    const file = relative(root, sample.path);
    rows.push(
      canonicalJson({ id, subject, modality, sex, groups, file, bytes, split: extra.split?.get(id) }),
    );
  }
  return sha256([extra.manifest ?? "no manifest", ...rows.sort()].join("\n"));
}
