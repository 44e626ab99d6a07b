// The public API, by noun; pages import "facehand/predict" and "facehand/evaluate". Invariant: named re-exports and nothing else,
// each with a docstring where it is declared (test/docs.test.ts), and every type that a signature names (test/api.test.ts).
// Words and faults

export type { Clock } from "./core/clock.ts";
export { fromErrno } from "./core/errno.ts";
export { AppError, type ErrorKind, type ErrorOptions, EXIT_CODES, Interrupted } from "./core/errors.ts";
export type { Progress } from "./core/progress.ts";
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

// Dataset: pairs and other sources on disk, fetched, drawn, checked, exported; images

export {
  type CheckedDataset,
  type CheckOptions,
  type CheckReport,
  checkDataset,
} from "./dataset/check/check.ts";
export type {
  CountedPair,
  DatasetCounts,
  GroupCount,
  JointCount,
  SplitCount,
} from "./dataset/check/counts.ts";
export {
  FINDINGS,
  type Finding,
  type FindingCode,
  type Kind,
  type Place,
  SEVERITIES,
  type Severity,
} from "./dataset/check/findings.ts";
export { applyRepair, finishRepair, type RepairOptions } from "./dataset/check/repair.ts";
export { planRepair, type Repair, type RepairPlan } from "./dataset/check/repair-plan.ts";
export { formatCheck } from "./dataset/check/report.ts";
export type { Cells, Column, ScannedRow } from "./dataset/check/tables.ts";
export {
  EXPORT_KINDS,
  type ExportKind,
  type ExportNote,
  type ExportOptions,
} from "./dataset/export/common.ts";
export { exportDataset, importDataset } from "./dataset/export/export.ts";
export { DATASET_NAME, imagePath, type Layout, locate, planLayout } from "./dataset/layout.ts";
export {
  type Derivation,
  hashRecipe,
  type ImageRecipe,
  type Manifest,
  readManifest,
} from "./dataset/manifest.ts";
export type { PackOptions } from "./dataset/pack.ts";
export type { Pseudonyms } from "./dataset/pseudonyms.ts";
export { formatShow, type ShowSummary, type SplitSummary, showDataset } from "./dataset/show.ts";
export { openSource, type Source } from "./dataset/sources/sources.ts";
export {
  type Dealable,
  type SplitOptions,
  type SubjectShares,
  splitSamples,
} from "./dataset/sources/split.ts";
export { type PairScan, type PairsBySplit, readPairs, scanPairs, writePairs } from "./dataset/store.ts";
export { drawSample, type SampleOptions } from "./drawn/sample.ts";
export { PUBLISHED, type PublishedFile } from "./fetch/published.ts";
export {
  fetchCheckpoints,
  fetchDerivedHagrid,
  fetchHagrid,
  fetchHagridAnnotations,
  fetchLink,
  fetchMetrics,
  type LinkOptions,
} from "./fetch/sets.ts";
export type { FetchedFile, FetchedFolder, FetchOptions, FetchSummary } from "./fetch/unit.ts";
export type { Photo, PhotoLike, Pictures } from "./pixels/fast/pictures.ts";
export type { Box, Point, Space } from "./pixels/geometry.ts";
export { decodeImage, encodeJpeg, encodePng, type JpegOptions } from "./pixels/image.ts";
export type { DecodeOptions } from "./pixels/picture-file.ts";
export { flipHorizontal, type RgbImage, resizeBilinear } from "./pixels/pixels.ts";

// Derive: from frames to pairs; what finds faces and hands

export type { RuleChoice, RuleName, RuleReason } from "./derive/judge/clean.ts";
export { REASONS, type Reason } from "./derive/judge/reasons.ts";
export { type MergeOptions, mergeShards } from "./derive/run/merge.ts";
export type { DeriveOptions } from "./derive/run/options.ts";
export { type DeriveResult, derive } from "./derive/run/pipeline.ts";
export { deriveShard, type ShardChoice, type ShardRecord, type ShardResult } from "./derive/run/shard.ts";
export { type AgainstOptions, type AgainstReport, checkAgainst } from "./derive/tables/against.ts";
export type { Face, FaceDetector, FaceLandmarks, FaceRecipe } from "./find/detect.ts";
export type { Finder, FoundCrop } from "./find/find.ts";
export type { TurnedSquare } from "./find/hand-square.ts";
export type { ModelFile, PackagedModel } from "./find/models.ts";
export { type DetectorOptions, type FinderOptions, openFaceDetector, openFinder } from "./find/open.ts";
export { readPackaged } from "./find/packaged.ts";

// Model: what a network is, its weights and how it runs

export type { Position } from "./engine/checkpoint.ts";
export type { Weights } from "./engine/params.ts";
export { createSession } from "./engine/runtime/open-session.ts";
export { type Session, type SessionOptions, Tensor, type Tensors } from "./engine/runtime/session.ts";
export type { Literal } from "./formats/python-literal.ts";
export type { WeightsTaken } from "./formats/torch/weights.ts";
export { BACKBONE_NAMES } from "./models/backbones/registry.ts";
export type { ModelFacts, PixelFacts, SourceFacts } from "./models/facts.ts";
export { describeModel, type ModelDescription, type TensorLine } from "./models/files/describe.ts";
export { fetchPretrained, type HubOptions, type HubRecipe, type Pretrained } from "./models/files/hub.ts";
export { formatTag, parseTag, type Tag } from "./models/tags.ts";
export { CLASS_TARGETS, type ClassTarget, type TargetFacts } from "./models/targets.ts";

// Train: runs and their folders
export { parseTrainConfig } from "./train/config.ts";
export { type TrainConfig, trainConfigSchema } from "./train/config-schema.ts";
export { type RunResult, type TrainOptions, train } from "./train/loop.ts";
export { readRunConfig } from "./train/run.ts";
export { type EpochLog, parseRunLog } from "./train/runlog.ts";
export { seedRuns } from "./train/seeds.ts";
export type { StepResult } from "./train/step/step.ts";

// Evaluate: predictions on disk, figures, intervals, groups

export type { AgeFigure, AgeGroup, AgeTable } from "./evaluate/analysis/ages.ts";
export {
  type SeedGroup,
  type SeedJudgement,
  type SeedMetrics,
  type SeedPart,
  type SeedRows,
  type SeedsSummary,
  type SeedTable,
  summarizeSeeds,
} from "./evaluate/analysis/seed-summary.ts";
export {
  type ImageCounts,
  type Part,
  type Summary,
  type SummaryOptions,
  summarize,
} from "./evaluate/analysis/summary.ts";
export type { TargetPart, TargetSummary } from "./evaluate/analysis/target-summary.ts";
export {
  type BootstrapIntervals,
  type BootstrapMetric,
  type BootstrapOptions,
  bootstrapBySubject,
} from "./evaluate/intervals/bootstrap.ts";
export {
  bootstrapClasses,
  CLASS_METRICS,
  type ClassIntervals,
  type ClassMetric,
} from "./evaluate/intervals/class-intervals.ts";
export {
  type AucDifference,
  aucDifference,
  type ClusteredAuc,
  clusteredAuc,
} from "./evaluate/intervals/clustered.ts";
export {
  type CompareOptions,
  compareArms,
  type PairedArms,
  type PairedComparison,
} from "./evaluate/intervals/compare.ts";
export {
  bootstrapTables,
  type GroupTableIntervals,
  type SpreadIntervals,
} from "./evaluate/intervals/group-intervals.ts";
export { type DeLong, delong, type Interval, wilson } from "./evaluate/intervals/intervals.ts";
export { holm, type McNemar, mcnemar } from "./evaluate/intervals/mcnemar.ts";
export { type SeedSummary, seedSummary } from "./evaluate/intervals/seeds.ts";
export type { BootstrapInterval, IntervalMethod } from "./evaluate/intervals/subject-intervals.ts";
export type { Scores } from "./evaluate/metrics/binary.ts";
export {
  type ClassMetrics,
  type ClassRecall,
  decideClass,
  evaluateClasses,
} from "./evaluate/metrics/classes.ts";
export type { Confusion } from "./evaluate/metrics/counts.ts";
export {
  type Comparison,
  type GroupMetrics,
  type GroupOptions,
  type GroupTable,
  metricsByGroup,
  tablesByGroup,
} from "./evaluate/metrics/groups.ts";
export { type BinaryMetrics, evaluateBinary } from "./evaluate/metrics/metrics.ts";
export type {
  IntervalKind,
  Metric,
  MetricFrom,
  OfBins,
  OfCounts,
  OfOrder,
  OfSums,
  Subjects,
  Sums,
} from "./evaluate/metrics/row.ts";
export type { Judged, Scored } from "./evaluate/metrics/small.ts";
export { METRICS, type MetricName, type MetricValue, type MetricWith } from "./evaluate/metrics/table.ts";
export type { ComparedMetric, WeightedMetric } from "./evaluate/metrics/weighted.ts";
export { type ForeignOptions, type ForeignPredictions, readForeign } from "./evaluate/stored/foreign.ts";
export { readSplits, writeSplits } from "./evaluate/stored/prediction-folder.ts";
export type { ClassProbabilities, Prediction } from "./evaluate/stored/prediction-row.ts";
export { readPredictions, writePredictions } from "./evaluate/stored/predictions.ts";
export type { SubjectFacts } from "./evaluate/stored/subjects.ts";
export { formatSummary } from "./report/format.ts";
export { formatSeedsSummary } from "./report/format-seeds.ts";
export { type EvaluationOptions, evaluationRows } from "./train/exchange/evaluation.ts";

// Study: grids of runs

export { AXES, type Match, readStudyFile, type SettingKey, type StudyFile } from "./studies/plan/file.ts";
export { type Overrides, planStudy } from "./studies/plan/plan.ts";
export { type AuditFinding, auditRow, type PublishedRow } from "./studies/report/audit.ts";
export { type BestOptions, bestCells, type RankedCell, type Ranking } from "./studies/report/best.ts";
export { type FinalMetrics, readFinalMetrics } from "./studies/report/final-metrics.ts";
export {
  checkReport,
  makeReport,
  type Report,
  type ReportOptions,
  writeReport,
} from "./studies/report/report.ts";
export type {
  Labelled,
  ResultSource,
  RunResult as StudyRunResult,
  StudyResults,
} from "./studies/report/results.ts";
export type { JournalEvent } from "./studies/run/journal.ts";
export { type LocalExecutorOptions, localExecutor } from "./studies/run/local.ts";
export {
  type ArrayExecutor,
  type ArrayOptions,
  type Executor,
  type Outcome,
  type RunOptions,
  runStudy,
  type StudyResult,
  type StudyRunOptions,
} from "./studies/run/runner.ts";
export { type SlurmOptions, slurmExecutor } from "./studies/run/slurm.ts";
export {
  type StudyStatus,
  studyStatus,
  TASK_STATES,
  type TaskState,
  type TaskStatus,
} from "./studies/run/status.ts";
export { readStudy, type Study, type Task } from "./studies/study.ts";

// Release: what is needed to publish a dataset

export {
  type BundleNote,
  type BundleOptions,
  checkPublishable,
  croissantOf,
  writeBundle,
} from "./release/bundle.ts";
export { type CardFiles, cardFiles, type SplitSize } from "./release/card-files.ts";
export type { CroissantDocument } from "./release/croissant-schema.ts";
export { datasetCard } from "./release/dataset-card.ts";
export { type Answers, type DatasetFacts, datasetFacts, type ReleaseInfo } from "./release/facts.ts";

// Predict: photos and crops, by one model or several

export { type ExportedModel, exportOnnx } from "./predict/export.ts";
export type { Compute, LocalOptions } from "./predict/infer.ts";
export { openLocalPredictor } from "./predict/local.ts";
export { type LoadedModel, loadModel } from "./predict/model-file.ts";
export { type PhotoOptions, predictPhoto } from "./predict/photo.ts";
export {
  type AskedModality,
  type ImagePrediction,
  openPredictor,
  type Predictor,
  type PredictorOptions,
} from "./predict/predictor.ts";
export type { PhotoPrediction } from "./predict/prepare.ts";
export type { SeedRun } from "./predict/run-folder.ts";
export { type LoadedModels, loadModels, meanPrediction, openEnsemble } from "./train/ensemble.ts";
export { type UpstreamOptions, upstreamModel } from "./train/exchange/upstream.ts";
