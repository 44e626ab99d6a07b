// Building the operators: once, by one process, whole; and what refuses it.
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { compilerOf, NO_KERNELS, STAND_IN, sharedKernels, WHY } from "../../../test/compiled.ts";
import { Interrupted } from "../../core/errors.ts";
import { buildKernels } from "./build.ts";
import {
  checkMachine,
  FLAGS,
  isSlower,
  kernelLibrary,
  kernelState,
  lacking,
  libraryFolder,
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

const ZEN4 = "processor : 0\nflags\t\t: fma avx512f avx512bw avx512vl avx512dq avx512_bf16\n";
const machine = { system: "linux/x64", processor: ZEN4 };
const { signal } = new AbortController();
const build = (more: Partial<Parameters<typeof buildKernels>[0]> = {}) =>
  buildKernels({ signal, machine, ...more });

describe("a machine", () => {
  it.each([
    [{ system: "darwin/arm64", processor: "" }, "darwin/arm64: they are for linux/x64"],
    [{ system: "linux/arm64", processor: "Features : bf16" }, "linux/arm64: they are for linux/x64"],
    [{ ...machine, processor: "" }, /^a processor without avx512f, .*avx512_bf16, fma$/],
    [{ ...machine, processor: ZEN4.replace(" avx512_bf16", "") }, /^a processor without avx512_bf16$/],
  ])("%j cannot run them", async (other, reason) => {
    expect(lacking(other)).toMatch(reason);
    expect(() => checkMachine(other)).toThrow(
      expect.objectContaining({ kind: "input", code: "KERNELS", hint: expect.stringContaining("Zen 4") }),
    );
    await expect(build({ machine: other })).rejects.toThrow(
      /^Expected a processor with AVX512_BF16 for the kernels bf16, got/,
    );
    expect(await readdir(root)).toEqual([]);
  });

  it("with AVX512_BF16 can, and is slower for it where it is Intel's", () => {
    const of = (vendor: string) => ({ ...machine, processor: `vendor_id\t: ${vendor}\n${ZEN4}` });
    expect([lacking(machine), lacking(of("GenuineIntel"))]).toEqual([undefined, undefined]);
    expect([machine, of("AuthenticAMD"), of("GenuineIntel")].map(isSlower)).toEqual([false, false, true]);
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
    const fails = 'echo "cc1plus: error: unrecognized option -mavx512bf16" >&2; exit 1';
    await onPath({ "g++": `[ "$1" = --version ] && echo "g++ 9.4.0" && exit 0; ${fails}` });
    await expect(build()).rejects.toMatchObject({
      ...{ kind: "input", code: "COMPILE_FAILED", hint: expect.stringContaining("GCC 11") },
      message:
        "Expected g++ 9.4.0 to compile operators.cc, got cc1plus: error: unrecognized option -mavx512bf16",
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
    const command = [...FLAGS, join(sourceFolder(), MAIN_SOURCE), "-o", join(folder, ".build-")].join(" ");
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
});
