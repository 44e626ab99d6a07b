// `derive` and `data sample` as commands: what they print, and the flags that they refuse.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SAMPLE_NOTE } from "../../src/drawn/sample.ts";
import { LABEL_NOTE } from "../../src/report/figure-text.ts";
import { runCli } from "./run.ts";

let root: string;
const at = (name: string) => join(root, name);
const derive = (out: string, ...more: readonly string[]) =>
  runCli("derive", "--hagrid", at("raw"), "--gestures", "all", "--out", at(out), "--size", "64", ...more);
const annotated = () => ["--face-landmarks", at("raw/face_landmarks.json")];

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "facehand-cli-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

describe("facehand data sample", () => {
  it("draws, and says that it is drawn", async () => {
    const { code, stdout } = await runCli(
      "data",
      "sample",
      "--out",
      at("raw"),
      "--subjects",
      "16",
      "--frames",
      "2",
    );
    expect(code).toBe(0);
    expect(stdout).toContain("32 drawn frames of 16 invented subjects");
    expect(stdout).toContain("4 of them are bad on purpose");
    expect(stdout).toContain(SAMPLE_NOTE);
  });

  it("gives the manifest as JSON, and finds the same sample again", async () => {
    const flags = ["--out", at("raw"), "--subjects", "16", "--frames", "2", "--json"];
    const { stdout } = await runCli("data", "sample", ...flags);
    expect(JSON.parse(stdout)).toEqual(JSON.parse(await readFile(at("raw/sample.json"), "utf8")));
  });

  it("refuses numbers out of range and other options for the same folder", async () => {
    const one = await runCli("data", "sample", "--out", at("x"), "--subjects", "1");
    expect(one).toMatchObject({ code: 2, stdout: "" });
    expect(one.stderr).toMatch(/^Expected a whole number from 2 to 10000 for --subjects, got "1"/);
    const other = await runCli("data", "sample", "--out", at("raw"), "--subjects", "18");
    expect(other.code).toBe(2);
    expect(other.stderr).toMatch(
      /^Expected a new folder for the sample at .*, got a sample of other options/,
    );
  });
});

describe("facehand derive", () => {
  it("prints kept, removed by reason, splits, the ledger and what the label is", async () => {
    const { code, stdout } = await derive("pairs", ...annotated());
    expect(code).toBe(0);
    const number = (pattern: RegExp) => Number(pattern.exec(stdout)![1]);
    const [frames, kept, removed] = [/^frames +(\d+) \(drawn/m, /^kept +(\d+)/m, /^removed +(\d+)/m].map(
      number,
    );
    expect(frames).toBe(32);
    expect(kept! + removed!).toBe(32);
    const reasons = [...stdout.matchAll(/^ {2}\w+ +(\d+)$/gm)].map(([, count]) => Number(count));
    expect(reasons.reduce((a, b) => a + b, 0)).toBe(removed);
    const splits = [...stdout.matchAll(/^(?:train|val|test) +(\d+) pairs of \d+ subjects$/gm)];
    expect(splits.map(([, count]) => Number(count)).reduce((a, b) => a + b, 0)).toBe(kept);
    expect(stdout).toContain(`ledger    ${at("pairs/ledger.csv")}`);
    expect(stdout).toContain(LABEL_NOTE);
  });

  it("derives shards and merges them into the same files", async () => {
    for (const shard of ["1/2", "2/2"]) {
      const { code, stdout } = await derive(`shard ${shard[0]}`, ...annotated(), "--shard", shard);
      expect(code).toBe(0);
      expect(stdout).toMatch(new RegExp(`^shard +${shard}: frames \\d+ to \\d+ of 32, \\d+ crops$`, "m"));
    }
    const json = await derive("shard 1", ...annotated(), "--shard", "1/2", "--json");
    expect(JSON.parse(json.stdout)).toMatchObject({
      shard: 1,
      of: 2,
      from: 0,
      to: 16,
      alreadyComplete: true,
    });
    const merged = await runCli("derive", "merge", at("shard 2"), at("shard 1"), "--out", at("merged"));
    expect(merged.code).toBe(0);
    expect(merged.stdout).toMatch(/^frames +32/);
    for (const name of ["manifest.json", "ledger.csv", "train.csv"]) {
      expect(await readFile(at(`merged/${name}`), "utf8")).toBe(await readFile(at(`pairs/${name}`), "utf8"));
    }
    const cut = await runCli("derive", "merge", at("shard 2"), "--out", at("half"));
    expect(cut).toMatchObject({ code: 3, stdout: "" });
    expect(cut.stderr).toMatch(/^Expected all 2 shards, got none of 1\/2\nTry: derive --shard 1\/2 with/);
  });

  it("refuses flags of shards and executors that do not fit", async () => {
    const refuse = async (message: string, ...flags: string[]) => {
      const { code, stderr } = await derive("x", ...annotated(), ...flags);
      expect([code, stderr.split("\n")[0]]).toEqual([2, message]);
    };
    await refuse('Expected i/n with i from 1 to n for --shard, got "3/2"', "--shard", "3/2");
    await refuse("Expected --shards N for --executor slurm, got nothing", "--executor", "slurm");
    await refuse('Expected --executor slurm for --shards, got "local"', "--shards", "2");
    await refuse('Expected --executor slurm for --sbatch, got "local"', "--sbatch=--time=9");
    const both = ["--executor", "slurm", "--shards", "2", "--shard", "1/2"];
    await refuse('Expected --shards N for --executor slurm, got "--shard"', ...both);
    await refuse(
      "Expected other arguments, got: option '--executor <name>' argument 'cloud' is invalid. Allowed choices are local, slurm.",
      "--executor",
      "cloud",
    );
    const none = await runCli("derive", "--hagrid", at("raw"));
    expect(none).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^Expected --gestures <list>, got nothing/),
    });
  });

  it("says that nothing was to be done, also in JSON", async () => {
    expect((await derive("pairs", ...annotated())).stdout).toContain("nothing was done");
    const { note, alreadyComplete, worked, counts } = JSON.parse(
      (await derive("pairs", ...annotated(), "--json")).stdout,
    );
    expect({ note, alreadyComplete, worked }).toEqual({ note: LABEL_NOTE, alreadyComplete: true, worked: 0 });
    expect(counts.frames).toBe(32);
  });

  it("takes the shares of the splits", async () => {
    const { stdout } = await derive("half", ...annotated(), "--val", "0.25", "--test", "0.25", "--json");
    const { subjects } = JSON.parse(stdout).counts;
    expect(subjects.train).toBeGreaterThanOrEqual(7);
    expect(subjects.val + subjects.test).toBeGreaterThanOrEqual(6);
  });

  it("takes named gestures and refuses unknown ones", async () => {
    const one = await runCli(
      "derive",
      "--hagrid",
      at("raw"),
      "--gestures",
      "palm",
      "--out",
      at("palm"),
      "--json",
      ...annotated(),
    );
    expect(JSON.parse(one.stdout).counts.frames).toBeLessThan(32);
    const bad = await runCli(
      "derive",
      "--hagrid",
      at("raw"),
      "--gestures",
      "plam",
      "--out",
      at("y"),
      ...annotated(),
    );
    expect(bad).toMatchObject({ code: 2, stdout: "" });
    expect(bad.stderr).toContain('"plam"');
  });

  it("refuses bad flags before any work", async () => {
    for (const [flags, message] of [
      [["--val", "1"], 'Expected a share from 0 to below 1 for --val, got "1"'],
      [["--test", "x"], 'Expected a share from 0 to below 1 for --test, got "x"'],
      [["--size", "8"], "Expected an integer from 32 to 1024 for --size, got 8"],
      [["--threads", "0"], 'Expected a whole number from 1 to 256 for --threads, got "0"'],
      [
        ["--face-model", "x.onnx"],
        'Expected a face model or annotated face landmarks for the faces, got "both"',
      ],
    ] as const) {
      const { code, stderr } = await derive("z", ...annotated(), ...flags);
      expect({ code, first: stderr.split("\n")[0] }).toEqual({ code: 2, first: message });
    }
    const shares = await derive("z", ...annotated(), "--val", "0.6", "--test", "0.5");
    expect(shares.code).toBe(2);
    expect(shares.stderr).toMatch(/^Expected fractions from 0 to 1 with sum 1 and some train/);
  });
});
