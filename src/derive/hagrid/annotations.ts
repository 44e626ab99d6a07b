// Reads a HaGRID folder as a stream of frames.
// Source: dataset/raw-tree.ts for where things lie. Invariants: the order is fixed by the tree alone (gesture, split, place in
// the file), and memory by one record and the `--meta` file; bad records are reported together, after the good ones.
import { AppError, unexpected } from "../../core/errors.ts";
import { accept, faultError, wordHint } from "../../core/spelling.ts";
import { parseGesture } from "../../core/vocabulary.ts";
import { rawFrame } from "../../dataset/layout.ts";
import { findAnnotations, findFrames, framePlaces, type RawAnnotations } from "../../dataset/raw-tree.ts";
import { exists } from "../../machine/files.ts";
import { unpackHint } from "../../machine/sniff-file.ts";
import { BadRecords } from "./bad-records.ts";
import { type Frame, type FrameMeta, parseFrame, parseMeta } from "./frame.ts";
import { streamEntries } from "./records.ts";

export interface AnnotationOptions {
  /** Gesture names, or `all` that have an annotation file. */
  readonly gestures: readonly string[] | "all";
  /** JSON object of meta by image id; where it has an id, it replaces the annotation's own meta. */
  readonly metaFile?: string | undefined;
}

/**
 * Frames of a HaGRID folder, by gesture (sorted), split and place in the file.
 *
 * @param dir - HaGRID's folder, in one of the layouts of dataset/raw-tree.ts
 * @throws AppError("input", "UNKNOWN_GESTURE") for a gesture without annotations,
 *   AppError("data", "ANNOTATIONS_MISSING" | "ANNOTATIONS_TWICE") for a folder that is another's; once all good frames came,
 *   AppError("data", "JSON_SYNTAX" | "ANNOTATION_INVALID" | "IMAGE_ID") for a bad record, "BAD_RECORDS" for several
 * @example for await (const frame of readAnnotations("hagrid", { gestures: ["palm"] })) {}
 */
export async function* readAnnotations(dir: string, options: AnnotationOptions): AsyncGenerator<Frame> {
  const files = await annotationFiles(dir, options.gestures);
  const bad = new BadRecords();
  const metas = options.metaFile === undefined ? undefined : await readMeta(options.metaFile, bad);
  const frames = await findFrames(dir, [...new Set(files.map(({ gesture }) => gesture))]);
  for (const source of files) {
    const placesOf = await framePlaces(frames.foldersOf(source.gesture));
    try {
      for await (const { key, value } of streamEntries(source.file, "HaGRID annotations")) {
        const frame = bad.try(() => parseFrame(key, value, source, ""));
        if (frame === undefined) continue;
        const path = (await present(placesOf(key))) ?? rawFrame(dir, source.gesture, key);
        const meta = metas?.get(key) ?? frame.meta;
        yield { ...frame, meta, path };
      }
    } catch (error) {
      bad.add(error); // the rest of that file cannot be read
    }
  }
  bad.throwAll(dir);
}

/** Where a frame is, of several places; the first if it is in none. */
async function present(paths: readonly string[]): Promise<string | undefined> {
  if (paths.length > 1) for (const path of paths) if (await exists(path)) return path;
  return paths[0];
}

/**
 * The annotation files of the gestures, sorted by gesture, then train, val, test.
 *
 * @throws AppError("data", "ANNOTATIONS_MISSING" | "ANNOTATIONS_TWICE" | "GESTURE_VALUE"), AppError("input", "UNKNOWN_GESTURE")
 */
export async function annotationFiles(
  dir: string,
  gestures: readonly string[] | "all",
): Promise<RawAnnotations[]> {
  const found = await findAnnotations(dir);
  if (found.length === 0) {
    throw new AppError(
      "data",
      "ANNOTATIONS_MISSING",
      `Expected annotations/<split>/<gesture>.json in ${dir}, or another layout of HaGRID's archives, got none`,
      {
        hint: await unpackHint(dir, "give HaGRID's folder, with its annotations unpacked in it"),
      },
    );
  }
  const known = [...new Set(found.map(({ gesture }) => gesture))].sort();
  const wanted = gestures === "all" ? known : [...new Set(gestures)].sort();
  for (const gesture of wanted) {
    if (known.includes(gesture)) continue;
    const e = {
      code: "UNKNOWN_GESTURE",
      expected: `one of ${known.join(", ")}`,
      name: "--gestures",
      got: gesture,
      hint: wordHint(gesture, known),
    };
    throw unexpected("input", e);
  }
  const used = wanted.flatMap((gesture) => found.filter((source) => source.gesture === gesture));
  for (const { gesture, file } of used) checkGesture(gesture, file);
  return used;
}

/** The name is that of a folder of images too, so that another case is not mended here. */
function checkGesture(gesture: string, where: string): void {
  const place = { name: "an annotation file's name", got: gesture, where };
  const known = accept(parseGesture(gesture, "pairs"), place);
  if (known === gesture) return;
  const hint = `rename the file, and the folder of its images, to ${known}`;
  throw faultError({ code: "GESTURE_VALUE", expected: known, hint }, place);
}

async function readMeta(path: string, bad: BadRecords): Promise<Map<string, FrameMeta>> {
  const metas = new Map<string, FrameMeta>();
  for await (const { key, value } of streamEntries(path, "face attributes")) {
    const meta = bad.try(() => parseMeta(value, `${path}, image ${key}`));
    if (meta !== undefined) metas.set(key, meta);
  }
  return metas;
}
