// HaGRID frames in, a dataset of aligned face-hand pairs out: the derivation from beginning to end.
// Steps: describe, open the staging folder, work on
// the frames that the journal lacks, finish the tables, publish. Invariant: same input and options, same bytes,
// however often it was killed in between.
import { basename, dirname } from "node:path";
import { z } from "zod";
import { AppError, unexpected } from "../core/errors.ts";
import { exists, readJson, sha256File } from "../core/files.ts";
import { mapOrdered } from "../core/pool.ts";
import type { Progress } from "../core/progress.ts";
import { rawExtra } from "../data/layout.ts";
import { type Derivation, hashDerivation, type ImageRecipe, type Manifest } from "../data/manifest.ts";
import { type AnnotationOptions, annotationFiles, readAnnotations } from "./annotations.ts";
import { CROP_PX, FACE_PADDING, HAND_MARGIN, MAX_CROP_PX, MIN_CROP_PX } from "./crops.ts";
import { annotatedFaces, detectedFaces, type FaceSource } from "./faces.ts";
import { finish } from "./finish.ts";
import type { Frame } from "./frame.ts";
import { type FrameResult, openJournal, readJournal } from "./journal.ts";
import { MIN_FACE_PX, MIN_FACE_SCORE } from "./pairing.ts";
import { DEFAULT_FRACTIONS, type Fractions } from "./splits.ts";
import { discard, findComplete, openStage, publish, type Stage } from "./stage.ts";
import { type Tools, workFrame } from "./work.ts";

/** Raised when the code makes other pixels from the same options. */
const RECIPE_VERSION = 1;
const JPEG = { quality: 95, chroma: "4:2:0" } as const;
/** Frames under way at once, for each thread: one is decoded or written while another is searched. */
const FRAMES_PER_THREAD = 2;

/** What to derive, from where, to where. */
export interface DeriveOptions {
  /** HaGRID's folder: `annotations/<split>/<gesture>.json` and the images. */
  readonly hagridDir: string;
  readonly gestures: readonly string[] | "all";
  /** Apparent age, gender and race by image id, where the annotations have none. */
  readonly metaFile?: string;
  readonly outDir: string;
  readonly seed: number;
  /** YuNet model; the built-in detector if not given. */
  readonly faceModel?: string;
  /** Annotated face landmarks, used instead of detection (the drawn sample's `face_landmarks.json`). */
  readonly faceLandmarksFile?: string;
  readonly fractions?: Fractions;
  /** Side of the crops, px; default 300. */
  readonly sizePx?: number;
  /** Default 2. */
  readonly threads?: number;
  readonly signal?: AbortSignal;
  /** Called with the number of frames; the caller ends the line. */
  readonly progress?: (frames: number) => Progress;
}

/** What a derivation gives. */
export interface DeriveResult {
  readonly manifest: Manifest;
  /** True if the dataset was there already, so that nothing was done. */
  readonly alreadyComplete: boolean;
  /** Frames that this call worked on; the others came from an earlier, interrupted one. */
  readonly worked: number;
}

/**
 * Derives a paired dataset.
 *
 * @param options - source, selection, output
 * @returns the manifest as written to `<outDir>/manifest.json`
 * @throws AppError("input", ...) for bad options, an unknown gesture, an output folder of another derivation;
 *   AppError("data", ...) for broken annotations, or if no pair is left. Broken images are ledger rows instead.
 * @throws the signal's reason if it is aborted; a later call goes on from there
 * @example await derive({ hagridDir: "hagrid", gestures: ["palm"], outDir: "pairs", seed: 42 })
 */
export async function derive(options: DeriveOptions): Promise<DeriveResult> {
  checkOptions(options);
  const faces = await openFaces(options);
  try {
    const derivation = await describeDerivation(options, faces);
    const hash = hashDerivation(derivation);
    const there = await findComplete(options.outDir, hash);
    if (there !== undefined) return { manifest: there, alreadyComplete: true, worked: 0 };
    const total = await countFrames(options);
    const stage = await openStage(options.outDir, hash);
    const tools = { faces, layout: stage.layout, recipe: derivation.recipe };
    const worked = stage.finished === undefined ? await workFrames(options, stage, tools, total) : 0;
    const manifest = stage.finished ?? (await finishOrDiscard(stage, derivation));
    await publish(stage);
    return { manifest, alreadyComplete: false, worked };
  } finally {
    await faces.close();
  }
}

function checkOptions({
  sizePx = CROP_PX,
  threads = 2,
  seed,
  gestures,
  faceModel,
  faceLandmarksFile,
}: DeriveOptions) {
  checkInteger("--size", sizePx, MIN_CROP_PX, MAX_CROP_PX);
  checkInteger("--threads", threads, 1, 256);
  checkInteger("--seed", seed, 0, Number.MAX_SAFE_INTEGER);
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

function openFaces({ faceModel, faceLandmarksFile, threads = 2 }: DeriveOptions): Promise<FaceSource> {
  return faceLandmarksFile === undefined
    ? detectedFaces(faceModel, threads)
    : annotatedFaces(faceLandmarksFile);
}

async function describeDerivation(options: DeriveOptions, faces: FaceSource): Promise<Derivation> {
  const { hagridDir, gestures, metaFile, faceLandmarksFile, seed, fractions = DEFAULT_FRACTIONS } = options;
  const files = await annotationFiles(hagridDir, gestures);
  const annotations: Record<string, string> = {};
  for (const { file } of files) {
    annotations[`${basename(dirname(file))}/${basename(file)}`] = await sha256File(file);
  }
  const { train, val, test } = fractions;
  return {
    recipe: imageRecipe(faces, options.sizePx ?? CROP_PX),
    selection: {
      gestures: [...new Set(files.map(({ gesture }) => gesture))],
      seed,
      fractions: { train, val, test },
    },
    source: {
      annotations,
      ...(metaFile === undefined ? {} : { meta: await sha256File(metaFile) }),
      ...(faceLandmarksFile === undefined ? {} : { faceLandmarks: await sha256File(faceLandmarksFile) }),
    },
    drawn: await isDrawn(hagridDir),
  };
}

function imageRecipe({ recipe: detector, template }: FaceSource, sizePx: number): ImageRecipe {
  return {
    version: RECIPE_VERSION,
    detector: { name: detector.name, sha256: detector.sha256, inputPx: detector.inputPx },
    minFaceScore: MIN_FACE_SCORE,
    minFacePx: MIN_FACE_PX,
    face: { template, padding: FACE_PADDING, filter: "dlib-pyramid-bilinear" },
    hand: { crop: "box-square", margin: HAND_MARGIN, filter: "pil-bilinear" },
    outside: "black",
    sizePx,
    jpeg: JPEG,
  };
}

/** The drawn sample says so in its own file; a real tree has no such file. */
async function isDrawn(hagridDir: string): Promise<boolean> {
  const path = rawExtra(hagridDir, "sample.json");
  if (!(await exists(path))) return false;
  return (await readJson(path, z.looseObject({ drawn: z.boolean() }), "the sample's description")).drawn;
}

/** Reads all annotations once, so that a broken file is found before any work is done. */
async function countFrames(options: DeriveOptions): Promise<number> {
  let count = 0;
  for await (const _ of readAnnotations(options.hagridDir, annotationOptions(options))) {
    options.signal?.throwIfAborted();
    count++;
  }
  return count;
}

function annotationOptions({ gestures, metaFile }: DeriveOptions): AnnotationOptions {
  return { gestures, ...(metaFile === undefined ? {} : { metaFile }) };
}

interface Task {
  readonly frame: Frame;
  readonly repeated: boolean;
}

async function workFrames(
  options: DeriveOptions,
  stage: Stage,
  tools: Tools,
  total: number,
): Promise<number> {
  const journal = await openJournal(stage.journal);
  const progress = options.progress?.(total);
  progress?.tick(journal.done);
  const limit = (options.threads ?? 2) * FRAMES_PER_THREAD;
  let worked = 0;
  try {
    const results = mapOrdered(tasks(options, stage, journal.done), limit, ({ frame, repeated }) =>
      workFrame(frame, repeated, tools),
    );
    for await (const result of results) {
      await journal.append(result);
      progress?.tick();
      worked++;
    }
    return worked;
  } finally {
    await journal.close();
  }
}

/** The frames after the first `done`, which have to be those of the journal. */
async function* tasks(options: DeriveOptions, stage: Stage, done: number): AsyncGenerator<Task> {
  const ids = new Set<string>();
  const before = done === 0 ? undefined : readJournal(stage.journal);
  let index = 0;
  for await (const frame of readAnnotations(options.hagridDir, annotationOptions(options))) {
    options.signal?.throwIfAborted();
    const repeated = ids.has(frame.imageId);
    ids.add(frame.imageId);
    if (index++ >= done) yield { frame, repeated };
    else checkSame(frame, (await before!.next()).value, stage.root);
  }
}

function checkSame(frame: Frame, result: FrameResult | undefined, root: string): void {
  if (result?.imageId === frame.imageId && result.gesture === frame.gesture) return;
  const message = `Expected frame ${frame.gesture}/${frame.imageId} in the journal of ${root}, got ${result?.gesture}/${result?.imageId}`;
  throw new AppError("data", "JOURNAL_DAMAGED", message, {
    hint: "remove the .partial folder and derive again",
  });
}

/** A derivation without pairs or subjects will not get any by going on: nothing half-written stays. */
async function finishOrDiscard(stage: Stage, derivation: Derivation): Promise<Manifest> {
  try {
    return await finish(stage, derivation);
  } catch (error) {
    if (error instanceof AppError && (error.code === "NO_PAIRS" || error.code === "TOO_FEW_SUBJECTS")) {
      await discard(stage);
    }
    throw error;
  }
}
