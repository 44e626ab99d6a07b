// Several seeds as one thing: `evaluate`, `predict` and `model card` of the folder that `train --seeds` leaves.
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { imagePath, planLayout } from "../../src/dataset/layout.ts";
import { readSplits } from "../../src/evaluate/stored/prediction-folder.ts";
import { drawFaces, drawPairs } from "../drawn.ts";
import { runCli } from "./run.ts";

const SEEDS = [42, 7, 123] as const;
let root = "";
let trained = { stdout: "", stderr: "" };
const at = (name: string) => join(root, name);
const training = (name: string) => [
  ...["train", "--arch", "mag", "--tag", "test_efficientnet.none_F0_An_Lb_Z0_gating=soft"],
  ...[
    "--image-size",
    "32",
    "--epochs",
    "1",
    "--batch",
    "8",
    "--lr",
    "0.01",
    "--threads",
    "1",
    "--workers",
    "1",
  ],
  ...["--out", at(name)],
];

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "facehand-seeds-"));
  await drawPairs(at("pairs"), { train: 12, val: 6, test: 10 });
  await drawFaces(at("faces"), 30);
  const data = ["--data", `pairs:${at("pairs")}`, "--seeds", SEEDS.join(",")];
  const { code, stdout, stderr } = await runCli(...training("runs"), ...data);
  expect(code, stderr).toBe(0);
  trained = { stdout, stderr };
  expect(stderr).not.toContain("no test images");
}, 400_000);
afterAll(() => rm(root, { recursive: true }));

const sorted = [...SEEDS].sort((a, b) => a - b);

/** Written another way than the code: two passes over the values. */
function meanStd(values: readonly number[]) {
  const mean = values.reduce((a, b) => a + b) / values.length;
  const std = Math.sqrt(values.map((v) => (v - mean) ** 2).reduce((a, b) => a + b) / (values.length - 1));
  return { n: values.length, mean: expect.closeTo(mean, 12), std: expect.closeTo(std, 12) };
}

describe("train", () => {
  it("shows no figure of a modality with under 20 validation subjects of each class", () => {
    expect(trained.stderr.match(/\(hand too small, face too small\)/g)).toHaveLength(SEEDS.length);
    expect(trained.stdout).toMatch(
      /^seed 42 {2}best epoch 1 {2}all 0\.\d{4} {2}hand too small {2}face too small$/m,
    );
    expect(trained.stdout).toMatch(
      /^all {3}0\.\d{3} ± 0\.\d{3} \(n 3, .*\)\nhand {2}too small\nface {2}too small\n/m,
    );
    expect(trained.stdout).toContain("too small: the figure rests on under 20 subjects");
  });
});

describe("evaluate", () => {
  it("gives mean, sample std and n over the seeds, and says which", async () => {
    const { code, stdout } = await runCli("evaluate", at("runs"), "--min-subjects", "5", "--json");
    expect(code).toBe(0);
    const summary = JSON.parse(stdout);
    expect(summary.minSubjects).toBe(5);
    expect(summary.seeds).toEqual(sorted);
    const rows = await Promise.all(sorted.map((seed) => readSplits(at(`runs/seed_${seed}/predictions`))));
    const shares = (only?: string) =>
      rows.map((all) => {
        const own = all.filter((r) => r.split === "test" && (only === undefined || r.modality === only));
        expect(own).toHaveLength(only === undefined ? 20 : 10);
        return own.filter((r) => (r.probability >= 0.5 ? 1 : 0) === r.target).length / own.length;
      });
    expect(summary.overall.metrics.accuracy).toEqual(meanStd(shares()));
    expect(summary.byModality.map((part: { name: string }) => part.name)).toEqual(["hand", "face"]);
    expect(summary.byModality[1].metrics.accuracy).toEqual(meanStd(shares("face")));
    const briers = rows.map((all) => {
      const own = all.filter((r) => r.split === "test").map((r) => (r.probability - r.target!) ** 2);
      return own.reduce((a, b) => a + b) / own.length;
    });
    expect(summary.overall.metrics.brier).toEqual(meanStd(briers));
    expect(new Set(briers).size).toBe(3);
    const text = (await runCli("evaluate", at("runs"), "--min-subjects", "5")).stdout;
    const [first] = text.split("\n\n");
    expect(first!.replace("\n", " ")).toMatch(
      /^Agreement with the recorded label, split test, seeds 7, 42, 123 \(n 3\): 20 images of 10 subjects \(pairs\), male where p >= 0\.50; /,
    );
    expect(summary.images).toMatchObject({ split: "test", given: 32, used: 20 });
    expect(text).toContain("mean ± sample std over seeds (ddof 1)");
    const mean = briers.reduce((a, b) => a + b) / 3;
    const std = Math.sqrt(briers.map((v) => (v - mean) ** 2).reduce((a, b) => a + b) / 2);
    expect(text).toMatch(new RegExp(`\\nBrier +${mean.toFixed(3)} ± ${std.toFixed(3)} `));
    expect(text).toMatch(/\n {2}seed 42 +\d/);
  });

  it("breaks down by group, and counts groups that are too small", async () => {
    const { stdout } = await runCli("evaluate", at("runs"), "--groups", "modality", "--json");
    const [table] = JSON.parse(stdout).byGroup;
    expect(table.keys).toEqual(["modality"]);
    expect(table.groups.map((g: { nSubjects: number; small: boolean }) => [g.nSubjects, g.small])).toEqual([
      [10, true],
      [10, true],
    ]);
    const text = (await runCli("evaluate", at("runs"), "--groups", "modality")).stdout;
    expect(text).toMatch(
      /\nmodality, all images .*\n.*\n.*\n6 columns left out, every figure too small \(under 20 subjects\)/,
    );
    const shown = (await runCli("evaluate", at("runs"), "--groups", "modality", "--min-subjects", "5"))
      .stdout;
    expect(shown).toMatch(/\nmodality, all images .*\n(hand|face) +10 +10 +\d\.\d{3} ± \d\.\d{3} /);
  });

  it.each([
    ["--calibrate"],
    ["--bootstrap", "100"],
    ["--group-intervals"],
    ["--thresholds", "race"],
    ["--selective", "race"],
  ])("refuses %s, which is of one run", async (...flags) => {
    const { code, stdout, stderr } = await runCli("evaluate", at("runs"), ...flags);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(
      new RegExp(
        `^Expected one run for ${flags[0]}, got "runs of seeds 7, 42, 123"\nTry: give one of them, e\\.g\\. .*seed_7\n`,
      ),
    );
  });

  it("predicts other images with every seed", async () => {
    const { code, stdout } = await runCli(
      ...["evaluate", at("runs"), "--data", `pairs:${at("pairs")}`, "--split", "test", "--json"],
    );
    expect(code).toBe(0);
    const stored = JSON.parse((await runCli("evaluate", at("runs"), "--json")).stdout);
    expect(JSON.parse(stdout).overall.metrics.accuracy).toEqual(stored.overall.metrics.accuracy);
  });
});

describe("predict", () => {
  const image = () => imagePath(planLayout(at("pairs")), "hand", "H_test0.jpg");
  const answer = async (model: string) => {
    const { code, stdout, stderr } = await runCli("predict", at(model), image(), "--threads", "1", "--json");
    expect(code, stderr).toBe(0);
    return JSON.parse(stdout);
  };

  it("gives the probability of the mean of log-odds", async () => {
    const alone: { probability: number; gateHand: number }[] = [];
    for (const seed of sorted) alone.push((await answer(`runs/seed_${seed}`)).predictions[0]);
    const odds = alone.map(({ probability: p }) => Math.log(p / (1 - p)));
    const together = await answer("runs");
    expect(together.model.seeds).toEqual(sorted);
    const [row] = together.predictions;
    expect(row.probability).toBeCloseTo(1 / (1 + Math.exp(-odds.reduce((a, b) => a + b) / 3)), 6);
    row.members.forEach((p: number, i: number) => {
      expect(p).toBeCloseTo(alone[i]!.probability, 6);
    });
    expect(row.gateHand).toBeCloseTo(alone.reduce((sum, { gateHand }) => sum + gateHand, 0) / 3, 6);
    expect(new Set(alone.map(({ probability }) => probability)).size).toBe(3);
  });

  it("says so in its first line", async () => {
    const { stdout } = await runCli("predict", at("runs"), image());
    expect(stdout.split("\n")[0]).toBe(
      `mag test_efficientnet.none_F0_An_Lb_Z0_gating=soft (${at("runs")}): mean log-odds of seeds 7, 42, 123 (n 3)`,
    );
    expect(stdout.split("\n")[1]).toMatch(/by seed/);
  });
});

describe("model card", () => {
  it("is of all seeds, each with its checkpoint", async () => {
    const { code, stdout } = await runCli("model", "card", at("runs"));
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /\n---\n\n# Model card: test_efficientnet\.none_F0_An_Lb_Z0_gating=soft, seeds 7, 42, 123 \(n 3\)\n/,
    );
    const head = parse(/^---\n([\s\S]*?)\n---\n/.exec(stdout)![1]!);
    const { overall } = JSON.parse((await runCli("evaluate", at("runs"), "--json")).stdout);
    const value = (metric: string) => Number(overall.metrics[metric].mean.toFixed(3));
    expect(head).toMatchObject({ library_name: "facehand", tags: ["hands", "faces", "fairness", "mag"] });
    expect(head).not.toHaveProperty("base_model"); // random weights
    expect(head["model-index"][0].results[0]).toMatchObject({
      dataset: { name: "pairs", split: "test" },
      metrics: [
        { type: "accuracy", value: value("accuracy") },
        { type: "balanced_accuracy", value: value("balancedAccuracy") },
      ],
    });
    for (const seed of sorted)
      expect(stdout).toMatch(new RegExp(`- seed ${seed}: 1 of at most 1 epochs.*SHA-256 \`[0-9a-f]{64}\``));
    const { mean, std } = overall.metrics.accuracy;
    expect(stdout).toContain(
      `| accuracy | ${mean.toFixed(3)} ± ${std.toFixed(3)}\\* | too small | too small |`,
    );
    const refused = await runCli("model", "card", at("runs"), "--bootstrap", "500");
    expect([refused.code, refused.stdout]).toEqual([2, ""]);
  });

  it("says that training computed by native kernels, and only there", async () => {
    await cp(at("runs"), at("native"), { recursive: true });
    for (const seed of sorted) {
      const path = at(`native/seed_${seed}/config.json`);
      const config = JSON.parse(await readFile(path, "utf8"));
      await writeFile(path, JSON.stringify({ ...config, kernels: "native" }));
    }
    const line =
      /^- Training's convolutions: in float32, 3x3 ones in Winograd's form, which rounds more .*$/m;
    expect((await runCli("model", "card", at("native"))).stdout).toMatch(line);
    expect((await runCli("model", "card", at("native/seed_42"))).stdout).toMatch(line);
    expect((await runCli("model", "card", at("runs"))).stdout).not.toContain("Winograd");
  });
});

describe("seeds are refused", () => {
  it("where one model is needed", async () => {
    const { code, stderr } = await runCli("model", "export", at("runs"), "--onnx", at("m.onnx"));
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /^Expected one run for the model, got "runs of seeds 7, 42, 123"\nTry: give one of them/,
    );
  });

  it("while one of them is unfinished: none is left out in silence", async () => {
    await cp(at("runs"), at("half"), { recursive: true });
    await rm(at("half/seed_42/predictions"), { recursive: true });
    for (const argv of [
      ["evaluate", at("half")],
      ["model", "card", at("half")],
      ["predict", at("half"), "x.jpg"],
    ]) {
      const { code, stdout, stderr } = await runCli(...argv);
      expect([code, stdout], argv.join(" ")).toEqual([3, ""]);
      if (argv[0] !== "predict")
        expect(stderr).toMatch(
          /^Expected finished runs for the seeds of .*half, got ".*seed_42 without predictions"\nTry: finish it by .*--resume/,
        );
    }
  });

  it.each(["42,42", "42,7,042", "42,42.0"])(
    "if train is given one twice: %s, also to resume",
    async (seeds) => {
      const data = ["--data", `pairs:${at("pairs")}`, "--seeds", seeds];
      for (const [name, ...flags] of [["twice"], ["runs", "--resume"]] as const) {
        const { code, stdout, stderr } = await runCli(...training(name), ...data, ...flags);
        expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
        expect(stderr).toContain(`Expected each seed once for --seeds, got "${seeds}"`);
        expect(stderr).toContain("Try: leave out one 42: the same seed gives the same run");
      }
      await expect(readdir(at("twice"))).rejects.toThrow("ENOENT");
    },
  );

  it("if a study is given one twice", async () => {
    const { code, stdout, stderr } = await runCli("study", "plan", "ablation", "--seeds", "7,07");
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain('Expected each seed once for --seeds, got "7,07"');
  });

  it("if they differ in more than the seed", async () => {
    await cp(at("runs"), at("mixed"), { recursive: true });
    const path = at("mixed/seed_42/config.json");
    await writeFile(path, (await readFile(path, "utf8")).replace('"lr": 0.01', '"lr": 0.02'));
    const { code, stderr } = await runCli("evaluate", at("mixed"));
    expect(code).toBe(3);
    expect(stderr).toMatch(/^Expected lr 0\.01 as in .*seed_7 for .*seed_42, got "?0\.02/);
  });
});

describe("a run without test images", () => {
  it("says how to evaluate it, when it ends and when it is asked for them", async () => {
    const { code, stderr } = await runCli(
      ...training("faces-run"),
      "--data",
      `utkface:${at("faces")}`,
      "--test",
      "0",
    );
    expect(code).toBe(0);
    expect(stderr).toContain(
      "no test images were held out: evaluate by --split val, whose images chose the epoch, or train with --test 0.2",
    );
    const test = await runCli("evaluate", at("faces-run"), "--split", "test");
    expect([test.code, test.stdout]).toEqual([2, ""]);
    expect(test.stderr).toBe(
      'Expected a split with stored predictions (val) for --split, got "test"\n' +
        "Try: --split val, whose images chose the epoch; for test images train with --test 0.2, or on a source that brings a test split\n" +
        "Usage: facehand evaluate --help\n",
    );
    expect((await runCli("evaluate", at("faces-run"), "--split", "val")).code).toBe(0);
  });
});
