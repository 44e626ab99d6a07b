// The manifest of a derived dataset: how its pixels were made, from what, and what came out.
// The recipe is hashed into the manifest and into every checkpoint trained on it.
// Invariant: no dates and no paths: the same input, recipe and selection give the same bytes on any machine.

import { z } from "zod";
import { canonicalJson } from "../core/schema.ts";
import { exists, readJson, sha256 } from "../machine/files.ts";
import { placeBelow } from "../machine/true-path.ts";
import { planLayout } from "./layout.ts";

export const MANIFEST_FORMAT = "facehand-dataset/2";
const hash = z.string().regex(/^[0-9a-f]{64}$/, "expected 64 hex digits");
const count = z.number().int().min(0);
const bySplit = z.strictObject({ train: count, val: count, test: count });

const recipe = z.strictObject({
  /** Version of our code for all that follows and for measures; raised when any of them changes. */
  version: z.number().int().min(1),
  /** Model and decoding; `annotated/1` without a hash where the source gives the faces. */
  detector: z.strictObject({ name: z.string(), sha256: hash.or(z.literal("")), inputPx: count }),
  face: z.strictObject({ template: z.string(), padding: z.number(), filter: z.string() }),
  hand: z.strictObject({
    /** `box-square` or `mediapipe-landmarks`; the rest, but margin and filter, is for landmarks only. */
    crop: z.string(),
    /** Of crops about a box, at each end of its long side. */
    margin: z.number(),
    filter: z.string(),
    scale: z.number().optional(),
    shiftY: z.number().optional(),
    /** Landmarks that fill the box less are not used. */
    minFit: z.number().optional(),
    /** Finds landmarks where the annotation has none. */
    model: z.strictObject({ name: z.string(), sha256: hash, inputPx: count }).optional(),
  }),
  outside: z.literal("black"),
  sizePx: z.number().int(),
  jpeg: z.strictObject({ quality: z.number().int(), chroma: z.enum(["4:2:0", "4:4:4"]) }),
});

/** How pixels were made: what a checkpoint and the data it is used on must agree about. */
export type ImageRecipe = z.output<typeof recipe>;

/** Threshold of each cleaning rule by name; null where it is off. */
const rules = z.record(z.string(), z.number().nullable());

const labels = z.strictObject({
  /** Lowest age of each bucket, whole years. */
  ageEdges: z.array(z.number().int()),
});

const selection = z.strictObject({
  gestures: z.array(z.string()),
  seed: z.number().int(),
  /** Dealt here by the fractions, or HaGRID's own. */
  splits: z.enum(["balanced", "hagrid"]),
  fractions: z.strictObject({ train: z.number(), val: z.number(), test: z.number() }),
});

const source = z.strictObject({
  /** SHA-256 of each annotation file, by `<split>/<gesture>.json`. */
  annotations: z.record(z.string(), hash),
  meta: hash.optional(),
  faceLandmarks: hash.optional(),
  /** Decisions of people, in the order of their file, each as it stands there. */
  decisions: z.array(z.record(z.string(), z.string())).optional(),
  /** What people asked to be erased; nothing identifies them. */
  erased: z
    .strictObject({
      /** Subjects and images that were named. */
      decisions: count,
      frames: count,
      /** Of the decisions, those that name nothing of the input. */
      unmatched: count,
      /** Over all that is named, and the annotations. */
      sha256: hash,
    })
    .optional(),
});

/** Pairs of one recorded group in each split; an empty value is unknown. */
const balance = z.strictObject({ by: z.string(), value: z.string(), subjects: count, pairs: bySplit });

const manifest = z.strictObject({
  format: z.literal(MANIFEST_FORMAT),
  /** True if the source is the drawn sample: nobody in it is real. */
  drawn: z.boolean(),
  licence: z.string(),
  recipe,
  recipeHash: hash,
  rules,
  labels,
  selection,
  source,
  /** Over recipe, rules, labels, selection and source: the same hash, the same dataset. */
  derivationHash: hash,
  counts: z.strictObject({
    frames: count,
    kept: count,
    removed: z.record(z.string(), count),
    /** Frames that a decision kept against a rule, by that rule's reason. */
    restored: z.record(z.string(), count),
    /** Hands by what they were cut from. */
    hands: z.record(z.string(), count),
    /** Frames that EXIF turns, by the pixels that their annotation refers to: stored or upright. */
    annotatedIn: z.record(z.string(), count).optional(),
    /** Decisions of the file, frames of this derivation that they named, and, if any, images and subjects that are in none. */
    decisions: z.strictObject({ inFile: count, frames: count, unmet: count.optional() }),
    pairs: bySplit,
    subjects: bySplit,
  }),
  balance: z.array(balance),
  /** SHA-256 of the tables, by file name. */
  files: z.record(z.string(), hash),
  /** Set by `data repair`: the tables are no longer those that the derivation gave; `ledger` is removed/repairs.csv. */
  repaired: z.strictObject({ changes: count, ledger: hash }).optional(),
  /** Set by `release retract`: how many subjects were taken out since, with how many frames; nothing identifies them. */
  retracted: z.strictObject({ subjects: count, frames: count }).optional(),
});

/** What `manifest.json` of a derived dataset holds. */
export type Manifest = z.output<typeof manifest>;
/** What decides a derivation's bytes. */
export type Derivation = Pick<Manifest, "recipe" | "rules" | "labels" | "selection" | "source" | "drawn">;

/** SHA-256 of the image recipe, as stored in manifests and checkpoints. */
export function hashRecipe(value: ImageRecipe): string {
  return sha256(canonicalJson(value));
}

/** SHA-256 of everything that decides a derived dataset. */
export function hashDerivation(value: Derivation): string {
  const { recipe, rules, labels, selection, source, drawn } = value;
  return sha256(canonicalJson({ recipe, rules, labels, selection, source, drawn }));
}

/**
 * The manifest of a dataset, if it has one (the published set has none).
 *
 * @param root - the dataset's own folder, see `locate`
 * @throws AppError("data", "JSON_SYNTAX" | "JSON_SCHEMA" | "PATH_OUTSIDE") if it is there but not valid
 * @example (await readManifest((await locate("data")).root))?.recipeHash
 */
export async function readManifest(root: string): Promise<Manifest | undefined> {
  const path = planLayout(root).manifest;
  if (!(await exists(path))) return undefined;
  const found = await readJson(path, manifest, "the dataset's manifest");
  for (const name of Object.keys(found.files)) placeBelow(root, name, path);
  return found;
}
