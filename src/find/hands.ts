// ◇ Browser-safe. Hand detection: MediaPipe's palm detector as shipped on npm, or the one of HaGRID's authors from a file.
// Both give the same kind of box: the whole hand, as HaGRID's annotators draw it.
// Source: palm.ts; github ai-forever/dynamic_gestures onnx_models.py (RGB 320 x 240, stretched, (x - 127) / 128).
import { unexpected } from "../core/errors.ts";
import { Handle } from "../core/handle.ts";
import { type Session, Tensor } from "../engine/runtime/session.ts";
import { type Photo, type PhotoLike, Pictures, photoOf, withPicture } from "../pixels/fast/pictures.ts";
import type { Box } from "../pixels/geometry.ts";
import { wholePlanes } from "../pixels/letterbox.ts";
import { RGB } from "../pixels/planes.ts";
import { mediapipeDetector } from "./mediapipe.ts";
import { checkPackaged, type ModelFile, type ModelHost } from "./models.ts";
import { PALM, wholeHand } from "./palm.ts";
import { openTflite } from "./tflite.ts";

export interface Hand {
  /** 0 to 1; not comparable between detectors. */
  readonly score: number;
  /** The whole hand, fingers included; may reach outside the photo. */
  readonly box: Box<"px">;
}

export interface HandRecipe {
  /** Model and version of our decoding, e.g. `mediapipe-palm-lite/1`. */
  readonly name: string;
  /** Of the model file. */
  readonly sha256: string;
  readonly inputPx: number;
}

export interface HandDetector {
  readonly recipe: HandRecipe;
  /**
   * All hands of one photo (RGB u8), best score first.
   *
   * @throws AppError("input", "NOT_AN_IMAGE"), AppError("input", "RELEASED") once it was closed
   */
  detect(image: PhotoLike): Promise<Hand[]>;
  /** Frees the model when calls under way have ended; a second call does no harm. */
  close(): Promise<void>;
}

export interface HandDetectorOptions {
  /** hand_detector.onnx of ai-forever/dynamic_gestures; MediaPipe's palm detector if left out. */
  readonly model?: ModelFile | undefined;
  /** Threads inside one run; default 1. */
  readonly threads?: number | undefined;
}

/**
 * Loads a hand detector.
 *
 * @param host - what gives and runs models
 * @returns a detector, to be closed by the caller; a call waits for the one before
 * @throws AppError("data", "HAND_MODEL") if the file is another model
 * @source google-ai-edge/mediapipe modules/palm_detection; ai-forever/dynamic_gestures
 * @example const detector = await openHandDetectorOn(host, { threads: 2 })
 */
export function openHandDetectorOn(
  host: ModelHost,
  options: HandDetectorOptions = {},
): Promise<HandDetector> {
  const { model, threads = 1 } = options;
  return model === undefined ? openPalm(host, threads) : openHagrid(host, model, threads);
}

async function openPalm(host: ModelHost, threads: number): Promise<HandDetector> {
  const file = checkPackaged("palms", await host.packaged("palms"));
  const session = await openTflite(host, file, threads);
  const detect = mediapipeDetector(session, PALM);
  const recipe = { name: "mediapipe-palm-lite/1", sha256: file.sha256, inputPx: PALM.inputPx };
  return owned(session, recipe, async (image) =>
    (await detect(image)).map((palm) => ({ score: palm.score, box: wholeHand(palm) })),
  );
}

/** A detector that owns its session. */
function owned(
  session: Session,
  recipe: HandRecipe,
  detect: (photo: Photo) => Promise<Hand[]>,
): HandDetector {
  const pictures = new Pictures(); // for pixels that come without an owner
  const handle = new Handle("hand detector", () => session.release());
  return {
    recipe,
    detect: (image) => handle.use(() => detect(photoOf(pictures, image))),
    close: () => handle.release(),
  };
}

const WIDTH_PX = 320;
const HEIGHT_PX = 240;
const OUTPUTS = ["boxes", "labels", "scores"] as const;

async function openHagrid(host: ModelHost, file: ModelFile, threads: number): Promise<HandDetector> {
  const { bytes, sha256, where } = file;
  const session = await host.createSession(bytes, { threads, where });
  const missing = OUTPUTS.filter((name) => !session.outputNames.includes(name));
  if (missing.length > 0) {
    await session.release();
    throw unexpected("data", {
      code: "HAND_MODEL",
      expected: `a hand detector (outputs ${OUTPUTS.join(", ")})`,
      name: "--hand-model",
      got: session.outputNames.join(", "),
      where,
      hint: "hand_detector.onnx of github ai-forever/dynamic_gestures.",
    });
  }
  const recipe = { name: "hagrid-ssd/1", sha256, inputPx: WIDTH_PX };
  return owned(session, recipe, (image) => detectHagrid(session, image));
}

/** The model suppresses overlaps itself; its boxes are left, top, right, bottom in fractions of the photo. */
async function detectHagrid(session: Session, image: Photo): Promise<Hand[]> {
  const values = new Float32Array(3 * HEIGHT_PX * WIDTH_PX);
  const shape = { channels: RGB, scale: 1 / 128, offset: -127 / 128 };
  withPicture(image, (picture) => wholePlanes(picture.resized(WIDTH_PX, HEIGHT_PX), shape, values));
  const input = new Tensor("float32", values, [1, 3, HEIGHT_PX, WIDTH_PX]);
  const out = await session.run({ [session.inputNames[0]!]: input });
  const boxes = out["boxes"]!.data as Float32Array; // [N, 4]
  const scores = out["scores"]!.data as Float32Array; // [N]
  const hands = Array.from(scores, (score, i) => {
    const x = boxes[4 * i]! * image.width;
    const y = boxes[4 * i + 1]! * image.height;
    const width = boxes[4 * i + 2]! * image.width - x;
    return { score, box: { x, y, width, height: boxes[4 * i + 3]! * image.height - y } };
  });
  return hands.sort((a, b) => b.score - a.score);
}
