import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseHTML } from "linkedom";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { inventedRows, STUDY_SEEDS, writeInventedStudy } from "../../../test/study-fixture.ts";
import { LAW_NOTE, lawMarkdown } from "../../dataset/law.ts";
import { holm } from "../../evaluate/intervals/mcnemar.ts";
import { seedSummary } from "../../evaluate/intervals/seeds.ts";
import { evaluateBinary } from "../../evaluate/metrics/metrics.ts";
import { imageSubject } from "../../evaluate/stored/subjects.ts";
import { readCsv } from "../../formats/csv.ts";
import { linked } from "../../report/markup.ts";
import { FINAL_METRICS_FILE, readFinalMetrics } from "./final-metrics.ts";
import { preface } from "./page.ts";
import { checkReport, makeReport, type Report, writeReport } from "./report.ts";

let dir = "";
let out = "";
let report: Report;
const options = () => ({ outDir: out, replicates: 200 });
const text = (name: string) => report.files.get(name)!;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "facehand-"));
  out = join(dir, "docs");
  await writeInventedStudy(join(dir, "study"));
  report = await makeReport(join(dir, "study"), options());
});
afterAll(() => rm(dir, { recursive: true }));

const metrics = (gain: number, seed: number, arch: "umcc" | "mag", modality?: string) => {
  const rows = inventedRows(gain, seed, arch).filter(
    (row) => row.split === "test" && (modality === undefined || row.modality === modality),
  );
  return evaluateBinary(
    rows.map(({ target }) => target!),
    rows.map(({ probability }) => probability),
  );
};
const balanced = (...of: Parameters<typeof metrics>) => metrics(...of).balancedAccuracy!;

async function csv(name: string) {
  await writeReport(report, out);
  const rows: Record<string, string>[] = [];
  const [header] = text(name).split("\n");
  for await (const { values } of readCsv(join(out, name), header!.split(",") as string[])) rows.push(values);
  return rows;
}

describe("tables", () => {
  test("give mean and sample std over seeds of stored predictions, unrounded beside", async () => {
    const rows = await csv("tables/figures.csv");
    expect(rows.map(({ configuration }) => configuration)).toEqual([
      "test_efficientnet.none_F0_Af_Lb_Z0",
      "test_efficientnet.none_F1_Af_Lb_Z0",
      "test_efficientnet.none_F0_Af_Lb_Z0_gating=soft",
    ]);
    const { mean, std } = seedSummary(STUDY_SEEDS.map((seed) => balanced(3, seed, "umcc")));
    expect(rows[1]!["balanced accuracy"]).toBe(`${mean.toFixed(3)} ± ${std!.toFixed(3)}`);
    expect(Number(rows[1]!["balanced accuracy (unrounded)"])).toBeCloseTo(mean, 14);
    const hand = seedSummary(STUDY_SEEDS.map((seed) => balanced(2, seed, "mag", "hand")));
    expect(Number(rows[2]!["hand (unrounded)"])).toBeCloseTo(hand.mean, 14);
    expect(rows[1]!["sources"]).toBe("f1/seed_42 f1/seed_123");
  });

  test("set the best by validation in bold, with its test figures", () => {
    const bold = text("report.md")
      .split("\n")
      .filter((line) => line.startsWith("| **"));
    expect(bold).toHaveLength(1);
    expect(bold[0]).toContain("F1");
    // Without fonts of another encoding, LaTeX prints a bare | as a dash.
    const abstention = [...report.files.keys()].find((name) => /abstention-hand-umcc.*tex$/.test(name))!;
    expect(text(abstention)).toContain("$|$p - .5$|$ from");
    expect(text("tables/figures.tex")).toContain("\\textbf{test\\_efficientnet.none\\_F1\\_Af\\_Lb\\_Z0}");
  });

  test("compare pairs with interval, p, Holm's p and what could have been detected", async () => {
    const [first, second, third] = await csv("tables/comparisons.csv");
    // "flag": A is f0, B is f1, which is better: A minus B is below 0.
    const difference =
      seedSummary(STUDY_SEEDS.map((seed) => balanced(1, seed, "umcc"))).mean -
      seedSummary(STUDY_SEEDS.map((seed) => balanced(3, seed, "umcc"))).mean;
    expect(difference).toBeLessThan(0);
    expect(first).toMatchObject({ A: expect.stringContaining("_F0_"), B: expect.stringContaining("_F1_") });
    expect(Number(first!["A minus B (unrounded)"])).toBeCloseTo(difference, 12);
    expect(first).toMatchObject({ seeds: "2", images: "120", subjects: "60" });
    const all = [first, second, third];
    const ps = all.map((row) => Number(row!["p (unrounded)"]));
    expect(all.map((row) => Number(row!["Holm p (unrounded)"]))).toEqual(holm(ps));
    expect(Number(first!["detectable (unrounded)"])).toBeGreaterThan(0);
    expect(all.map((row) => row!["metric"])).toEqual(["balanced accuracy", "balanced accuracy", "ROC-AUC"]);
    const areas = [1, 3].map((gain) => STUDY_SEEDS.map((seed) => metrics(gain, seed, "umcc").rocAuc!));
    const [before, after] = areas.map((values) => seedSummary(values).mean);
    expect(Number(third!["A minus B (unrounded)"])).toBeCloseTo(before! - after!, 12);
    expect([first!["DeLong p"], Number(third!["DeLong p (unrounded)"]) < 0.05]).toEqual(["-", true]);
    // 0 is left out exactly where p is at most .05.
    for (const row of all) {
      const [low, high] = /\[(.*), (.*)\]/.exec(row!["A minus B"]!)!.slice(1).map(Number);
      expect(low! <= 0 && 0 <= high!).toBe(Number(row!["p (unrounded)"]) > 0.05);
    }
  });

  test("show what an evaluation changed: a quarter of the decisions were reversed", async () => {
    const rows = await csv("tables/evaluation-blur.csv");
    expect(rows).toHaveLength(3);
    for (const row of rows) expect(row["flipped"]).toBe("0.250 ± 0.000");
    const [first, ...others] = await csv("tables/evaluation-told-other.csv");
    expect(others).toEqual([]);
    expect(first!["configuration"]).toContain("F1");
  });

  test("say how often MAG's gate prefers the own head, and what both images give", async () => {
    const [gate] = await csv("tables/gate.csv");
    expect(gate).toMatchObject({ hand: "1.000 ± 0.000", face: "0.800 ± 0.000", all: "0.900 ± 0.000" });
    const fused = await csv("tables/fusion.csv");
    expect(fused[0]!["pairs"]).toBe("60");
    for (const row of fused) {
      expect(Number(row["both (unrounded)"])).toBeGreaterThan(Number(row["hand (unrounded)"]));
    }
  });

  test("break the best run of each architecture down by group, and mark small groups", async () => {
    const names = [...report.files.keys()].filter((name) => name.endsWith(".csv"));
    for (const part of ["hand-umcc", "face-umcc", "hand-mag", "face-mag"])
      expect(names.filter((name) => name.startsWith(`tables/groups-age-${part}`))).toHaveLength(1);
    expect(names.filter((name) => name.startsWith("tables/groups-age-umcc"))).toEqual([]); // nothing pooled
    const rows = await csv(names.find((name) => name.startsWith("tables/groups-age-face-umcc"))!);
    expect(rows.map(({ group }) => group)).toEqual(["20-29", "70+"]);
    expect(rows[1]).toMatchObject({ accuracy: "too small", subjects: "6" });
    // All right for all of 54 subjects: Wilson's interval of 54 cases, 1 / (1 + 1.96^2 / 54).
    expect(rows[0]).toMatchObject({ subjects: "54", accuracy: "1.000 [0.934, 1.000]" });
    expect(names.some((name) => name.startsWith("tables/calibration-umcc"))).toBe(true);
    expect(names.some((name) => name.startsWith("tables/flips-mag"))).toBe(true);
  });
});

describe("one limit for every table", () => {
  test("with 35 subjects asked for, no table, figure or column shows what another calls too small", async () => {
    const strict = await makeReport(join(dir, "study"), { ...options(), minSubjects: 35 });
    const of = (name: RegExp) =>
      [...strict.files].filter(([file]) => name.test(file)).map(([, body]) => body);
    // 60 subjects in test, 30 of either class: what rests on both classes is of the whole, and marked, or left out.
    const [figures] = of(/^tables\/figures\.csv$/);
    const [header, first] = figures!.split("\n");
    expect(header).not.toMatch(/hand|face/);
    expect(first).toMatch(/± 0\.\d{3}\*/);
    const [ages] = of(/^tables\/groups-age-face-umcc.*csv$/);
    expect(ages!.split("\n")[0]).not.toMatch(/TPR|balanced/);
    expect(strict.files.get("report.md")).toContain(
      "3 columns left out, every figure too small (under 35 subjects): balanced accuracy, TPR female, TPR male",
    );
    expect(strict.files.get("report.html")).not.toContain("Right decisions by");
  });
});

describe("the first lines", () => {
  test("say how many people are behind the images, and which images stand for people", () => {
    expect(text("report.md").split("\n").slice(0, 12).join("\n")).toMatch(
      /^Test images of all runs: \d+ images of \d+ subjects\.$/m,
    );
    const page = parseHTML(text("report.html")).document;
    expect(page.querySelector(".note")!.textContent).toMatch(
      /Test images of all runs: \d+ images of \d+ subjects\./,
    );
  });

  test("count images without a person of theirs, each once over all runs", () => {
    const { study, runs } = report.results;
    const alone = runs.map((run) => ({
      ...run,
      rows: run.rows.map((row) => ({ ...row, subject: imageSubject(row) })),
    }));
    const n = new Set(
      alone.flatMap(({ rows }) => rows.filter(({ split }) => split === "test")).map(({ id }) => id),
    ).size;
    expect(preface({ ...report.results, study, runs: alone })).toContain(
      `Test images of all runs: ${n} images of ${n} subjects (every image counted as its own subject).`,
    );
  });
});

describe("the summary", () => {
  const lines = (of: Report) =>
    of.files.get("report.md")!.split("## Summary\n\n")[1]!.split("\n\n")[0]!.split("\n");

  test("says the best by validation with its test figure, what differs, and what is undecided", async () => {
    const { mean, std } = seedSummary(STUDY_SEEDS.map((seed) => balanced(3, seed, "umcc")));
    const said = lines(report);
    expect(said[0]).toContain(
      `Best by validation of 3 configurations: umcc F1. Balanced accuracy on split test: ${mean.toFixed(3)} ± ${std!.toFixed(3)} (n 2, sample std, ddof 1); its best seed by validation, `,
    );
    const [, seed, own, low, high] =
      /validation, (\d+): (\S+), 95 % interval over subjects \[(\S+), (\S+)\]/.exec(said[0]!)!;
    expect(own).toBe(balanced(3, Number(seed), "umcc").toFixed(3));
    expect(Number(low)).toBeLessThan(Number(own));
    expect(Number(high)).toBeGreaterThan(Number(own));
    // As the table of comparisons has it: Holm's p decides on which side a pair stands.
    const rows = await csv("tables/comparisons.csv");
    const differ = rows.filter((row) => Number(row["Holm p (unrounded)"]) <= 0.05).length;
    expect(differ).toBeGreaterThan(0);
    expect(said[1]).toContain("What differs (Holm p at most 0.05; A minus B): umcc F0 against umcc F1 in ");
    expect(said[1]!.split(" against ").length - 1).toBe(differ);
    expect(said.some((line) => line.includes("no evidence of equality"))).toBe(differ < rows.length);
    const page = parseHTML(text("report.html")).document;
    expect([...page.querySelectorAll("h2")][0]!.textContent).toBe("Summary");
  });

  test("names configurations by what varies, with their tags in a legend", async () => {
    const legend = await csv("tables/configurations.csv");
    expect(legend.map(({ name, configuration }) => [name, configuration])).toEqual([
      ["umcc F0", "test_efficientnet.none_F0_Af_Lb_Z0"],
      ["umcc F1", "test_efficientnet.none_F1_Af_Lb_Z0"],
      ["mag F0 soft", "test_efficientnet.none_F0_Af_Lb_Z0_gating=soft"],
    ]);
    const headings = [...text("report.md").matchAll(/^#+ (.*)$/gm)].map(([, heading]) => heading!);
    expect(headings.some((heading) => heading.includes("umcc F1, seed"))).toBe(true);
    expect(headings.filter((heading) => heading.includes("test_efficientnet"))).toEqual([]);
  });

  test("folds tables without a figure", async () => {
    const strict = await makeReport(join(dir, "study"), { ...options(), minSubjects: 1000 });
    const folded = [...strict.files.get("report.md")!.matchAll(/<summary>(.*): every figure is too small/g)];
    expect(folded.length).toBeGreaterThan(3);
    expect(strict.files.get("report.html")).toContain(": every figure is too small</summary>");
    expect(text("report.md").split("<details>").length).toBeLessThan(folded.length);
  });
});

describe("the forest plot", () => {
  test("is one for all comparisons that share an axis, A minus B, with the better model on its side", () => {
    const page = text("report.html");
    expect(page.split("Comparisons: A against B")).toHaveLength(3); // as label and as title of one figure
    const svg = parseHTML(page).document.querySelector('svg[aria-label="Comparisons: A against B"]')!;
    const texts = [...svg.querySelectorAll("text")].map((node) => node.textContent!);
    expect(texts.some((label) => label.includes("A minus B; right of 0: A is better"))).toBe(true);
    const named = texts.filter((label) => /(umcc|mag) F\d/.test(label));
    expect(named.filter((label) => label.startsWith("against "))).toHaveLength(3);
    const at = (selector: string) =>
      [...svg.querySelectorAll(selector)].map((node) =>
        Number(node.getAttribute("cx") ?? node.getAttribute("x1")),
      );
    const [dots, zeros] = [at('[aria-label="dot"] circle'), at('[aria-label="tick"] line')];
    expect(dots).toHaveLength(3);
    expect(zeros).toHaveLength(3);
    expect(dots[0]!).toBeLessThan(zeros[0]!); // f0 against f1: f1 is better
    expect(dots[1]!).toBeGreaterThan(zeros[1]!); // f1 against mag: f1 is better
  });
});

describe("upstream's table", () => {
  test("is read back with its Python dicts", async () => {
    await writeReport(report, out);
    const rows = await readFinalMetrics(join(out, FINAL_METRICS_FILE));
    const flagged = rows.filter(
      ({ category, configuration }) => category === "ablation" && configuration["flag_on"] === true,
    );
    expect(flagged).toHaveLength(1);
    expect(flagged[0]!.configuration).toMatchObject({
      arch: "umcc",
      gating: null,
      seeds: [42, 123],
      ddof: 1,
    });
    expect(flagged[0]!.configuration["mean_acc"]).toBeGreaterThan(0.5);
    expect(Number(flagged[0]!.figures["test_balancedAccuracy_mean"])).toBeCloseTo(
      seedSummary(STUDY_SEEDS.map((seed) => balanced(3, seed, "umcc"))).mean,
      14,
    );
  });

  test.each([
    ["category,figures\na,1\n", "Expected column configuration"],
    ["category,configuration\na,[1]\n", 'Expected a Python dict for column configuration, got "[1]"'],
    ["category,configuration\na,os.system()\n", "Expected a literal in a Python literal"],
  ])("%j is refused", async (content, message) => {
    const path = join(dir, "bad.csv");
    await writeFile(path, content);
    await expect(readFinalMetrics(path)).rejects.toThrowError(message);
  });
});

describe("the report", () => {
  test("is one page that needs nothing else, and links every figure to its sources", () => {
    const page = text("report.html");
    const law = linked(LAW_NOTE).text;
    expect(page.split(law)).toHaveLength(2);
    expect(text("report.md")).toContain(lawMarkdown(LAW_NOTE));
    expect(page.replace(law, "")).not.toMatch(/(src|href)="https?:/);
    expect(page).not.toContain("<script");
    const targets = [...page.matchAll(/href="#([^"]+)"/g)].map(([, id]) => id!);
    expect(targets.length).toBeGreaterThan(100);
    for (const id of new Set(targets)) expect(page).toContain(`id="${id}"`);
    for (const file of ["config.json", "predictions/test.parquet"])
      expect(page).toContain(`href="../study/runs/f1/seed_42/${file}"`);
    expect(page).toContain("The label is an apparent one");
  });

  test("links a mean over seeds to every one of them", () => {
    const { document } = parseHTML(text("report.html"));
    const cell = [...document.querySelectorAll("#table-figures tbody tr")][1]!.querySelectorAll("td a")[1]!;
    const place = document.querySelector(cell.getAttribute("href")!)!;
    const runs = [...place.querySelectorAll("a")].map((link) => link.getAttribute("href")!);
    expect(runs).toEqual(["#source-f1-seed_42", "#source-f1-seed_123"]);
    const links = runs.map((run) => [...document.querySelector(run)!.querySelectorAll("a")].at(-1)!);
    expect(links.map((link) => link.getAttribute("href"))).toEqual(
      STUDY_SEEDS.map((seed) => `../study/runs/f1/seed_${seed}/predictions/test.parquet`),
    );
  });

  test("has the same bytes again, and a check that finds a changed figure with file and line", async () => {
    await writeReport(report, out);
    const again = await makeReport(join(dir, "study"), options());
    await expect(checkReport(again, out)).resolves.toBe(again.files.size);
    await rm(join(out, "report.html"));
    await expect(checkReport(again, out)).resolves.toBe(again.files.size - 1);
    const path = join(out, "report.md");
    const before = await readFile(path, "utf8");
    await writeFile(path, before.replace(/0\.\d{3} ±/, "0.999 ±"));
    await expect(checkReport(again, out)).rejects.toThrowError(
      /^Expected the recomputed .*, got .*0\.999 ±.* \(.*report\.md:\d+\)$/,
    );
    await rm(path);
    await expect(checkReport(again, out)).rejects.toThrowError("Expected a file of the report at");
  });

  test("names what is not done, and leaves it out", async () => {
    const part = join(dir, "part");
    await writeInventedStudy(part, (cell, seed) => cell === "mag" || seed === 123);
    const { files, results } = await makeReport(part, options());
    expect(results.missing).toHaveLength(4);
    expect(files.get("report.md")).toContain("4 of 6 runs are not done and are in no figure.");
    expect(files.get("tables/comparisons.csv")).toContain("no seed is done for both");
    expect(files.get("report.md")).not.toContain("| **");
  });

  test("refuses a study without results", async () => {
    const none = join(dir, "none");
    await writeInventedStudy(none, () => true);
    await expect(makeReport(none, options())).rejects.toThrowError("Expected at least one finished run in");
  });
});
