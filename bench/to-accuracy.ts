// How long does training take until it is as good as asked? `facehand train` and PyTorch in turn, seed by seed, on the same
// images, split and first weights, by plain settings and by those that are faster; timed from the start of each process.
// Usage: npm run bench -- to-accuracy --data SOURCE --weights FILE [options below]; --weights none: drawn ones, alike on both sides.
// A row of bench/results.jsonl holds all curves; `npm run bench -- speed-table` makes docs/speed.md and figures of it.
import { spawn } from "node:child_process";
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { AppError, unexpected } from "../src/core/errors.ts";
import { Random } from "../src/core/random.ts";
import { initialise } from "../src/engine/params.ts";
import { modelGraph } from "../src/models/facts.ts";
import { exportStateDict } from "../src/models/files/weights.ts";
import { factsOf, parseTrainConfig, type TrainConfig } from "../src/train/config.ts";
import { openData } from "../src/train/data.ts";
import { readLog } from "../src/train/run.ts";
import { selectionFigure } from "../src/train/runlog.ts";
import { declaredSpecs } from "../src/train/step/graph.ts";
import { checkKernels } from "../src/train/step/native.ts";
import { cpuSeconds } from "./cpu.ts";
import { firstWeights } from "./learning.ts";
import { checkout, idleShare, machine } from "./machine.ts";
import { parseOptions } from "./options.ts";
import { type Contender, levelOf, type PaceCurve, type Paced, seedsAt, setsLevel, timeTo } from "./pace.ts";
import { findPython } from "./peer.ts";
import { peerJob } from "./peer-job.ts";
import { VERSIONS } from "./versions.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** Who trains, by the words of --sides. */
export const CONTENDERS: Readonly<Record<string, Contender>> = {
  ours: { side: "here", recipe: "plain" },
  peer: { side: "PyTorch", recipe: "plain", setup: "channels_last", pictures: "kept" },
  "ours-best": { side: "here", recipe: "best" },
  "peer-best": { side: "PyTorch", recipe: "best", setup: "channels_last", pictures: "small" },
  "peer-default": { side: "PyTorch", recipe: "plain", setup: "default", pictures: "kept" },
  "peer-compile": { side: "PyTorch", recipe: "plain", setup: "compile", pictures: "kept" },
  "ours-native": { side: "here", recipe: "plain", kernels: "native" },
  "peer-bf16": { side: "PyTorch", recipe: "plain", setup: "bf16", pictures: "kept" },
};

const PLAIN = { recipe: "plain" } as const;

/** What the faster recipe changes of the plain one: the cheapest whose test figures cannot be distinguished from its (docs/studies/labelled-pace). */
const BEST = { epochs: 4, lr: 1e-3, warmupEpochs: 0.5 } as const;

const OPTIONS = {
  data: { type: "string" },
  weights: { type: "string" },
  model: { type: "string", default: "mobilenetv2_100.in1k" },
  size: { type: "string", default: "96" },
  epochs: { type: "string", default: "6" },
  batch: { type: "string", default: "32" },
  lr: { type: "string", default: "0.0005" },
  val: { type: "string", default: "0.3" },
  seeds: { type: "string", default: "42,123,999" },
  threads: { type: "string", default: String(availableParallelism()) },
  sides: { type: "string", default: "ours,peer,ours-best,peer-best" },
  python: { type: "string" },
  timm: { type: "string" },
  "no-record": { type: "boolean", default: false },
} as const;

type Flags = ReturnType<typeof parse>;

function parse(argv: readonly string[]) {
  const { data, weights, ...rest } = parseOptions(argv, OPTIONS).values;
  if (data !== undefined && weights !== undefined) return { data, weights, ...rest };
  throw unexpected("input", {
    code: "BENCH_OPTION",
    expected: "--data SOURCE and --weights FILE",
    name: "to-accuracy",
    got: argv.join(" "),
  });
}

/** The contenders that --sides names, in its order. */
export function contendersOf(list: string): Contender[] {
  return list.split(",").map((name) => {
    const found = Object.hasOwn(CONTENDERS, name) ? CONTENDERS[name] : undefined;
    if (found !== undefined) return found;
    const expected = `some of ${Object.keys(CONTENDERS).join(", ")}`;
    throw unexpected("input", { code: "BENCH_SIDE", expected, name: "--sides", got: name });
  });
}

/** Refuses a row whose table would have no accuracy to be reached. */
function checkLevel(contenders: readonly Contender[], list: string): void {
  if (contenders.some(setsLevel)) return;
  const names = Object.keys(CONTENDERS).filter((name) => setsLevel(CONTENDERS[name]!));
  const expected = `one of ${names.join(", ")}, whose end is what is to be reached,`;
  throw unexpected("input", { code: "BENCH_SIDE", expected, name: "--sides", got: list });
}

/** What one seed of one contender is. */
function configOf(
  flags: Flags,
  { recipe, kernels }: Pick<Contender, "recipe" | "kernels">,
  seed: number,
  weights: string,
): TrainConfig {
  const isDrawn = flags.weights === "none";
  const model = isDrawn ? `${flags.model.split(".")[0]}.random` : flags.model;
  const [imageSize, epochs, batch, lr, val] = [
    flags.size,
    flags.epochs,
    flags.batch,
    flags.lr,
    flags.val,
  ].map(Number);
  return parseTrainConfig({
    ...{
      arch: "umcc",
      tag: `${model}_F0_Af_Lb_Z0`,
      data: [flags.data],
      weights,
      imageSize,
      epochs,
      batch,
      lr,
    },
    // What TensorFlow's weights were trained with, as the shared ones and those of timm's tf_ networks.
    ...{ val, seed, kernels, padding: "same", pixels: "inception" },
    ...(recipe === "best" ? BEST : {}),
  });
}

/** The same drawn weights for both sides. */
async function drawWeights(config: TrainConfig, path: string): Promise<void> {
  const specs = declaredSpecs(modelGraph(factsOf(config, [])), config.imageSize);
  const own = specs
    .filter(({ name }) => name.startsWith("backbone."))
    .map((spec) => ({ ...spec, name: spec.name.slice("backbone.".length) }));
  await exportStateDict(path, own, initialise(own, Random.of(config.seed)));
}

interface Lines {
  readonly s: number;
  readonly cpuS: number | null;
  readonly text: string;
}

/** Runs a process and notes when each of its epochs is over. */
async function timed(command: string, args: readonly string[], from: "stdout" | "stderr"): Promise<Lines[]> {
  const start = performance.now();
  const child = spawn(command, args, { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] });
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  let errors = "";
  child.stderr.on("data", (text) => {
    errors = (errors + text).slice(-2000);
  });
  child.stdout.resume();
  const epochs: Lines[] = [];
  for await (const text of createInterface({ input: child[from] }))
    if (/^(epoch \d|\{)/.test(text))
      epochs.push({ s: (performance.now() - start) / 1000, cpuS: cpuSeconds(child.pid!), text });
  const code = await ended;
  if (code === 0) return epochs;
  throw new AppError(
    "remote",
    "BENCH_SIDE",
    `Expected ${command} to train, got exit code ${code}\n${errors}`,
  );
}

interface Trained {
  readonly curve: PaceCurve;
  readonly versions: Readonly<Record<string, string>>;
}

async function trainOurs(config: TrainConfig, folder: string, threads: string): Promise<Trained> {
  const [file, dir] = [join(folder, "config.json"), join(folder, "run")];
  writeFileSync(file, JSON.stringify(config));
  const args = [join(ROOT, "bin/facehand.js"), "train", "--config", file, "--out", dir, "--threads", threads];
  const lines = await timed(process.execPath, args, "stderr");
  const values = (await readLog(dir)).map(({ val }) => selectionFigure(val.all));
  const points = values.map((value, i) => ({ ...timesOf(lines[i]!), value }));
  return { curve: { seed: config.seed, points }, versions: { node: process.versions.node, ...VERSIONS } };
}

interface Peer {
  readonly python: string;
  readonly timm: string | undefined;
  readonly threads: string;
}

async function trainPeer(
  config: TrainConfig,
  { setup, pictures }: Contender,
  folder: string,
  { python, timm, threads }: Peer,
): Promise<Trained> {
  const [file, weights] = [join(folder, "job.json"), join(folder, "peer.pt")];
  await firstWeights(config, undefined, weights);
  const set = { weights, threads: Number(threads), timm, setup, pictures };
  writeFileSync(file, JSON.stringify(peerJob(config, await openData(config), set)));
  const lines = await timed(python, [join(ROOT, "bench/peer/train.py"), file], "stdout");
  const rows = lines.map(
    ({ text }) =>
      JSON.parse(text) as { readonly all: number; readonly versions: Readonly<Record<string, string>> },
  );
  const points = rows.map(({ all }, i) => ({ ...timesOf(lines[i]!), value: all }));
  return { curve: { seed: config.seed, points }, versions: rows[0]!.versions };
}

const timesOf = ({ s, cpuS }: Lines) => ({
  s: Number(s.toFixed(2)),
  cpuS: cpuS === null ? null : Number(cpuS.toFixed(2)),
});

/** Runs the comparison. @param argv - arguments after `to-accuracy` */
export async function toAccuracy(argv: readonly string[]): Promise<void> {
  const flags = parse(argv);
  const contenders = contendersOf(flags.sides);
  const seeds = flags.seeds.split(",").map(Number);
  if (!flags["no-record"]) checkLevel(contenders, flags.sides);
  for (const one of contenders) await checkKernels(configOf(flags, one, seeds[0]!, flags.weights));
  const needsPeer = contenders.some(({ side }) => side === "PyTorch");
  const python = needsPeer ? findPython(flags.python, flags.timm) : { path: "" };
  if ("missing" in python)
    throw new AppError("input", "PEER", `Expected a Python with torch and timm, got: ${python.missing}`);
  const folder = mkdtempSync(join(tmpdir(), "facehand-pace-"));
  const idleBefore = await idleShare();
  const trained = contenders.map((): Trained[] => []);
  try {
    for (const [k, seed] of seeds.entries()) {
      const drawn = join(folder, "first.pt");
      const weights = flags.weights === "none" ? drawn : flags.weights;
      if (weights === drawn) await drawWeights(configOf(flags, PLAIN, seed, weights), weights);
      const order = contenders.map((_, i) => i);
      for (const i of k % 2 === 0 ? order : order.reverse()) {
        const own = mkdtempSync(join(folder, "run-"));
        const config = configOf(flags, contenders[i]!, seed, weights);
        const { threads, timm } = flags;
        const how = { python: python.path, timm, threads };
        const isOurs = contenders[i]!.side === "here";
        const one = await (isOurs
          ? trainOurs(config, own, threads)
          : trainPeer(config, contenders[i]!, own, how));
        trained[i]!.push(one);
        rmSync(own, { recursive: true });
        const text = one.curve.points.map(({ s, value }) => `${value.toFixed(3)} at ${s.toFixed(0)} s`);
        console.log(`${nameOf(contenders[i]!)}, seed ${seed}: ${text.join(", ")}`);
      }
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  const paced = contenders.map(
    (contender, i): Paced => ({
      ...contender,
      versions: trained[i]![0]!.versions,
      curves: trained[i]!.map(({ curve }) => curve),
    }),
  );
  const config = configOf(flags, PLAIN, seeds[0]!, flags.weights);
  const { samples } = await openData(config);
  const { imageSize: sizePx, batch, epochs, lr } = config;
  const row = {
    benchmark: "to-accuracy",
    ...{ model: config.tag.split("_F0_")[0]!, sizePx },
    images: { train: samples.train.length, val: samples.val.length },
    threads: Number(flags.threads),
    plain: { epochs, batch, lr },
    best: BEST,
    contenders: paced,
    ...checkout(),
    machine: { ...machine(), idleBefore, idleAfter: await idleShare() },
    time: new Date().toISOString(),
  };
  printPace(paced);
  if (!flags["no-record"]) appendFileSync(join(ROOT, "bench/results.jsonl"), `${JSON.stringify(row)}\n`);
}

function printPace(paced: readonly Paced[]): void {
  if (!paced.some(setsLevel)) return;
  const level = levelOf(paced);
  console.log(`to be reached: ${level.toFixed(4)}`);
  for (const one of paced) {
    const time = timeTo(level, one);
    const text = time === null ? "not reached" : `${time.toFixed(1)} s`;
    console.log(
      `${nameOf(one)}: ${text} (${seedsAt(level, one)} of ${one.curves.length} seeds by themselves)`,
    );
  }
}

const nameOf = ({ side, recipe, setup, kernels }: Contender) =>
  [side, recipe, setup ?? kernels].filter((word) => word !== undefined).join(", ");
