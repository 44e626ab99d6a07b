// Detectors on this machine: models of npm packages or from paths, run by ONNX Runtime's native library.
// Invariant: options and results are those of the files that say what a detector is; only the host is added here.

import type { Modality } from "../core/words.ts";
import { createSession } from "../engine/runtime/open-session.ts";
import { probeBlock } from "../engine/runtime/probe.ts";
import { forBlockedKernels } from "../engine/tflite/import-blocked.ts";
import { readBytes, sha256 } from "../machine/files.ts";
import { type FaceDetector, openFaceDetectorOn } from "./detect.ts";
import { type Finder, openFinderOn } from "./find.ts";
import { type HandModel, openHandModelOn } from "./hand-model.ts";
import { type HandCrop, type HandCutter, openHandCutterOn } from "./hand-source.ts";
import { type HandDetector, openHandDetectorOn } from "./hands.ts";
import type { ModelFile, ModelHost } from "./models.ts";
import { readPackaged } from "./packaged.ts";

/** The installed packages and this machine's ONNX Runtime. */
export const LOCAL: ModelHost = {
  packaged: readPackaged,
  createSession,
  fitted: async (model) => forBlockedKernels(model, await probeBlock()),
};

/** Which detector, and its threads. */
export interface DetectorOptions {
  /** Path of another model: YuNet for faces, hand_detector.onnx of ai-forever/dynamic_gestures; MediaPipe's if left out. */
  readonly model?: string | undefined;
  /** Threads inside one run; default 1, as frames are worked on in parallel. */
  readonly threads?: number | undefined;
}

/**
 * Loads a face detector.
 *
 * @returns a detector, to be closed by the caller; a call waits for the one before
 * @throws AppError("data", "FILE_MISSING") if the model is not there
 * @throws AppError("data", "FACE_MODEL") if the file is another model
 * @source google-ai-edge/mediapipe modules/face_detection; ShiqiYu/libfacedetection.train
 * @example const detector = await openFaceDetector({ model: "yunet.onnx" })
 */
export async function openFaceDetector({ model, threads }: DetectorOptions = {}): Promise<FaceDetector> {
  return openFaceDetectorOn(LOCAL, { threads, model: await readModel(model, "the face model") });
}

/**
 * Loads a hand detector.
 *
 * @returns a detector, to be closed by the caller; a call waits for the one before
 * @throws AppError("data", "FILE_MISSING") if the model is not there
 * @throws AppError("data", "HAND_MODEL") if the file is another model
 * @source google-ai-edge/mediapipe modules/palm_detection; ai-forever/dynamic_gestures
 * @example const detector = await openHandDetector({ threads: 2 })
 */
export async function openHandDetector({ model, threads }: DetectorOptions = {}): Promise<HandDetector> {
  return openHandDetectorOn(LOCAL, { threads, model: await readModel(model, "the hand model") });
}

/**
 * Loads the landmark model of @mediapipe/hands (lite).
 *
 * @param threads - inside one run
 * @returns a model, to be closed by the caller
 * @throws AppError("data", "HAND_MODEL") if the package holds another file
 * @example const model = await openHandModel()
 */
export function openHandModel(threads = 1): Promise<HandModel> {
  return openHandModelOn(LOCAL, threads);
}

/**
 * Opens what cuts hands.
 *
 * @param crop - how; only `landmarks` loads models
 * @param threads - number of models, one thread each
 * @example const hands = await openHandCutter("landmarks", 2)
 */
export function openHandCutter(crop: HandCrop, threads: number): Promise<HandCutter> {
  return openHandCutterOn(LOCAL, crop, threads);
}

/** What is searched for, and by which models. */
export interface FinderOptions {
  /** What will be asked for; a detector is loaded for each. */
  readonly modalities: readonly Modality[];
  /** Path of a YuNet model; the built-in detector if left out. */
  readonly faceModel?: string | undefined;
  /** Path of a hand detector; the built-in one if left out. */
  readonly handModel?: string | undefined;
  /** How hands are cut; default `landmarks`, as datasets are derived. */
  readonly handCrop?: HandCrop | undefined;
  readonly threads?: number | undefined;
}

/**
 * Loads the detectors.
 *
 * @returns a finder, to be closed by the caller; one photo at a time
 * @throws AppError("data", "FILE_MISSING" | "FACE_MODEL" | "HAND_MODEL" | "MODEL_REFUSED")
 * @example const finder = await openFinder({ modalities: ["hand"] })
 */
export async function openFinder(options: FinderOptions): Promise<Finder> {
  const { modalities, faceModel, handModel, ...rest } = options;
  return openFinderOn(LOCAL, {
    ...rest,
    modalities,
    faceModel: modalities.includes("face") ? await readModel(faceModel, "the face model") : undefined,
    handModel: modalities.includes("hand") ? await readModel(handModel, "the hand model") : undefined,
  });
}

async function readModel(path: string | undefined, what: string): Promise<ModelFile | undefined> {
  if (path === undefined) return undefined;
  const bytes = await readBytes(path, what);
  return { bytes, sha256: sha256(bytes), where: path };
}
