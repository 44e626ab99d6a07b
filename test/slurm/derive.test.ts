// `derive --executor slurm` on a real cluster: the bytes of one machine, also after kills, lost shards, failed tasks.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { derive } from "../../src/derive/run/pipeline.ts";
import { drawSample } from "../../src/drawn/sample.ts";
import { exists, sha256File } from "../../src/machine/files.ts";
import { call, until, WHY_NO_SLURM } from "./cluster.ts";

const root = await mkdtemp(join(tmpdir(), "facehand-slurm-derive-"));
const at = (name: string) => join(root, name);
let reference: string[] = [];

async function treeOf(dir: string): Promise<string[]> {
  const found = await readdir(dir, { recursive: true, withFileTypes: true });
  const files = found.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Promise.all(files.sort().map(async (file) => `${file.slice(dir.length)} ${await sha256File(file)}`));
}

/** The command line as people call it, in a process of its own. */
function facehand(out: string, ...more: readonly string[]) {
  const source = [
    "--hagrid",
    at("raw"),
    "--gestures",
    "all",
    "--face-landmarks",
    at("raw/face_landmarks.json"),
  ];
  const flags = ["--size", "64", "--seed", "3", "--threads", "1", "--out", at(out)];
  const slurm = ["--executor", "slurm", "--shards", "3", ...more];
  const child = spawn(process.execPath, ["bin/facehand.js", "derive", ...source, ...flags, ...slurm]);
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      output[name] += text;
    });
  }
  const ended = new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve) => {
    child.on("close", (code) => resolve({ code, ...output }));
  });
  return { child, ended };
}

const kill = async ({ child, ended }: { child: ChildProcess; ended: Promise<unknown> }) => {
  child.kill("SIGKILL");
  await ended;
};

describe.skipIf(WHY_NO_SLURM !== undefined)("derive --executor slurm", () => {
  beforeAll(async () => {
    await drawSample(at("raw"), { subjects: 14, framesPerSubject: 2, seed: 5 });
    const faceLandmarksFile = at("raw/face_landmarks.json");
    const options = {
      hagridDir: at("raw"),
      gestures: "all",
      seed: 3,
      sizePx: 64,
      faceLandmarksFile,
    } as const;
    await derive({ ...options, outDir: at("reference") });
    reference = await treeOf(at("reference"));
  });
  afterAll(() => rm(root, { recursive: true }));

  it("gives the bytes of one machine, reports progress, and leaves nothing else", async () => {
    const { code, stdout, stderr } = await facehand("pairs").ended;
    expect([code, stderr.match(/^facehand-\w+: .*$/gm)?.at(-1)]).toEqual([
      0,
      "facehand-merge: 1 of 1 done, 0 running, 0 waiting",
    ]);
    expect(stderr).toMatch(/^facehand-derive: 0 of 3 done, 0 running, 3 waiting/);
    expect(stdout).toMatch(/^frames +28/);
    expect(await treeOf(at("pairs"))).toEqual(reference);
    expect((await readdir(root)).sort()).toEqual(["pairs", "raw", "reference"]);
    const again = await facehand("pairs").ended;
    expect(again.stdout).toContain("nothing was done");
  });

  it("continues after a kill -9, and derives lost and cut shards again", async () => {
    const first = facehand("killed");
    const shard = (n: number) => at(`killed.shards/${n}-of-3`);
    await until(async () => (await exists(shard(1))) && (await exists(shard(2))));
    await kill(first);
    await until(() => call("squeue", "--noheader", "--format=%j") === "");
    await rm(shard(1), { recursive: true });
    await truncate(join(shard(2), "journal.jsonl"), 200);
    const { code, stderr } = await facehand("killed").ended;
    expect([code, stderr.includes("0 of 3 done") || stderr.includes("1 of 3 done")]).toEqual([0, true]);
    expect(await treeOf(at("killed"))).toEqual(reference);
  });

  it("stops following on Ctrl-C, reports what continues, and finishes with the same command", async () => {
    const { child, ended } = facehand("stopped");
    await until(() => call("squeue", "--noheader", "--format=%j").includes("facehand-derive"));
    await until(() => exists(at("stopped.shards/derive/array.json")));
    child.kill("SIGINT");
    const { code, stderr } = await ended;
    expect(code).toBe(130);
    expect(stderr).toContain(
      "Stopped following; the jobs continue, and the same command follows them again.",
    );
    expect((await facehand("stopped").ended).code).toBe(0);
    expect(await treeOf(at("stopped"))).toEqual(reference);
  });

  it("prints the log of a task that failed, and what Slurm refuses", async () => {
    await rm(at("failed.shards"), { recursive: true, force: true });
    const gone = facehand("failed", "--face-model", at("no-model.onnx"));
    const both = await gone.ended;
    expect([both.code, both.stderr]).toEqual([
      3,
      expect.stringContaining("of facehand-derive to end well, got 3"),
    ]);
    const log = /Try: read (.*); the same/.exec(both.stderr)![1]!;
    expect(await readFile(log, "utf8")).toContain("Expected a face model or annotated face landmarks");
    const refused = await facehand("refused", "--sbatch=--partition=nowhere").ended;
    expect([refused.code, refused.stderr]).toEqual([
      4,
      expect.stringContaining("invalid partition specified: nowhere"),
    ]);
  });
});
