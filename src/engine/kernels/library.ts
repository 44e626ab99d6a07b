// Where the library of our own operators lies once it is built, and why there is none: it is compiled by an explicit command
// (build.ts) into the user's cache, for the processor of this machine, and nothing needs it that did not ask for it.
// Invariant: a library is of the sources of this very version: its name has their hash.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type AppError, isNotFound, unexpected } from "../../core/errors.ts";
import { cacheFolder } from "../../machine/cache.ts";

/** What is compiled, in this folder; it includes the headers beside it. */
export const MAIN_SOURCE = "operators.cc";

/** How; warnings are of the compiler's own headers. Products and sums are never contracted: all compilers give the same bytes. */
const FLAGS = [
  "-O2",
  "-std=c++17",
  "-shared",
  "-fPIC",
  "-fvisibility=hidden",
  "-w",
  "-ffp-contract=off",
  "-mtune=znver3",
];
/** Instructions in Linux's words and compilers'. Blocks have 16 channels by the former, 8 by the latter; a processor needs one of them. */
const AVX512 = ["avx512f", "avx512bw", "avx512vl", "avx512dq", "fma"];
const AVX2 = ["avx2", "fma"];

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

/** Those of some instructions that a processor lacks. */
function missing(wanted: readonly string[], processor: string): readonly string[] {
  const flags = /^flags\s*:(.*)$/m.exec(processor)?.[1]?.split(/\s+/) ?? [];
  return wanted.filter((name) => !flags.includes(name));
}

/** Why the operators cannot run on a machine; undefined if they can. */
export function lacking({ system, processor }: Machine = thisMachine()): string | undefined {
  if (system !== "linux/x64") return `${system}: they are for linux/x64`;
  const [wide, narrow] = [missing(AVX512, processor), missing(AVX2, processor)];
  return wide.length * narrow.length === 0 ? undefined : `a processor without ${narrow.join(", ")}`;
}

/** Channels in a block of the library for a machine. */
export function lanesOf({ processor }: Machine = thisMachine()): 8 | 16 {
  return missing(AVX512, processor).length === 0 ? 16 : 8;
}

/** How the library for a machine is compiled. */
export function compilerFlags(machine?: Machine): readonly string[] {
  return [...FLAGS, ...(lanesOf(machine) === 16 ? AVX512 : AVX2).map((name) => `-m${name}`)];
}

/** @throws AppError("input", "KERNELS") where the operators cannot run */
export function checkMachine(machine?: Machine): void {
  const reason = lacking(machine);
  if (reason !== undefined) throw refused("a processor with AVX2 and FMA", reason, "train without --kernels");
}

function refused(expected: string, got: string, hint: string): AppError {
  return unexpected("input", { code: "KERNELS", expected, name: "native kernels", got, hint });
}

/** Where built libraries lie. */
export function libraryFolder(): string {
  return join(cacheFolder(), "kernels");
}

/** Beginning of the name of a library of these sources for a machine. Others are left alone: of other versions and processors. */
export function librarySeries(machine?: Machine): string {
  const described = [process.platform, process.arch, compilerFlags(machine)];
  const hash = createHash("sha256").update(JSON.stringify(described));
  const folder = sourceFolder();
  for (const name of readdirSync(folder)
    .filter((one) => /\.(cc|h)$/.test(one))
    .sort())
    hash.update(`\0${name}\0`).update(readFileSync(join(folder, name)));
  return `operators-${hash.digest("hex").slice(0, 16)}-`;
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
