// ◇ Browser-safe. Face detection: MediaPipe's full-range model as shipped on npm, or YuNet from a file.
// Both give the same kind of box (forehead to chin, YuNet's convention) and points named from the subject's side.
// The recipe names model and decoding; it is hashed into every dataset derived with it.
import { unexpected } from "../core/errors.ts";
import { Handle } from "../core/handle.ts";
import type { Session } from "../engine/runtime/session.ts";
import { type Photo, type PhotoLike, Pictures, photoOf } from "../pixels/fast/pictures.ts";
import type { Box, Point } from "../pixels/geometry.ts";
import { FULL_RANGE, mediapipeDetector } from "./mediapipe.ts";
import { checkPackaged, type ModelFile, type ModelHost } from "./models.ts";
import type { Candidate } from "./suppress.ts";
import { openTflite } from "./tflite.ts";
import { detectYunet, YUNET_INPUT_PX, YUNET_OUTPUTS } from "./yunet.ts";

/** Named from the subject's side: the right eye is on the left of an unmirrored photo. */
export interface FaceLandmarks {
  readonly rightEye: Point<"px">;
  readonly leftEye: Point<"px">;
  readonly nose: Point<"px">;
  /** Centre of the mouth (MediaPipe). */
  readonly mouth?: Point<"px"> | undefined;
  /** Corners of the mouth (YuNet). */
  readonly mouthRight?: Point<"px"> | undefined;
  readonly mouthLeft?: Point<"px"> | undefined;
  /** Tragi of the ears (MediaPipe). */
  readonly rightEar?: Point<"px"> | undefined;
  readonly leftEar?: Point<"px"> | undefined;
}

/** One detected face. */
export interface Face {
  /** 0 to 1; not comparable between detectors. */
  readonly score: number;
  /** Forehead to chin; may reach outside the photo. */
  readonly box: Box<"px">;
  readonly landmarks: FaceLandmarks;
}

/** What decides a detector's answers. */
export interface FaceRecipe {
  /** Model and version of our decoding, e.g. `mediapipe-full-range/1`. */
  readonly name: string;
  /** Of the model file. */
  readonly sha256: string;
  readonly inputPx: number;
}

/** A loaded face detector. */
export interface FaceDetector {
  readonly recipe: FaceRecipe;
  /**
   * All faces of one photo (RGB u8), best score first.
   *
   * @throws AppError("input", "NOT_AN_IMAGE"), AppError("input", "RELEASED") once it was closed
   */
  detect(image: PhotoLike): Promise<Face[]>;
  /** Frees the model when calls under way have ended; a second call does no harm. */
  close(): Promise<void>;
}

/** Which detector, and its threads. */
export interface FaceDetectorOptions {
  /** A YuNet model in ONNX; MediaPipe's full-range model if left out. */
  readonly model?: ModelFile | undefined;
  /** Threads inside one run; default 1. */
  readonly threads?: number | undefined;
}

/**
 * Loads a face detector.
 *
 * @param host - what gives and runs models
 * @returns a detector, to be closed by the caller; a call waits for the one before
 * @throws AppError("data", "FACE_MODEL") if the file is another model
 * @source google-ai-edge/mediapipe modules/face_detection; ShiqiYu/libfacedetection.train
 * @example const detector = await openFaceDetectorOn(host)
 */
export function openFaceDetectorOn(
  host: ModelHost,
  options: FaceDetectorOptions = {},
): Promise<FaceDetector> {
  const { model, threads = 1 } = options;
  return model === undefined ? openFullRange(host, threads) : openYunet(host, model, threads);
}

async function openFullRange(host: ModelHost, threads: number): Promise<FaceDetector> {
  const file = checkPackaged("faces", await host.packaged("faces"));
  const session = await openTflite(host, file, threads);
  const detect = mediapipeDetector(session, FULL_RANGE);
  const recipe = { name: "mediapipe-full-range/1", sha256: file.sha256, inputPx: FULL_RANGE.inputPx };
  return owned(session, recipe, async (image) => (await detect(image)).map(nameMediapipe));
}

/** A detector that owns its session. */
function owned(
  session: Session,
  recipe: FaceRecipe,
  detect: (photo: Photo) => Promise<Face[]>,
): FaceDetector {
  const pictures = new Pictures(); // for pixels that come without an owner
  const handle = new Handle("face detector", () => session.release());
  return {
    recipe,
    detect: (image) => handle.use(() => detect(photoOf(pictures, image))),
    close: () => handle.release(),
  };
}

function nameMediapipe({ score, box, points }: Candidate): Face {
  const [rightEye, leftEye, nose, mouth, rightEar, leftEar] = points as [
    Point,
    Point,
    Point,
    Point,
    Point,
    Point,
  ];
  return { score, box: wholeFace(box), landmarks: { rightEye, leftEye, nose, mouth, rightEar, leftEar } };
}

/**
 * MediaPipe's square box, about eyebrows to chin and ear to ear, as YuNet would draw it.
 * Median ratios over 457 faces of HaGRID found by both: width .904, height 1.213, centre up by .054 of the height.
 */
function wholeFace(box: Box<"px">): Box<"px"> {
  const width = 0.9 * box.width;
  const height = 1.21 * box.height;
  const centreY = box.y + (0.5 - 0.054) * box.height;
  return { x: box.x + (box.width - width) / 2, y: centreY - height / 2, width, height };
}

async function openYunet(host: ModelHost, file: ModelFile, threads: number): Promise<FaceDetector> {
  const { bytes, sha256, where } = file;
  const session = await host.createSession(bytes, { threads, where });
  const missing = YUNET_OUTPUTS.filter((name) => !session.outputNames.includes(name));
  if (missing.length > 0) {
    await session.release();
    throw unexpected("data", {
      code: "FACE_MODEL",
      expected: `a YuNet model (outputs ${YUNET_OUTPUTS.join(", ")})`,
      name: "--face-model",
      got: session.outputNames.join(", "),
      where,
      hint: "yunet_n_dynamic.onnx of github ShiqiYu/libfacedetection.train.",
    });
  }
  const recipe = { name: "yunet/1", sha256, inputPx: YUNET_INPUT_PX };
  return owned(session, recipe, async (image) => (await detectYunet(session, image)).map(nameYunet));
}

function nameYunet({ score, box, points }: Candidate): Face {
  const [rightEye, leftEye, nose, mouthRight, mouthLeft] = points as [Point, Point, Point, Point, Point];
  return { score, box, landmarks: { rightEye, leftEye, nose, mouthRight, mouthLeft } };
}
