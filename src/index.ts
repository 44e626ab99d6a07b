// The public API: what programs may import from "facehand". Browser programs import "facehand/predict" instead.
// Invariant: named re-exports and nothing else; each has a docstring where it is declared (test/docs.test.ts).

export { fromErrno } from "./core/errno.ts";
export { AppError, type ErrorKind, EXIT_CODES, Interrupted } from "./core/errors.ts";
export { SEXES, type Sex } from "./core/vocabulary.ts";
export {
  COLUMNS,
  MODALITIES,
  type Modality,
  type Pair,
  type Sample,
  SPLITS,
  type Split,
  sexIndex,
} from "./core/words.ts";
export { type CheckedDataset, type CheckOptions, checkDataset } from "./dataset/check/check.ts";
export { FINDINGS, type Finding, type FindingCode } from "./dataset/check/findings.ts";
export { applyRepair, finishRepair } from "./dataset/check/repair.ts";
export { planRepair, type RepairPlan } from "./dataset/check/repair-plan.ts";
export { formatCheck } from "./dataset/check/report.ts";
export {
  EXPORT_KINDS,
  type ExportKind,
  type ExportNote,
  type ExportOptions,
} from "./dataset/export/common.ts";
export { exportDataset, importDataset } from "./dataset/export/export.ts";
export { DATASET_NAME, imagePath, type Layout, locate, planLayout } from "./dataset/layout.ts";
export { hashRecipe, type ImageRecipe, readManifest } from "./dataset/manifest.ts";
export { formatShow, type ShowSummary, showDataset } from "./dataset/show.ts";
export { openSource, type Source } from "./dataset/sources/sources.ts";
export { splitSamples } from "./dataset/sources/split.ts";
export { type PairScan, readPairs, scanPairs, writePairs } from "./dataset/store.ts";
export { REASONS } from "./derive/judge/reasons.ts";
export { type MergeOptions, mergeShards } from "./derive/run/merge.ts";
export type { DeriveOptions } from "./derive/run/options.ts";
export { type DeriveResult, derive } from "./derive/run/pipeline.ts";
export { deriveShard, type ShardChoice, type ShardRecord, type ShardResult } from "./derive/run/shard.ts";
export { type AgainstReport, checkAgainst } from "./derive/tables/against.ts";
export { drawSample, type SampleOptions } from "./drawn/sample.ts";
export { createSession } from "./engine/runtime/open-session.ts";
export type { Session } from "./engine/runtime/session.ts";
export { type SeedsSummary, summarizeSeeds } from "./evaluate/analysis/seed-summary.ts";
export { type Summary, summarize } from "./evaluate/analysis/summary.ts";
export { bootstrapBySubject } from "./evaluate/intervals/bootstrap.ts";
export { bootstrapClasses, type ClassIntervals } from "./evaluate/intervals/class-intervals.ts";
export { aucDifference, clusteredAuc } from "./evaluate/intervals/clustered.ts";
export { compareArms, type PairedComparison } from "./evaluate/intervals/compare.ts";
export { bootstrapTables, type GroupTableIntervals } from "./evaluate/intervals/group-intervals.ts";
export { delong, wilson } from "./evaluate/intervals/intervals.ts";
export { holm, mcnemar } from "./evaluate/intervals/mcnemar.ts";
export { type SeedSummary, seedSummary } from "./evaluate/intervals/seeds.ts";
export { type ClassMetrics, decideClass, evaluateClasses } from "./evaluate/metrics/classes.ts";
export { type GroupTable, metricsByGroup, tablesByGroup } from "./evaluate/metrics/groups.ts";
export { type BinaryMetrics, evaluateBinary } from "./evaluate/metrics/metrics.ts";
export { type ForeignPredictions, readForeign } from "./evaluate/stored/foreign.ts";
export { readSplits, writeSplits } from "./evaluate/stored/prediction-folder.ts";
export type { Prediction } from "./evaluate/stored/prediction-row.ts";
export { readPredictions, writePredictions } from "./evaluate/stored/predictions.ts";
export { PUBLISHED, type PublishedFile } from "./fetch/published.ts";
export {
  fetchCheckpoints,
  fetchDerivedHagrid,
  fetchHagrid,
  fetchHagridAnnotations,
  fetchLink,
  fetchMetrics,
} from "./fetch/sets.ts";
export type { FetchOptions, FetchSummary } from "./fetch/unit.ts";
export { type Face, type FaceDetector, openFaceDetector } from "./find/detect.ts";
export { openFinder } from "./find/find.ts";
export { BACKBONE_NAMES } from "./models/backbones/registry.ts";
export type { ModelFacts } from "./models/facts.ts";
export { describeModel, type ModelDescription } from "./models/files/describe.ts";
export { fetchPretrained, type HubOptions, type Pretrained } from "./models/files/hub.ts";
export { formatTag, parseTag, type Tag } from "./models/tags.ts";
export type { ClassTarget, TargetFacts } from "./models/targets.ts";
export { decodeImage, encodeJpeg, encodePng } from "./pixels/image.ts";
export { flipHorizontal, type RgbImage, resizeBilinear } from "./pixels/pixels.ts";
export { type ExportedModel, exportOnnx } from "./predict/export.ts";
export { openLocalPredictor } from "./predict/local.ts";
export { type LoadedModel, loadModel } from "./predict/model-file.ts";
export { type PhotoOptions, type PhotoPrediction, predictPhoto } from "./predict/photo.ts";
export {
  type AskedModality,
  type ImagePrediction,
  openPredictor,
  type Predictor,
  type PredictorOptions,
} from "./predict/predictor.ts";
export type { SeedRun } from "./predict/run-folder.ts";
export { type BundleNote, checkPublishable, croissantOf, writeBundle } from "./release/bundle.ts";
export type { CroissantDocument } from "./release/croissant-schema.ts";
export { datasetCard } from "./release/dataset-card.ts";
export { type DatasetFacts, datasetFacts, type ReleaseInfo } from "./release/facts.ts";
export { formatSummary } from "./report/format.ts";
export { formatSeedsSummary } from "./report/format-seeds.ts";
export { readStudyFile } from "./studies/plan/file.ts";
export { type Overrides, planStudy } from "./studies/plan/plan.ts";
export { auditRow } from "./studies/report/audit.ts";
export { bestCells } from "./studies/report/best.ts";
export { type FinalMetrics, readFinalMetrics } from "./studies/report/final-metrics.ts";
export { checkReport, makeReport, writeReport } from "./studies/report/report.ts";
export { localExecutor } from "./studies/run/local.ts";
export { runStudy, type StudyRunOptions } from "./studies/run/runner.ts";
export { slurmExecutor } from "./studies/run/slurm.ts";
export { type StudyStatus, studyStatus } from "./studies/run/status.ts";
export { readStudy, type Study } from "./studies/study.ts";
export { parseTrainConfig, type TrainConfig, trainConfigSchema } from "./train/config.ts";
export { type LoadedModels, loadModels, meanPrediction, openEnsemble } from "./train/ensemble.ts";
export { type EvaluationOptions, evaluationRows } from "./train/exchange/evaluation.ts";
export { type UpstreamOptions, upstreamModel } from "./train/exchange/upstream.ts";
export { type RunResult, type TrainOptions, train } from "./train/loop.ts";
export { readRunConfig } from "./train/run.ts";
export { type EpochLog, parseRunLog } from "./train/runlog.ts";
export { seedRuns } from "./train/seeds.ts";
