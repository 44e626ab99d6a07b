// Does training here learn what PyTorch learns? Trains the peer of a finished set of runs (`train --seeds`) on the
// same images, split, settings and seeds, and compares validation balanced accuracies over seeds.
// Usage: npm run bench -- learning RUNS --weights FILE [--python PATH] [--timm DIR] [--threads N]
import { spawn } from "node:child_process";
import { appendFileSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { AppError } from "../src/core/errors.ts";
import { sexIndex } from "../src/data/record.ts";
import { seedSummary } from "../src/evaluate/seeds.ts";
import { parseTag } from "../src/models/tags.ts";
import { PIXELS, type TrainConfig } from "../src/train/config.ts";
import { openData } from "../src/train/data.ts";
import { readLog, readRunConfig } from "../src/train/run.ts";
import { selectionFigure } from "../src/train/runlog.ts";
import { findPython } from "./peer.ts";

const PARTS = ["all", "hand", "face"] as const;
type Part = (typeof PARTS)[number];
interface PeerEpoch extends Readonly<Record<Part, number>> {
  readonly seed: number;
  readonly epoch: number;
}

async function job(
  config: TrainConfig,
  seeds: readonly number[],
  weights: string,
  threads: number,
  timm?: string,
) {
  const { samples } = await openData(config);
  const rows = (split: "train" | "val") =>
    samples[split].map(({ path, modality, sex }) => ({ path, modality, male: sexIndex(sex) }));
  const { mean, std } = PIXELS[config.pixels];
  return {
    arch: config.arch,
    backbone: parseTag(config.tag).backbone,
    padding: config.padding === "same" ? "same" : "",
    weights,
    ...(timm === undefined ? {} : { timm }),
    mean,
    std,
    sizePx: config.imageSize,
    batch: config.batch,
    epochs: config.epochs,
    lr: config.lr,
    weightDecay: config.weightDecay,
    threads,
    seeds,
    samples: { train: rows("train"), val: rows("val") },
  };
}

/** Runs the peer and yields its lines. */
async function* peerLines(python: string, file: string): AsyncGenerator<Record<string, unknown>> {
  const script = fileURLToPath(new URL("peer/train.py", import.meta.url));
  const child = spawn(python, [script, file], { stdio: ["ignore", "pipe", "inherit"] });
  for await (const line of createInterface({ input: child.stdout })) {
    yield JSON.parse(line) as Record<string, unknown>;
  }
  if (child.exitCode !== 0 && child.exitCode !== null) {
    throw new AppError("remote", "PEER", `Expected the peer to finish, got exit code ${child.exitCode}`);
  }
}

/** Runs the comparison. @param argv - arguments after `learning` */
export async function learning(argv: readonly string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      weights: { type: "string" },
      python: { type: "string" },
      timm: { type: "string" },
      threads: { type: "string", default: "2" },
    },
  });
  const [runs] = positionals;
  if (runs === undefined || values.weights === undefined) {
    throw new AppError("input", "BENCH_OPTION", "Expected RUNS and --weights FILE, got less");
  }
  const dirs = readdirSync(runs)
    .filter((name) => name.startsWith("seed_"))
    .map((name) => join(runs, name));
  const configs = await Promise.all(dirs.map(readRunConfig));
  const python = findPython(values.python, values.timm);
  if ("missing" in python)
    throw new AppError("input", "PEER", `Expected a Python with torch and timm, got: ${python.missing}`);
  const folder = mkdtempSync(join(tmpdir(), "facehand-peer-"));
  const file = join(folder, "job.json");
  const seeds = configs.map(({ seed }) => seed);
  writeFileSync(
    file,
    JSON.stringify(await job(configs[0]!, seeds, values.weights, Number(values.threads), values.timm)),
  );
  const lines: Record<string, unknown>[] = [];
  for await (const line of peerLines(python.path, file)) {
    console.log(JSON.stringify(line));
    lines.push(line);
  }
  rmSync(folder, { recursive: true });
  await compare(configs, dirs, lines);
}

/** Last epochs, as no side then chooses on the figures that are compared. */
async function compare(
  configs: readonly TrainConfig[],
  dirs: readonly string[],
  lines: readonly Record<string, unknown>[],
) {
  const [versions, ...epochs] = lines;
  const last = configs.map(({ seed, epochs: n }) =>
    (epochs as unknown as PeerEpoch[]).find((e) => e.seed === seed && e.epoch === n),
  );
  const ours = await Promise.all(dirs.map(async (dir) => (await readLog(dir)).at(-1)!.val));
  const figures = PARTS.map((part) => {
    const mine = seedSummary(ours.map((val) => selectionFigure(val[part]!)));
    const theirs = seedSummary(last.map((epoch) => epoch![part]));
    const allowed = 2 * Math.max(mine.std ?? 0, theirs.std ?? 0);
    return { part, ours: mine, peer: theirs, difference: mine.mean - theirs.mean, allowed };
  });
  const { arch, tag } = configs[0]!;
  const row = {
    benchmark: "learning",
    arch,
    tag,
    peer: versions,
    figures,
    epochs,
    time: new Date().toISOString(),
  };
  for (const { part, ours: a, peer: b, difference, allowed } of figures) {
    const text = ({ mean, std }: typeof a) => `${mean.toFixed(4)} ± ${(std ?? 0).toFixed(4)}`;
    console.log(
      `${part.padEnd(5)} ours ${text(a)}  peer ${text(b)}  difference ${difference.toFixed(4)} (2 std: ${allowed.toFixed(4)})`,
    );
  }
  appendFileSync(fileURLToPath(new URL("results.jsonl", import.meta.url)), `${JSON.stringify(row)}\n`);
  console.log(JSON.stringify(row));
}
