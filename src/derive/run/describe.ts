// What a derivation is, before any work: recipe, rules, labels, selection, and hashes of everything it reads.
// Invariant: equal descriptions give equal datasets; nothing here depends on threads, paths or the clock.

import { basename, dirname } from "node:path";
import { z } from "zod";
import { unexpected } from "../../core/errors.ts";
import { rawExtra } from "../../dataset/layout.ts";
import type { Derivation, ImageRecipe } from "../../dataset/manifest.ts";
import type { RawAnnotations } from "../../dataset/raw-tree.ts";
import { AGE_EDGES, ageBucket } from "../../dataset/sources/groups.ts";
import { CROP_PX, FACE_PADDING } from "../../find/crops.ts";
import { type HandCutter, handRecipe } from "../../find/hand-source.ts";
import { exists, readJson, sha256File } from "../../machine/files.ts";
import { annotationFiles, readAnnotations } from "../hagrid/annotations.ts";
import { ruleSettings } from "../judge/clean.ts";
import { readDecisions } from "../judge/decisions.ts";
import { Erasure } from "../judge/erase.ts";
import { DEFAULT_FRACTIONS } from "../tables/splits.ts";
import type { FaceSource } from "./faces.ts";
import type { DeriveOptions } from "./options.ts";

/** Raised when the code makes other pixels or other measures from the same options. */
const RECIPE_VERSION = 6;
const JPEG = { quality: 95, chroma: "4:2:0" } as const;

/** Describes what `derive` will do with these options, and whom it leaves out without a trace. */
export async function describeDerivation(
  options: DeriveOptions,
  faces: FaceSource,
  hands: HandCutter,
): Promise<{ readonly derivation: Derivation; readonly erasure: Erasure }> {
  const { hagridDir, gestures, metaFile, faceLandmarksFile, seed } = options;
  const { fractions = DEFAULT_FRACTIONS, splits = "balanced", ageEdges = AGE_EDGES } = options;
  const files = await annotationFiles(hagridDir, gestures);
  if (splits === "hagrid") checkSplits(files);
  const annotations: Record<string, string> = {};
  for (const { file } of files) {
    annotations[`${basename(dirname(file))}/${basename(file)}`] = await sha256File(file);
  }
  const { train, val, test } = fractions;
  const { erasure, decided } = await decisionsOf(options, annotations);
  const derivation = {
    recipe: imageRecipe(faces, hands, options.sizePx ?? CROP_PX),
    rules: ruleSettings(options.rules),
    labels: { ageEdges: [...ageEdges] },
    selection: {
      gestures: [...new Set(files.map(({ gesture }) => gesture))],
      seed,
      splits,
      fractions: { train, val, test },
    },
    source: {
      annotations,
      meta: metaFile === undefined ? undefined : await sha256File(metaFile),
      faceLandmarks: faceLandmarksFile === undefined ? undefined : await sha256File(faceLandmarksFile),
      ...decided,
    },
    drawn: await isDrawn(hagridDir),
  };
  return { derivation, erasure };
}

/** What people decided, as a manifest has it: of what is erased only how much it is. */
async function decisionsOf(
  { decisionsFile, hagridDir, gestures, ageEdges = AGE_EDGES }: DeriveOptions,
  annotations: Hashes,
) {
  if (decisionsFile === undefined) return { erasure: new Erasure([]), decided: {} };
  const ages = ageEdges.map((low) => ageBucket(low, ageEdges));
  const all = await readDecisions(decisionsFile, ages);
  const erasure = new Erasure(all);
  const erased = await erasure.meet(readAnnotations(hagridDir, { gestures }), annotations);
  const decisions = erasure.others(all) as Record<string, string>[];
  return { erasure, decided: { decisions, erased } };
}

type Hashes = Readonly<Record<string, string>>;

/** A split that no folder names would be made up here. */
function checkSplits(files: readonly RawAnnotations[]): void {
  const unknown = files.find(({ isSplitKnown }) => !isSplitKnown);
  if (unknown === undefined) return;
  const e = {
    code: "SPLITS_UNKNOWN",
    expected: "annotations in folders train, val and test",
    name: "--splits hagrid",
  };
  throw unexpected("data", { ...e, got: unknown.file, hint: "--splits balanced deals the subjects anew" });
}

function imageRecipe(
  { recipe: detector, template }: FaceSource,
  hands: HandCutter,
  sizePx: number,
): ImageRecipe {
  return {
    version: RECIPE_VERSION,
    detector: { name: detector.name, sha256: detector.sha256, inputPx: detector.inputPx },
    face: { template, padding: FACE_PADDING, filter: "dlib-pyramid-bilinear" },
    hand: handRecipe(hands),
    outside: "black",
    sizePx,
    jpeg: JPEG,
  };
}

/** The drawn sample declares itself in a file of its own; a real tree has no such file. */
async function isDrawn(hagridDir: string): Promise<boolean> {
  const path = rawExtra(hagridDir, "sample.json");
  if (!(await exists(path))) return false;
  return (await readJson(path, z.looseObject({ drawn: z.boolean() }), "the sample's description")).drawn;
}
