// What a caller of `derive` may choose, and the check of it.
// Invariant: a bad choice is refused before any work.
import { unexpected } from "../../core/errors.ts";
import type { Progress } from "../../core/progress.ts";
import { AGE_EDGES, checkAgeEdges } from "../../dataset/sources/groups.ts";
import { CROP_PX, MAX_CROP_PX, MIN_CROP_PX } from "../../find/crops.ts";
import type { HandCrop } from "../../find/hand-source.ts";
import { type RuleChoice, ruleSettings } from "../judge/clean.ts";
import { checkFractions, DEFAULT_FRACTIONS, type Fractions, type SplitKind } from "../tables/splits.ts";

/** Threads that work on frames, each with its models. */
export const DERIVE_THREADS = 2;

/** What to derive, from where, to where. */
export interface DeriveOptions {
  /** HaGRID's folder: `annotations/<split>/<gesture>.json` and the images. */
  readonly hagridDir: string;
  readonly gestures: readonly string[] | "all";
  /** Apparent age, gender and race by image id, where the annotations have none. */
  readonly metaFile?: string | undefined;
  readonly outDir: string;
  readonly seed: number;
  /** YuNet model; the built-in detector if not given. */
  readonly faceModel?: string | undefined;
  /** Annotated face landmarks, used instead of detection (the drawn sample's `face_landmarks.json`). */
  readonly faceLandmarksFile?: string | undefined;
  /** How hands are cut; default `landmarks`: the annotation's, else a model's, else by the box. */
  readonly handCrop?: HandCrop | undefined;
  /** Cleaning rules with another threshold, or off. */
  readonly rules?: readonly RuleChoice[] | undefined;
  /** File of decisions about single images and subjects, see `readDecisions`. */
  readonly decisionsFile?: string | undefined;
  /** Lowest age of each bucket, whole years; default FairFace's. */
  readonly ageEdges?: readonly number[] | undefined;
  /** Dealt by `fractions` (default), or HaGRID's own. */
  readonly splits?: SplitKind | undefined;
  readonly fractions?: Fractions | undefined;
  /** Side of the crops, px; default 300. */
  readonly sizePx?: number | undefined;
  /** Threads that work on frames; default 2. */
  readonly threads?: number | undefined;
  /** A thread is started for at least so many frames, as it has to load its models; default 64. */
  readonly framesPerThread?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called with the number of frames; the caller ends the line. */
  readonly progress?: ((frames: number) => Progress) | undefined;
}

/** Refuses options out of range and contradicting ones. */
export function checkOptions({
  sizePx = CROP_PX,
  threads = DERIVE_THREADS,
  seed,
  gestures,
  faceModel,
  faceLandmarksFile,
  ageEdges = AGE_EDGES,
  rules,
  fractions = DEFAULT_FRACTIONS,
}: DeriveOptions) {
  checkInteger("--size", sizePx, MIN_CROP_PX, MAX_CROP_PX);
  checkInteger("--threads", threads, 1, 256);
  checkInteger("--seed", seed, 0, Number.MAX_SAFE_INTEGER);
  checkAgeEdges(ageEdges);
  checkFractions(fractions); // now, not when all frames are done
  ruleSettings(rules);
  if (gestures.length === 0) {
    const expected = "gesture names or all";
    throw unexpected("input", { code: "NO_GESTURES", expected, name: "--gestures", got: gestures });
  }
  if (faceModel !== undefined && faceLandmarksFile !== undefined) {
    const e = {
      code: "FACE_SOURCES",
      expected: "a face model or annotated face landmarks",
      name: "the faces",
    };
    throw unexpected("input", { ...e, got: "both" });
  }
}

function checkInteger(name: string, value: number, low: number, high: number): void {
  if (Number.isInteger(value) && value >= low && value <= high) return;
  const expected = `an integer from ${low} to ${high}`;
  throw unexpected("input", { code: "OPTION_RANGE", expected, name, got: value });
}
