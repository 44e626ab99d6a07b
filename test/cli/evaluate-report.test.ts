// `facehand evaluate --against` and `--report`: two models on the same images, and the page of one evaluation.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LAW_NOTE } from "../../src/dataset/law.ts";
import { linked } from "../../src/report/markup.ts";
import { drawFaces, drawPairs } from "../drawn.ts";
import { runCli } from "./run.ts";

let root = "";
const at = (name: string) => join(root, name);
/** 60 people with two images each: what is recorded, and what two models predict. */
const IMAGES = Array.from({ length: 120 }, (_, i) => ({
  id: `i${String(i).padStart(3, "0")}`,
  subject: `s${i % 60}`,
  male: i % 2 === 1,
  a: (i % 2 === 1) !== (i % 10 === 0) ? 0.6 + i / 400 : 0.4 - i / 400,
  b: (i % 2 === 1) !== (i % 4 === 0) ? 0.6 + i / 400 : 0.4 - i / 400,
}));

const tableOf = (model: "a" | "b", images = IMAGES) =>
  `id,subject,y,p,race\n${images.map((i, k) => `${i.id},${i.subject},${i.male ? "male" : "female"},${i[model]},r${k % 2}`).join("\n")}\n`;
const face = ["--modality", "face"];

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "facehand-against-"));
  await writeFile(at("a.csv"), tableOf("a"));
  await writeFile(at("b.csv"), tableOf("b", IMAGES.slice(0, 110)));
});
afterAll(() => rm(root, { recursive: true }));

const right = (model: "a" | "b") => (i: (typeof IMAGES)[number]) => i[model] >= 0.5 === i.male;

const compare = (...more: readonly string[]) =>
  runCli("evaluate", at("a.csv"), "--against", at("b.csv"), ...face, "--bootstrap", "400", ...more);

describe("--against", () => {
  it("pairs by image, counts what is left out, and gives A minus B", async () => {
    const { code, stdout, stderr } = await compare("--json");
    expect(code, stderr).toBe(0);
    const { rows, nImages, nSubjects, leftOut } = JSON.parse(stdout);
    expect([nImages, nSubjects]).toEqual([110, 60]);
    expect(leftOut).toEqual({ onlyA: 10, onlyB: 0, unlabelled: 0 });
    const shared = IMAGES.slice(0, 110);
    const share = (model: "a" | "b") => shared.filter(right(model)).length / shared.length;
    const accuracy = rows.find((row: { metric: string }) => row.metric === "accuracy").result;
    expect(accuracy.first).toBeCloseTo(share("a"), 12);
    expect(accuracy.second).toBeCloseTo(share("b"), 12);
    expect(accuracy.estimate).toBeCloseTo(share("a") - share("b"), 12);
    const only = (x: "a" | "b", y: "a" | "b") => shared.filter((i) => right(x)(i) && !right(y)(i)).length;
    expect(accuracy.mcnemar).toMatchObject({ onlyFirst: only("a", "b"), onlySecond: only("b", "a") });
    expect(accuracy.p < 0.05).toBe(accuracy.low > 0 || accuracy.high < 0);
  });

  it("says it in 100 columns, and the other way round with the other sign", async () => {
    const { stdout } = await compare();
    expect(stdout.split("\n").filter((line) => line.length > 100 && !line.includes(root))).toEqual([]);
    expect(stdout).toContain(
      "A minus B on 110 images of 60 subjects that both answered\nleft out: 10 only A answered",
    );
    const [, difference] = /all +accuracy +\S+ +\S+ +([+-]\d\.\d{3}) /.exec(stdout)!;
    const other = await runCli(
      "evaluate",
      at("b.csv"),
      "--against",
      at("a.csv"),
      ...face,
      "--bootstrap",
      "400",
    );
    const [, back] = /all +accuracy +\S+ +\S+ +([+-]\d\.\d{3}) /.exec(other.stdout)!;
    expect(Number(back)).toBe(-Number(difference));
    expect(stdout).toContain("A difference that is not detected is no evidence of equality.");
  });

  it.each([
    [["--groups", "race"], 'Expected one model, without --against for --groups, got "other flags"'],
    [["--bootstrap", "10"], "Expected at least 100 exchanges with --against for --bootstrap, got 10"],
  ])("refuses %j", async (flags, message) => {
    const { code, stdout, stderr } = await compare(...flags);
    expect([code, stdout, stderr.split("\n")[0]]).toEqual([2, "", message]);
  });

  it("refuses images that are recorded otherwise, and tables without a common one", async () => {
    await writeFile(at("other.csv"), tableOf("b").replace("i003,s3,male", "i003,s3,female"));
    const odd = await runCli("evaluate", at("a.csv"), "--against", at("other.csv"), ...face);
    expect([odd.code, odd.stderr.split("\n")[0]]).toEqual([
      3,
      `Expected the same record of each image in both for file i003, got "target 1 instead of 0 in ${at("other.csv")}"`,
    ]);
    await writeFile(at("none.csv"), tableOf("b").replaceAll(/^i/gm, "j").replace(/^jd,/, "id,"));
    const none = await runCli("evaluate", at("a.csv"), "--against", at("none.csv"), ...face);
    expect([none.code, none.stderr]).toEqual([
      2,
      expect.stringContaining("both answered for --against, got"),
    ]);
  });
});

describe("--against with --report", () => {
  it("prints the comparison, and writes it into the page of the first one", async () => {
    const { code, stdout, stderr } = await compare("--report", at("both.html"));
    expect(code, stderr).toBe(0);
    const page = await readFile(at("both.html"), "utf8");
    expect(page).toContain("Against another model");
    expect(page).toContain("A minus B on 110 images of 60 subjects that both answered");
    expect(page).toContain("right of 0: A is better");
    const [, difference] = /all +accuracy +\S+ +\S+ +([+-]\d\.\d{3}) /.exec(stdout)!;
    expect(page).toContain(`${difference} [`);
    expect(page).toContain("Worst mistakes");
  });
});

describe("--report", () => {
  const write = async (name: string, ...argv: readonly string[]) => {
    const { code, stderr } = await runCli("evaluate", ...argv, "--bootstrap", "100", "--report", at(name));
    expect(code, stderr).toBe(0);
    return readFile(at(name), "utf8");
  };

  it("is one page with figures, groups and mistakes by id, the same each time", async () => {
    const page = await write("a.html", at("a.csv"), ...face);
    for (const title of [
      "Probability by recorded label",
      "Calibration",
      "ROC curve",
      "Right decisions by race",
    ])
      expect(page).toContain(title);
    expect(page).toContain("The label is not identity.");
    const law = linked(LAW_NOTE).text;
    expect(page.split(law)).toHaveLength(2);
    expect(page.replace(law, "")).not.toMatch(/<script|src="http|href=|This page shows people/);
    const wrong = IMAGES.filter((i) => !right("a")(i)).sort(
      (x, y) => Math.abs(y.a - 0.5) - Math.abs(x.a - 0.5),
    );
    const listed = [...page.matchAll(/<code>(i\d{3})<\/code>/g)].map(([, id]) => id);
    expect(wrong.length).toBe(12);
    expect(listed).toEqual(wrong.map(({ id }) => id));
    expect(await write("again.html", at("a.csv"), ...face)).toBe(page);
  });

  it("has images where --data names them; a mixed set is labelled as such", {
    timeout: 300_000,
  }, async () => {
    await drawFaces(at("faces"), 20);
    const made = await runCli(
      ...["train", "--arch", "umcc", "--tag", "test_efficientnet.none_F0_An_Lb_Z0", "--image-size", "32"],
      ...[
        "--data",
        `utkface:${at("faces")}`,
        "--test",
        "0.3",
        "--epochs",
        "1",
        "--batch",
        "4",
        "--seeds",
        "1,2",
      ],
      ...["--threads", "1", "--workers", "1", "--out", at("runs")],
    );
    expect(made.code, made.stderr).toBe(0);
    const page = await write(
      "run.html",
      at("runs/seed_1"),
      "--data",
      `utkface:${at("faces")}`,
      "--workers",
      "1",
    );
    expect(page).toContain("This page shows people");
    expect(page).toMatch(/<img alt="[^"]+" loading="lazy" src="data:image\/jpeg;base64,/);
    await drawPairs(at("pairs"), { train: 2, val: 2, test: 2 });
    const data = ["--data", `utkface:${at("faces")}`, "--data", `pairs:${at("pairs")}`, "--workers", "1"];
    const heading = async (...more: readonly string[]) =>
      (await runCli("evaluate", at("runs/seed_1"), ...data, "--bootstrap", "0", ...more)).stdout.split(
        ":",
      )[0];
    expect(await heading()).toBe(
      "Agreement with the recorded label, split test of the run's own sets, all of the others",
    );
    expect(await heading("--split", "test")).toBe("Agreement with the recorded label, split test");
    const seeds = await write("seeds.html", at("runs"));
    expect(seeds).toContain("over seeds 1, 2 (n 2)");
    const both = await runCli("evaluate", at("runs"), "--against", at("runs"), "--json");
    const compared = JSON.parse(both.stdout);
    expect(compared.seeds).toEqual([1, 2]);
    expect(compared.rows[0].result.estimate).toBe(0);
    const uneven = await runCli("evaluate", at("runs"), "--against", at("runs/seed_1"));
    expect([uneven.code, uneven.stderr]).toEqual([
      2,
      expect.stringContaining("or the same seeds of both for --against"),
    ]);
  });
});
