// `facehand evaluate` on stored predictions of others: what it prints, and what it refuses.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { MAX_COLUMNS } from "../../src/core/visible.ts";
import { writeParquet } from "../../src/formats/parquet/write.ts";
import { runCli } from "./run.ts";

let dir = "";
let path = "";

/** 60 subjects a split, 30 a race; one in five decided against the record. */
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "facehand-"));
  path = join(dir, "theirs.csv");
  const rows = ["val", "test"].flatMap((split) =>
    Array.from({ length: 60 }, (_, i) => {
      const male = (i % 2 === 1) !== (i % 5 === 0);
      const p = male ? 0.7 + 0.004 * i : 0.3 - 0.004 * i;
      return `${split}${i},${i % 2 === 1 ? "male" : "female"},${p},${split},${i % 3 === 0 ? "x" : "y"},t${i % 2}`;
    }),
  );
  await writeFile(path, `id,y,p,split,race,tone\n${rows.join("\n")}\n`);
});
afterAll(() => rm(dir, { recursive: true }));

describe("evaluate FILE.csv", () => {
  test("prints every figure with its interval, and says what the label is", async () => {
    const { code, stdout: out } = await runCli("evaluate", path, "--modality", "face", "--bootstrap", "200");
    expect(code).toBe(0);
    expect(out.split("\n\n")[0]!.replaceAll("\n", " ")).toBe(
      "Agreement with the recorded label, split test: 60 images of 60 subjects (file), male where p >= 0.50; " +
        "60 of 120 given images used (not used: split val 60); every image counted as its own subject",
    );
    expect(out).toContain("The label is an apparent one, recorded by machines or annotators");
    expect(out).toMatch(/accuracy +0\.800 \[0\.\d{3}, 0\.\d{3}\]/);
    expect(out).toMatch(/^race, faces +images/m);
  });

  test("breaks down by any column, with intervals and the analyses that are asked for", async () => {
    const flags = ["--group-intervals", "--calibrate", "--thresholds", "race", "--selective", "tone"];
    const args = [
      "--modality",
      "face",
      "--bootstrap",
      "200",
      "--groups",
      "tone",
      "--groups",
      "race+gender,gender",
    ];
    const { code, stdout: out } = await runCli("evaluate", path, ...args, ...flags);
    expect(code).toBe(0);
    expect(out.split("\n").filter((line) => line.length > MAX_COLUMNS)).toEqual([]);
    expect(out).toMatch(/^tone, faces +images/m);
    expect(out).toMatch(/^race x gender, faces +images/m);
    expect(out).toMatch(/^gender, faces +images/m);
    expect(out).toMatch(/^t0 +30 .*0\.800 \[0\.\d{3}, [01]\.\d{3}\]/m);
    expect(out).toMatch(/^face +60 +\d\.\d{3} +\d\.\d{3} > \d\.\d{3}/m);
    expect(out).toContain("(analysis only: not for use on people)");
    expect(out).toMatch(/^1\.000 .* class mix /m); // each tone has one class: none is the worst
  });

  test("--min-subjects is the limit of every table, and of JSON", async () => {
    const flags = ["--modality", "face", "--bootstrap", "0", "--groups", "race", "--thresholds", "race"];
    const strict = (await runCli("evaluate", path, ...flags, "--calibrate", "--min-subjects", "61")).stdout;
    // Of 60 subjects: the whole is shown and marked, everything else is left out.
    expect(strict).toMatch(/^accuracy +0\.800\*$/m);
    expect(strict).toMatch(/^TPR female +too small$/m);
    expect(strict).toMatch(/^6 columns left out, every figure too small \(under 61 subjects\): accuracy, /m);
    expect(strict).toMatch(/^face +60 +\d\.\d{3} +too small +too small/m);
    expect(strict).toMatch(/^one a group of race +too small +too small/m);
    const json = await runCli("evaluate", path, ...flags, "--min-subjects", "21", "--json");
    const { byGroup, overall, minSubjects } = JSON.parse(json.stdout);
    expect([minSubjects, overall.metrics.accuracy]).toEqual([21, 0.8]);
    expect(
      byGroup[0].groups.map(({ nSubjects, metrics, tooSmall }: never) => [nSubjects, metrics, tooSmall]),
    ).toEqual([
      [20, expect.objectContaining({ accuracy: null, tprMale: null }), expect.arrayContaining(["accuracy"])],
      [40, expect.objectContaining({ accuracy: 0.8, tprMale: null }), expect.arrayContaining(["tprMale"])],
    ]);
    const bad = await runCli("evaluate", path, ...flags, "--min-subjects", "0");
    expect([bad.code, bad.stderr.includes("for --min-subjects, got")]).toEqual([2, true]);
  });

  test("prints the same as JSON", async () => {
    const { code, stdout: out } = await runCli(
      "evaluate",
      path,
      "--modality",
      "face",
      "--bootstrap",
      "0",
      "--calibrate",
      "--json",
    );
    expect(code).toBe(0);
    const parsed = JSON.parse(out);
    expect(parsed.overall.metrics.accuracy).toBe(0.8);
    expect(parsed.subjects).toEqual({
      nImagesAlone: 60,
      nIdsShared: 0,
      nBothLabels: 0,
      note: "every image counted as its own subject",
    });
    expect(parsed.images).toEqual({
      split: "test",
      given: 120,
      used: 60,
      leftOut: { "split val": 60 },
      notes: [],
    });
    expect(parsed.calibration[0].temperature.nllAfter).toBeLessThanOrEqual(
      parsed.calibration[0].temperature.nllBefore,
    );
  });

  test.each([
    [
      ["--split", "train"],
      2,
      'Expected a split with stored predictions (val, test) for --split, got "train"',
    ],
    [["--groups", "rice"], 2, "for a group, got"],
    [["--out", "x.parquet"], 2, 'Expected --data for --out, got "stored predictions"'],
    [["--other-recipe"], 2, 'Expected --data for --other-recipe, got "stored predictions"'],
    [["--groups", "race+"], 2, 'and by + within one table for --groups, got "race+"'],
    [["--groups", "race+race"], 2, 'and by + within one table for --groups, got "race+race"'],
    [["--thresholds", "rice"], 2, "for a group, got"],
  ])("refuses %j", async (flags, code, message) => {
    const ran = await runCli("evaluate", path, "--modality", "face", "--bootstrap", "0", ...flags);
    expect(ran.code).toBe(code);
    expect(ran.stderr).toContain(message);
  });

  test("without a column split is evaluated whole, and says so; a split cannot be asked for", async () => {
    const whole = join(dir, "whole.csv");
    const rows = Array.from({ length: 40 }, (_, i) => `i${i},${i % 2},${(i % 10) / 10},${i % 3},s+${i % 2}`);
    await writeFile(whole, `id,y,p,glasses+beard,tone,x\n${rows.map((row) => `${row},1`).join("\n")}\n`);
    const flags = ["--modality", "face", "--bootstrap", "0"];
    const groups = ["--groups", "glasses+beard,tone+glasses+beard"];
    const { stdout } = await runCli("evaluate", whole, ...flags, ...groups);
    expect(stdout).toMatch(/^Agreement with the recorded label, all images: 40 images of 40 subjects/);
    expect(stdout).toMatch(/^glasses\+beard, faces +images/m);
    expect(stdout).toMatch(/^tone x glasses\+beard, faces +images/m);
    const json = JSON.parse((await runCli("evaluate", whole, ...flags, "--json")).stdout);
    expect([json.split, json.images]).toEqual(["all", expect.objectContaining({ split: null, used: 40 })]);
    const parquet = join(dir, "whole.parquet");
    await writeParquet(
      parquet,
      { id: "string", y: "int32", p: "double" },
      { id: ["a", "b"], y: [0, 1], p: [0.1, 0.9] },
    );
    expect((await runCli("evaluate", parquet, ...flags)).stdout).toContain(
      "all images: 2 images of 2 subjects",
    );
    const refused = await runCli("evaluate", whole, ...flags, "--split", "test");
    expect(refused.stderr).toMatch(
      /^Expected a table with a column split for --split, got "test"\nTry: leave/,
    );
  });

  test("takes user_id for the person, also from a joined table", async () => {
    const person = (i: number) => `u${Math.floor(i / 25)}`;
    const rows = Array.from({ length: 1000 }, (_, i) => `i${i},${i % 2},${((i * 37) % 100) / 100}`);
    const [with_, bare, ledger] = ["with.csv", "bare.csv", "ledger.csv"].map((name) => join(dir, name));
    await writeFile(with_!, `id,y,p,user_id\n${rows.map((row, i) => `${row},${person(i)}`).join("\n")}\n`);
    await writeFile(bare!, `id,y,p\n${rows.join("\n")}\n`);
    await writeFile(ledger!, `image_id,user_id\n${rows.map((_, i) => `i${i},${person(i)}`).join("\n")}\n`);
    const flags = ["--modality", "face", "--bootstrap", "200", "--json"];
    const figures = async (...args: readonly string[]) =>
      JSON.parse((await runCli("evaluate", ...args, ...flags)).stdout);
    const own = await figures(with_!);
    const joined = await figures(bare!, "--join", ledger!);
    const alone = await figures(bare!);
    expect(own.overall.nSubjects).toBe(40);
    expect(own.subjects.note).toBe("40 subjects recorded as female and as male");
    expect(joined).toEqual(own);
    expect(alone.overall.nSubjects).toBe(1000);
    expect(alone.overall.intervals.accuracy.low).not.toBe(own.overall.intervals.accuracy.low);
  });

  test("says what --calibrate needs where there is no column split", async () => {
    const bare = join(dir, "no-split.csv");
    await writeFile(bare, "id,y,p\na,1,0.9\nb,0,0.2\n");
    const { code, stderr } = await runCli("evaluate", bare, "--modality", "face", "--calibrate");
    expect(code).toBe(2);
    expect(stderr).toContain('for calibration, got "0 of val, 2 of test"');
    expect(stderr).toContain("a file of both with a column split of val or test");
  });

  test("needs to know the modality", async () => {
    const { code, stderr: err } = await runCli("evaluate", path);
    expect(code).toBe(2);
    expect(err).toContain("Try: say which images they are: --modality face or --modality hand");
  });

  test("names a file that is not there", async () => {
    const { code, stderr: err } = await runCli("evaluate", join(dir, "none.csv"));
    expect(code).toBe(3);
    expect(err).toContain("got no such file");
  });
});

describe("flags that would change nothing, or come too late", () => {
  test.each([
    ["a run", ["runs/one", "--modality", "hand"], "runs/one"],
    ["images to predict", ["runs/one", "--data", "utkface:faces", "--modality", "hand"], "--data"],
  ])("--modality of %s is refused", async (_, args, got) => {
    const { code, stderr } = await runCli("evaluate", ...args);
    expect(code).toBe(2);
    expect(stderr).toContain(
      `Expected a table of predictions without a column modality for --modality, got "${got}"`,
    );
  });

  test("--modality beside a column modality is refused", async () => {
    const file = join(dir, "both.csv");
    await writeFile(file, "id,y,p,modality\na,1,0.7,hand\n");
    const { code, stderr } = await runCli("evaluate", file, "--modality", "face");
    expect(code).toBe(2);
    expect(stderr).toContain("Expected no --modality beside a column modality");
  });

  test.each([
    ["--calibrate", ["--calibrate"]],
    ["--thresholds", ["--thresholds", "race"]],
  ])("%s with --data is refused before anything is read", async (name, flags) => {
    const { code, stderr } = await runCli("evaluate", "no-such-run", "--data", "utkface:none", ...flags);
    expect(code).toBe(2);
    expect(stderr).toContain(`Expected stored predictions with a split val for ${name}, got "--data"`);
  });
});
