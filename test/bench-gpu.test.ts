// `npm run bench -- gpu`: its refusal where there is no card, its table, and all of its code on a software adapter.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterAll, expect, it } from "vitest";
import { type GpuRow, gpuSection, gpuTable } from "../bench/gpu/table.ts";
import { findPython } from "../bench/peer.ts";
import { spread } from "../bench/statistics.ts";
import { makePrograms } from "./programs.ts";
import { ADAPTER, software } from "./software-adapter.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const programs = await makePrograms("bench/run", "bench/gpu/side", "bench/gpu/check");
afterAll(() => programs.remove());

function bench(env: NodeJS.ProcessEnv, ...args: readonly string[]) {
  const words = [programs.path("bench/run"), "gpu", "--no-record", ...args];
  return spawnSync(process.execPath, words, { cwd: ROOT, encoding: "utf8", env });
}

const NONE = { ...process.env, VK_DRIVER_FILES: "/none.json", VK_ICD_FILENAMES: "/none.json" };

it("says why there is no card, and what to do, with the exit code of a wrong input", () => {
  const { status, stderr, stdout } = bench(NONE, "--devices", "coreml,dml");
  expect([status, stdout]).toEqual([2, ""]);
  expect(stderr).toMatch(
    /^Expected a graphics card for the benchmark, got nothing \(coreml: ONNX Runtime for \S+ offers .*; dml: ONNX Runtime for .*\)\nTry: coreml: use --device cpu; dml: use --device cpu\n$/,
  );
});

it("refuses work and numbers that it cannot read", () => {
  const work = bench(NONE, "--work", "resnet18");
  expect([work.status, work.stderr]).toEqual([
    2,
    'Expected MODEL:BATCHxPX, several with commas, for --work, got "resnet18"\n',
  ]);
  const minutes = bench(NONE, "--minutes", "0");
  expect([minutes.status, minutes.stderr]).toEqual([
    2,
    'Expected an integer from 1 on for --minutes, got "0"\n',
  ]);
  const device = bench(NONE, "--devices", "gpu");
  expect([device.status, device.stderr]).toEqual([
    2,
    'Expected some of cuda, webgpu, coreml, dml for --devices, got "gpu"\n',
  ]);
});

const base = {
  model: "resnet18",
  batch: 32,
  sizePx: 128,
  commit: "abc",
  modified: false,
  time: "2026-01-01",
};
const machine = { card: "A card" };
const rows: GpuRow[] = [
  {
    ...{ ...base, machine, benchmark: "gpu", side: "cuda tf32", ms: spread([10, 20, 30]), firstStepMs: 1500 },
    ...{ cardMb: 700, toDevice: 1_500_000, fromDevice: 2500, loader: 1000 },
  },
  { ...base, machine, benchmark: "gpu", side: "webgpu", loader: 1000, failed: "out of memory" },
  {
    ...{ ...base, machine, benchmark: "gpu-check", device: "cuda", steps: 20, first: 1e-6, apart: 2e-4 },
    placed: { CUDAExecutionProvider: { Conv: 20, Add: 2 }, CPUExecutionProvider: { Shape: 3 } },
  },
];

it("shows speed beside the loader's, what failed, and what fell back to the CPU", () => {
  const table = gpuTable(rows);
  const cells = (start: string) =>
    table
      .split("\n")
      .find((line) => line.startsWith(`| resnet18, 32 x 128 px | ${start}`))!
      .split("|")
      .map((cell) => cell.trim());
  expect(cells("cuda tf32").slice(3, -1)).toEqual([
    ...["20.0 (15.0 to 25.0)", "1.5", "1600", "1000, too slow", "700", "1.50", "2.50"],
  ]);
  expect(cells("webgpu")[3]).toBe("out of memory");
  expect(cells("cuda  ").slice(3, -1)).toEqual(["20", "1.0e-6", "2.0e-4", "CUDA 22; CPU 3 (3 Shape)"]);
  expect(gpuSection([])).toContain("Not measured");
  expect(gpuSection(rows)).toContain(table);
});

it.skipIf(ADAPTER === undefined)(
  "steps, compares with the CPU and counts on a software adapter (needs Chromium's SwiftShader)",
  (context) => {
    // Of two images the last norms have two values each, which magnify rounding: 5e-5 on AVX-512, of eight 8e-8.
    const tiny = ["--work", "test_efficientnet:8x32", "--steps", "2", "--warmup", "1", "--pictures", "4"];
    const made = bench(software(), "--devices", "webgpu", ...tiny);
    if (/Failed to get a WebGPU adapter/.test(made.stderr)) return context.skip("no WebGPU here");
    expect(made.status, made.stderr).toBe(0);
    const cells = made.stdout
      .split("\n")
      .filter((line) => line.startsWith("| test_efficientnet, 8 x 32 px "))
      .map((line) => line.split("|").map((cell) => cell.trim()));
    expect(cells).toHaveLength(2);
    const [steps, check] = cells;
    expect(steps!.slice(2, 3)).toEqual(["webgpu"]);
    expect(Number(steps![6])).toBeGreaterThan(0); // the loader's images a second
    expect(steps!.slice(-3, -1)).toEqual(["0.03", "0.04"]); // 8 images of 3,072 bytes; 8 log-odds and 2 figures
    expect(check!.slice(2, 4)).toEqual(["webgpu", "2"]);
    expect(Number(check![4])).toBeLessThan(1e-5);
    expect(Number(check![5])).toBeLessThan(1e-2);
    expect(check![6]).toMatch(/^WebGpu \d+$/); // nothing on the CPU
  },
  600_000,
);

it("rehearses all of it on the processor, with PyTorch in each precision", {
  timeout: 600_000,
}, (context) => {
  const python = findPython();
  if ("missing" in python) return context.skip(`needs PyTorch and timm: ${python.missing}`);
  const tiny = ["--work", "test_efficientnet:2x32", "--steps", "2", "--warmup", "1", "--pictures", "4"];
  // What inductor compiles takes minutes, and no line of ours.
  const made = bench({ ...NONE, TORCH_COMPILE_DISABLE: "1" }, "--rehearse", ...tiny, "--python", python.path);
  expect(made.status, made.stderr).toBe(0);
  const cells = made.stdout
    .split("\n")
    .filter((line) => line.startsWith("| test_efficientnet, 2 x 32 px "))
    .map((line) => line.split("|").map((cell) => cell.trim()));
  expect(cells.map(([, , side]) => side)).toEqual([
    ...["cpu", "PyTorch fp32", "PyTorch tf32", "PyTorch bf16, compiled", "cpu"],
  ]);
  const [ours, ...peers] = cells.slice(0, 4);
  const check = cells[4]!;
  for (const line of [ours!, ...peers]) {
    expect(line[3], made.stdout).toMatch(/^\d+\.\d \(\d+\.\d to \d+\.\d\)$/);
    expect(Number(line[5])).toBeGreaterThan(0); // images a second
  }
  expect(Math.min(...ours!.slice(-3, -1).map(Number))).toBeGreaterThan(0); // state is copied, as nothing stays on a card
  for (const peer of peers) expect(peer.slice(-3, -1)).toEqual(["-", "-"]);
  expect(check.slice(3, 6)).toEqual(["2", "0.0e+0", "0.0e+0"]); // the processor beside itself
  expect(check[6]).toMatch(/^CPU \d+ \(/);
});

it("has a peer that makes the step of train-step's", { timeout: 300_000 }, (context) => {
  const python = findPython();
  if ("missing" in python) return context.skip(`needs PyTorch and timm: ${python.missing}`);
  const work = JSON.stringify({ model: "test_efficientnet", batch: 8, sizePx: 64, threads: 1 });
  const lossOf = (script: string, ...args: readonly string[]) => {
    const path = fileURLToPath(new URL(`../bench/peer/${script}`, import.meta.url));
    const ran = spawnSync(python.path, [path, work, ...args], { encoding: "utf8", input: "step\n" });
    expect(ran.status, ran.stderr).toBe(0);
    return (JSON.parse(ran.stdout.trim().split("\n").at(-1)!) as { readonly result: number }).result;
  };
  expect(lossOf("gpu.py", "fp32", "cpu")).toBeCloseTo(lossOf("step.py", "train-step"), 4);
});
