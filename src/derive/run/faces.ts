// Where the faces of a frame come from: a detector, or annotations that stand beside a drawn set.
// Source: detect.ts; the sample's face_landmarks.json (dlib's five points).
// Invariant: both give px of the frame in the same convention; the template of the chip goes with the points.
import { z } from "zod";
import { closeAll, openAll } from "../../core/handle.ts";
import { lend } from "../../core/lend.ts";
import type { ChipLandmarks, CornerLandmarks } from "../../find/align.ts";
import type { FaceRecipe } from "../../find/detect.ts";
import { openFaceDetector } from "../../find/open.ts";
import type { PhotoLike } from "../../pixels/fast/pictures.ts";
import { type Box, boxToPx, type Point } from "../../pixels/geometry.ts";
import type { ExifTurn } from "../../pixels/image.ts";
import { type Reference, turnBox, turnPoint } from "../../pixels/turns.ts";
import { BadRecords } from "../hagrid/bad-records.ts";
import { schemaError } from "../hagrid/frame.ts";
import { streamEntries } from "../hagrid/records.ts";
import { isUprightFace } from "../hagrid/reference.ts";
import type { DeriveOptions } from "./options.ts";

/** A face that can be cut. */
export interface FoundFace {
  readonly score: number;
  readonly box: Box<"px">;
  readonly landmarks: ChipLandmarks;
}

export interface FaceSource {
  readonly recipe: FaceRecipe;
  /** Name of the template that its landmarks are fitted to. */
  readonly template: "dlib-eyes-nose" | "dlib-5";
  /**
   * All faces of an upright picture.
   *
   * @param turn - how the pixels that annotated landmarks refer to are turned to it; 1 if not given
   */
  find(image: PhotoLike, imageId: string, turn?: ExifTurn): Promise<readonly FoundFace[]>;
  /** Which pixels annotated landmarks of a turned picture refer to; undefined if that cannot be decided. */
  readonly referenceOf?: (
    image: PhotoLike,
    imageId: string,
    turn: ExifTurn,
  ) => Promise<Reference | undefined>;
  close(): Promise<void>;
}

/**
 * The source of faces that the options of a derivation name; the caller closes it.
 *
 * @param threads - calls side by side
 */
export function openFaces(
  options: Pick<DeriveOptions, "faceModel" | "faceLandmarksFile">,
  threads: number,
): Promise<FaceSource> {
  const { faceModel, faceLandmarksFile } = options;
  return faceLandmarksFile === undefined
    ? detectedFaces(faceModel, threads)
    : annotatedFaces(faceLandmarksFile);
}

/**
 * Faces by detection, with as many detectors as frames may be searched at once.
 *
 * @param model - path of a YuNet model, or undefined for the built-in detector
 * @param threads - number of detectors, one thread each
 */
export async function detectedFaces(model: string | undefined, threads: number): Promise<FaceSource> {
  const options = { threads: 1, model };
  const all = await openAll(Array.from({ length: threads }, () => openFaceDetector(options)));
  const withDetector = lend(all);
  return {
    recipe: all[0]!.recipe,
    template: "dlib-eyes-nose",
    find: (image) => withDetector((detector) => detector.detect(image)),
    close: () => closeAll(all),
  };
}

const relative = z.number().min(-1).max(2);
const point = z.tuple([relative, relative]);
const annotation = z.strictObject({
  /** x, y, width, height; fractions of the frame. */
  box: z.tuple([relative, relative, z.number().positive().max(2), z.number().positive().max(2)]),
  /** The person's left eye outer, inner, right eye outer, inner, nose base; fractions of the frame. */
  points: z.tuple([point, point, point, point, point]),
});
const annotations = z.array(annotation);

/**
 * Faces as annotated; a frame that is not in the file has none.
 *
 * @param path - JSON object of lists of faces by image id, as the drawn sample has it
 * @throws AppError("data", "FILE_MISSING" | "JSON_SYNTAX" | "ANNOTATION_INVALID")
 */
export async function annotatedFaces(path: string): Promise<FaceSource> {
  const known = new Map<string, z.output<typeof annotations>>();
  const bad = new BadRecords();
  for await (const { key, value } of streamEntries(path, "face landmarks")) {
    const result = annotations.safeParse(value);
    if (result.success) known.set(key, result.data);
    else bad.add(schemaError(result.error, value, `${path}, image ${key}`));
  }
  bad.throwAll(path);
  const find = async ({ width, height }: PhotoLike, imageId: string, turn: ExifTurn = 1) =>
    (known.get(imageId) ?? []).map((face) => toFace(face, width, height, turn));
  return {
    recipe: { name: "annotated/1", sha256: "", inputPx: 0 },
    template: "dlib-5",
    find,
    referenceOf: async (image, imageId, turn) => {
      const standsAs = async (as: ExifTurn) =>
        (await find(image, imageId, as)).every(({ landmarks }) => isUprightFace(landmarks));
      const [upright, stored] = [await standsAs(1), await standsAs(turn)];
      return upright ? "upright" : stored ? "stored" : undefined;
    },
    close: async () => {},
  };
}

function toFace(
  { box, points }: z.output<typeof annotation>,
  widthPx: number,
  heightPx: number,
  turn: ExifTurn,
): FoundFace & { readonly landmarks: CornerLandmarks } {
  const [x, y, width, height] = box;
  const at = (i: 0 | 1 | 2 | 3 | 4): Point => {
    const seen = turnPoint(turn, { x: points[i][0], y: points[i][1] });
    return { x: seen.x * widthPx, y: seen.y * heightPx };
  };
  return {
    score: 1,
    box: boxToPx(turnBox(turn, { x, y, width, height }), widthPx, heightPx),
    landmarks: {
      leftEyeOuter: at(0),
      leftEyeInner: at(1),
      rightEyeOuter: at(2),
      rightEyeInner: at(3),
      noseBase: at(4),
    },
  };
}
