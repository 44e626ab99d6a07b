// `facehand kernels build`: compiles the operators by the machine's C++ compiler, into the user's cache.
// Invariants: one process builds at a time; a library gets its name when it has computed something right, and is there whole or
// not at all; a second build with the same compiler and sources finds it, tries it and does nothing.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { AppError, Interrupted, show, unexpected } from "../../core/errors.ts";
import { encodeModel } from "../../formats/onnx.ts";
import { exists, syncFile, writing } from "../../machine/files.ts";
import { withLock } from "../../machine/lock.ts";
import { makeFolders } from "../../machine/make-folders.ts";
import { COMPILED } from "../lower/writer.ts";
import { createSession } from "../runtime/open-session.ts";
import { Tensor } from "../runtime/session.ts";
import {
  checkMachine,
  compilerFlags,
  lanesOf,
  libraryFolder,
  librarySeries,
  MAIN_SOURCE,
  type Machine,
  sourceFolder,
} from "./library.ts";

const execute = promisify(execFile);

/** Compilers, in the order in which they are asked for. */
const COMPILERS = ["c++", "g++", "clang++"];
const VERSION_MS = 30_000;
const COMPILE_MS = 600_000;
/** Folders in which a library is made; what a kill left of them goes with the next build. */
const STAGING = ".build-";

/** What a build left. */
export interface BuiltKernels {
  readonly path: string;
  /** Its first line about itself. */
  readonly compiler: string;
  /** False if the library was there. */
  readonly built: boolean;
}

/**
 * Builds the library of operators, if it is not there.
 *
 * @param options - tests say on which machine
 * @throws AppError("input", "KERNELS" | "COMPILER" | "COMPILE_FAILED"); Interrupted after `signal`
 * @example await buildKernels({ signal }) // { path: "/home/me/.cache/facehand/kernels/operators-....so", ... }
 */
export async function buildKernels({
  signal,
  machine,
}: {
  readonly signal: AbortSignal;
  readonly machine?: Machine | undefined;
}): Promise<BuiltKernels> {
  checkMachine(machine);
  const { program, version } = await findCompiler();
  const folder = libraryFolder();
  const series = librarySeries(machine);
  const name = `${series}${createHash("sha256").update(version).digest("hex").slice(0, 8)}.so`;
  const path = join(folder, name);
  const compiler = version.split("\n")[0]!;
  return await withLock(
    folder,
    `the folder ${folder}`,
    async () => {
      if ((await exists(path)) && (await isRight(path, machine))) return { path, compiler, built: false };
      await writing(path, () => makeFolders(folder));
      await sweep(folder, (found) => found.startsWith(STAGING));
      const staging = await writing(path, () => mkdtemp(join(folder, STAGING)));
      try {
        const made = join(staging, name);
        await compile({ program, compiler, made, flags: compilerFlags(machine), signal });
        if (!(await isRight(made, machine))) throw wrong(compiler);
        await syncFile(made);
        await writing(path, () => rename(made, path));
      } finally {
        await rm(staging, { recursive: true, force: true });
      }
      await sweep(folder, (found) => found.startsWith(series) && found !== basename(path)); // by other compilers
      return { path, compiler, built: true };
    },
    { wait: signal },
  );
}

async function sweep(folder: string, goes: (name: string) => boolean): Promise<void> {
  for (const name of (await readdir(folder)).filter(goes))
    await rm(join(folder, name), { recursive: true, force: true });
}

/** The first compiler that says what it is. */
async function findCompiler(): Promise<{ readonly program: string; readonly version: string }> {
  for (const program of COMPILERS) {
    const printed = await execute(program, ["--version"], { timeout: VERSION_MS }).catch(() => undefined);
    if (printed !== undefined) return { program, version: printed.stdout.trim() };
  }
  throw unexpected("input", {
    code: "COMPILER",
    expected: `a C++ compiler on PATH (${COMPILERS.join(", ")})`,
    name: "kernels build",
    got: "none that runs",
    hint: "install one, e.g. apt-get install g++; everything but train --kernels works without",
  });
}

async function compile(order: {
  readonly program: string;
  readonly compiler: string;
  readonly made: string;
  readonly flags: readonly string[];
  readonly signal: AbortSignal;
}): Promise<void> {
  const { program, compiler, made, flags, signal } = order;
  const args = [...flags, join(sourceFolder(), MAIN_SOURCE), "-o", made];
  try {
    await execute(program, args, { timeout: COMPILE_MS, signal, maxBuffer: 64 << 20 });
  } catch (cause) {
    if (signal.aborted) throw new Interrupted("Stopped; no library was built");
    const text = cause instanceof Error && "stderr" in cause ? String(cause.stderr) : "";
    const fault = text.split("\n").find((line) => line.includes("error")) ?? show(cause);
    const message = `Expected ${compiler} to compile ${MAIN_SOURCE}, got ${fault.trim()}`;
    const hint = "these flags need GCC 11 or Clang 12 or later; put such a c++ first on PATH";
    throw new AppError("input", "COMPILE_FAILED", message, { hint, cause });
  }
}

function wrong(compiler: string): AppError {
  const message = `Expected the operators that ${compiler} compiled to compute a product, got another result or none`;
  return new AppError("input", "COMPILE_FAILED", message, { hint: "put another c++ first on PATH" });
}

/** What the probe scales the channels of one pixel by, in the middle of a 3x3 kernel. */
const SCALES = [1, 2, 3, 4];
/** Of Winograd's sums, whose terms are not whole numbers; a product that is wrong is out by 1 or more. */
const CLOSE = 1e-3;

/** True if ONNX Runtime loads a library and its convolution computes. */
async function isRight(path: string, machine?: Machine): Promise<boolean> {
  const lanes = lanesOf(machine);
  const weights = new Float32Array(4 * 4 * 9);
  for (const [i, scale] of SCALES.entries()) weights[(i * 4 + i) * 9 + 4] = scale;
  const pixel = Float32Array.from({ length: lanes }, (_, i) => (i < 4 ? i + 1 : Number.NaN)); // what pads a block is never read
  try {
    const session = await createSession(probeModel(lanes), {
      threads: 1,
      optimization: "disabled",
      operators: path,
    });
    try {
      const feeds = {
        x: new Tensor("float32", pixel, [1, lanes, 1, 1]),
        w: new Tensor("float32", weights, [4, 4, 3, 3]),
      };
      const y = (await session.run(feeds))["y"]!.data as Float32Array;
      return y.every((value, i) => Math.abs(value - (i + 1) * (SCALES[i] ?? 0)) < CLOSE);
    } finally {
      await session.release();
    }
  } catch {
    return false; // what is wrong with it, a new build tells
  }
}

function probeModel(lanes: number): Uint8Array {
  const sizes = { n: 1, c: 4, o: 4, h: 1, w: 1, ho: 1, wo: 1, k: 3, s: 1, p: 1, back: 0 };
  const attributes = Object.fromEntries(Object.entries(sizes).map(([name, int]) => [name, { int }]));
  const node = {
    name: "probe",
    op: "WinogradConv",
    domain: COMPILED,
    inputs: ["x", "w"],
    outputs: ["y"],
    attributes,
  };
  return encodeModel({
    irVersion: 8,
    producer: "facehand",
    opsets: [
      { domain: "", version: 17 },
      { domain: COMPILED, version: 1 },
    ],
    metadata: {},
    graph: {
      name: "probe",
      nodes: [node],
      initializers: [],
      inputs: [
        { name: "x", dtype: "float32", dims: [1, lanes, 1, 1] },
        { name: "w", dtype: "float32", dims: [4, 4, 3, 3] },
      ],
      outputs: [{ name: "y", dtype: "float32", dims: [1, lanes, 1, 1] }],
    },
  });
}
