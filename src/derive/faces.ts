// Where the faces of a frame come from: a detector, or annotations that stand beside a drawn set.
// Source: detect.ts; the sample's face_landmarks.json (five points: eyes, nose, corners of the mouth).
// Invariant: both give px of the frame in the same convention, so that crops do not know the difference.
import { z } from "zod";
import { AppError } from "../core/errors.ts";
import type { RgbImage } from "../data/pixels.ts";
import { type Face, type FaceDetector, type FaceRecipe, openFaceDetector } from "./detect.ts";
import { boxToPx, type Point } from "./geometry.ts";
import { streamEntries } from "./records.ts";

export interface FaceSource {
  readonly recipe: FaceRecipe;
  find(image: RgbImage, imageId: string): Promise<readonly Face[]>;
  close(): Promise<void>;
}

/**
 * Faces by detection, with as many detectors as frames may be looked at side by side.
 *
 * @param model - path of a YuNet model, or undefined for the built-in detector
 * @param threads - number of detectors, one thread each
 */
export async function detectedFaces(model: string | undefined, threads: number): Promise<FaceSource> {
  const options = { threads: 1, ...(model === undefined ? {} : { model }) };
  const all = await Promise.all(Array.from({ length: threads }, () => openFaceDetector(options)));
  const free = [...all];
  const waiting: ((detector: FaceDetector) => void)[] = [];
  const take = (): Promise<FaceDetector> => {
    const ready = free.pop();
    return ready === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(ready);
  };
  const give = (detector: FaceDetector) => {
    const next = waiting.shift();
    if (next === undefined) free.push(detector);
    else next(detector);
  };
  return {
    recipe: all[0]!.recipe,
    find: async (image) => {
      const detector = await take();
      try {
        return await detector.detect(image);
      } finally {
        give(detector);
      }
    },
    close: async () => {
      await Promise.all(all.map((detector) => detector.close()));
    },
  };
}

const relative = z.number().min(-1).max(2);
const point = z.tuple([relative, relative]);
const annotation = z.strictObject({
  /** x, y, width, height; fractions of the frame. */
  box: z.tuple([relative, relative, z.number().positive().max(2), z.number().positive().max(2)]),
  /** Right eye, left eye, nose, mouth right, mouth left, of the person; fractions of the frame. */
  points: z.tuple([point, point, point, point, point]),
});

/**
 * Faces as annotated; a frame that is not in the file has none.
 *
 * @param path - JSON object by image id
 * @throws AppError("data", "FILE_MISSING" | "JSON_SYNTAX" | "ANNOTATION_INVALID")
 */
export async function annotatedFaces(path: string): Promise<FaceSource> {
  const known = new Map<string, z.output<typeof annotation>>();
  for await (const { key, value } of streamEntries(path, "face landmarks")) {
    const result = annotation.safeParse(value);
    if (!result.success) {
      const issue = result.error.issues[0];
      const message = `Expected a valid ${issue?.path.join(".")} in ${path}, image ${key}, got: ${issue?.message}`;
      throw new AppError("data", "ANNOTATION_INVALID", message, { cause: result.error });
    }
    known.set(key, result.data);
  }
  return {
    recipe: { name: "annotated/1", sha256: "", inputPx: 0 },
    find: async ({ width, height }, imageId) => {
      const found = known.get(imageId);
      return found === undefined ? [] : [toFace(found, width, height)];
    },
    close: async () => {},
  };
}

function toFace({ box, points }: z.output<typeof annotation>, width: number, height: number): Face {
  const [x, y, w, h] = box;
  const [rightEye, leftEye, nose, mouthRight, mouthLeft] = points.map(
    ([px, py]): Point<"px"> => ({ x: px * width, y: py * height }),
  ) as [Point, Point, Point, Point, Point];
  return {
    score: 1,
    box: boxToPx({ x, y, width: w, height: h }, width, height),
    landmarks: { rightEye, leftEye, nose, mouthRight, mouthLeft },
  };
}
