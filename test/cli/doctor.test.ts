// `facehand doctor` on this machine, and its advice for machines that lack something.
import { describe, expect, it } from "vitest";
import { advise, formatPruned } from "../../src/cli/doctor/doctor.ts";
import type { MachineFacts } from "../../src/cli/doctor/facts.ts";
import { packageVersion } from "../../src/cli/version.ts";
import { runCli } from "./run.ts";

const FINE: MachineFacts = {
  version: "1.0.0",
  node: { version: "20.19.0", floor: "20.19" },
  platform: "linux/x64",
  cpu: { model: "A", cores: 2, vectors: "avx2" },
  memory: { totalBytes: 8e9, freeBytes: 4e9 },
  runtime: {
    version: "1.30.0",
    backends: [
      { name: "cpu", installed: true },
      { name: "cuda", installed: false },
    ],
    block: 8,
    devices: [
      { device: "cpu", runs: true },
      { device: "cuda", runs: false, reason: "no libraries", hint: "install them" },
    ],
    foreign: [],
    kernels: "not built",
  },
  gpus: [],
  images: { sharp: "1", vips: "1" },
  disks: { here: { path: "/a", freeBytes: 5e9 }, cache: { path: "/c", freeBytes: null } },
  models: [],
  python: null,
};
const missing = (facts: Partial<MachineFacts>) =>
  advise({ ...FINE, ...facts }).map(({ missing, remedy }) => [missing, remedy]);

describe("facehand doctor", () => {
  it("prints JSON that says what this machine has", async () => {
    const { code, stdout, stderr } = await runCli("doctor", "--json");
    expect([code, stderr]).toEqual([0, ""]);
    const facts = JSON.parse(stdout) as MachineFacts & { advice: unknown[] };
    expect(facts).toMatchObject({
      version: packageVersion(),
      node: { version: process.versions.node, floor: "20.19" },
      platform: `${process.platform}/${process.arch}`,
      runtime: {
        version: expect.stringMatching(/^\d+\.\d+/),
        backends: expect.arrayContaining([{ name: "cpu", installed: true }]),
      },
      images: { sharp: expect.stringMatching(/^\d/), vips: expect.stringMatching(/^\d/) },
      advice: expect.any(Array),
    });
    expect(facts.runtime.devices.map(({ device }) => device)).toEqual([
      "cpu",
      "cuda",
      "webgpu",
      "coreml",
      "dml",
    ]);
    expect(facts.runtime.devices[0]).toEqual({ device: "cpu", runs: true });
    expect(facts.cpu.cores).toBeGreaterThan(0);
    expect(facts.disks.here.path).toBe(process.cwd());
  });

  it("says the same as text, with a reason for every device that does not run", async () => {
    const { code, stdout } = await runCli("doctor");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^facehand +\d/);
    expect(stdout).toMatch(/^ {2}cpu +runs$/m);
    for (const device of ["cuda", "webgpu", "coreml", "dml"])
      expect(stdout).toMatch(new RegExp(`^  ${device} +(runs|no: .+)$`, "m"));
    expect(stdout).toMatch(/^(nothing is missing|missing: .+\nTry: .+)/m);
  });
});

describe("what --prune did", () => {
  it("is reported with its size, and that other systems cannot run from there", () => {
    const own = `${process.platform}/${process.arch}`;
    expect(formatPruned([])).toBe(`Nothing to remove: ONNX Runtime has libraries for ${own} only`);
    const foreign = ["win32/x64", "darwin/x64"].map((system) => ({ system, folder: "", bytes: 15e6 }));
    expect(formatPruned(foreign)).toBe(
      `Removed 30 MB of ONNX Runtime for win32/x64, darwin/x64; this installation now runs on ${own} only`,
    );
  });
});

describe("advice", () => {
  it("is empty where nothing is missing; CUDA is not missed without a GPU", () => {
    expect(missing({})).toEqual([]);
    expect(missing({ node: { version: "22.1.0", floor: "20.19" } })).toEqual([]);
  });

  it("names an old Node, a processor without the fast path, little memory and a full disk", () => {
    expect(missing({ node: { version: "20.9.0", floor: "20.19" } })).toEqual([
      ["Node 20.19 or later", "install it from https://nodejs.org"],
    ]);
    expect(missing({ runtime: { ...FINE.runtime, block: null } })[0]![0]).toContain("NCHWc");
    expect(missing({ memory: { totalBytes: 2e9, freeBytes: 1e9 } })).toEqual([
      ["4 GB of memory", "train with a smaller --batch"],
    ]);
    const full = { here: { path: "/a", freeBytes: 1e9 }, cache: { path: "/c", freeBytes: 1e8 } };
    expect(missing({ disks: full }).map(([what]) => what)).toEqual([
      "2 GB of free disk at /a",
      "2 GB of free disk at /c",
    ]);
  });

  it("gives the one command that installs CUDA's libraries where there is a GPU", () => {
    expect(missing({ gpus: ["NVIDIA X"] })).toEqual([
      [
        "the CUDA libraries of ONNX Runtime for NVIDIA X",
        expect.stringMatching(/^node \S*onnxruntime-node\/script\/install\.js /),
      ],
    ]);
    const backends = [{ name: "cuda", installed: true }];
    expect(missing({ gpus: ["NVIDIA X"], runtime: { ...FINE.runtime, backends } })).toEqual([
      ["CUDA for NVIDIA X: no libraries", "install them"],
    ]);
  });
});
