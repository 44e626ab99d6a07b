// HaGRID frames in, a dataset of aligned face-hand pairs out: the derivation from beginning to end.
// Steps: describe, open the staging folder, work on
// the frames that the journal lacks, finish the tables, publish. Invariant: same input and options, same bytes,
// however often it was killed in between.
import { AppError } from "../../core/errors.ts";
import { foldName } from "../../core/file-names.ts";
import { closeAll, openAll } from "../../core/handle.ts";
import { lend } from "../../core/lend.ts";
import { imagePath, type Layout } from "../../dataset/layout.ts";
import type { Derivation, Manifest } from "../../dataset/manifest.ts";
import { openHandCutter } from "../../find/open.ts";
import { syncFile } from "../../machine/files.ts";
import { openJournal, readJournal } from "../../machine/journal.ts";
import { type Lock, withLock } from "../../machine/lock.ts";
import { mapOrdered } from "../../machine/pool.ts";
import { checkApart } from "../../machine/true-path.ts";
import { Pictures } from "../../pixels/fast/pictures.ts";
import { Scratch } from "../../pixels/fast/scratch.ts";
import { type AnnotationOptions, readAnnotations } from "../hagrid/annotations.ts";
import type { FaceLimits } from "../hagrid/pairing.ts";
import type { RuleSettings } from "../judge/clean.ts";
import type { Erasure } from "../judge/erase.ts";
import { countDataset } from "./count.ts";
import { describeDerivation } from "./describe.ts";
import { openFaces } from "./faces.ts";
import { finish } from "./finish.ts";
import { FRAMES, type FrameResult } from "./journal.ts";
import { checkDone } from "./journal-check.ts";
import { checkOptions, DERIVE_THREADS, type DeriveOptions } from "./options.ts";
import { purge } from "./purge.ts";
import { discard, findComplete, markOf, openStage, replace, type Stage } from "./stage.ts";
import { openThreads } from "./threads.ts";
import { cropName, type Tools } from "./work.ts";
import type { ThreadRequest } from "./worker.ts";

/** Frames under way at once, for each thread: one is read or written while another is measured. */
const FRAMES_PER_THREAD = 2;

/** Frames whose crops are synced together, and then entered in the journal: a sync of one costs as much as its JPEG. */
const FRAMES_PER_SYNC = 32;
const SYNCS_AT_ONCE = 4;

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
 * @throws AppError("input", ...) for bad options, an unknown gesture, an output folder of another derivation, one that
 *   another process works on (LOCKED), or one among the frames (OUT_INSIDE);
 *   AppError("data", ...) for broken annotations, or if no pair is left. Broken images are ledger rows instead.
 * @throws the signal's reason if it is aborted; a later call continues from there
 * @example await derive({ hagridDir: "hagrid", gestures: ["palm"], outDir: "pairs", seed: 42 })
 */
export async function derive(options: DeriveOptions): Promise<DeriveResult> {
  return alone(options, (lock) => deriveAlone(options, lock));
}

/** Runs a derivation as the only one that writes its folder, which lies apart from the frames. */
export async function alone<T>(options: DeriveOptions, work: (lock: Lock) => Promise<T>): Promise<T> {
  const { outDir, hagridDir } = options;
  checkOptions(options);
  checkApart(outDir, [hagridDir]);
  return withLock(outDir, `the folder ${outDir}`, work);
}

async function deriveAlone(options: DeriveOptions, lock: Lock): Promise<DeriveResult> {
  const opened = await openDerivation(options);
  const { derivation } = opened;
  try {
    const there = await findComplete(options.outDir, derivation);
    if (there?.isAsked === true) return { manifest: there.manifest, alreadyComplete: true, worked: 0 };
    const range = { from: 0, to: await countFrames(options) };
    const stage = await openStage(options.outDir, lock, markOf(derivation), (root) =>
      purge(root, opened.erasure),
    );
    const worked = stage.finished === undefined ? await workFrames(options, stage, opened, range) : 0;
    const manifest = stage.finished ?? (await finishOrDiscard(stage, derivation));
    await replace(stage, there?.manifest, manifest, await countDataset(stage, manifest));
    return { manifest, alreadyComplete: false, worked };
  } finally {
    await opened.close();
  }
}

/** A derivation that can begin: what it is, and what finds faces and hands. */
export interface Opened {
  readonly derivation: Derivation;
  readonly erasure: Erasure;
  readonly tools: Omit<Tools, "layout">;
  close(): Promise<void>;
}

/** Checks the options, loads the models, reads what is hashed into the derivation; the caller closes it. */
export async function openDerivation(options: DeriveOptions): Promise<Opened> {
  checkOptions(options);
  const opened = [openFaces(options, 1), openHandCutter(options.handCrop ?? "landmarks", 1)] as const;
  const [faces, hands] = await openAll(opened);
  const close = () => closeAll([faces, hands]);
  try {
    const { derivation, erasure } = await describeDerivation(options, faces, hands);
    const tools = {
      faces,
      hands,
      withDesk: lend([{ pictures: new Pictures(), scratch: new Scratch() }]),
      limits: faceLimits(derivation.rules as RuleSettings),
      recipe: derivation.recipe,
    };
    return { derivation, erasure, tools, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Faces that the rules would remove are not preferred to others; a rule that is off has no limit. */
function faceLimits({ face_score: minScore, face_size: minPx }: RuleSettings): FaceLimits {
  return { minScore: minScore ?? 0, minPx: minPx ?? 0 };
}

/** Reads all annotations once, so that a broken file is found before any work is done. */
export async function countFrames(options: DeriveOptions): Promise<number> {
  let count = 0;
  for await (const _ of readAnnotations(options.hagridDir, annotationOptions(options))) {
    options.signal?.throwIfAborted();
    count++;
  }
  return count;
}

function annotationOptions({ gestures, metaFile }: DeriveOptions): AnnotationOptions {
  return { gestures, metaFile };
}

/** Frames of the input by their place in it, the first included, the last not; erased ones keep their place. */
export interface FrameRange {
  readonly from: number;
  readonly to: number;
}

/**
 * Works on the frames of a range that the journal lacks.
 *
 * @returns how many they were
 * @throws the signal's reason if it is aborted; AppError("data", "JOURNAL_DAMAGED") if it is of other frames
 */
export async function workFrames(
  options: DeriveOptions,
  stage: Stage,
  { erasure, tools: found }: Pick<Opened, "erasure" | "tools">,
  range: FrameRange,
): Promise<number> {
  const tools = { ...found, layout: stage.layout };
  const journal = await openJournal(stage.journal, FRAMES);
  const progress = options.progress?.(range.to - range.from);
  progress?.tick(journal.done);
  const limit = (options.threads ?? DERIVE_THREADS) * FRAMES_PER_THREAD;
  const threads = openThreads(options, tools, range.to - range.from - journal.done);
  let worked = 0;
  let saved: Promise<void> = Promise.resolve();
  try {
    const left = tasks(options, {
      stage,
      erasure,
      done: journal.done,
      range,
      onErased: () => progress?.tick(),
    });
    const results = mapOrdered(left, limit, threads.work);
    for await (const group of grouped(results, () => progress?.tick())) {
      await saved; // the next group is worked on while one is synced
      saved = syncCrops(stage.layout, group).then(() => journal.append(group));
      saved.catch(() => undefined); // reported when it is awaited
      worked += group.length;
    }
    await saved;
    return worked;
  } finally {
    await saved.catch(() => undefined);
    await threads.close();
    await journal.close();
  }
}

/** Results that go into the journal together; what came before a fault is a group too. */
async function* grouped(
  results: AsyncIterable<FrameResult>,
  tick: () => void,
): AsyncGenerator<readonly FrameResult[]> {
  let group: FrameResult[] = [];
  let fault: { readonly error: unknown } | undefined;
  try {
    for await (const result of results) {
      group.push(result);
      tick();
      if (group.length < FRAMES_PER_SYNC) continue;
      yield group;
      group = [];
    }
  } catch (error) {
    fault = { error };
  }
  if (group.length > 0) yield group;
  if (fault !== undefined) throw fault.error;
}

async function syncCrops(layout: Layout, group: readonly FrameResult[]): Promise<void> {
  const paths = group.flatMap(({ imageId, crops = [] }) =>
    crops.map((modality) => imagePath(layout, modality, cropName(modality, imageId))),
  );
  for await (const _ of mapOrdered(paths, SYNCS_AT_ONCE, syncFile));
}

interface Left {
  readonly stage: Stage;
  readonly erasure: Erasure;
  /** Frames in the journal. */
  readonly done: number;
  readonly range: FrameRange;
  readonly onErased: () => void;
}

/** The frames of the range after those of the journal, which have to be its first; erased ones are passed over. */
async function* tasks(
  options: DeriveOptions,
  { stage, erasure, done, range: { from, to }, onErased }: Left,
): AsyncGenerator<ThreadRequest> {
  const ids = new Set<string>();
  const before = done === 0 ? undefined : readJournal(stage.journal, FRAMES);
  let [index, met] = [0, 0];
  try {
    for await (const frame of readAnnotations(options.hagridDir, annotationOptions(options))) {
      options.signal?.throwIfAborted();
      const place = index++;
      if (place >= to) return;
      if (erasure.has(frame)) {
        if (place >= from) onErased();
        continue;
      }
      const id = foldName(frame.imageId); // crops are files: where case does not count, one would be the other
      const repeated = ids.has(id);
      ids.add(id);
      if (place < from) continue;
      if (met++ >= done) yield { frame, repeated };
      else await checkDone(frame, (await before!.next()).value, stage.root);
    }
  } finally {
    await before?.return(undefined); // closes the file
  }
}

const UNSPLITTABLE = ["NO_PAIRS", "TOO_FEW_SUBJECTS", "SUBJECT_IN_TWO_SPLITS"];

/** A derivation without pairs or subjects will not get any by continuing: nothing half-written stays. */
export async function finishOrDiscard(stage: Stage, derivation: Derivation): Promise<Manifest> {
  try {
    return await finish(stage, derivation);
  } catch (error) {
    if (error instanceof AppError && UNSPLITTABLE.includes(error.code)) {
      await discard(stage);
    }
    throw error;
  }
}
