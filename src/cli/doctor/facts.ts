// What `facehand doctor` finds out about this machine; nothing is changed, installed or fetched.
// Invariant: whatever is missing leaves a null or an empty list here, never an error.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { readdir, readFile, stat, statfs } from "node:fs/promises";
import { availableParallelism, cpus, freemem, totalmem } from "node:os";
import { dirname, join, resolve } from "node:path";
import { kernelState } from "../../engine/kernels/library.ts";
import { DEVICES, type DeviceState, probeDevice } from "../../engine/runtime/device.ts";
import { type ForeignLibraries, foreignLibraries } from "../../engine/runtime/foreign-libraries.ts";
import { type Backend, listBackends, runtimeVersion } from "../../engine/runtime/ort-node.ts";
import { probeBlock } from "../../engine/runtime/probe.ts";
import { cacheFolder } from "../../machine/cache.ts";
import { imageLibraries } from "../../pixels/image.ts";
import { nodeFloor, packageVersion } from "../version.ts";

/** Free space of the disk under a folder. */
export interface Disk {
  readonly path: string;
  /** Null if the system does not report it. */
  readonly freeBytes: number | null;
}

/** This machine, as far as it matters here. */
export interface MachineFacts {
  readonly version: string;
  readonly node: { readonly version: string; readonly floor: string };
  readonly platform: string;
  readonly cpu: {
    readonly model: string;
    readonly cores: number;
    /** Widest SIMD instructions of an x86 processor; null where the system does not report them. */
    readonly vectors: "avx512" | "avx2" | "avx" | "none" | null;
  };
  readonly memory: { readonly totalBytes: number; readonly freeBytes: number };
  readonly runtime: {
    readonly version: string;
    readonly backends: readonly Backend[];
    /** Channels in a block of the fast lowering; null if the processor has none. */
    readonly block: number | null;
    readonly devices: readonly DeviceState[];
    /** Libraries for other systems, which `doctor --prune` removes. */
    readonly foreign: readonly ForeignLibraries[];
    /** Whether the operators of `train --kernels` are built, or could be. */
    readonly kernels: string;
  };
  /** NVIDIA GPUs by name, as their driver lists them. */
  readonly gpus: readonly string[];
  readonly images: { readonly sharp: string; readonly vips: string };
  readonly disks: { readonly here: Disk; readonly cache: Disk };
  /** Pretrained backbones in the cache folder. */
  readonly models: readonly { readonly name: string; readonly sizeBytes: number }[];
  /** A Python with PyTorch, which only comparisons with it need. */
  readonly python: { readonly path: string; readonly torch: string } | null;
}

/** Inspects this machine; takes a second or two. */
export async function machineFacts(): Promise<MachineFacts> {
  const cache = cacheFolder();
  const [block, foreign, devices, here, cached, models, vectors, images] = await Promise.all([
    probeBlock(),
    foreignLibraries(),
    Promise.all(DEVICES.map((device) => probeDevice(device))),
    disk(process.cwd()),
    disk(cache),
    cachedModels(join(cache, "models")),
    vectorUnit(),
    imageLibraries(),
  ]);
  return {
    version: packageVersion(),
    node: { version: process.versions.node, floor: nodeFloor() },
    platform: `${process.platform}/${process.arch}`,
    cpu: { model: cpus()[0]?.model.trim() ?? "unknown", cores: availableParallelism(), vectors },
    memory: { totalBytes: totalmem(), freeBytes: freemem() },
    runtime: {
      version: runtimeVersion(),
      backends: listBackends(),
      block: block ?? null,
      devices,
      foreign,
      kernels: kernelState(),
    },
    gpus: nvidiaGpus(),
    images,
    disks: { here, cache: cached },
    models,
    python: findTorch(),
  };
}

/** The flags line of /proc/cpuinfo, which Linux has. */
async function vectorUnit(): Promise<MachineFacts["cpu"]["vectors"]> {
  const text = await readFile("/proc/cpuinfo", "utf8").catch(() => "");
  const flags = /^flags\s*:(.*)$/m.exec(text)?.[1]?.split(/\s+/);
  if (flags === undefined) return null;
  if (flags.includes("avx512f")) return "avx512";
  return flags.includes("avx2") ? "avx2" : flags.includes("avx") ? "avx" : "none";
}

/** A folder that is yet to be made will lie on its nearest parent's disk. */
async function disk(path: string): Promise<Disk> {
  let folder = resolve(path);
  while (!existsSync(folder) && dirname(folder) !== folder) folder = dirname(folder);
  const facts = await statfs(folder).catch(() => undefined);
  return { path, freeBytes: facts === undefined ? null : facts.bavail * facts.bsize };
}

async function cachedModels(folder: string): Promise<MachineFacts["models"]> {
  const names = await readdir(folder).catch(() => []);
  const models = names.toSorted().map(async (name) => {
    const found = await stat(join(folder, name, "model.safetensors")).catch(() => undefined);
    return found === undefined ? [] : [{ name, sizeBytes: found.size }];
  });
  return (await Promise.all(models)).flat();
}

function nvidiaGpus(): string[] {
  const lines = outputOf("nvidia-smi", "--query-gpu=name", "--format=csv,noheader");
  return lines === undefined ? [] : lines.split("\n").filter((line) => line !== "");
}

/** Asks for the installed version without importing torch, which takes seconds. */
function findTorch(): MachineFacts["python"] {
  const program = "import importlib.metadata as m; print(m.version('torch'))";
  for (const path of ["python3", "/usr/bin/python3", "python"]) {
    const torch = outputOf(path, "-c", program);
    if (torch !== undefined) return { path, torch };
  }
  return null;
}

/** What a program printed; undefined if it is absent, failed or took too long. */
function outputOf(program: string, ...args: readonly string[]): string | undefined {
  const { status, stdout } = spawnSync(program, args, { encoding: "utf8", timeout: 10_000 });
  return status === 0 ? stdout.trim() : undefined;
}
