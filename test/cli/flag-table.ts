// Every flag of every verb, with what shows that it is no empty promise. test/cli/flags.test.ts goes through it; a flag
// without an entry fails there. Add the entry together with the flag.

/** How a flag is shown to do something. */
export type Proof =
  /** A test runs it and checks what it does; `as` is its name there, if it is not the flag itself. */
  | { readonly kind: "shown"; readonly by: string; readonly as?: string | undefined }
  /** `train` with this value leaves another model than without; with `with` on both sides. */
  | {
      readonly kind: "trained";
      readonly value: readonly string[];
      readonly with?: readonly string[] | undefined;
    }
  /** `study plan` with this value plans other cells. */
  | {
      readonly kind: "planned";
      readonly value: readonly string[];
      readonly with?: readonly string[] | undefined;
    }
  /** The first command prints something else than the second. */
  | { readonly kind: "differs"; readonly argv: readonly string[]; readonly from: readonly string[] }
  /** Threads: they change how fast it goes, and no figure. */
  | { readonly kind: "speed" };

const shown = (by: string, as?: string): Proof => ({ kind: "shown", by, as });
const cli = (name: string, as?: string) => shown(`test/cli/${name}.test.ts`, as);
const trained = (...value: readonly string[]): Proof => ({ kind: "trained", value });
const planned = (...value: readonly string[]): Proof => ({ kind: "planned", value });
const speed: Proof = { kind: "speed" };

/**
 * Flags of a configuration: the value that changes it, and what else the flag needs. Where that is what another flag is
 * tried with, the same training serves both.
 */
const SETTINGS: Readonly<Record<string, readonly [value: readonly string[], beside?: readonly string[]]>> = {
  "--image-size": [["48"]],
  "--pixels": [["inception"]],
  "--padding": [["same"]],
  "--bn-eps": [["0.01"]],
  "--epochs": [["3"]],
  "--frozen-epochs": [["1"]],
  "--start-size": [["16"], ["--phases", "2", "--start-strength", "0.5"]],
  "--start-strength": [["0.5"], ["--phases", "2", "--start-size", "16"]],
  "--phases": [["2"], ["--epochs", "4", "--start-size", "16", "--lr", "0.003"]],
  "--last-epochs": [["1"], ["--epochs", "4", "--start-size", "16", "--lr", "0.003", "--phases", "2"]],
  "--patience": [["1"], ["--epochs", "4", "--lr", "1e-9"]],
  "--batch": [["4"]],
  "--accumulate": [["2"]],
  "--lr": [["0.02"]],
  "--layer-decay": [["0.5"]],
  "--min-lr": [["0.0002"]],
  "--warmup-epochs": [["1"]],
  "--weight-decay": [["0.5"]],
  "--decay-all": [[], ["--weight-decay", "0.5"]],
  "--clip-norm": [["0.01"]],
  "--label-smoothing": [["0.3"]],
  "--ema": [["0.5"]],
  "--drop-rate": [["0.8"]],
  "--drop-path-rate": [["0.5"]],
  "--mixup": [["0.5"]],
  "--aa": [["rand-m9-mstd0.5-inc1"], ["--tag", "test_efficientnet.none_F0_Af_Lb_Z0"]],
  "--targets": [["gender,age,race"]],
  "--age-weight": [["3"], ["--targets", "gender,age,race"]],
  "--race-weight": [["3"], ["--targets", "gender,age,race"]],
  "--split-seed": [["5"]],
  "--val": [["0.4"]],
  "--test": [["0.3"]],
};

/** Flags of what pushes to a hub. */
const PUSH: Readonly<Record<string, Proof>> = Object.fromEntries(
  ["--branch", "--message", "--private", "--replace", "--dry-run", "--json"].map((flag) => [
    flag,
    cli("hub"),
  ]),
);

/** Where training under test has a network that takes no such choice: in the plan, of one that does. */
const GLOBAL_POOL = {
  kind: "planned",
  value: ["avg"],
  with: ["--backbone", "vit_tiny_patch16_224.none"],
} as const;

const ONE_STEP = ["--epochs", "1", "--batch", "8"];

const settings = (kind: "trained" | "planned"): Readonly<Record<string, Proof>> =>
  Object.fromEntries(
    Object.entries(SETTINGS).map(([flag, [value, beside]]) => [flag, { kind, value, with: beside }]),
  );

const PLAN: Readonly<Record<string, Proof>> = {
  ...settings("planned"),
  "--aa": planned("rand-m9-mstd0.5-inc1"), // of the study's own tags
  "--global-pool": GLOBAL_POOL,
  "--data": cli("study-protocols"),
  "--test-data": cli("study-protocols"),
  "--backbone": planned("test_efficientnet.none", "--backbone", "mobilenetv3_small_050.none"),
  "--seeds": cli("study-protocols"),
  "--only": cli("study-protocols"),
  "--weights": shown("src/studies/plan/plan.test.ts", "settings: { weights }"),
};

const RELEASE: Readonly<Record<string, Proof>> = {
  "--licence": cli("release"),
  "--release": cli("release"),
  "--date": cli("release"),
  "--creator": cli("release"),
  "--url": cli("release"),
  "--title": {
    kind: "differs",
    argv: ["release", "card", "{pairs}", "{release}", "--title", "Other"],
    from: ["release", "card", "{pairs}", "{release}"],
  },
  "--answers": cli("release"),
};

/** By verb, then by flag. */
export const FLAG_TABLE: Readonly<Record<string, Readonly<Record<string, Proof>>>> = {
  demo: {
    "--out": cli("demo"),
    "--subjects": cli("demo"),
    "--epochs": cli("demo"),
    "--seed": cli("demo"),
    "--min-subjects": shown("test/cli/demo.test.ts", "min-subjects"),
  },
  "data fetch": {
    "--out": cli("data-fetch"),
    "--best-umcc": cli("data-fetch"),
    "--best-mag": cli("data-fetch"),
    "--gestures": cli("data-fetch"),
    "--images": cli("data-fetch"),
    "--mirror": cli("data-fetch"),
    "--name": cli("data-fetch"),
    "--sha256": shown("src/fetch/fetch.test.ts", "sha256"),
    "--jobs": cli("data-fetch"),
    "--keep-archives": shown("src/fetch/fetch.test.ts", "keepArchives"),
    "--drive-endpoint": cli("data-fetch"),
    "--json": cli("data-fetch"),
  },
  "data show": {
    "--rows": {
      kind: "differs",
      argv: ["data", "show", "{pairs}", "--rows", "1"],
      from: ["data", "show", "{pairs}"],
    },
    "--json": cli("exit-codes"),
  },
  "data check": { "--against": cli("data-check"), "--threads": speed, "--json": cli("data-check") },
  "data repair": { "--apply": cli("data-repair"), "--json": cli("data-repair") },
  "data export": {
    "--parquet": cli("data-export"),
    "--webdataset": cli("data-export"),
    "--imagefolder": cli("data-export"),
    "--shard-mb": shown("src/dataset/export/export.test.ts", "shardBytes"),
    "--with-removed": cli("release"),
    "--decisions": cli("erase"),
    "--out": cli("data-export"),
    "--json": cli("data-export"),
  },
  "data import": { "--out": cli("data-export"), "--json": cli("data-export") },
  "data sample": {
    "--out": cli("exit-codes"),
    "--subjects": cli("exit-codes"),
    "--frames": cli("exit-codes"),
    "--seed": shown("src/drawn/sample.test.ts", "seed"),
    "--json": {
      kind: "differs",
      argv: ["data", "sample", "--out", "{sample}", "--subjects", "2", "--frames", "1", "--json"],
      from: ["data", "sample", "--out", "{sample}", "--subjects", "2", "--frames", "1"],
    },
  },
  derive: {
    "--hagrid": cli("derive"),
    "--gestures": cli("derive"),
    "--meta": shown("src/derive/hagrid/annotations.test.ts", "metaFile"),
    "--face-model": cli("derive"),
    "--face-landmarks": cli("derive"),
    "--hand-crop": cli("derive-decide"),
    "--rule": cli("derive-decide"),
    "--no-rule": cli("derive-decide"),
    "--decisions": cli("derive-decide"),
    "--age-edges": cli("derive-decide"),
    "--out": cli("derive"),
    "--splits": shown("src/derive/run/pipeline.test.ts", 'splits: "hagrid"'),
    "--seed": shown("src/derive/tables/splits.test.ts", "seed"),
    "--val": cli("derive"),
    "--test": cli("derive"),
    "--size": cli("derive"),
    "--threads": speed,
    "--shard": cli("derive"),
    "--executor": cli("derive"),
    "--shards": cli("derive"),
    "--sbatch": cli("derive"),
    "--report": cli("erase"),
    "--json": cli("derive"),
  },
  "derive merge": { "--out": cli("derive"), "--json": cli("derive") },
  "derive report": {
    "--min-subjects": cli("losses"),
    "--out": cli("derive-decide"),
    "--examples": shown("src/report/ledger/rows.ts", "examples"),
  },
  "derive labels": {
    "--predictions": cli("derive-decide"),
    "--min": cli("derive-decide"),
    "--out": cli("derive-decide"),
    "--json": cli("derive-decide"),
  },
  serve: {
    "--port": cli("serve"),
    "--host": cli("serve"),
    "--hagrid": cli("serve"),
    "--open": cli("serve"),
    "--log": cli("serve"),
  },
  "audit agreement": {
    "--bootstrap": cli("audit"),
    "--min-subjects": cli("audit"),
    "--json": cli("audit"),
  },
  "audit resolve": {
    "--out": cli("audit"),
  },
  train: {
    ...settings("trained"),
    // The network of the other flags has one form of pooling, and no branch to drop. One step shows it in larger ones.
    "--global-pool": {
      kind: "trained",
      value: ["avg"],
      with: ["--tag", "vit_tiny_patch16_224.none_F0_An_Lb_Z2", ...ONE_STEP],
    },
    "--drop-path-rate": {
      kind: "trained",
      value: ["0.9"],
      with: ["--tag", "mobilenetv3_small_050.none_F0_An_Lb_Z0", ...ONE_STEP],
    },
    "--kernels": cli("kernels"),
    "--arch": cli("seeds"),
    "--tag": cli("seeds"),
    "--data": cli("seeds"),
    "--modality": trained("face"),
    "--weights": cli("model-fetch"),
    "--seed": trained("7"),
    "--seeds": cli("seeds"),
    "--out": cli("seeds"),
    "--resume": cli("train-batch"),
    "--memory": cli("train-batch"),
    "--config": cli("train-config"),
    "--print-config": cli("train-config"),
    "--threads": speed,
    "--workers": speed,
    "--tensorboard": shown("src/cli/train/tensorboard.test.ts", "tensorboard"),
    "--device": shown("test/cli/flags.test.ts"),
    "--json": { kind: "shown", by: "test/cli/flags.test.ts" },
  },
  "kernels build": { "--json": cli("kernels") },
  evaluate: {
    "--split": cli("seeds"),
    "--data": cli("seeds"),
    "--out": shown("test/cli/flags.test.ts"),
    "--other-recipe": shown("src/train/exchange/evaluation.test.ts", "ecipe"),
    "--modality": cli("evaluate"),
    "--bootstrap": cli("evaluate"),
    "--workers": speed,
    "--device": cli("predict"),
    "--json": cli("evaluate"),
    "--groups": cli("evaluate"),
    "--join": cli("evaluate"),
    "--group-intervals": cli("evaluate"),
    "--calibrate": cli("evaluate"),
    "--thresholds": cli("evaluate"),
    "--selective": cli("evaluate"),
    "--against": cli("evaluate-report"),
    "--report": cli("evaluate-report"),
    "--min-subjects": cli("evaluate"),
  },
  predict: {
    "--mirror": cli("upstream"),
    "--drive-endpoint": shown("test/cli/flag-table.ts"),
    "--modality": cli("predict"),
    "--detect": cli("predict"),
    "--face-model": cli("predict"),
    "--hand-model": cli("predict"),
    "--hand-crop": cli("predict"),
    "--threads": speed,
    "--csv": cli("predict"),
    "--pictures": cli("predict"),
    "--device": cli("predict"),
    "--json": cli("predict"),
  },
  "study plan": {
    ...PLAN,
    "--out": cli("study-protocols"),
    "--no-measure": cli("study-protocols"),
    "--json": cli("study-protocols"),
  },
  "study run": {
    ...PLAN,
    "--out": cli("study-protocols"),
    "--max-parallel": cli("study-protocols"),
    "--retries": shown("src/studies/run/runner.test.ts", "retries"),
    "--fail-fast": cli("study-protocols"),
    "--threads": speed,
    "--workers": speed,
    "--device": shown("test/cli/flags.test.ts"),
    "--executor": cli("study-protocols"),
    "--sbatch": cli("study-protocols"),
  },
  "study status": { "--json": cli("study-protocols") },
  "study best": {
    "--k": cli("study-protocols", '"-k"'),
    "--arch": cli("study-protocols"),
    "--only": shown("src/studies/run/runner.test.ts", 'only: { L: "f" }'),
    "--modality": cli("study-protocols"),
    "--metric": shown("src/studies/report/report.test.ts", "metric"),
    "--json": cli("study-protocols"),
  },
  "study report": {
    "--out": cli("study-report"),
    "--check": cli("study-report"),
    "--bootstrap": cli("study-report"),
    "--min-subjects": cli("study-report"),
  },
  "study audit": {
    "--values": cli("study-report"),
    "--mean": cli("study-report"),
    "--std": cli("study-report"),
    "--n": cli("study-report"),
    "--json": cli("study-report"),
  },
  "model list": { "--json": cli("model-list") },
  "model fetch": {
    "--out": cli("model-fetch"),
    "--offline": cli("model-fetch"),
    "--json": cli("model-fetch"),
  },
  "model show": { "--all": cli("model"), "--json": cli("model") },
  "model convert": {
    "--arch": cli("model"),
    "--tag": cli("model"),
    "--image-size": cli("model"),
    "--pixels": cli("model"),
    "--padding": cli("model"),
    "--global-pool": cli("model"),
    "--bn-eps": cli("model"),
    "--ema": cli("model"),
    "--no-ema": cli("model"),
    "--out": cli("model"),
    "--json": cli("model"),
  },
  "model export": {
    "--onnx": cli("model"),
    "--fp16": cli("model"),
    "--int8": cli("model"),
    "--data": cli("model"),
    "--split": shown("test/cli/flags.test.ts"),
    "--other-recipe": shown("src/train/exchange/evaluation.test.ts", "ecipe"),
    "--workers": speed,
    "--json": cli("model"),
  },
  "model card": {
    "--out": shown("test/cli/flags.test.ts"),
    "--bootstrap": cli("seeds"),
    "--min-subjects": cli("seeds"),
  },
  "model push": { ...PUSH, "--licence": cli("hub"), "--min-subjects": cli("hub") },
  "release bundle": {
    ...RELEASE,
    "--out": cli("release"),
    "--with-removed": cli("release"),
    "--no-parquet": cli("release"),
    "--hash-subjects": cli("erase"),
    "--key": cli("erase"),
    "--decisions": cli("erase"),
    "--annotations": cli("audit"),
    "--json": cli("release"),
  },
  "release push": { ...PUSH, "--decisions": cli("hub") },
  "release page": {
    ...RELEASE,
    "--out": cli("release"),
    "--with-pictures": cli("release"),
    "--decisions": cli("erase"),
    "--json": cli("release"),
  },
  "release space": {
    "--out": shown("test/browser/space.test.ts"),
    "--title": shown("test/browser/space.test.ts"),
    "--licence": shown("test/browser/space.test.ts"),
    "--json": shown("test/browser/space.test.ts"),
  },
  "release retract": {
    "--subject": cli("retract"),
    "--out": cli("retract"),
    "--key": cli("retract"),
    "--reason": cli("retract"),
    "--runs": cli("retract"),
    "--release": cli("retract"),
    "--date": cli("retract"),
    "--json": cli("retract"),
  },
  "release card": { ...RELEASE, "--out": cli("release"), "--no-parquet": cli("release") },
  "release croissant": {
    ...RELEASE,
    "--out": cli("release"),
    "--no-parquet": cli("release"),
    "--annotations": cli("audit"),
  },
  "release questions": { "--out": cli("release") },
  doctor: { "--json": cli("doctor"), "--prune": shown("test/install.test.ts") },
};

/** Combinations in which a flag would have no effect, and the flag that is refused. */
export const REFUSED: readonly (readonly [argv: readonly string[], flag: string])[] = [
  [["predict", "{ckpt}", "{image}", "--modality", "hand"], "--modality"],
  [["predict", "{ckpt}", "{image}", "--hand-crop", "box"], "--hand-crop"],
  [["predict", "{ckpt}", "{image}", "--face-model", "x.onnx"], "--face-model"],
  [["predict", "{ckpt}", "{image}", "--hand-model", "x.onnx"], "--hand-model"],
  [["predict", "{ckpt}", "{image}", "--pictures", "x"], "--pictures"],
  [["predict", "{ckpt}", "{image}", "--mirror", "x"], "--mirror"],
  [["predict", "{ckpt}", "{image}", "--drive-endpoint", "http://x"], "--drive-endpoint"],
  [["evaluate", "{run}", "--out", "x.parquet"], "--out"],
  [["evaluate", "{run}", "--other-recipe"], "--other-recipe"],
  [["evaluate", "{run}", "--workers", "3"], "--workers"],
  [["evaluate", "{run}", "--modality", "face"], "--modality"],
  [["evaluate", "{run}", "--device", "auto"], "--device"],
  [["evaluate", "{run}", "--group-intervals", "--bootstrap", "0"], "--group-intervals"],
  [["model", "export", "{ckpt}", "--onnx", "x", "--split", "test"], "--split"],
  [["model", "export", "{ckpt}", "--onnx", "x", "--other-recipe"], "--other-recipe"],
  [["model", "export", "{ckpt}", "--onnx", "x", "--workers", "3"], "--workers"],
  [["model", "convert", "{ckpt}", "--arch", "umcc", "--out", "x.pt"], "arch"],
  [["data", "export", "{pairs}", "--imagefolder", "--shard-mb", "4", "--out", "x"], "--shard-mb"],
  [["data", "fetch", "metrics", "--out", "x", "--gestures", "palm"], "--gestures"],
  [["data", "fetch", "metrics", "--out", "x", "--images", "512"], "--images"],
  [["data", "fetch", "metrics", "--out", "x", "--best-mag"], "--best-mag"],
  [["data", "fetch", "metrics", "--out", "x", "--name", "y"], "--name"],
  [["data", "fetch", "metrics", "--out", "x", "--keep-archives"], "--keep-archives"],
  [["derive", "{hagrid}", "--splits", "hagrid", "--seed", "3"], "--seed"],
  [["derive", "{hagrid}", "--splits", "hagrid", "--val", "0.3"], "--val"],
  [["derive", "{hagrid}", "--splits", "hagrid", "--test", "0.3"], "--test"],
  [["derive", "{hagrid}", "--shards", "2"], "--shards"],
  [["derive", "{hagrid}", "--sbatch", "x"], "--sbatch"],
  [["derive", "{hagrid}", "--shard", "1/2", "--report", "x.html"], "--report"],
  [["train", "{training}", "--data", "utkface:{faces}", "--global-pool", "avg"], "--global-pool"],
  [["train", "{training}", "--data", "utkface:{faces}", "--patience", "2"], "--patience"],
  [["train", "{training}", "--data", "pairs:{pairs}", "--val", "0.3"], "--val"],
  [["train", "{training}", "--data", "pairs:{pairs}", "--test", "0.3"], "--test"],
  [["train", "{training}", "--data", "pairs:{pairs}", "--split-seed", "3"], "--split-seed"],
  [["train", "{training}", "--data", "utkface:{faces}", "--memory", "1"], "--memory"],
  [["train", "{training}", "--data", "utkface:{faces}", "--race-weight", "1"], "--race-weight"],
  [["train", "{training}", "--data", "utkface:{faces}", "--age-weight", "1"], "--age-weight"],
  [["train", "{training}", "--data", "utkface:{faces}", "--seed", "1", "--seeds", "2,3"], "--seed"],
  [["train", "{training}", "--data", "utkface:{faces}", "--weight-decay", "0", "--decay-all"], "--decay-all"],
  [["train", "{training}", "--data", "utkface:{faces}", "--weights", "x.pt"], "--weights"],
  [["train", "{training}", "--data", "utkface:{faces}", "--drop-path-rate", "0.5"], "--drop-path-rate"],
  [["train", "{frozen}", "--data", "utkface:{faces}", "--layer-decay", "0.5"], "--layer-decay"],
  [
    [
      "study",
      "run",
      "seeds",
      "--out",
      "x",
      "--data",
      "pairs:{pairs}",
      "--sbatch",
      "x",
      "--backbone",
      "test_efficientnet.none",
    ],
    "--sbatch",
  ],
  [["study", "audit", "x.csv", "--values", "0.9"], "--values"],
  [["study", "audit", "x.csv", "--mean", "0.9"], "--mean"],
  [["study", "audit", "x.csv", "--std", "0.9"], "--std"],
  [["study", "audit", "x.csv", "--n", "9"], "--n"],
  [["study", "best", "x", "--arch", "mag", "--only", "arch=umcc"], "--arch"],
];
