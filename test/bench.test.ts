// The benchmark runner: its statistics, its refusals, and one small run of each benchmark without a peer.
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { fitLine } from "../bench/growth.ts";
import { learningCurves } from "../bench/learning-figure.ts";
import { findPython } from "../bench/peer.ts";
import { pairedRatio, quantile, spread } from "../bench/statistics.ts";
import { CHROMIUM } from "./browser/chromium.ts";
import { makePrograms } from "./programs.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

const NAMES = readdirSync(new URL("../bench/", import.meta.url))
  .filter((file) => file.endsWith(".bench.ts"))
  .map((file) => file.slice(0, -".bench.ts".length))
  .sort();

const SIDES = ["train-step", "forward", "head-step", "page-forward", "page-step"].map(
  (name) => `bench/${name}.bench`,
);
const programs = await makePrograms("bench/run", ...SIDES);
afterAll(() => programs.remove());

/** Sides are processes of their own, which inherit it. */
const LATE = `--require ${JSON.stringify(fileURLToPath(new URL("late.cjs", import.meta.url)))}`;
const env = { ...process.env, NODE_OPTIONS: `${process.env["NODE_OPTIONS"] ?? ""} ${LATE}`.trim() };

function bench(...args: readonly string[]) {
  return spawnSync(process.execPath, [programs.path("bench/run"), ...args], {
    cwd: ROOT,
    encoding: "utf8",
    env,
  });
}

describe("statistics", () => {
  it("interpolates quantiles as numpy does", () => {
    expect(quantile([4, 1, 3, 2], 0.5)).toBe(2.5);
    expect(quantile([4, 1, 3, 2], 0.25)).toBe(1.75);
    expect(quantile([7], 0.75)).toBe(7);
    expect(spread([3, 1, 2])).toEqual({ median: 2, p25: 1.5, p75: 2.5, min: 1, max: 3 });
  });

  it("takes ratios pair by pair, so that a drift of the machine cancels", () => {
    expect(pairedRatio([1, 10, 100], [2, 20, 200]).median).toBe(0.5);
    expect(pairedRatio([1, 10, 100], [2, 20, 200]).max).toBe(0.5);
  });
});

describe("growth", () => {
  it("finds the line, and how far the farthest value is from it", () => {
    const exact = [1, 2, 4].map((x) => ({ x, y: 5 + 3 * x }));
    const line = fitLine(exact);
    expect(line.fixed).toBeCloseTo(5, 10);
    expect(line.perMpx).toBeCloseTo(3, 10);
    expect([line.r2, line.worst]).toEqual([expect.closeTo(1, 10), expect.closeTo(0, 10)]);
    // A square is no line: its middle lies below, its ends above.
    const square = fitLine([1, 2, 3, 4].map((x) => ({ x, y: x * x })));
    expect(square.worst).toBeGreaterThan(0.2);
    expect(square.r2).toBeLessThan(0.95);
  });

  it("measures steps of several sizes, each by itself", () => {
    const made = bench(
      ...["growth", "--model", "test_efficientnet", "--threads", "1", "--no-record"],
      ...["--batches", "1,2", "--sizes", "32,64", "--steps", "2"],
    );
    expect(made.stderr).toBe("");
    const row = JSON.parse(made.stdout.trim().split("\n").at(-1)!);
    const points = row.points.map((p: { batch: number; sizePx: number }) => [p.batch, p.sizePx]);
    expect(points).toEqual([
      [1, 64],
      [2, 64],
      [2, 32],
    ]);
    for (const { ms, peakMb } of row.points) expect(Math.min(ms, peakMb)).toBeGreaterThan(0);
  });

  it("refuses fewer than three amounts of pixels, and what are no numbers", () => {
    const few = bench("growth", "--batches", "2", "--sizes", "32,64");
    expect([few.status, few.stderr]).toEqual([
      2,
      "Expected at least three different numbers of pixels for --batches and --sizes, got 2\n",
    ]);
    const word = bench("growth", "--batches", "2,x");
    expect(word.stderr).toBe(
      'Expected integers from 1 to 4096 with commas between them for --batches, got "2,x"\n',
    );
    expect(bench("growth", "--bacth", "2").stderr).toContain("Unknown option '--bacth'");
  });
});

describe("learning curves", () => {
  it("draw a line a seed and side, and a thick mean of each side", () => {
    const values = (...all: readonly number[]) => all.map((v) => ({ all: v, hand: v, face: v }));
    const svg = learningCurves(
      [
        { side: "here", seed: 1, values: values(0.5, 0.7) },
        { side: "here", seed: 2, values: values(0.7, 0.9) },
        { side: "PyTorch", seed: 1, values: values(0.6, 0.8) },
      ],
      "UMCC",
    );
    const groups = svg.split('aria-label="line"').slice(1);
    const lines = groups.map((group) =>
      [...group.split("</g>")[0]!.matchAll(/ d="([^"]+)"/g)].map((m) => m[1]),
    );
    expect(lines.map((group) => group.length)).toEqual([3, 2]);
    // Here's mean, .6 then .8, lies on PyTorch's only line.
    expect(new Set([lines[0]![2], ...lines[1]!]).size).toBe(1);
    expect(svg).toContain("Balanced accuracy by epoch, UMCC");
  });
});

describe("npm run bench", () => {
  it("refuses comparisons of training without runs", () => {
    for (const [name, message] of [
      ["learning", /^Expected RUNS, a folder of train --seeds, got nothing/],
      ["trajectory", /^Expected RUN of UMCC and --weights FILE, got less/],
      ["to-accuracy", /^Expected --data SOURCE and --weights FILE for to-accuracy, got "--weights x.pth"/],
    ] as const) {
      const { status, stderr } = bench(name, "--weights", "x.pth");
      expect([status, stderr]).toEqual([2, expect.stringMatching(message)]);
    }
  });

  it("refuses unknown benchmarks, options and numbers with exit code 2", () => {
    const typo = bench("forwrd");
    expect([typo.status, typo.stderr]).toEqual([
      2,
      `Expected one of ${NAMES.join(", ")} for the benchmark, got "forwrd"
Try: npm run bench -- forward
`,
    ]);
    const option = bench("forward", "--bacth", "3");
    expect(option.status).toBe(2);
    expect(option.stderr).toContain("Unknown option '--bacth'\nTry: npm run bench -- --help");
    const learning = bench("learning", "runs", "--wieghts", "x.pth");
    expect([learning.status, learning.stderr]).toEqual([
      2,
      "Unknown option '--wieghts'\nTry: npm run bench -- --help\n",
    ]);
    const lowering = bench("forward", "--lowering", "fast");
    expect([lowering.status, lowering.stderr]).toEqual([
      2,
      'Expected plain or nchwc for --lowering, got "fast"\n',
    ]);
    const setup = bench("forward", "--model", "test_efficientnet", "--size", "32", "--setup", "default,fp16");
    expect([setup.status, setup.stderr]).toEqual([
      2,
      'Expected some of default, channels_last, compile, bf16 for --setup, got "fp16"\n',
    ]);
    const number = bench("forward", "--batch", "0");
    expect(number.status).toBe(2);
    expect(number.stderr).toContain('Expected an integer from 1 to 4096 for --batch, got "0"');
  });

  it.each(["train-step", "forward"])("measures %s alone and reports that", (name) => {
    const small = ["--model", "test_efficientnet", "--batch", "2", "--size", "32", "--threads", "1"];
    const python = ["--python", "no-such-python"];
    const made = bench(name, ...small, "--pairs", "3", "--warmup", "1", "--no-record", ...python);
    expect(made.stderr).toBe("");
    expect(made.stdout).toContain("No peer (spawnSync no-such-python ENOENT): measuring our side alone.");
    const row = JSON.parse(made.stdout.trim().split("\n").at(-1)!);
    expect(row).toMatchObject({
      benchmark: name,
      model: "test_efficientnet",
      batch: 2,
      ratio: null,
      peer: null,
    });
    expect(row.ours.ms.median).toBeGreaterThan(0);
    expect(row.ours.peakMb).toBeGreaterThan(30);
    expect(Object.keys(row.ours.versions)).toEqual(["node", "facehand", "onnxruntime-node"]);
    expect(row.commit).toMatch(/^[0-9a-f]{12}$/);
  });

  it("measures a step of the head alone beside our own forward pass", () => {
    const small = ["--model", "test_efficientnet", "--batch", "2", "--size", "32", "--threads", "1"];
    const made = bench("head-step", ...small, "--pairs", "2", "--warmup", "1", "--no-record");
    expect(made.stderr).toBe("");
    const { ratio, ours, peer } = JSON.parse(made.stdout.trim().split("\n").at(-1)!);
    expect(ratio.median).toBeGreaterThan(0);
    expect(peer.versions).toEqual(ours.versions);
    expect(ours.firstStepMs).toBeGreaterThan(0);
  });

  it.skipIf(CHROMIUM === undefined).each(["page-forward", "page-step"])(
    "measures %s in Chromium beside Node",
    (name) => {
      const small = ["--model", "test_efficientnet", "--batch", "2", "--size", "32", "--threads", "1"];
      const made = bench(name, ...small, "--pairs", "2", "--warmup", "0", "--no-record");
      expect(made.stderr).toBe("");
      const { ratio, ours, peer, lowering } = JSON.parse(made.stdout.trim().split("\n").at(-1)!);
      expect([ratio.median > 0, ours.ms.min > 0, ours.peakMb > 30, lowering]).toEqual([
        true,
        true,
        true,
        "plain",
      ]);
      expect(Object.keys(ours.versions)).toEqual(["node", "facehand", "onnxruntime-web", "chromium"]);
      expect(Object.keys(peer.versions)).toContain("onnxruntime-node");
    },
  );

  it.skipIf(CHROMIUM === undefined)("refuses the fast lowering in a page", () => {
    const made = bench("page-step", "--model", "test_efficientnet", "--lowering", "nchwc", "--no-record");
    expect(made.status).toBe(70);
    expect(made.stderr).toContain('Expected plain for --lowering of a page, got "nchwc"');
  });

  it("stops when a side does", () => {
    const made = bench("forward", "--model", "no_such_net", "--alone", "--no-record");
    expect(made.status).toBe(70);
    expect(made.stderr).toContain('Expected a known backbone for the backbone, got "no_such_net"');
  });

  it("does not take a Python without the peer's libraries", () => {
    expect(findPython(process.execPath)).toHaveProperty("missing");
  });
});
