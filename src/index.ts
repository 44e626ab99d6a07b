// The public API: what programs may import from "facehand". Browser programs import "facehand/predict" instead.
// Invariant: named re-exports and nothing else; each has a docstring where it is declared (test/docs.test.ts).

export { fromErrno } from "./core/errno.ts";
export { AppError, type ErrorKind, EXIT_CODES, Interrupted } from "./core/errors.ts";
export { SEXES, type Sex } from "./core/vocabulary.ts";
export { type CheckedDataset, type CheckOptions, checkDataset } from "./data/check.ts";
export { formatCheck } from "./data/check-report.ts";
export { exportDataset, importDataset } from "./data/export.ts";
export { EXPORT_KINDS, type ExportKind, type ExportNote, type ExportOptions } from "./data/export-common.ts";
export {
  fetchCheckpoints,
  fetchDerivedHagrid,
  fetchHagrid,
  fetchHagridAnnotations,
  fetchLink,
  fetchMetrics,
} from "./data/fetch-sets.ts";
export type { FetchOptions, FetchSummary } from "./data/fetch-unit.ts";
export { FINDINGS, type Finding, type FindingCode } from "./data/findings.ts";
export { decodeImage, encodeJpeg, encodePng } from "./data/image.ts";
export { DATASET_NAME, imagePath, type Layout, locate, planLayout } from "./data/layout.ts";
export { hashRecipe, type ImageRecipe, readManifest } from "./data/manifest.ts";
export { flipHorizontal, type RgbImage, resizeBilinear } from "./data/pixels.ts";
export { PUBLISHED, type PublishedFile } from "./data/published.ts";
export {
  COLUMNS,
  MODALITIES,
  type Modality,
  type Pair,
  type Sample,
  SPLITS,
  type Split,
  sexIndex,
} from "./data/record.ts";
export { applyRepair, finishRepair } from "./data/repair.ts";
export { planRepair, type RepairPlan } from "./data/repair-plan.ts";
export { drawSample, type SampleOptions } from "./data/sample.ts";
export { formatShow, type ShowSummary, showDataset } from "./data/show.ts";
export { openSource, type Source } from "./data/sources.ts";
export { splitSamples } from "./data/split.ts";
export { type PairScan, readPairs, scanPairs, writePairs } from "./data/store.ts";
export { type AgainstReport, checkAgainst } from "./derive/against.ts";
export { type Face, type FaceDetector, openFaceDetector } from "./derive/detect.ts";
export { openFinder } from "./derive/find.ts";
export { type MergeOptions, mergeShards } from "./derive/merge.ts";
export type { DeriveOptions } from "./derive/options.ts";
export { type DeriveResult, derive } from "./derive/pipeline.ts";
export { REASONS } from "./derive/reasons.ts";
export { deriveShard, type ShardChoice, type ShardRecord, type ShardResult } from "./derive/shard.ts";
export { createSession } from "./engine/open-session.ts";
export type { Session } from "./engine/session.ts";
export { bootstrapBySubject } from "./evaluate/bootstrap.ts";
export { bootstrapClasses, type ClassIntervals } from "./evaluate/class-intervals.ts";
export { type ClassMetrics, decideClass, evaluateClasses } from "./evaluate/classes.ts";
export { aucDifference, clusteredAuc } from "./evaluate/clustered.ts";
export { compareArms, type PairedComparison } from "./evaluate/compare.ts";
export { type FinalMetrics, readFinalMetrics } from "./evaluate/final-metrics.ts";
export { type ForeignPredictions, readForeign } from "./evaluate/foreign.ts";
export { formatSummary } from "./evaluate/format.ts";
export { formatSeedsSummary } from "./evaluate/format-seeds.ts";
export { bootstrapTables, type GroupTableIntervals } from "./evaluate/group-intervals.ts";
export { type GroupTable, metricsByGroup, tablesByGroup } from "./evaluate/groups.ts";
export { delong, wilson } from "./evaluate/intervals.ts";
export { holm, mcnemar } from "./evaluate/mcnemar.ts";
export { type BinaryMetrics, evaluateBinary } from "./evaluate/metrics.ts";
export { readSplits, writeSplits } from "./evaluate/prediction-folder.ts";
export type { Prediction } from "./evaluate/prediction-row.ts";
export { readPredictions, writePredictions } from "./evaluate/predictions.ts";
export { type SeedsSummary, summarizeSeeds } from "./evaluate/seed-summary.ts";
export { type SeedSummary, seedSummary } from "./evaluate/seeds.ts";
export { type Summary, summarize } from "./evaluate/summary.ts";
export { describeModel, type ModelDescription } from "./models/describe.ts";
export { type ExportedModel, exportOnnx } from "./models/export.ts";
export type { ModelFacts } from "./models/facts.ts";
export { fetchPretrained, type HubOptions, type Pretrained } from "./models/hub.ts";
export {
  type AskedModality,
  type ImagePrediction,
  openPredictor,
  type Predictor,
  type PredictorOptions,
} from "./models/predictor.ts";
export { BACKBONE_NAMES } from "./models/registry.ts";
export { formatTag, parseTag, type Tag } from "./models/tags.ts";
export type { ClassTarget, TargetFacts } from "./models/targets.ts";
export { type BundleNote, checkPublishable, croissantOf, writeBundle } from "./release/bundle.ts";
export type { CroissantDocument } from "./release/croissant-schema.ts";
export { datasetCard } from "./release/dataset-card.ts";
export { type DatasetFacts, datasetFacts, type ReleaseInfo } from "./release/facts.ts";
export { auditRow } from "./studies/audit.ts";
export { bestCells } from "./studies/best.ts";
export { localExecutor } from "./studies/local.ts";
export { type Overrides, planStudy } from "./studies/plan.ts";
export { checkReport, makeReport, writeReport } from "./studies/report.ts";
export { runStudy, type StudyRunOptions } from "./studies/runner.ts";
export { slurmExecutor } from "./studies/slurm.ts";
export { type StudyStatus, studyStatus } from "./studies/status.ts";
export { readStudy, type Study } from "./studies/study.ts";
export { readStudyFile } from "./studies/study-file.ts";
export { parseTrainConfig, type TrainConfig, trainConfigSchema } from "./train/config.ts";
export { type LoadedModels, loadModels, meanPrediction, openEnsemble } from "./train/ensemble.ts";
export { type EvaluationOptions, evaluationRows } from "./train/evaluation.ts";
export { type RunResult, type TrainOptions, train } from "./train/loop.ts";
export { type LoadedModel, loadModel } from "./train/model-file.ts";
export { readRunConfig } from "./train/run.ts";
export type { SeedRun } from "./train/run-folder.ts";
export { type EpochLog, parseRunLog } from "./train/runlog.ts";
export { seedRuns } from "./train/seeds.ts";
export { type UpstreamOptions, upstreamModel } from "./train/upstream.ts";
