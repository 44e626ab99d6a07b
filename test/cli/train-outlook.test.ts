// What `train` says before its first step, by the command: where it stands, and that a run is the same without.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { predictionFiles } from "../../src/evaluate/stored/prediction-folder.ts";
import { sha256File } from "../../src/machine/files.ts";
import { runPaths } from "../../src/predict/run-folder.ts";
import { drawFaces } from "../drawn.ts";
import { runCli } from "./run.ts";

let root = "";
const at = (name: string) => join(root, name);
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "facehand-outlook-"));
  await drawFaces(at("faces"), 40);
});
afterAll(() => rm(root, { recursive: true }));

/** 16 steps an epoch. */
const training = (name: string, ...more: readonly string[]) => [
  ...["train", "--arch", "umcc", "--tag", "test_efficientnet.none_F1_Af_Lb_Z0", "--image-size", "32"],
  ...["--data", `utkface:${at("faces")}`, "--batch", "2", "--threads", "1", "--workers", "1"],
  ...["--out", at(name), ...more],
];

async function left(name: string) {
  const { last, best, log, predictions } = runPaths(at(name));
  const stored = (await predictionFiles(predictions)).map(({ path }) => path);
  const epochs = (await readFile(log, "utf8")).trim().split("\n");
  return {
    digests: await Promise.all([last, best, ...stored].map(sha256File)),
    epochs: epochs.map((line) => ({ ...JSON.parse(line), seconds: 0, waitSeconds: 0 })),
  };
}

it("says steps, time and memory before the first epoch, and at the end what was taken", async () => {
  const { code, stderr } = await runCli(...training("runs", "--epochs", "4", "--seeds", "1,2"));
  expect(code, stderr).toBe(0);
  const TIME = String.raw`\d:\d\d`;
  const expected = [
    /^seed 1: /,
    /^train: umcc .*; 2 runs of 4 epochs on cpu, into /,
    new RegExp(
      `^64 steps of 2 images, 16 an epoch; with the runs that follow, 2: about ${TIME}, of it validation and predictions ${TIME}; memory at most about \\d\\.\\d GB$`,
    ),
    /^a trial step took [\d.]+ s at 32 px, its pictures [\d.e-]+ s from files and [\d.e-]+ s from the cache$/,
    /^epoch 1\/4 /,
  ];
  // Ways that would take less depend on how fast threads and loader are.
  const lines = stderr.split("\n").filter((line) => !line.startsWith("would take less: "));
  expected.forEach((pattern, i) => {
    expect(lines[i]).toMatch(pattern);
  });
  expect(stderr.match(/^a trial step took /gm)).toHaveLength(1); // once, for all seeds
  expect(stderr).toMatch(new RegExp(`\ntook ${TIME}, and at most \\d\\.\\d GB of memory\n`));

  // The same without: JSON says nothing of a run's length.
  const quiet = await runCli(...training("quiet", "--epochs", "4", "--seeds", "1,2", "--json"));
  expect(quiet.stderr).not.toMatch(/steps of|trial steps|took/);
  for (const seed of [1, 2])
    expect(await left(`runs/seed_${seed}`)).toEqual(await left(`quiet/seed_${seed}`));
}, 120_000);

it("says of a short run that nothing was tried, and of a resumed one what is left", async () => {
  const short = await runCli(...training("short", "--epochs", "3"));
  expect(short.stderr).toContain(
    "\n48 steps of 2 images, 16 an epoch: too few to try some before; time follows with the first epoch, memory at the end\n",
  );
  expect(short.stderr).not.toContain("trial steps");
  expect(short.stderr).toMatch(/\ntook \d:\d\d, and at most /);
  const again = await runCli(...training("short", "--epochs", "3", "--resume"));
  expect(again.stderr).not.toMatch(/steps of|took/); // nothing is left
}, 120_000);
