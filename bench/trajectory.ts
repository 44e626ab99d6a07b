// Are our training steps PyTorch's? Both sides take the same batches of pixels from the same weights, without dropout;
// PyTorch does so in float32 and in float64. Rounding grows from step to step on either side: what counts is that ours
// is no farther from float64 than PyTorch's own float32.
// Usage: npm run bench -- trajectory RUN --weights FILE [--steps N] [--python PATH] [--timm DIR]; RUN: UMCC, of `train`
import { spawnSync } from "node:child_process";
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { AppError } from "../src/core/errors.ts";
import { Random } from "../src/core/random.ts";
import type { Batch } from "../src/dataset/loader/order.ts";
import { adamw, cosineLr } from "../src/engine/optim.ts";
import { initialise, type Weights } from "../src/engine/params.ts";
import { modelGraph } from "../src/models/facts.ts";
import { exportStateDict, loadBackbone } from "../src/models/files/weights.ts";
import { parseTag } from "../src/models/tags.ts";
import { openWeights } from "../src/predict/infer.ts";
import { predictSamples } from "../src/predict/row.ts";
import { factsOf, type TrainConfig } from "../src/train/config.ts";
import { openData, type RunData, trainBatches } from "../src/train/data.ts";
import { readRunConfig } from "../src/train/run.ts";
import { openTrainStep } from "../src/train/step/local.ts";
import { stepBatch } from "../src/train/step/recorded.ts";
import type { TrainStep } from "../src/train/step/step.ts";
import { parseOptions } from "./options.ts";
import { findPython } from "./peer.ts";

/** What trajectory.py returns: losses of each precision, and its evaluation of our last weights. */
interface PeerSteps {
  readonly versions: Readonly<Record<string, string>>;
  readonly float32: readonly number[];
  readonly float64: readonly number[];
  /** Log-odds that PyTorch finds for the first batch with our last weights, in evaluation. */
  readonly logits: readonly number[];
}

async function takeBatches(data: RunData, config: TrainConfig, steps: number): Promise<Batch[]> {
  const batches = trainBatches(data, config, 2);
  const taken: Batch[] = [];
  for (let epoch = 0; taken.length < steps; epoch++) {
    for await (const batch of batches.epoch(epoch)) if (taken.length < steps) taken.push(batch);
  }
  await batches.close();
  return taken;
}

async function trainOurs(step: TrainStep, batches: readonly Batch[], data: RunData, config: TrainConfig) {
  const losses: number[] = [];
  for (const [k, batch] of batches.entries()) {
    const lr = cosineLr(k, { lr: config.lr, minLr: 0, totalSteps: batches.length, warmupSteps: 0 });
    const { weightDecay: decay, seed } = config;
    const schedule = { step: k + 1, lr, decay, clipNorm: Number.POSITIVE_INFINITY, focal: 0, seed };
    losses.push((await step.run(stepBatch(batch, data, config), schedule)).loss);
  }
  return losses;
}

/** Runs the comparison. @param argv - arguments after `trajectory` */
export async function trajectory(argv: readonly string[]): Promise<void> {
  const options = { weights: { type: "string" }, steps: { type: "string", default: "20" } } as const;
  const places = { python: { type: "string" }, timm: { type: "string" } } as const;
  const { values, positionals } = parseOptions(argv, { ...options, ...places });
  const [run] = positionals;
  const { weights: file, timm } = values;
  const config = run === undefined ? undefined : { ...(await readRunConfig(run)), decayAll: true };
  if (config?.arch !== "umcc" || file === undefined)
    throw new AppError("input", "BENCH_OPTION", "Expected RUN of UMCC and --weights FILE, got less");
  const python = findPython(values.python, timm);
  if ("missing" in python)
    throw new AppError("input", "PEER", `Expected a Python with torch and timm, got: ${python.missing}`);
  const data = await openData(config);
  const facts = factsOf(config, data.facts);
  const { mean, std, sizePx } = facts.pixels;
  const model = modelGraph(facts, { dropRate: 0 });
  const setup = { batchSize: config.batch, sizePx, mean, std, optimizer: adamw(), decayAll: true };
  const step = await openTrainStep({ model, ...setup });
  const first: Weights = new Map([
    ...initialise(step.specs, Random.of(config.seed)),
    ...(await loadBackbone(file, step.specs)),
  ]);
  const batches = await takeBatches(data, config, Number(values.steps));
  const folder = mkdtempSync(join(tmpdir(), "facehand-trajectory-"));
  try {
    await exportStateDict(join(folder, "first.pt"), step.specs, first);
    step.load(first);
    const ours = await trainOurs(step, batches, data, config);
    const { weights: last } = await step.save();
    await exportStateDict(join(folder, "last.pt"), step.specs, last);
    await step.close();
    writeFileSync(join(folder, "batches.u8"), Buffer.concat(batches.map(({ images }) => images)));
    const sent = batches.map(({ targets, modality }) => ({ targets: [...targets], modality: [...modality] }));
    const backbone = parseTag(config.tag).backbone;
    const job = {
      backbone,
      padding: config.padding ?? null,
      flag: facts.flag,
      ...setup,
      lr: config.lr,
      weightDecay: config.weightDecay,
    };
    writeFileSync(join(folder, "job.json"), JSON.stringify({ ...job, timm, batches: sent }));
    const peer = runPeer(python.path, folder);
    const logits = await evaluateOurs(last, batches[0]!, facts);
    report(ours, peer, logits, { arch: config.arch, tag: config.tag, imageSize: sizePx });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function runPeer(python: string, folder: string): PeerSteps {
  const script = fileURLToPath(new URL("peer/trajectory.py", import.meta.url));
  const { status } = spawnSync(python, [script, folder], { stdio: ["ignore", "inherit", "inherit"] });
  if (status !== 0)
    throw new AppError("remote", "PEER", `Expected the peer to finish, got exit code ${status}`);
  return JSON.parse(readFileSync(join(folder, "peer.json"), "utf8")) as PeerSteps;
}

async function evaluateOurs(
  weights: Weights,
  batch: Batch,
  facts: ReturnType<typeof factsOf>,
): Promise<number[]> {
  const predictor = await openWeights(facts, weights, { batch: batch.samples.length });
  const same = {
    batchesPerEpoch: 1,
    close: async () => undefined,
    epoch: async function* () {
      yield batch;
    },
  };
  const rows = await predictSamples(predictor, same, "train");
  await predictor.close();
  return rows.map(({ logit }) => logit);
}

function report(ours: readonly number[], peer: PeerSteps, logits: readonly number[], what: object): void {
  const off = (losses: readonly number[], k: number) => losses[k]! - peer.float64[k]!;
  console.log("step  float64 loss  here - float64  PyTorch float32 - float64");
  for (const k of ours.keys()) {
    const [a, b] = [off(ours, k), off(peer.float32, k)].map((d) => d.toExponential(1).padStart(9));
    console.log(
      `${String(k + 1).padStart(4)}  ${peer.float64[k]!.toFixed(6).padStart(12)}  ${a!.padStart(14)}  ${b!.padStart(25)}`,
    );
  }
  const mean = (losses: readonly number[]) =>
    losses.reduce((sum, _, k) => sum + Math.abs(off(losses, k)), 0) / ours.length;
  const cross = Math.max(...logits.map((z, i) => Math.abs(z - peer.logits[i]!)));
  console.log(
    `mean distance from float64: here ${mean(ours).toFixed(4)}, PyTorch float32 ${mean(peer.float32).toFixed(4)}`,
  );
  console.log(
    `our last weights, evaluated here and by PyTorch: logits differ by at most ${cross.toExponential(1)}`,
  );
  const time = new Date().toISOString();
  const row = {
    benchmark: "trajectory",
    ...what,
    peer: peer.versions,
    ours,
    float32: peer.float32,
    float64: peer.float64,
    cross,
    time,
  };
  appendFileSync(fileURLToPath(new URL("results.jsonl", import.meta.url)), `${JSON.stringify(row)}\n`);
}
