// The packed file in an empty project elsewhere: it installs without another server than the registry, with
// installation scripts allowed and not, its command runs, and its types compile for strict programs.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ROOT } from "./source.ts";

const MINUTES = 60_000;
const base = mkdtempSync(join(tmpdir(), "facehand-install-"));
afterAll(() => rmSync(base, { recursive: true, force: true }));

/** npm with an environment of its own: what `npm test` hands down would make it part of this project. */
function npm(cwd: string, ...args: string[]) {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name)));
  const { status, stdout, stderr } = spawnSync("npm", args, {
    cwd,
    env: { ...env, NODE_ENV: "" },
    encoding: "utf8",
    shell: process.platform === "win32",
    maxBuffer: 64 << 20,
  });
  return { status, output: stdout + stderr, stdout };
}

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

describe.skipIf(!reached)("the packed file", () => {
  const allowed = project("allowed");
  let packed = "";

  beforeAll(() => {
    const { status, output } = npm(ROOT, "pack", "--pack-destination", base);
    expect(status, output).toBe(0);
    packed = join(base, readdirSync(base).find((name) => name.endsWith(".tgz"))!);
  }, 5 * MINUTES);

  /** Installs, and sees that no script of the runtime's ran: here it may reach its server, elsewhere not. */
  function install(dir: string, ...flags: string[]): void {
    const quick = ["--prefer-offline", "--no-audit", "--no-fund", "--foreground-scripts"];
    const { status, output } = npm(dir, "install", packed, ...quick, ...flags);
    expect(status, output).toBe(0);
    expect(output).not.toMatch(/> onnxruntime-node@|nuget/i);
    const ran = npm(dir, "exec", "--no", "--", "facehand", "doctor", "--json");
    expect(ran.status, ran.output).toBe(0);
    const { devices } = JSON.parse(ran.stdout).runtime;
    expect(devices).toContainEqual({ device: "cpu", runs: true });
  }

  it(
    "installs with scripts allowed, and runs",
    () => install(allowed, "--ignore-scripts=false"),
    5 * MINUTES,
  );

  it(
    "installs with --ignore-scripts, and runs",
    () => {
      install(project("ignored"), "--ignore-scripts");
    },
    5 * MINUTES,
  );

  it("names a script for CUDA that is there", () => {
    const script = "node_modules/facehand/node_modules/onnxruntime-node/script/install.js";
    expect(existsSync(join(allowed, script))).toBe(true);
    const command = `import { cudaInstall } from "./node_modules/facehand/dist/engine/ort-node.js"; console.log(cudaInstall())`;
    const { stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", command], {
      cwd: allowed,
      encoding: "utf8",
    });
    expect(stdout.trim().replaceAll("\\", "/")).toBe(`node ${script}`);
  });

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
  const document: CroissantDocument = await croissantOf(await checkDataset(folder), info);
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
