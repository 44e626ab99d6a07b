// Does training here learn what PyTorch learns? Trains the peer of a finished set of runs (`train --seeds`) on the
// same images, split, settings and seeds, and compares validation balanced accuracies over seeds.
// Usage: npm run bench -- learning RUNS [--weights FILE] [--most N] [--figure FILE.svg] [--python PATH] [--timm DIR]
// The peer's epochs stay in RUNS/peer.jsonl, a seed at a time: a stopped comparison continues with the next seed.
import { spawn } from "node:child_process";
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { AppError } from "../src/core/errors.ts";
import { type SeedSummary, seedSummary } from "../src/evaluate/intervals/seeds.ts";
import { modelGraph } from "../src/models/facts.ts";
import { weightsFile } from "../src/models/files/hub.ts";
import { exportStateDict, loadBackbone } from "../src/models/files/weights.ts";
import { factsOf, type TrainConfig } from "../src/train/config.ts";
import { openData } from "../src/train/data.ts";
import { readLog, readRunConfig } from "../src/train/run.ts";
import { selectionFigure } from "../src/train/runlog.ts";
import { declaredSpecs } from "../src/train/step/graph.ts";
import { type Curve, learningCurves, PARTS, type Part } from "./learning-figure.ts";
import { parseOptions } from "./options.ts";
import { findPython } from "./peer.ts";
import { checkPeerSettings, peerJob } from "./peer-job.ts";

interface PeerEpoch extends Readonly<Record<Part, number>> {
  readonly seed: number;
  readonly epoch: number;
  /** Versions of its libraries. */
  readonly versions: Readonly<Record<string, string>>;
}

/** A run of ours, and the folder it lies in. */
interface Run {
  readonly dir: string;
  readonly config: TrainConfig;
}

interface PeerOptions {
  readonly python: string;
  /** First weights; default: those of the run. */
  readonly weights?: string | undefined;
  readonly threads: number;
  readonly timm?: string | undefined;
}

/** The first weights of a run's backbone, whatever file or hub they are from, as a state dict that timm loads strictly. */
export async function firstWeights(
  config: TrainConfig,
  asked: string | undefined,
  path: string,
): Promise<void> {
  const facts = factsOf(config, []);
  const specs = declaredSpecs(modelGraph(facts), config.imageSize);
  const weights = await loadBackbone(await weightsFile(asked ?? config.weights!), specs);
  const bare = (name: string) => name.slice("backbone.".length);
  const own = specs
    .filter(({ name }) => weights.has(name))
    .map((spec) => ({ ...spec, name: bare(spec.name) }));
  await exportStateDict(path, own, new Map([...weights].map(([name, values]) => [bare(name), values])));
}

/** Trains the peer with one seed; nothing remains of a seed that was stopped. */
async function trainPeer(config: TrainConfig, options: PeerOptions): Promise<PeerEpoch[]> {
  const folder = mkdtempSync(join(tmpdir(), "facehand-peer-"));
  const [file, weights] = [join(folder, "job.json"), join(folder, "first.pt")];
  const { threads, timm } = options;
  const job = peerJob(config, await openData(config), { weights, threads, timm });
  await firstWeights(config, options.weights, weights);
  writeFileSync(file, JSON.stringify(job));
  const script = fileURLToPath(new URL("peer/train.py", import.meta.url));
  const child = spawn(options.python, [script, file], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise((resolve) => child.once("close", resolve));
  const epochs: PeerEpoch[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    console.log(line);
    epochs.push(JSON.parse(line) as PeerEpoch);
  }
  await ended;
  rmSync(folder, { recursive: true });
  if (child.exitCode === 0 && epochs.length === config.epochs) return epochs;
  throw new AppError("remote", "PEER", `Expected the peer to finish, got exit code ${child.exitCode}`);
}

function readPeer(runs: string): PeerEpoch[] {
  const file = join(runs, "peer.jsonl");
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, "utf8").split("\n");
  return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as PeerEpoch);
}

function parseLearning(argv: readonly string[]) {
  const { values, positionals } = parseOptions(argv, {
    weights: { type: "string" },
    most: { type: "string", default: "1000" },
    figure: { type: "string" },
    python: { type: "string" },
    timm: { type: "string" },
    threads: { type: "string", default: "2" },
  });
  const [runs] = positionals;
  const { weights, ...rest } = values;
  if (runs !== undefined) return { runs, weights, ...rest };
  throw new AppError("input", "BENCH_OPTION", "Expected RUNS, a folder of train --seeds, got nothing");
}

/** Runs the comparison. @param argv - arguments after `learning` */
export async function learning(argv: readonly string[]): Promise<void> {
  const { runs, weights, most, figure, timm, threads, python: asked } = parseLearning(argv);
  const dirs = readdirSync(runs).filter((name) => name.startsWith("seed_"));
  const all = await Promise.all(
    dirs.map(
      async (name): Promise<Run> => ({
        dir: join(runs, name),
        config: await readRunConfig(join(runs, name)),
      }),
    ),
  );
  for (const { config } of all) checkPeerSettings(config);
  const done = new Set(readPeer(runs).map(({ seed }) => seed));
  const wanted = all.filter(({ config }) => !done.has(config.seed));
  const python = findPython(asked, timm);
  if (wanted.length > 0 && "missing" in python)
    throw new AppError("input", "PEER", `Expected a Python with torch and timm, got: ${python.missing}`);
  for (const { config } of wanted.slice(0, Number(most))) {
    const path = "path" in python ? python.path : "";
    const epochs = await trainPeer(config, { python: path, weights, threads: Number(threads), timm });
    appendFileSync(join(runs, "peer.jsonl"), epochs.map((epoch) => `${JSON.stringify(epoch)}\n`).join(""));
  }
  const left = wanted.slice(Number(most)).map(({ config }) => config.seed);
  if (left.length > 0) console.log(`Seeds to go: ${left.join(", ")}`);
  else await compare(all, readPeer(runs), figure);
}

/** Last epochs, as no side then chooses on the figures that are compared. */
async function compare(runs: readonly Run[], peer: readonly PeerEpoch[], figure?: string): Promise<void> {
  const curves = (await Promise.all(runs.map((run) => curvesOf(run, peer)))).flat();
  const last = (side: Curve["side"], part: Part) =>
    seedSummary(curves.filter((curve) => curve.side === side).map(({ values }) => values.at(-1)![part]));
  const figures = PARTS.map((part) => {
    const [ours, theirs] = [last("here", part), last("PyTorch", part)];
    return { part, ours, peer: theirs, difference: ours.mean - theirs.mean, ...spreadOf(ours, theirs) };
  });
  const { arch, tag, imageSize, epochs } = runs[0]!.config;
  const time = new Date().toISOString();
  const row = {
    benchmark: "learning",
    arch,
    tag,
    imageSize,
    epochs,
    peer: peer[0]!.versions,
    figures,
    curves,
    time,
  };
  for (const { part, ours: a, peer: b, difference, allowed, t } of figures) {
    const text = ({ n, mean, std }: typeof a) =>
      `${mean.toFixed(4)}${std === null ? "" : ` ± ${std.toFixed(4)}`} (n ${n})`;
    const sides = `${part.padEnd(5)} here ${text(a)}  PyTorch ${text(b)}  difference ${difference.toFixed(4)}`;
    console.log(
      t === null
        ? `${sides}; one seed has no spread to compare it with`
        : `${sides} (2 std: ${allowed!.toFixed(4)}), Welch's t ${t.toFixed(2)}`,
    );
  }
  if (figure !== undefined)
    writeFileSync(figure, learningCurves(curves, `${arch.toUpperCase()}, ${imageSize} px`));
  appendFileSync(fileURLToPath(new URL("results.jsonl", import.meta.url)), `${JSON.stringify(row)}\n`);
}

/** What a difference may be by chance: two standard deviations over seeds, and Welch's t; null where a side has one seed. */
function spreadOf(ours: SeedSummary, peer: SeedSummary): { allowed: number | null; t: number | null } {
  if (ours.std === null || peer.std === null) return { allowed: null, t: null };
  const error = Math.sqrt(ours.std ** 2 / ours.n + peer.std ** 2 / peer.n);
  return { allowed: 2 * Math.max(ours.std, peer.std), t: (ours.mean - peer.mean) / error };
}

async function curvesOf({ dir, config }: Run, peer: readonly PeerEpoch[]): Promise<Curve[]> {
  const { seed } = config;
  const part = (of: (name: Part) => number) => ({ all: of("all"), hand: of("hand"), face: of("face") });
  const ours = (await readLog(dir)).map(({ val }) => part((name) => selectionFigure(val[name]!)));
  const theirs = peer.filter((epoch) => epoch.seed === seed).map((epoch) => part((name) => epoch[name]));
  return [
    { side: "here", seed, values: ours },
    { side: "PyTorch", seed, values: theirs },
  ];
}
