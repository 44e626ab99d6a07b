// `facehand kernels build` and `train --kernels`: what refuses it, what it says, and that a run by it learns and resumes.
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { Interrupted } from "../../src/core/errors.ts";
import { kernelLibrary } from "../../src/engine/kernels/library.ts";
import { predictionFiles } from "../../src/evaluate/stored/prediction-folder.ts";
import { sha256File } from "../../src/machine/files.ts";
import { runPaths } from "../../src/predict/run-folder.ts";
import { parseTrainConfig } from "../../src/train/config.ts";
import { train } from "../../src/train/loop.ts";
import { readLog } from "../../src/train/run.ts";
import { compilerOf, NO_KERNELS, STAND_IN, sharedKernels, WHY } from "../compiled.ts";
import { drawFaces } from "../drawn.ts";
import { runCli } from "./run.ts";

let root: string;
const at = (name: string) => join(root, name);
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "facehand-kernels-"));
  vi.stubEnv("XDG_CACHE_HOME", at("cache"));
  await drawFaces(at("faces"), 40);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await rm(root, { recursive: true });
});

const TAG = "test_efficientnet.none_F0_Af_Lb_Z0";
const given = (name: string, tag = TAG) => [
  ...["train", "--arch", "umcc", "--tag", tag, "--data", `utkface:${at("faces")}`, "--image-size", "32"],
  ...[
    "--epochs",
    "3",
    "--batch",
    "8",
    "--lr",
    "0.003",
    "--threads",
    "1",
    "--workers",
    "1",
    "--out",
    at(name),
  ],
];
const NATIVE = ["--kernels", "native"];
const configOf = () =>
  parseTrainConfig({
    ...{ arch: "umcc", tag: TAG, data: [`utkface:${at("faces")}`], imageSize: 32, epochs: 3, batch: 8 },
    ...{ lr: 0.003, kernels: "native" },
  });

describe.skipIf(NO_KERNELS !== undefined)(`train --kernels native${WHY}`, () => {
  it("is refused where they are not built, and makes nothing", async () => {
    const { code, stderr } = await runCli(...given("unbuilt"), ...NATIVE);
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /^Expected a library that was built here for native kernels, got .*\nTry: facehand kernels build\n/,
    );
    expect(await readdir(root)).toEqual(["faces"]);
  });

  it("kernels build states the library and its compiler, and what there is already", async () => {
    const { bin } = await compilerOf(root, await sharedKernels());
    vi.stubEnv("PATH", `${bin}:${process.env["PATH"]}`);
    const first = await runCli("kernels", "build");
    expect([first.code, first.stderr]).toEqual([0, ""]);
    const path = kernelLibrary();
    expect(first.stdout).toBe(`built: ${path}\nby ${STAND_IN}\n`);
    const again = await runCli("kernels", "build", "--json");
    expect(JSON.parse(again.stdout)).toEqual({ path, compiler: STAND_IN, built: false });
    expect((await runCli("doctor")).stdout).toMatch(/^ {2}native kernels +built$/m);
  });

  it.each([
    ["nothing of the backbone learns", TAG.replace("Z0", "Z2"), "Expected a backbone that learns (Z0 or Z1)"],
    [
      "a network has no such convolutions",
      "vit_tiny_patch16_224.none_F0_Af_Lb_Z0",
      "Expected a network with dense convolutions of kernel 1 or 3",
    ],
  ])("is refused where %s", async (_, tag, message) => {
    const { code, stderr } = await runCli(...given("vain", tag), ...NATIVE);
    expect([code, stderr]).toEqual([2, expect.stringContaining(`${message} for --kernels native`)]);
    expect(await readdir(root)).not.toContain("vain");
  });

  it("is refused on other devices", async () => {
    await expect(train(configOf(), { dir: at("device"), device: "webgpu" })).rejects.toThrow(
      'Expected --device cpu for --kernels native, got "webgpu"',
    );
    expect(await readdir(root)).not.toContain("device");
  });

  it("says so first, learns as without, is recorded, and resumes to the same bytes", async () => {
    const plain = await runCli(...given("plain"));
    const own = await runCli(...given("own"), ...NATIVE);
    expect([plain.code, own.code]).toEqual([0, 0]);
    const note = /^--kernels native: float32, .* validation and predictions are as without\. .*$/m;
    expect(own.stderr).toMatch(note);
    expect(own.stderr.search(note)).toBeLessThan(own.stderr.search(/^epoch/m));
    expect(plain.stderr).not.toMatch(note);
    const configs = await Promise.all(
      ["plain", "own"].map((name) => readFile(runPaths(at(name)).config, "utf8")),
    );
    const [before, after] = configs.map((text) => JSON.parse(text) as Record<string, unknown>);
    expect(before).not.toHaveProperty("kernels");
    expect(after).toEqual({ ...before, kernels: "native" });

    const [a, b] = [await readLog(at("plain")), await readLog(at("own"))];
    expect(b[0]!.trainLoss).not.toBe(a[0]!.trainLoss);
    for (const [i, { trainLoss }] of b.entries())
      expect(Math.abs(trainLoss - a[i]!.trainLoss) / a[i]!.trainLoss).toBeLessThan(1e-3);

    const stop = new AbortController();
    const onStep = (_: unknown, { step }: { readonly step: number }) => {
      if (step === 5) stop.abort(); // within the second epoch
    };
    const how = { dir: at("stopped"), threads: 1, workers: 1, onStep, signal: stop.signal };
    await expect(train(configOf(), how)).rejects.toThrow(Interrupted);
    const other = await runCli(...given("stopped"), "--resume");
    expect([other.code, other.stderr]).toEqual([
      2,
      expect.stringMatching(/Expected --kernels "native" as in .*, got left out/),
    ]);
    // Operators that another compiler made.
    const { environment } = runPaths(at("stopped"));
    const begun = await readFile(environment, "utf8");
    expect(JSON.parse(begun)).toHaveProperty("kernels", basename(kernelLibrary()));
    await writeFile(environment, begun.replace(basename(kernelLibrary()), "operators-0-1.so"));
    const remade = await runCli(...given("stopped"), ...NATIVE, "--resume");
    expect([remade.code, remade.stderr]).toEqual([
      2,
      expect.stringContaining("Expected the operators of the run's start, operators-0-1.so"),
    ]);
    await writeFile(environment, begun);
    expect((await runCli(...given("stopped"), ...NATIVE, "--resume")).code).toBe(0);
    const bytes = async (name: string) => {
      const { last, best, predictions } = runPaths(at(name));
      const stored = (await predictionFiles(predictions)).map(({ path }) => path);
      return Promise.all([last, best, ...stored].map(sha256File));
    };
    expect(await bytes("stopped")).toEqual(await bytes("own"));
  });
});

it("kernels build is refused with the cause where a machine cannot run them", async () => {
  if (NO_KERNELS === undefined) vi.stubEnv("PATH", at("nothing"));
  const { code, stderr } = await runCli("kernels", "build");
  expect(code).toBe(2);
  expect(stderr).toMatch(
    /^Expected a (C\+\+ compiler|processor) .*\nTry: .+\nUsage: facehand kernels build --help/,
  );
});
