// The packed file in an empty project elsewhere: it is small, installs without another server than the registry, with
// installation scripts allowed and not, its command runs, its types compile for strict programs, and what other systems
// need can be removed.
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { MachineFacts } from "../src/cli/doctor/facts.ts";
import type { ForeignLibraries } from "../src/engine/runtime/foreign-libraries.ts";
import { environment, npm, type Packed, packed } from "./packed.ts";
import { ROOT } from "./source.ts";

const MINUTES = 60_000;
const base = mkdtempSync(join(tmpdir(), "facehand-install-"));
afterAll(() => rmSync(base, { recursive: true, force: true }));

const MAX_FILES = 700;
const MAX_UNPACKED_BYTES = 4e6;
/** What the page runs of others, ONNX Runtime and libvips in WebAssembly, with the code that loads them: a bound of its own (decision 24). */
const OF_OTHERS = /^dist\/web\/assets\/(ort-wasm|vips)[^/]*\.(wasm|mjs|js)$/;
const MAX_BYTES_OF_OTHERS = 34e6;

/** A short wait: where there is no registry, npm would try for minutes. */
const reached = npm(base, "ping", "--fetch-retries=0", "--fetch-timeout=20000").status === 0;
if (!reached) console.warn("test/install.test.ts is skipped: it needs npm's registry, which does not answer");

function project(name: string): string {
  const dir = join(base, name);
  mkdirSync(dir);
  writeFileSync(join(dir, "package.json"), JSON.stringify({ name, private: true, type: "module" }));
  return dir;
}

it("is executable in git", () => {
  const { status, stdout } = spawnSync("git", ["ls-files", "-s", "bin"], { cwd: ROOT, encoding: "utf8" });
  if (status !== 0) return; // not a checkout
  expect(stdout).toMatch(/^100755 [0-9a-f]+ 0\tbin\/facehand\.js$/m);
});

let packing: Packed;
beforeAll(async () => {
  packing = await packed();
}, 5 * MINUTES);

it(
  "packs what a user runs: no maps, no declarations that no export leads to, no studies",
  () => {
    expect(packing.files.length).toBeLessThan(MAX_FILES);
    const ofOthers = packing.files
      .filter(({ path }) => OF_OTHERS.test(path))
      .reduce((sum, { size }) => sum + size, 0);
    expect(ofOthers).toBeLessThan(MAX_BYTES_OF_OTHERS);
    expect(packing.unpackedSize - ofOthers).toBeLessThan(MAX_UNPACKED_BYTES);
    const paths = packing.files.map(({ path }) => path);
    expect(paths).toEqual(expect.arrayContaining(["bin/facehand.js", "dist/cli/main.js", "dist/index.d.ts"]));
    expect(paths.filter((path) => /\.map$|\/studies\/.*\.(csv|html|tex|md)$|^docs\/.*\//.test(path))).toEqual(
      [],
    );
  },
  MINUTES,
);

describe.skipIf(!reached)("the packed file", () => {
  const allowed = project("allowed");
  /** Installs, where only the registry is reached; what the installed command then reports. */
  function install(dir: string, ...flags: string[]): Report {
    const quick = ["--prefer-offline", "--no-audit", "--no-fund", "--foreground-scripts"];
    const { status, output } = npm(dir, "install", packing.path, ...quick, ...flags);
    expect(status, output).toBe(0);
    expect(output).not.toMatch(/nuget/i);
    const report = doctorByNpm(dir);
    expect(report.runtime.devices).toContainEqual({ device: "cpu", runs: true });
    return report;
  }

  interface Report {
    readonly runtime: MachineFacts["runtime"];
    readonly pruned?: ForeignLibraries[];
  }

  /** What the installed command reports, run as npm runs it. */
  function doctorByNpm(dir: string): Report {
    const ran = npm(dir, "exec", "--no", "--", "facehand", "doctor", "--json");
    expect(ran.status, ran.output).toBe(0);
    return JSON.parse(ran.stdout) as Report;
  }

  /** What it prints, without npm, which takes longer to start than the command. */
  function doctor(dir: string, ...flags: string[]): string {
    const command = join(dir, "node_modules/facehand/bin/facehand.js");
    const options = { cwd: dir, env: environment(), encoding: "utf8" } as const;
    const { status, stdout, stderr } = spawnSync(process.execPath, [command, "doctor", ...flags], options);
    expect(status, stderr).toBe(0);
    return stdout;
  }
  const doctorJson = (dir: string, ...flags: string[]) =>
    JSON.parse(doctor(dir, "--json", ...flags)) as Report;

  let installed: Report;
  it(
    "installs with scripts allowed, and runs",
    () => {
      installed = install(allowed, "--ignore-scripts=false");
    },
    5 * MINUTES,
  );

  it(
    "installs with --ignore-scripts, and runs",
    () => {
      const ignored = project("ignored");
      // Which versions there are was asked above; all is fetched, unpacked and left unrun here as well.
      copyFileSync(join(allowed, "package-lock.json"), join(ignored, "package-lock.json"));
      install(ignored, "--ignore-scripts");
    },
    5 * MINUTES,
  );

  it("names a script for CUDA that is there, and still downloads", () => {
    const script = "node_modules/onnxruntime-node/script/install.js";
    expect(existsSync(join(allowed, script))).toBe(true);
    if (process.platform === "linux" && process.arch === "x64") {
      const options = { cwd: allowed, env: environment(), encoding: "utf8" } as const;
      const { status, stderr } = spawnSync(process.execPath, [script], options);
      expect(stderr).toMatch(/ECONNREFUSED|proxy|socket/i);
      expect(status).toBe(1);
    }
    const command = `import { cudaInstall } from "./node_modules/facehand/dist/engine/runtime/ort-node.js"; console.log(cudaInstall())`;
    const { stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", command], {
      cwd: allowed,
      encoding: "utf8",
    });
    expect(stdout.trim().replaceAll("\\", "/")).toBe(`node ${script}`);
  });

  it(
    "has libraries for other systems, which doctor --prune removes, and runs without them",
    () => {
      const own = `${process.platform}/${process.arch}`;
      const before = installed.runtime.foreign.map(({ system }) => system);
      expect(before.length).toBeGreaterThan(1);
      expect(before).not.toContain(own);
      const { pruned, runtime } = doctorJson(allowed, "--prune");
      expect(pruned!.map(({ system }) => system)).toEqual(before);
      expect(runtime.foreign).toEqual([]);
      expect(runtime.devices).toContainEqual({ device: "cpu", runs: true });
      expect(doctorJson(allowed, "--prune").pruned).toEqual([]);
      const bytes = pruned!.reduce((sum, library) => sum + library.bytes, 0);
      expect(doctor(allowed)).not.toContain("not for here");
      expect(bytes).toBeGreaterThan(100e6);
    },
    MINUTES,
  );

  it.each([
    ["node16", "node16"],
    ["esnext", "bundler"],
  ])(
    "has types that compile in strict programs (module %s, resolution %s)",
    (module, resolution) => {
      writeFileSync(join(allowed, "use.ts"), USE);
      const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
      const options = ["--module", module, "--moduleResolution", resolution, "--target", "es2022"];
      const strict = ["--strict", "--skipLibCheck", "false", "--noEmit", "--types", ""];
      const { status, stdout } = spawnSync(process.execPath, [tsc, ...strict, ...options, "use.ts"], {
        cwd: allowed,
        encoding: "utf8",
      });
      expect(stdout).toBe("");
      expect(status).toBe(0);
    },
    MINUTES,
  );
});

/** A program that uses types of several rooms, among them those that were wrong. */
const USE = `
import { type CroissantDocument, checkDataset, croissantOf, MODALITIES, type ReleaseInfo, train } from "facehand";
import { openPredictor, type Predictor } from "facehand/predict";

export async function licence(folder: string, info: ReleaseInfo): Promise<string> {
  const document: CroissantDocument = await croissantOf(await checkDataset(folder), info, { madeBy: "1.0.0" });
  const live: boolean = document.isLiveDataset;
  const uses: string | string[] | undefined = document["rai:dataUseCases"];
  return [document.license, String(live), uses, document.recordSet[0]?.key["@id"]].join();
}
export const open: typeof openPredictor = openPredictor;
export const use = (predictor: Predictor): Predictor => predictor;
export const first: "hand" = MODALITIES[0];
export { train };
// @ts-expect-error: what the document does not have
export const absent = (document: CroissantDocument) => document.nothing;
`;
