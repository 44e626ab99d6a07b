// The scripts around the code: what counts as installed, what is printed of npm, how tests are counted.
import { spawnSync } from "node:child_process";
import { cpSync, linkSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { countTests } from "../scripts/count.mjs";
import { isNodeSupported, isSatisfied, ROOT, withoutHosts } from "../scripts/ensure.mjs";
import { isWanted, quieten } from "../scripts/install.mjs";

describe("ensure", () => {
  it("needs nothing that it has yet to install", () => {
    const bare = mkdtempSync(join(tmpdir(), "bare-"));
    cpSync(join(ROOT, "scripts"), join(bare, "scripts"), { recursive: true });
    const load = ["--input-type=module", "-e", 'await import("./scripts/ensure.mjs")'];
    const { stderr, status } = spawnSync(process.execPath, load, { cwd: bare, encoding: "utf8" });
    rmSync(bare, { recursive: true });
    expect({ stderr, status }).toEqual({ stderr: "", status: 0 });
  });

  it("refuses Node before 20.19", () => {
    const versions = ["18.20.0", "20.18.3", "20.19.0", "20.20.2", "22.0.0", "25.1.0"];
    expect(versions.map(isNodeSupported)).toEqual([false, false, true, true, true, true]);
  });

  it("takes an installation for complete only if it holds what the lockfile names", () => {
    const a = { version: "1.0.0", integrity: "sha512-a" };
    const wanted = { "": { version: "9" }, "node_modules/a": a, "node_modules/b": { ...a, optional: true } };
    expect(isSatisfied(wanted, { "node_modules/a": a })).toBe(true);
    expect(isSatisfied(wanted, {})).toBe(false);
    expect(isSatisfied(wanted, { "node_modules/a": { ...a, version: "1.0.1" } })).toBe(false);
    expect(isSatisfied(wanted, { "node_modules/a": { ...a, integrity: "sha512-b" } })).toBe(false);
    const otherB = { "node_modules/a": a, "node_modules/b": { ...a, version: "2.0.0" } };
    expect(isSatisfied(wanted, otherB)).toBe(false);
  });

  it("keeps the names of servers out of npm's messages", () => {
    const text =
      "npm error request to https://npm.example.org:8443/zod failed, reason: getaddrinfo ENOTFOUND npm.example.org\n" +
      "npm error connect ECONNREFUSED 10.0.0.1:443\nnpm error code ECONNREFUSED\n";
    const shown = withoutHosts(text);
    expect(shown).not.toMatch(/example|10\.0/);
    expect(shown).toContain("request to <registry>/zod failed");
    expect(shown).toContain("code ECONNREFUSED");
  });
});

describe("the installation of facehand", () => {
  const root = mkdtempSync(join(tmpdir(), "facehand-scripts-"));
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  it("makes a script do nothing for npm, and what it did for people, without touching a linked copy", () => {
    mkdirSync(join(root, "script"));
    const path = join(root, "script", "install.js");
    writeFileSync(path, '"use strict";\nconsole.log("fetching");\n');
    linkSync(path, join(root, "elsewhere.js"));
    quieten(root);
    const once = readFileSync(path, "utf8");
    quieten(root); // nothing left to do
    expect(readFileSync(path, "utf8")).toBe(once);
    const run = (event?: string) => {
      const env = { ...process.env, npm_lifecycle_event: event };
      return spawnSync(process.execPath, [path], { env, encoding: "utf8" });
    };
    expect(run("postinstall")).toMatchObject({ status: 0, stdout: "" });
    expect(run()).toMatchObject({ status: 0, stdout: "fetching\n" });
    expect(readFileSync(join(root, "elsewhere.js"), "utf8")).not.toContain("facehand");
  });

  it("leaves the script to who asked for the libraries, or for the package itself", () => {
    const project = (facts: object) => {
      const folder = mkdtempSync(join(root, "p-"));
      writeFileSync(join(folder, "package.json"), JSON.stringify(facts));
      return { npm_config_local_prefix: folder };
    };
    expect(isWanted(project({ dependencies: { facehand: "1" } }))).toBe(false);
    expect(isWanted(project({ name: "facehand", dependencies: { "onnxruntime-node": "1" } }))).toBe(false);
    expect(isWanted(project({ dependencies: { "onnxruntime-node": "1" } }))).toBe(true);
    expect(isWanted({ ONNXRUNTIME_NODE_INSTALL: "cuda12" })).toBe(true);
    expect(isWanted({ npm_config_onnxruntime_node_install: "true" })).toBe(true);
    expect(isWanted({ npm_config_local_prefix: join(root, "absent") })).toBe(false);
    expect(isWanted({})).toBe(false);
  });
});

describe("the count of .ci/run", () => {
  const test = (status: string) => ({ status });

  it("adds up outcomes over files", () => {
    const testResults = [
      { status: "passed", assertionResults: [test("passed"), test("passed"), test("pending")] },
      { status: "failed", assertionResults: [test("failed"), test("passed"), test("todo"), test("skipped")] },
    ];
    expect(countTests(JSON.stringify({ testResults }))).toEqual({ passed: 3, failed: 1, skipped: 3 });
  });

  it("counts a file that could not run as a failure", () => {
    const testResults = [
      { status: "failed", assertionResults: [] },
      { status: "failed", assertionResults: [test("passed")] },
    ];
    expect(countTests(JSON.stringify({ testResults }))).toEqual({ passed: 1, failed: 2, skipped: 0 });
  });

  it("sums the reports of both suites, and fails if one is missing", () => {
    const folder = mkdtempSync(join(tmpdir(), "facehand-count-"));
    const report = (name: string, ...states: string[]) => {
      const path = join(folder, name);
      const testResults = [{ status: "passed", assertionResults: states.map(test) }];
      writeFileSync(path, states.length === 0 ? "" : JSON.stringify({ testResults }));
      return path;
    };
    const count = (...paths: string[]) =>
      spawnSync(process.execPath, ["scripts/count.mjs", ...paths], { encoding: "utf8" });
    const [all, slurm, none] = [report("a", "passed", "passed"), report("b", "skipped"), report("c")];
    expect(count(all, slurm)).toMatchObject({ status: 0, stdout: "2 passed, 0 failed, 1 skipped\n" });
    expect(count(all, none)).toMatchObject({ status: 1, stdout: "2 passed, 0 failed, 0 skipped\n" });
    expect(count(slurm, slurm)).toMatchObject({ status: 1, stdout: "0 passed, 0 failed, 2 skipped\n" });
    rmSync(folder, { recursive: true });
  });

  it("takes a missing report for nothing run", () => {
    expect(countTests("")).toEqual({ passed: 0, failed: 0, skipped: 0 });
  });
});
