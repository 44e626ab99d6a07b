// `facehand study plan` and `run` as commands: what they refuse, and how failures end.
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCli } from "./run.ts";
import { type StudyData, studyData } from "./study-data.ts";

let made: StudyData;
beforeAll(async () => {
  made = await studyData();
});
afterAll(() => rm(made.dir, { recursive: true, force: true }));

const at = (name: string) => join(made.dir, name);
const data = () => made.flags;

describe("study plan", () => {
  it.each([
    [
      "a key, with its line",
      "name: x\nbackbone: y\n",
      'Expected a known key for a study, got "backbone" (FILE:2)\nTry: backbones\n',
    ],
    [
      "no data",
      "name: x\nbackbones: { test_efficientnet.none: }\n",
      "Expected data to learn from for a study, got nothing\n",
    ],
    [
      "an axis that nothing varies",
      "name: x\nbackbones: { test_efficientnet.none: }\ndata: [DATA]\ncompare: [{ name: q, a: { lr: 1 }, b: { lr: 2 } }]\n",
      'for comparison q, got "lr"',
    ],
    [
      "test images that are not there",
      "name: x\nbackbones: { test_efficientnet.none: { imageSize: 32, batch: 2 } }\ndata: [FACES]\nevaluate: [{ name: q }]\n",
      "Expected hand or face images in split test of set data for evaluation q, got 0\nTry: give more data, a smaller --batch, or shares",
    ],
  ])("refuses %s", async (_, text, message) => {
    const file = at("study.yaml");
    await writeFile(
      file,
      text.replace("DATA", `"pairs:${at("pairs")}"`).replace("FACES", `"utkface:${at("faces")}"`),
    );
    const { code, stdout, stderr } = await runCli("study", "plan", file, "--no-measure");
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain(message.replace("FILE", file));
    expect(stderr).toContain("Usage: facehand study plan --help");
  });

  it("names the nearest protocol", async () => {
    const { code, stderr } = await runCli("study", "plan", "ablations", ...data());
    expect(code).toBe(3);
    expect(stderr).toBe(
      "Expected a study file or a protocol at ablations, got no such file\nTry: ablation\n",
    );
  });
});

describe("study run", () => {
  it("ends with 3 after failures, and status names the last error", { timeout: 240_000 }, async () => {
    const small = data().map((word) => word.replace(".none", ".r160_in1k"));
    const flags = [...small, "--seeds", "1", "--only", "arch=umcc", "--lr", "10", "--clip-norm", "1e30"];
    // Weights that cannot be read: found out in the task, since a plan needs only their hash.
    await writeFile(at("bad.safetensors"), "no weights");
    const { code, stderr } = await runCli(
      "study",
      "run",
      "seeds",
      ...flags,
      "--weights",
      at("bad.safetensors"),
      "--out",
      at("bad"),
    );
    expect(code).toBe(3);
    expect(stderr).toContain(
      "Expected all tasks to finish, got 1 failures among 1 tasks\nTry: facehand study status",
    );
    const status = await runCli("study", "status", at("bad"));
    expect(status.stdout).toContain("seeds: 0 done, 0 running, 1 failed, 0 unfinished, 0 missing of 1 tasks");
    expect(status.stdout).toMatch(/last errors\n {2}\S+ seed 1 \(1 failures\): Expected .*bad\.safetensors/);
  });
});
