// The demo end to end, small: it leaves a report, does nothing twice, and continues where it was stopped.
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DEMO_DEFAULTS, SHARES } from "../../src/cli/demo/plan.ts";
import { SMALL_SUBJECTS } from "../../src/evaluate/metrics/small.ts";
import { readSplits } from "../../src/evaluate/stored/prediction-folder.ts";
import { exists } from "../../src/machine/files.ts";
import { type Ran, runCli } from "./run.ts";

const SMALL = ["--subjects", "14", "--epochs", "1", "--seed", "3"] as const;

let root: string;
let out: string;
let first: Ran;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "facehand-demo-"));
  out = join(root, "demo");
  first = await runCli("demo", "--out", out, ...SMALL);
});
afterAll(() => rm(root, { recursive: true, force: true }));

describe("facehand demo", () => {
  it("numbers and times its steps, and prints figures and paths", () => {
    expect(first.stderr).toMatch(/\[1\/7\] draw .*\n\s+done in \d+:\d\d\n\[2\/7\] derive/);
    expect(first.stderr).toContain("[7/7] write the report");
    expect(first.code).toBe(0);
    expect(first.stdout).toMatch(
      /balanced accuracy, test\s+all\nUMCC F1\s+[01]\.\d{3}\*\nMAG soft.*\n\*: of under 20 subjects\n2 columns left out, every figure too small \(under 20 subjects\): hand, face\n/,
    );
    expect(first.stdout).toMatch(/^hand\s+UMCC F1\s+[01]\.\d{3}\s+(fe)?male$/m);
    expect(first.stdout).toContain("prove nothing about accuracy on real images");
    expect(first.stdout).toContain("report.html");
  });

  it("by its defaults, puts enough people of each sex in test for figures by modality", () => {
    const ofEachSex = (DEMO_DEFAULTS.subjects * SHARES.test) / 2; // about half of those drawn
    expect(ofEachSex).toBeGreaterThan(1.25 * SMALL_SUBJECTS);
  });

  it("leaves the sample, the pairs, two runs with predictions, and the report", async () => {
    for (const name of ["sample/sample.json", "pairs/manifest.json", "pairs/ledger.csv"]) {
      expect(await exists(join(out, name)), name).toBe(true);
    }
    for (const run of ["umcc", "mag"]) {
      const rows = await readSplits(join(out, "runs", run, "predictions"));
      expect(new Set(rows.map(({ split }) => split))).toEqual(new Set(["val", "test"]));
    }
    const report = await readFile(join(out, "report.html"), "utf8");
    expect(report).toContain("Nobody here is real.");
    expect(report.match(/<svg[^>]*role="img"/g)).toHaveLength(14); // groups of hands and of faces apart
  });

  it("leaves runs from which a model's card is written, every number from their predictions", async () => {
    const run = join(out, "runs", "umcc");
    const path = join(root, "card.md");
    const { code, stdout } = await runCli("model", "card", run, "--out", path, "--bootstrap", "100");
    expect([code, stdout.trim()]).toEqual([0, path]);
    const card = await readFile(path, "utf8");
    const sections = [
      "Model details",
      "Intended use",
      "Factors",
      "Metrics",
      "Evaluation data",
      "Training data",
    ];
    const rest = ["Quantitative analyses", "Ethical considerations", "Caveats and recommendations", "Law"];
    expect(card.match(/^## .*$/gm)).toEqual([...sections, ...rest].map((name) => `## ${name}`));
    const test = (await readSplits(join(run, "predictions"))).filter((row) => row.split === "test");
    expect(card).toContain(
      `${test.length} labelled images of ${new Set(test.map((row) => row.subject)).size} subjects`,
    );
    expect(card).toMatch(/^\| accuracy \| 0\.\d{3} \\\[/m);
    expect(card).toMatch(/^### By race x age: faces, /m);
    expect(card).toContain("The label is an apparent one");
  });

  it("makes nothing again when called again, with the same report", async () => {
    const path = join(out, "report.html");
    const before = await readFile(path, "utf8");
    const products = ["sample/sample.json", "pairs/manifest.json", "runs/umcc/predictions/test.parquet"];
    const files = [...products, "runs/mag/checkpoints/best.safetensors"].map((name) => join(out, name));
    const written = () => Promise.all(files.map(async (file) => (await stat(file)).mtimeMs));
    const times = await written();
    const again = await runCli("demo", "--out", out, ...SMALL);
    expect(again).toMatchObject({ code: 0, stdout: first.stdout });
    expect(await readFile(path, "utf8")).toBe(before);
    expect(await written()).toEqual(times);
  });

  it("makes again only what is missing, with the same report", async () => {
    const path = join(out, "report.html");
    const before = await readFile(path, "utf8");
    await rm(join(out, "runs/mag/predictions"), { recursive: true });
    await rm(path);
    expect((await runCli("demo", "--out", out, ...SMALL)).code).toBe(0);
    expect(await readFile(path, "utf8")).toBe(before);
    const small = (text: string) => text.split("too small").length;
    expect((await runCli("demo", "--out", out, ...SMALL, "--min-subjects", "1")).code).toBe(0);
    expect(small(await readFile(path, "utf8"))).toBeLessThan(small(before));
    expect((await runCli("demo", "--out", out, ...SMALL)).code).toBe(0);
    expect(await readFile(path, "utf8")).toBe(before);
  });

  it("its report's commands are accepted: flags and configuration are the demo's own", async () => {
    const report = await readFile(join(out, "report.html"), "utf8");
    const lines = /<pre>(.*?)<\/pre>/s.exec(report)![1]!.split("\n");
    const argv = (verb: string) =>
      lines
        .find((line) => line.startsWith(`npx --no facehand ${verb}`))!
        .split(" ")
        .slice(3);
    const trained = await runCli(...argv("train"), "--resume", "--json");
    expect(trained.code, trained.stderr).toBe(0); // another configuration would be refused
    const derived = await runCli(...argv("derive"), "--json");
    expect(JSON.parse(derived.stdout)).toMatchObject({ alreadyComplete: true, drawn: true });
    expect((await runCli(...argv("data sample"))).code).toBe(0);
    expect((await runCli(...argv("predict"))).code).toBe(0);
  });

  it("stops at Ctrl-C with code 130 and continues from there to the same report", async () => {
    const other = join(root, "stopped");
    for (const begun of ["sample.partial", "pairs.partial", "runs/umcc/config.json"]) {
      const running = runCli("demo", "--out", other, ...SMALL);
      while (!(await exists(join(other, begun)))) await sleep(5);
      process.emit("SIGINT");
      const stopped = await running;
      expect(stopped.code, begun).toBe(130);
      expect(stopped.stderr).toContain("the same command continues in");
    }
    expect((await runCli("demo", "--out", other, ...SMALL)).code).toBe(0);
    const named = async (folder: string) =>
      (await readFile(join(folder, "report.html"), "utf8")).replaceAll(
        relative(process.cwd(), folder),
        "demo",
      );
    expect(await named(other)).toBe(await named(out));
  });

  it("refuses other options for the same folder", async () => {
    const { code, stderr } = await runCli("demo", "--out", out, "--subjects", "20");
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /^Expected --subjects 14 --epochs 1 --seed 3 as .* was made with, got --subjects 20/,
    );
    expect(stderr).toContain("Try: give another --out, or remove the folder");
  });

  it("refuses a folder with other files", async () => {
    const { code, stderr } = await runCli("demo", "--out", root, ...SMALL);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^Expected a new or empty folder for --out, got .* with other files/);
  });
});
