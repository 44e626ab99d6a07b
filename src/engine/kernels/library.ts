// Where the library of our own operators lies once it is built, and why there is none: it is compiled by an explicit command
// (build.ts) into the user's cache, for the processor of this machine, and nothing needs it that did not ask for it.
// Invariant: a library is of the sources of this very version: its name has their hash.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type AppError, isNotFound, unexpected } from "../../core/errors.ts";
import { cacheFolder } from "../../machine/cache.ts";

/** What is compiled, in this folder; the others it includes. */
export const MAIN_SOURCE = "operators.cc";
const SOURCES = [MAIN_SOURCE, "convolve.h", "onnxruntime.h", "vectors.h", "weights.h"];

/** How; warnings are of the compiler's own headers. Products and sums are never contracted: all compilers give the same bytes. */
export const FLAGS = [
  ...["-O2", "-std=c++17", "-shared", "-fPIC", "-w", "-ffp-contract=off", "-mtune=znver3"],
  ...["-mavx512f", "-mavx512bw", "-mavx512vl", "-mavx512dq", "-mavx512bf16", "-mfma"],
];
/** What they ask of a processor, in Linux's words. */
const INSTRUCTIONS = ["avx512f", "avx512bw", "avx512vl", "avx512dq", "avx512_bf16", "fma"];

/** The command that builds the library. */
const BUILD = "facehand kernels build";

/** The folder of the sources, here and in the built package. */
export function sourceFolder(): string {
  return fileURLToPath(new URL(".", import.meta.url));
}

/** This machine; tests bring their own. */
export interface Machine {
  /** As Node names it, e.g. `linux/x64`. */
  readonly system: string;
  /** /proc/cpuinfo, empty where there is none. */
  readonly processor: string;
}

function thisMachine(): Machine {
  const system = `${process.platform}/${process.arch}`;
  try {
    return { system, processor: readFileSync("/proc/cpuinfo", "utf8") };
  } catch {
    return { system, processor: "" };
  }
}

/** Why the operators cannot run on a machine; undefined if they can. */
export function lacking({ system, processor }: Machine = thisMachine()): string | undefined {
  if (system !== "linux/x64") return `${system}: they are for linux/x64`;
  const flags = /^flags\s*:(.*)$/m.exec(processor)?.[1]?.split(/\s+/) ?? [];
  const missing = INSTRUCTIONS.filter((name) => !flags.includes(name));
  return missing.length === 0 ? undefined : `a processor without ${missing.join(", ")}`;
}

/** True where the operators run but were measured to take longer than ONNX Runtime's in float32 (decision 27): on Intel's. */
export function isSlower({ processor }: Machine = thisMachine()): boolean {
  return /^vendor_id\s*:\s*GenuineIntel$/m.test(processor);
}

/** @throws AppError("input", "KERNELS") where the operators cannot run */
export function checkMachine(machine?: Machine): void {
  const reason = lacking(machine);
  if (reason === undefined) return;
  const hint = "train without --kernels; AMD has AVX512_BF16 from Zen 4 on";
  throw refused("a processor with AVX512_BF16", reason, hint);
}

function refused(expected: string, got: string, hint: string): AppError {
  return unexpected("input", { code: "KERNELS", expected, name: "the kernels bf16", got, hint });
}

/** Where built libraries lie. */
export function libraryFolder(): string {
  return join(cacheFolder(), "kernels");
}

/** Beginning of the name of a library of these sources. */
export function librarySeries(): string {
  const hash = createHash("sha256").update(JSON.stringify([process.platform, process.arch, FLAGS]));
  for (const name of SOURCES) hash.update(`\0${name}\0`).update(readFileSync(join(sourceFolder(), name)));
  return `bf16-${hash.digest("hex").slice(0, 16)}-`;
}

/** The built library; undefined if there is none. */
export function builtLibrary(): string | undefined {
  const series = librarySeries();
  try {
    const name = readdirSync(libraryFolder()).find((one) => one.startsWith(series) && one.endsWith(".so"));
    return name === undefined ? undefined : join(libraryFolder(), name);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/**
 * Path of the built library.
 *
 * @throws AppError("input", "KERNELS") if this machine cannot run it, or it is not built
 */
export function kernelLibrary(): string {
  checkMachine();
  const path = builtLibrary();
  if (path !== undefined) return path;
  throw refused("a library that was built here", "none in the cache", BUILD);
}

/** One line on whether the operators are there, for people. */
export function kernelState(): string {
  const reason = lacking();
  if (reason !== undefined) return `no: ${reason}`;
  return builtLibrary() === undefined ? `not built: ${BUILD} (optional)` : "built";
}
