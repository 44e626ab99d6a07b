// ONNX Runtime sends nothing and keeps no identifier: a process that runs a model leaves no file in its home and cache folders.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, describe, expect, it } from "vitest";
import { ROOT } from "./source.ts";

const MINUTES = 60_000;
let home = "";
afterEach(() => rmSync(home, { recursive: true, force: true }));

const module = (name: string) => JSON.stringify(pathToFileURL(join(ROOT, "dist", name)).href);
/** Runs one model. */
const MODEL = `
  const { probeBlock } = await import(${module("engine/runtime/probe.js")});
  await probeBlock();
  await new Promise((resolve) => setImmediate(resolve));
`;
const PROGRAMS = {
  "the main thread": MODEL,
  "a thread of a program that does not know facehand": `
    import { Worker } from "node:worker_threads";
    import { once } from "node:events";
    await once(new Worker(new URL("data:text/javascript," + encodeURIComponent(${JSON.stringify(MODEL)}))), "exit");
  `,
};

/** Without what shows the library that it is tested, and without its user's own settings. */
function environment(extra: Record<string, string>) {
  const known =
    /^(CI|ORT_.*|TF_BUILD|BUILD_.*|GITHUB_.*|GITLAB_.*|JENKINS.*|TRAVIS|CIRCLECI|TEAMCITY.*|CODEBUILD.*)$/;
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !known.test(name)));
  return { ...env, HOME: home, XDG_CACHE_HOME: join(home, "cache"), ...extra };
}

/** What a program leaves in its home. */
function left(program: string, extra: Record<string, string> = {}): string[] {
  home = mkdtempSync(join(tmpdir(), "facehand-telemetry-"));
  const path = join(home, "program.mjs");
  writeFileSync(path, program);
  const { status, stderr } = spawnSync(process.execPath, [path], {
    env: environment(extra),
    encoding: "utf8",
  });
  expect(status, stderr).toBe(0);
  return readdirSync(home, { recursive: true, encoding: "utf8" }).filter((name) => name !== "program.mjs");
}

describe("ONNX Runtime's telemetry", () => {
  it.each(Object.entries(PROGRAMS))(
    "is off in %s",
    (_, program) => expect(left(program)).toEqual([]),
    MINUTES,
  );

  it.runIf(process.platform === "linux")(
    "would be seen here if it were on, as it is for who asks for it",
    () => {
      expect(left(MODEL, { ORT_DISABLE_TELEMETRY: "0" }).join()).toContain("onnxruntime");
    },
    MINUTES,
  );
});
