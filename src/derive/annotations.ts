// Reads a HaGRID folder as a stream of frames.
// Source: github hukenovs/hagrid: annotations/<split>/<gesture>.json, images in <gesture>/ or images/<gesture>/.
// Invariant: the order is fixed by the tree alone (gesture, split, place in the file), and memory by one record
// and the `--meta` file.
import { readdir } from "node:fs/promises";
import { AppError, isNotFound, unexpected } from "../core/errors.ts";
import { exists } from "../core/files.ts";
import { accept, faultError, nearestWord } from "../core/spelling.ts";
import { parseGesture } from "../core/vocabulary.ts";
import { rawAnnotations, rawFrame, rawFrameRoots, rawGesture, rawSplit } from "../data/layout.ts";
import { SPLITS } from "../data/record.ts";
import { type AnnotationFile, type Frame, type FrameMeta, parseFrame, parseMeta } from "./frame.ts";
import { streamEntries } from "./records.ts";

export interface AnnotationOptions {
  /** Gesture names, or `all` that have an annotation file. */
  readonly gestures: readonly string[] | "all";
  /** JSON object of meta by image id; where it has an id, it replaces the annotation's own meta. */
  readonly metaFile?: string;
}

/**
 * Frames of a HaGRID folder, by gesture (sorted), split and place in the file.
 *
 * @param dir - folder with `annotations/` and the images in `<gesture>/` or `images/<gesture>/`
 * @throws AppError("input", "UNKNOWN_GESTURE") for a gesture without annotations,
 *   AppError("data", "ANNOTATIONS_MISSING" | "JSON_SYNTAX" | "ANNOTATION_INVALID" | "IMAGE_ID") for bad files
 * @example for await (const frame of readAnnotations("hagrid", { gestures: ["palm"] })) {}
 */
export async function* readAnnotations(dir: string, options: AnnotationOptions): AsyncGenerator<Frame> {
  const files = await annotationFiles(dir, options.gestures);
  const metas = options.metaFile === undefined ? undefined : await readMeta(options.metaFile);
  for (const source of files) {
    const root = await imageRoot(dir, source.gesture);
    for await (const { key, value } of streamEntries(source.file, "HaGRID annotations")) {
      const frame = parseFrame(key, value, source, rawFrame(root, source.gesture, key));
      const other = metas?.get(key);
      yield other === undefined ? frame : { ...frame, meta: other };
    }
  }
}

/**
 * The annotation files of the gestures, sorted by gesture, then train, val, test.
 *
 * @throws AppError("data", "ANNOTATIONS_MISSING" | "GESTURE_VALUE"), AppError("input", "UNKNOWN_GESTURE")
 */
export async function annotationFiles(
  dir: string,
  gestures: readonly string[] | "all",
): Promise<AnnotationFile[]> {
  const found: AnnotationFile[] = [];
  for (const split of SPLITS) {
    for (const name of await listJson(rawSplit(dir, split))) {
      const gesture = name.slice(0, -".json".length);
      found.push({ file: rawAnnotations(dir, split, gesture), gesture, split });
    }
  }
  if (found.length === 0) {
    throw new AppError(
      "data",
      "ANNOTATIONS_MISSING",
      `Expected annotations/<split>/<gesture>.json in ${dir}, got none`,
      {
        hint: "give HaGRID's folder, with its annotations unpacked in it",
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
      hint: `the nearest is ${nearestWord(gesture, known)}`,
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

async function listJson(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).filter((name) => name.endsWith(".json")).sort();
  } catch (error) {
    if (isNotFound(error)) return [];
    throw error;
  }
}

async function imageRoot(dir: string, gesture: string): Promise<string> {
  const roots = rawFrameRoots(dir);
  for (const root of roots) {
    if (await exists(rawGesture(root, gesture))) return root;
  }
  return roots[0]!;
}

async function readMeta(path: string): Promise<Map<string, FrameMeta>> {
  const metas = new Map<string, FrameMeta>();
  for await (const { key, value } of streamEntries(path, "face attributes")) {
    metas.set(key, parseMeta(value, `${path}, image ${key}`));
  }
  return metas;
}
