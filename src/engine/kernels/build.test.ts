// Building the operators: once, by one process, whole; and what refuses it.
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { AVX2, compilerOf, NO_KERNELS, STAND_IN, sharedKernels, WHY } from "../../../test/compiled.ts";
import { Interrupted } from "../../core/errors.ts";
import { buildKernels } from "./build.ts";
import {
  checkMachine,
  compilerFlags,
  kernelLibrary,
  kernelState,
  lacking,
  lanesOf,
  libraryFolder,
  librarySeries,
  MAIN_SOURCE,
  sourceFolder,
} from "./library.ts";

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "facehand-kernels-"));
  vi.stubEnv("XDG_CACHE_HOME", join(root, "cache"));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(root, { recursive: true });
});

/** A processor with AVX-512. */
const WIDE = "processor : 0\nflags\t\t: avx2 fma avx512f avx512bw avx512vl avx512dq\n";
const machine = { system: "linux/x64", processor: WIDE };
const { signal } = new AbortController();
const build = (more: Partial<Parameters<typeof buildKernels>[0]> = {}) =>
  buildKernels({ signal, machine, ...more });

describe("a machine", () => {
  it.each([
    [{ system: "darwin/arm64", processor: "" }, "darwin/arm64: they are for linux/x64"],
    [{ system: "linux/arm64", processor: "Features : bf16" }, "linux/arm64: they are for linux/x64"],
    [{ ...machine, processor: "" }, /^a processor without avx2, fma$/],
    [{ ...machine, processor: WIDE.replace(" fma", "") }, /^a processor without fma$/],
  ])("%j cannot run them", async (other, reason) => {
    expect(lacking(other)).toMatch(reason);
    expect(() => checkMachine(other)).toThrow(
      expect.objectContaining({ kind: "input", code: "KERNELS", hint: "train without --kernels" }),
    );
    await expect(build({ machine: other })).rejects.toThrow(
      /^Expected a processor with AVX2 and FMA for native kernels, got/,
    );
    expect(await readdir(root)).toEqual([]);
  });

  it("with AVX-512, all that is needed of it, has a library for blocks of 16, with AVX2 one for blocks of 8", () => {
    const machines = [machine, { ...machine, processor: WIDE.replace(" avx512vl", "") }, AVX2];
    expect(machines.map(lacking)).toEqual([undefined, undefined, undefined]);
    expect(machines.map(lanesOf)).toEqual([16, 8, 8]);
    const own = machines.map((one) => compilerFlags(one).filter((flag) => /^-m(?!tune)/.test(flag)));
    const narrow = ["-mavx2", "-mfma"];
    expect(own).toEqual([["-mavx512f", "-mavx512bw", "-mavx512vl", "-mavx512dq", "-mfma"], narrow, narrow]);
    const series = machines.map(librarySeries);
    expect([series[0] === series[1], series[1] === series[2]]).toEqual([false, true]);
    for (const one of series) expect(one).toMatch(/^operators-[0-9a-f]{16}-$/);
  });
});

/** A folder with programs, as all of PATH. */
async function onPath(programs: Readonly<Record<string, string>>): Promise<void> {
  const bin = join(root, "bin");
  await mkdir(bin);
  for (const [name, script] of Object.entries(programs)) {
    await writeFile(join(bin, name), `#!/bin/sh\n${script}\n`);
    await chmod(join(bin, name), 0o755);
  }
  vi.stubEnv("PATH", bin);
}

describe.skipIf(process.platform === "win32")("a compiler", () => {
  it("that is missing is named, with what installs one", async () => {
    await onPath({});
    await expect(build()).rejects.toMatchObject({
      ...{ kind: "input", code: "COMPILER", hint: expect.stringContaining("apt-get install g++") },
      message: 'Expected a C++ compiler on PATH (c++, g++, clang++) for kernels build, got "none that runs"',
    });
  });

  it("that cannot compile them is reported with its own words, and leaves nothing", async () => {
    const fails = 'echo "cc1plus: error: unrecognized option -mavx512vl" >&2; exit 1';
    await onPath({ "g++": `[ "$1" = --version ] && echo "g++ 9.4.0" && exit 0; ${fails}` });
    await expect(build()).rejects.toMatchObject({
      ...{ kind: "input", code: "COMPILE_FAILED", hint: expect.stringContaining("GCC 11") },
      message:
        "Expected g++ 9.4.0 to compile operators.cc, got cc1plus: error: unrecognized option -mavx512vl",
    });
    expect(await readdir(libraryFolder())).toEqual([]);
  });

  it("whose library computes nothing is refused", async () => {
    const writes = 'for out; do :; done; echo "no library" > "$out"';
    await onPath({ "c++": `[ "$1" = --version ] && echo "c++ 1" && exit 0; ${writes}` });
    await expect(build()).rejects.toThrow(
      /^Expected the operators that c\+\+ 1 compiled to compute a product/,
    );
    expect(await readdir(libraryFolder())).toEqual([]);
  });

  it("is stopped", async () => {
    await onPath({ "c++": `[ "$1" = --version ] && echo "c++ 1" && exit 0; exec /bin/sleep 60` });
    const stop = new AbortController();
    const building = build({ signal: stop.signal });
    await vi.waitFor(async () => expect(await readdir(libraryFolder())).toHaveLength(1), { timeout: 10_000 });
    stop.abort();
    await expect(building).rejects.toThrow(Interrupted);
    expect(await readdir(libraryFolder())).toEqual([]);
  });
});

describe.skipIf(NO_KERNELS !== undefined)(`the library${WHY}`, () => {
  let library: string;
  beforeAll(async () => {
    library = await sharedKernels();
  });

  it("is built once, by one of two at once, made anew where it is damaged, and leaves nothing else", async () => {
    expect(() => kernelLibrary()).toThrow(
      expect.objectContaining({ kind: "input", code: "KERNELS", hint: "facehand kernels build" }),
    );
    expect(kernelState()).toBe("not built: facehand kernels build (optional)");
    const folder = libraryFolder();
    const { bin, calls } = await compilerOf(root, library);
    vi.stubEnv("PATH", bin);
    await mkdir(join(folder, ".build-killed"), { recursive: true });
    const both = await Promise.all([buildKernels({ signal }), buildKernels({ signal })]);
    expect(both.map(({ built }) => built).sort()).toEqual([false, true]);
    const { path, compiler } = both[0];
    expect([both[1].path, both[1].compiler, compiler]).toEqual([path, compiler, STAND_IN]);
    const called = async () => (await readFile(calls, "utf8")).trimEnd().split("\n");
    const command = [
      ...compilerFlags(),
      join(sourceFolder(), MAIN_SOURCE),
      "-o",
      join(folder, ".build-"),
    ].join(" ");
    expect(await called()).toEqual([expect.stringContaining(command)]);
    expect([dirname(path), kernelLibrary(), kernelState()]).toEqual([folder, path, "built"]);
    const entries = async () => (await readdir(folder)).map((name) => join(folder, name));
    expect(await entries()).toEqual([path]);

    const bytes = await readFile(path);
    await utimes(path, 1, 1);
    expect(await buildKernels({ signal })).toEqual({ path, compiler, built: false });
    expect((await stat(path)).mtimeMs).toBe(1000);

    // In another folder: a library that this process has loaded stays in its memory.
    vi.stubEnv("XDG_CACHE_HOME", join(root, "other"));
    const other = join(libraryFolder(), basename(path));
    await mkdir(libraryFolder(), { recursive: true });
    await writeFile(other, bytes.subarray(0, 100));
    await writeFile(other.replace(/\w{8}\.so$/, "0ther000.so"), "of another compiler");
    expect(await buildKernels({ signal })).toEqual({ path: other, compiler, built: true });
    expect(await readdir(libraryFolder())).toEqual([basename(path)]);
    expect((await readFile(other)).equals(bytes)).toBe(true);
    expect(await called()).toHaveLength(2);
  });

  it("of another processor lies beside it, and is tried by what that processor runs", async () => {
    const { bin } = await compilerOf(root, await sharedKernels(AVX2));
    vi.stubEnv("PATH", bin);
    const { path, built } = await build({ machine: AVX2 });
    expect([built, basename(path).startsWith(librarySeries(AVX2))]).toEqual([true, true]);
    await expect(build()).rejects.toThrow(
      /^Expected the operators that .* compiled to compute a product/, // they are for blocks of 8
    );
    expect(await readdir(libraryFolder())).toEqual([basename(path)]);
  });
});
