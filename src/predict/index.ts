// ◇ Browser-safe. What programs may import from "facehand/predict": a predictor for pages, and nothing of Node.
// Invariant: named re-exports and nothing else; every type that a signature names is among them (test/api.test.ts).
export { AppError, type ErrorKind, type ErrorOptions } from "../core/errors.ts";
export { MODALITIES, type Modality } from "../core/words.ts";
export type { Weights } from "../engine/params.ts";
export type { Ort } from "../engine/runtime/page-session.ts";
export type { Finder, FoundCrop } from "../find/find.ts";
export type { TurnedSquare } from "../find/hand-square.ts";
export type { PackagedModel } from "../find/models.ts";
export type { ModelFacts, PixelFacts, SourceFacts } from "../models/facts.ts";
export { CLASS_TARGETS, type ClassTarget, type TargetFacts } from "../models/targets.ts";
export type { Photo, PhotoLike } from "../pixels/fast/pictures.ts";
export type { Box, Point, Space } from "../pixels/geometry.ts";
export { type RgbImage, resizeBilinear } from "../pixels/pixels.ts";
export { type BrowserPredictorOptions, type ExecutionProvider, openPredictor } from "./browser.ts";
export {
  type BrowserFinderOptions,
  type BrowserPhotoOptions,
  type FinderFiles,
  openFinder,
  predictPhoto,
} from "./browser-photo.ts";
export { type OpenedCheckpoint, openCheckpoint } from "./checkpoint.ts";
export { type AskedModality, GATED, type ImagePrediction, type Predictor } from "./predictor.ts";
export type { Decode, PhotoPrediction } from "./prepare.ts";
