// ◇ Browser-safe. The models that faces and hands are found by: which files they are, and what opens them.
// Source: npm @mediapipe/face_detection 0.4 and @mediapipe/hands 0.4. Invariant: decoding fits these files only, so another
// file is refused, wherever it comes from.
import { unexpected } from "../core/errors.ts";
import type { Session, SessionOptions } from "../engine/runtime/session.ts";
import type { OnnxModel } from "../formats/onnx.ts";

export const PACKAGED_MODELS = ["faces", "palms", "landmarks"] as const;
/** MediaPipe's models as shipped on npm, by what they find: face_detection_full_range, palm_detection_lite, hand_landmark_lite. */
export type PackagedModel = "faces" | "palms" | "landmarks";

/** Which files they are. */
export const PACKAGED = {
  faces: {
    name: "the face detector",
    file: "face_detection_full_range.tflite",
    code: "FACE_MODEL",
    sha256: "99bf9494d84f50acc6617d89873f71bf6635a841ea699c17cb3377f9507cfec3",
  },
  palms: {
    name: "the hand detector",
    file: "palm_detection_lite.tflite",
    code: "HAND_MODEL",
    sha256: "e9a4aaddf90dda56a87235303cf00e4c2d3fb28725f68fd88772997dac905c18",
  },
  landmarks: {
    name: "the hand landmark model",
    file: "hand_landmark_lite.tflite",
    code: "HAND_MODEL",
    sha256: "d7fde8ac11f8ce03f8663775bfc323f4fc9f2a38062b4f4efa142874ef5b2a48",
  },
} as const satisfies Record<PackagedModel, object>;

/** A model's file. */
export interface ModelFile {
  readonly bytes: Uint8Array;
  /** Of the bytes; hex. */
  readonly sha256: string;
  /** What messages call it. */
  readonly where: string;
}

/** What gives and runs models: this machine (open.ts), or a page. */
export interface ModelHost {
  /** The file of a model, checked by `checkPackaged`. */
  packaged(model: PackagedModel): Promise<ModelFile>;
  /** Loads a model in ONNX's format. */
  createSession(model: Uint8Array, options: SessionOptions): Promise<Session>;
  /** A translated graph as this host's kernels like it best; it computes the same up to the order of additions. */
  fitted(model: OnnxModel): Promise<OnnxModel>;
}

/**
 * Refuses a file that is not the model which this code decodes.
 *
 * @returns the same file
 * @throws AppError("data", "FACE_MODEL" | "HAND_MODEL")
 */
export function checkPackaged(model: PackagedModel, file: ModelFile): ModelFile {
  const { name, code, sha256 } = PACKAGED[model];
  if (file.sha256 === sha256) return file;
  const expected = `sha256 ${sha256}`;
  throw unexpected("data", { code, expected, name, got: file.sha256, where: file.where, hint: "npm ci" });
}
