// The manifest of a derived dataset: how its pixels were made, from what, and what came out.
// The recipe is hashed into the manifest and into every checkpoint trained on it.
// Invariant: no dates and no paths: the same input, recipe and selection give the same bytes on any machine.
import { z } from "zod";
import { canonicalJson, exists, readJson, sha256 } from "../core/files.ts";
import { planLayout } from "./layout.ts";

export const MANIFEST_FORMAT = "facehand-dataset/1";
const hash = z.string().regex(/^[0-9a-f]{64}$/, "64 hex digits");
const count = z.number().int().min(0);
const bySplit = z.strictObject({ train: count, val: count, test: count });

const recipe = z.strictObject({
  /** Version of our code for all that follows; raised when pixels change. */
  version: z.number().int().min(1),
  /** Model and decoding; `annotated/1` without a hash where the source gives the faces. */
  detector: z.strictObject({ name: z.string(), sha256: hash.or(z.literal("")), inputPx: count }),
  minFaceScore: z.number(),
  minFacePx: z.number(),
  face: z.strictObject({ template: z.string(), padding: z.number(), filter: z.string() }),
  hand: z.strictObject({ crop: z.string(), margin: z.number(), filter: z.string() }),
  outside: z.literal("black"),
  sizePx: z.number().int(),
  jpeg: z.strictObject({ quality: z.number().int(), chroma: z.enum(["4:2:0", "4:4:4"]) }),
});

/** How pixels were made: what a checkpoint and the data it is used on must agree about. */
export type ImageRecipe = z.output<typeof recipe>;

const selection = z.strictObject({
  gestures: z.array(z.string()),
  seed: z.number().int(),
  fractions: z.strictObject({ train: z.number(), val: z.number(), test: z.number() }),
});

const source = z.strictObject({
  /** SHA-256 of each annotation file, by `<split>/<gesture>.json`. */
  annotations: z.record(z.string(), hash),
  meta: hash.optional(),
  faceLandmarks: hash.optional(),
});

const manifest = z.strictObject({
  format: z.literal(MANIFEST_FORMAT),
  /** True if the source is the drawn sample: nobody in it is real. */
  drawn: z.boolean(),
  licence: z.string(),
  recipe,
  recipeHash: hash,
  selection,
  source,
  /** Over recipe, selection and source: the same hash, the same dataset. */
  derivationHash: hash,
  counts: z.strictObject({
    frames: count,
    kept: count,
    removed: z.record(z.string(), count),
    pairs: bySplit,
    subjects: bySplit,
  }),
  /** SHA-256 of the tables, by file name. */
  files: z.record(z.string(), hash),
  /** Set by `data repair`: the tables are no longer those that the derivation gave; `ledger` is removed/repairs.csv. */
  repaired: z.strictObject({ changes: count, ledger: hash }).optional(),
});

export type Manifest = z.output<typeof manifest>;
export type Derivation = Pick<Manifest, "recipe" | "selection" | "source" | "drawn">;

/** SHA-256 of the image recipe, as stored in manifests and checkpoints. */
export function hashRecipe(value: ImageRecipe): string {
  return sha256(canonicalJson(value));
}

/** SHA-256 of everything that decides a derived dataset. */
export function hashDerivation(value: Derivation): string {
  const { recipe, selection, source, drawn } = value;
  return sha256(canonicalJson({ recipe, selection, source, drawn }));
}

/**
 * The manifest of a dataset, if it has one (the published set has none).
 *
 * @param root - the dataset's own folder, see `locate`
 * @throws AppError("data", "JSON_SYNTAX" | "JSON_SCHEMA") if it is there but not valid
 * @example (await readManifest((await locate("data")).root))?.recipeHash
 */
export async function readManifest(root: string): Promise<Manifest | undefined> {
  const path = planLayout(root).manifest;
  return (await exists(path)) ? await readJson(path, manifest, "the dataset's manifest") : undefined;
}
