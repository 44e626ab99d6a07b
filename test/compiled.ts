// Whether this machine can build and run the operators of engine/kernels, for tests that need them, and one library of them for
// all: compiling takes six seconds of processor time.
import { spawnSync } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { buildKernels } from "../src/engine/kernels/build.ts";
import { lacking, type Machine } from "../src/engine/kernels/library.ts";
import { ROOT } from "./source.ts";

const compiler = ["c++", "g++", "clang++"].some((name) => spawnSync(name, ["--version"]).status === 0);

/** Why these operators cannot be tested here; undefined if they can. */
export const NO_KERNELS: string | undefined = compiler ? lacking() : "no C++ compiler";

/** Appended to the names of tests that are skipped. */
export const WHY: string = NO_KERNELS === undefined ? "" : ` (skipped: ${NO_KERNELS})`;

/** XDG_CACHE_HOME of tests that only need a library. */
export const KERNEL_CACHE: string = join(ROOT, "node_modules", ".cache", "facehand-kernels");

/** A processor without AVX-512, for whose library maps are in blocks of 8; one that has more runs it too. */
export const AVX2: Machine = { system: "linux/x64", processor: "flags\t\t: avx2 fma\n" };

/**
 * Builds the library there by this machine's compiler, unless there is one of these sources, flags and compiler.
 *
 * @param machine - for which it is built; this one if left out
 */
export async function sharedKernels(machine?: Machine): Promise<string> {
  const before = process.env["XDG_CACHE_HOME"];
  process.env["XDG_CACHE_HOME"] = KERNEL_CACHE;
  try {
    return (await buildKernels({ signal: new AbortController().signal, machine })).path;
  } finally {
    if (before === undefined) delete process.env["XDG_CACHE_HOME"];
    else process.env["XDG_CACHE_HOME"] = before;
  }
}

/** What a compiler that `compilerOf` writes says of itself. */
export const STAND_IN = "c++ (of a test) 1.0";

/**
 * Writes a compiler that makes what this machine's made of the same sources, for tests of who compiles what, when and how often.
 *
 * @returns the folder for PATH; and the file with a line of arguments for each library that it made
 */
export async function compilerOf(root: string, library: string): Promise<{ bin: string; calls: string }> {
  const [bin, calls] = [join(root, "compiler"), join(root, "compiler.txt")];
  await mkdir(bin);
  const script = [
    "#!/bin/sh",
    `[ "$1" = --version ] && echo "${STAND_IN}" && exit 0`,
    `echo "$*" >> "${calls}"`,
    `for out; do :; done; exec /bin/cp "${library}" "$out"`, // to the last argument, that of \`-o\`
  ];
  await writeFile(join(bin, "c++"), `${script.join("\n")}\n`, { mode: 0o755 });
  return { bin, calls };
}
