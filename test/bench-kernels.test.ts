// Benchmarks of `train --kernels native`: what takes the flag, what refuses it before anything is measured, and that its rows are
// never mixed with those without.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { withKernels } from "../bench/kernels.ts";
import type { Work } from "../bench/side.ts";
import { speedRuns, speedTable } from "../bench/speed.ts";
import type { AppError } from "../src/core/errors.ts";
import { lacking } from "../src/engine/kernels/library.ts";
import { KERNEL_CACHE, NO_KERNELS, sharedKernels, WHY } from "./compiled.ts";
import { drawFaces } from "./drawn.ts";
import { makePrograms } from "./programs.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const SMALL = ["--model", "test_efficientnet", "--batch", "2", "--size", "32", "--threads", "1"];

const STEP: Work = { model: "resnet18", batch: 2, sizePx: 32, threads: 1, lowering: "nchwc" };

const programs = await makePrograms("bench/run", "bench/train-step.bench");
const folder = mkdtempSync(join(tmpdir(), "facehand-bench-kernels-"));
const empty = join(folder, "empty");

beforeAll(async () => {
  await drawFaces(join(folder, "faces"), 20);
  if (NO_KERNELS === undefined) await sharedKernels();
}, 120_000);
afterAll(() => {
  programs.remove();
  rmSync(folder, { recursive: true });
});

/** What refuses kernels, as the command line prints it. */
const refused = async (...asked: Parameters<typeof withKernels>): Promise<string> =>
  await withKernels(...asked).then(
    () => "taken",
    (error: AppError) => error.describe(),
  );

function bench(home: string, ...args: readonly string[]) {
  const env = { ...process.env, XDG_CACHE_HOME: home };
  return spawnSync(process.execPath, [programs.path("bench/run"), ...args], {
    ...{ cwd: ROOT, encoding: "utf8" as const, env },
  });
}

describe("--kernels", () => {
  const refusalOf = (name: string) =>
    `Expected train-step or step-profile for --kernels, got "${name}"\nTry: npm run bench -- train-step --kernels native`;

  it.each(["forward", "speed"])("is not of %s, says the command line", (name) => {
    const { status, stdout, stderr } = bench(empty, name, "--kernels", "native");
    expect([status, stdout, stderr]).toEqual([2, "", `${refusalOf(name)}\n`]);
  });

  it.each(["head-step", "step-kernels"])("is not of %s", async (name) => {
    expect(await refused(name, STEP, "native")).toBe(refusalOf(name));
  });

  it("is refused before anything is measured where the operators are not there", () => {
    const why = lacking();
    const refusal =
      why === undefined
        ? 'Expected a library that was built here for native kernels, got "none in the cache"\nTry: facehand kernels build\n'
        : `Expected a processor with AVX2 and FMA for native kernels, got "${why}"\n`;
    const step = bench(empty, "train-step", ...SMALL, "--kernels", "native", "--no-record");
    expect([step.status, step.stdout]).toEqual([2, ""]);
    expect(step.stderr).toContain(refusal);
    const pace = ["--data", `utkface:${join(folder, "faces")}`, "--weights", "none", "--no-record"];
    const trained = bench(empty, "to-accuracy", ...pace, "--sides", "ours,ours-native");
    expect([trained.status, trained.stdout]).toEqual([2, ""]);
    expect(trained.stderr).toContain(refusal);
  });

  it("is native, on the fast lowering", async () => {
    expect(await refused("train-step", STEP, "fp16")).toBe('Expected native for --kernels, got "fp16"');
    expect(await refused("train-step", { ...STEP, lowering: "plain" }, "native")).toBe(
      'Expected nchwc for --lowering with --kernels native, got "plain"',
    );
  });

  it.skipIf(NO_KERNELS !== undefined)(`is in the row of a step that is taken by them${WHY}`, () => {
    const flags = [...SMALL, "--pairs", "2", "--warmup", "1", "--alone", "--no-record"];
    const [own, plain] = [["--kernels", "native"], []].map((kernels) => {
      const made = bench(KERNEL_CACHE, "train-step", ...flags, ...kernels);
      expect(made.stderr).toBe("");
      return JSON.parse(made.stdout.trim().split("\n").at(-1)!);
    });
    expect(own.kernels).toBe("native");
    expect(Object.hasOwn(plain, "kernels")).toBe(false);
    for (const { versions } of [own.ours, plain.ours])
      expect(Object.keys(versions)).toEqual(["node", "facehand", "onnxruntime-node"]); // no precision: float32
    expect(Math.min(own.ours.ms.min, plain.ours.ms.min)).toBeGreaterThan(0);
  });

  it.skipIf(NO_KERNELS !== undefined)(`trains a side of to-accuracy${WHY}`, { timeout: 120_000 }, () => {
    const pace = [
      ...["--data", `utkface:${join(folder, "faces")}`, "--weights", "none", "--model", "test_efficientnet"],
      ...["--size", "32", "--epochs", "1", "--batch", "4", "--seeds", "1", "--threads", "1", "--no-record"],
    ];
    const made = bench(KERNEL_CACHE, "to-accuracy", ...pace, "--sides", "ours,ours-native");
    expect(made.stderr).toBe("");
    expect(made.stdout).toMatch(/^here, plain, seed 1: [\d.]+ at \d+ s$/m);
    expect(made.stdout).toMatch(/^here, plain, native, seed 1: [\d.]+ at \d+ s$/m);
    expect(made.stdout).toMatch(/^to be reached: 0\.\d{4}$/m);
  });
});

/** Cells of a table's lines, without its head. */
const cellsOf = (text: string) =>
  text
    .split("\n")
    .filter((line) => line.startsWith("| "))
    .slice(2)
    .map((line) => line.split("|").map((cell) => cell.trim()));

describe("step-kernels", () => {
  it.skipIf(NO_KERNELS !== undefined)(`times steps with kernels and without, in turn${WHY}`, () => {
    const drawn = ["--batch", "8", "--size", "64"]; // norms of fewer values are as ill-conditioned as chance has it
    const made = bench(KERNEL_CACHE, "step-kernels", ...SMALL, ...drawn, "--pairs", "2", "--warmup", "1");
    expect(made.stderr).toBe("");
    const [none, native] = cellsOf(made.stdout);
    expect([none![1], none![3], none![4], native![1]]).toEqual(["none", "1.00", "1.00", "native"]);
    const losses = [none, native].map((cells) => cells![5]!.split(" ").map(Number));
    expect(losses[0]).toHaveLength(3); // with that of the warm-up
    for (const [i, loss] of losses[0]!.entries()) expect(losses[1]![i]).toBeCloseTo(loss, 4);
  });

  it("is refused before anything is measured where it could not be of them", () => {
    const [none, plain] = [[], ["--lowering", "plain"]].map((more) =>
      bench(empty, "step-kernels", ...SMALL, ...more),
    );
    expect([none!.status, none!.stdout, plain!.status, plain!.stdout]).toEqual([2, "", 2, ""]);
    expect(none!.stderr).toContain(" for native kernels, got ");
    expect(plain!.stderr).toBe('Expected nchwc for --lowering with --kernels native, got "plain"\n');
  });
});

it.skipIf(NO_KERNELS !== undefined)(`step-profile names the work of kernels as that without${WHY}`, () => {
  const profile = (...more: readonly string[]) => {
    const made = bench(KERNEL_CACHE, "step-profile", ...SMALL, "--pairs", "1", "--warmup", "0", ...more);
    expect(made.stderr).toBe("");
    return new Map(cellsOf(made.stdout).map(([, work, nodes]) => [work!, Number(nodes)]));
  };
  const [own, plain] = [profile("--kernels", "native"), profile()];
  const passes = ["3x3, forward", "3x3, input gradient", "3x3, weight gradient"];
  expect([...own.keys()].filter((work) => work.startsWith("3x3, ")).sort()).toEqual(passes);
  expect(passes.map((pass) => own.get(pass))).toEqual([1, 1, 1]); // one node for one convolution
  for (const pass of passes) expect(plain.get(`${pass}: moves`)).toBeGreaterThan(0); // others around its products
});

it("to-accuracy records nothing whose end is not to be reached", () => {
  const { status, stderr } = bench(
    ...[empty, "to-accuracy", "--data", "utkface:none", "--weights", "none"],
    ...["--sides", "ours-best,peer-bf16"],
  );
  expect([status, stderr]).toEqual([
    2,
    'Expected one of ours, peer, peer-default, peer-compile, whose end is what is to be reached, for --sides, got "ours-best,peer-bf16"\n',
  ]);
});

describe("npm run bench -- speed", () => {
  const ours = (kernels: string) =>
    speedRuns(["--python", "py"], kernels).filter(
      (run) => run.includes("--kernels") || typeof run === "string",
    );

  const SMALL = ["mobilenetv2_100", "resnet18", "tf_efficientnet_lite0"];

  it("measures steps with kernels in runs of their own, beside all setups", () => {
    const all = ["--setup", "default,channels_last,compile,bf16", "--kernels", "native", "--python", "py"];
    expect(ours("built")).toEqual([
      ["train-step", "--model", "tf_efficientnetv2_s", "--batch", "8", "--size", "224", ...all],
      ...SMALL.map((model) => ["train-step", "--model", model, "--batch", "32", "--size", "128", ...all]),
    ]);
  });

  it("says what it leaves out and why", () => {
    const why = "no: a processor without avx2, fma";
    expect(ours(why)).toEqual([
      `train-step tf_efficientnetv2_s, 8 x 224 px, --kernels native: left out, kernels native: ${why}`,
      ...SMALL.map(
        (model) => `train-step ${model}, 32 x 128 px, --kernels native: left out, kernels native: ${why}`,
      ),
    ]);
    expect(speedRuns([], why).filter((run) => typeof run !== "string")).toEqual(
      speedRuns([], "built").filter((run) => !run.includes("--kernels")),
    );
  });
});

/** A row of a step of resnet18. */
function stepRow(median: number, time: string, precision: string, kernels?: "native"): string {
  return JSON.stringify({
    ...{ benchmark: "train-step", model: "resnet18", batch: 32, sizePx: 128, kernels },
    ratio: { median, p25: 0.2, p75: 3 },
    ours: { ms: { median: 40 }, peakMb: 300, versions: {} },
    peer: {
      ms: { median: 100 },
      peakMb: 400,
      versions: { torch: "2.15.0", layout: "channels_last", compiler: null, precision },
    },
    commit: "abcdef012345",
    machine: { cpu: "CPU", cores: 2, idleBefore: 1, vectors: "AVX-512" },
    time,
  });
}

it("docs/speed.md keeps a step with kernels apart from one without, however new", () => {
  const text = speedTable(
    [
      stepRow(1.2, "2026-01-01T", "float32"),
      stepRow(2.1, "2026-01-01T", "bf16"),
      stepRow(0.7, "2026-01-02T", "float32", "native"),
      stepRow(1.3, "2026-01-02T", "bf16", "native"),
    ].join("\n"),
  );
  const rows = (section: string) => {
    const from = text.indexOf(`## ${section}`);
    const lines = text.slice(from, text.indexOf("\n## ", from + 1)).split("\n");
    const own = lines.filter((line) => line.startsWith("| train-step resnet18"));
    return own.map((line) => line.split("|").map((cell) => cell.trim()));
  };
  const work = "train-step resnet18, 32 x 128 px";
  expect(rows("Beside the strongest PyTorch").map((cells) => [cells[1], cells[4], cells[5]])).toEqual([
    [work, "1.20 (channels_last)", "2.10 (channels_last, bf16 autocast)"],
    [`${work}, --kernels native`, "0.70 (channels_last)", "1.30 (channels_last, bf16 autocast)"],
  ]);
  expect(rows("All measurements").map((cells) => [cells[1], cells[4]!.slice(0, 4)])).toEqual([
    [work, "1.20"],
    [work, "2.10"],
    [`${work}, --kernels native`, "0.70"],
    [`${work}, --kernels native`, "1.30"],
  ]);
});
