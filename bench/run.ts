// `npm run bench -- NAME [options]`: one benchmark of this folder, ours against a peer's where one is installed.
// The sides alternate within one run, and who goes first alternates too: only ratios of neighbours are trusted,
// as a machine's speed drifts. Prints one JSON line for each peer last and appends them to bench/results.jsonl.
import { appendFileSync, readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { distance } from "fastest-levenshtein";
import { AppError, EXIT_CODES, unexpected } from "../src/core/errors.ts";
import { type Side, start, startOurs } from "./child.ts";
import { checkout, idleShare, machine, sleep } from "./machine.ts";
import { parseOptions, setupsOf } from "./options.ts";
import { DLIB, findPython } from "./peer.ts";
import { cpuRatio, report, summary, times } from "./row.ts";
import { LOWERINGS, type Lowering, type Measured, type Work } from "./side.ts";
import { pairedRatio } from "./statistics.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const HERE = fileURLToPath(new URL(".", import.meta.url));
/** Lets the threads of the side that has just run fall asleep, ms. */
const PAUSE_MS = 50;
/** Benchmarks whose figure is a time: nobody else does the same work. */
const PEERLESS: ReadonlySet<string> = new Set(["bootstrap"]);
/** Benchmarks whose peer is another of ours. */
const OWN_PEERS: Readonly<Record<string, string>> = {
  "derive-floor": "derive",
  "head-step": "forward",
  "inference-int8": "inference",
  "page-forward": "forward",
  "page-step": "train-step",
};
/** A page has the plain lowering, and so has the Node beside it. */
const IN_PAGE: ReadonlySet<string> = new Set(["page-forward", "page-step"]);
/** Peers' scripts where it is not step.py. */
const SCRIPTS: Readonly<Record<string, string>> = { "read-pt": "read_pt" };
/** Least share of idle time before and after for a run to count. */
const QUIET = 0.9;

/** How much of the work the peer does, where it is not all. */
const MODES: Readonly<Record<string, readonly string[]>> = {
  "derive-lean": ["lean"],
  "derive-peer-floor": ["floor"],
};
/** Compares what both sides of `derive` make, instead of their times. */
const AGREE = "derive-agree";
/** Measures what each step of it costs. */
const STEPS = "derive-steps";
/** Measures what each step of preparing a picture costs. */
const LOADER_STEPS = "loader-steps";
/** Where a training step's time goes. */
const PROFILE = "step-profile";
/** Whose work they do. */
const WORDS: Readonly<Record<string, string>> = {
  ...{ [AGREE]: "derive", [STEPS]: "derive" },
  ...{ [LOADER_STEPS]: "loader", [PROFILE]: "train-step", "step-kernels": "train-step" },
};

const USAGE = `Usage: npm run bench -- NAME [options]

  --model NAME      backbone (default tf_efficientnetv2_s)
  --batch N         images a step (default 8)
  --size PX         side of the square images (default 224)
  --pairs K         measured pairs of steps (default 10)
  --warmup K        pairs that are not counted (default 3)
  --threads N       threads of each side (default: as many as the machine runs at once)
  --lowering NAME   ours: nchwc (default for train-step) or plain (default for forward, and all there is in a page)
  --kernels native  ours: operators that \`facehand kernels build\` made, in float32 too (train-step, step-profile)
  --python PATH     Python of the peer (default: the first on PATH with its libraries)
  --timm DIR        checkout of timm for the peer
  --setup LIST      the peer's: default, channels_last (its memory format), compile (there, by inductor), bf16 (there, with
                    autocast: reduced precision); of the loader: default (Pillow), simd (Pillow-SIMD in the folder that the
                    variable PILLOW_SIMD names), tensors (decode_jpeg and transforms v2), pyvips;
                    of inference: default (channels_last), compile, bf16, int8 (quantised, torch.ao); several, with commas,
                    take turns in one run (train-step, forward, loader, inference; default: default)
  --alone           do not run the peer
  --no-record       do not append to bench/results.jsonl
  --help
`;

const OPTIONS = {
  model: { type: "string", default: "tf_efficientnetv2_s" },
  batch: { type: "string", default: "8" },
  size: { type: "string", default: "224" },
  pairs: { type: "string", default: "10" },
  warmup: { type: "string", default: "3" },
  threads: { type: "string", default: String(availableParallelism()) },
  lowering: { type: "string" },
  kernels: { type: "string" },
  python: { type: "string" },
  timm: { type: "string" },
  setup: { type: "string", default: "default" },
  alone: { type: "boolean", default: false },
  "no-record": { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} as const;

const NAMES = readdirSync(HERE)
  .filter((file) => file.endsWith(".bench.ts"))
  .map((file) => file.slice(0, -".bench.ts".length))
  .sort();

type Flags = ReturnType<typeof parse>["values"];

const parse = (argv: readonly string[]) => parseOptions(argv, OPTIONS);

function integer(flag: "batch" | "size" | "pairs" | "warmup" | "threads", flags: Flags, min: number): number {
  const value = Number(flags[flag]);
  if (Number.isInteger(value) && value >= min && value <= 4096) return value;
  const expected = `an integer from ${min} to 4096`;
  throw unexpected("input", { code: "BENCH_NUMBER", expected, name: `--${flag}`, got: flags[flag] });
}

/** Sessions of the plain forward graph are laid out in blocks by ONNX Runtime itself. */
function lowering(name: string, flags: Flags): Lowering {
  const asked = flags.lowering ?? (name === "forward" || IN_PAGE.has(name) ? "plain" : "nchwc");
  const found = LOWERINGS.find((known) => known === asked);
  if (found !== undefined) return found;
  const expected = LOWERINGS.join(" or ");
  throw unexpected("input", { code: "BENCH_LOWERING", expected, name: "--lowering", got: asked });
}

function benchmark(name: string | undefined): string {
  if (name !== undefined && NAMES.includes(name)) return name;
  const nearest = NAMES.reduce((a, b) => (distance(b, name ?? "") < distance(a, name ?? "") ? b : a));
  throw unexpected("input", {
    code: "BENCH_NAME",
    expected: `one of ${NAMES.join(", ")}`,
    name: "the benchmark",
    got: name,
    hint: `npm run bench -- ${nearest}`,
  });
}

/** The sides to compare with: none, one, or one for each setup of PyTorch. */
async function startPeers(
  name: string,
  work: Work,
  setups: readonly string[],
  flags: Flags,
): Promise<Side[]> {
  if (flags.alone || PEERLESS.has(name)) return [];
  const own = OWN_PEERS[name];
  if (own !== undefined)
    return [await startOurs(own, { ...work, lowering: lowering(IN_PAGE.has(name) ? name : own, flags) })];
  const python = findPython(flags.python, flags.timm, name.startsWith("derive") ? DLIB : undefined);
  if ("missing" in python) {
    console.log(`No peer (${python.missing}): measuring our side alone.`);
    return [];
  }
  const script = ["loader", "derive", "inference"].find((start) => name.startsWith(start)) ?? SCRIPTS[name];
  if (script !== undefined) {
    const args = [`${HERE}peer/${script}.py`, JSON.stringify(work), ...(MODES[name] ?? [])];
    if (name !== "loader" && name !== "inference") return [await start(python.path, args, ROOT)];
    return await Promise.all(setups.map((setup) => start(python.path, [...args, setup], ROOT)));
  }
  const timm = flags.timm === undefined ? [] : ["--timm", flags.timm];
  const sides: Side[] = [];
  for (const setup of setups) {
    const args = [`${HERE}peer/step.py`, JSON.stringify(work), name, "--setup", setup, ...timm];
    sides.push(await start(python.path, args, ROOT));
  }
  return sides;
}

/** Steps of all sides in turn, in the other order in every second round. */
async function alternate(sides: readonly Side[], pairs: number): Promise<Measured[][]> {
  const measured: Measured[][] = sides.map(() => []);
  for (let pair = 0; pair < pairs; pair++) {
    const order = sides.map((_, i) => i);
    for (const i of pair % 2 === 0 ? order : order.reverse()) {
      await sleep(PAUSE_MS);
      measured[i]!.push(await sides[i]!.step());
    }
  }
  return measured;
}

/** What is no benchmark of two sides: loaded when it is asked for, as each needs another half of the sources. */
const OTHERS: Readonly<Record<string, (args: readonly string[]) => Promise<void>>> = {
  "detector-graphs": async () => (await import("./detector-graphs.ts")).detectorGraphs(),
  gpu: async (args) => (await import("./gpu/gpu.ts")).gpu(args),
  growth: async (args) => (await import("./growth.ts")).growth(args),
  learning: async (args) => (await import("./learning.ts")).learning(args),
  epochs: async (args) => (await import("./epochs.ts")).epochs(args),
  trajectory: async (args) => (await import("./trajectory.ts")).trajectory(args),
  "to-accuracy": async (args) => (await import("./to-accuracy.ts")).toAccuracy(args),
  page: async (args) => (await import("./page.ts")).page(args),
  "page-peer": async (args) => (await import("./page-peer.ts")).pagePeer(args),
  speed: async (args) => process.exit((await import("./speed.ts")).measureAll(args) ? 0 : 1),
  "speed-table": async () => (await import("./speed.ts")).writeSpeedTable(),
};

async function main(): Promise<void> {
  const argv = process.argv.slice(2);
  if (Object.hasOwn(OTHERS, argv[0] ?? "") && !argv.includes("--help"))
    return OTHERS[argv[0]!]!(argv.slice(1));
  const { values: flags, positionals } = parse(argv.filter((word) => WORDS[word] === undefined));
  if (flags.help)
    return console.log(
      `${USAGE}
Benchmarks: ${NAMES.join(", ")}; derive-agree, derive-steps, detector-graphs, epochs, learning RUNS --weights FILE, loader-steps, trajectory RUN --weights FILE, to-accuracy --data SOURCE --weights FILE; growth; step-profile, step-kernels; gpu [--work MODEL:BATCHxPX,...] [--rehearse]; page [ROWS], page-peer; speed (all goals), speed-table`,
    );
  const name = WORDS[argv[0] ?? ""] ?? benchmark(positionals[0]);
  const asked: Work = {
    model: flags.model,
    batch: integer("batch", flags, 1),
    sizePx: integer("size", flags, 32),
    threads: integer("threads", flags, 1),
    lowering: lowering(name, flags),
  };
  const word = WORDS[argv[0] ?? ""] === undefined ? name : argv[0]!;
  const work =
    flags.kernels === undefined
      ? asked
      : await (await import("./kernels.ts")).withKernels(word, asked, flags.kernels);
  if (argv[0] === STEPS) return (await import("./derive-steps.ts")).deriveSteps(work);
  if (argv[0] === LOADER_STEPS) return (await import("./loader-steps.ts")).loaderSteps(work.sizePx);
  if (argv[0] === AGREE) {
    const python = findPython(flags.python, undefined, DLIB);
    if ("path" in python) return (await import("./derive-agree.ts")).agree(work, python.path);
    throw unexpected("input", {
      code: "BENCH_PYTHON",
      expected: "a Python",
      name: "--python",
      got: python.missing,
    });
  }
  const [pairs, warmup] = [integer("pairs", flags, 1), integer("warmup", flags, 0)];
  if (argv[0] === "step-kernels") return (await import("./step-kernels.ts")).stepKernels(work, pairs, warmup);
  if (argv[0] === PROFILE) return (await import("./step-profile.ts")).stepProfile(work, pairs, warmup);
  const setups = setupsOf(name, flags.setup);
  const idleBefore = await idleShare();
  const ours = await startOurs(name, work);
  const peers = await startPeers(name, work, setups, flags);
  const sides = [ours, ...peers];
  const warm = await alternate(sides, warmup);
  const measured = await alternate(sides, pairs);
  const first = (i: number) => warm[i]![0] ?? measured[i]![0]!;
  await Promise.all(sides.map((side) => side.close()));
  await sleep(PAUSE_MS);
  const idleAfter = await idleShare();
  const mine = measured[0]!;
  const rowOf = (peer: Side | undefined, i: number) => {
    const theirs = peer === undefined ? undefined : measured[i];
    return {
      benchmark: name,
      ...work,
      pairs,
      ratio: theirs === undefined ? null : pairedRatio(times(mine), times(theirs)),
      ...cpuRatio(mine, theirs),
      ours: summary(ours, mine, first(0)),
      peer: peer === undefined ? null : summary(peer, theirs!, first(i)),
      ...checkout(),
      machine: { ...machine(), idleBefore, idleAfter },
      time: new Date().toISOString(),
    };
  };
  const rows = peers.length === 0 ? [rowOf(undefined, 0)] : peers.map((peer, k) => rowOf(peer, k + 1));
  for (const row of rows) report(row);
  if (Math.min(idleBefore, idleAfter) < QUIET) {
    console.log(
      `The machine was busy (idle ${idleBefore} before, ${idleAfter} after): do not trust this run.`,
    );
  }
  const lines = rows.map((row) => `${JSON.stringify(row)}\n`).join("");
  if (!flags["no-record"]) appendFileSync(`${HERE}results.jsonl`, lines);
  process.stdout.write(lines);
}

main().catch((error: unknown) => {
  console.error(error instanceof AppError ? error.describe() : error);
  // Sides that still wait for a step end with this process, by the end of their input.
  process.exit(error instanceof AppError ? EXIT_CODES[error.kind] : EXIT_CODES.internal);
});
