import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { inventedPredictions } from "../../../test/run-fixture.ts";
import { writeParquet } from "../../formats/parquet/write.ts";
import { formatSummary } from "../../report/format.ts";
import { formatCalibration, formatThresholds } from "../../report/format-analysis.ts";
import { analyseSelective, analyseThresholds, calibrate } from "../analysis/analysis.ts";
import { summarize } from "../analysis/summary.ts";
import { readForeign, readPredictionFile } from "./foreign.ts";
import { writePredictions } from "./predictions.ts";

let dir = "";
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "facehand-"));
});
afterAll(() => rm(dir, { recursive: true }));

async function file(text: string): Promise<string> {
  const path = join(dir, "theirs.csv");
  await writeFile(path, text);
  return path;
}

describe("a Parquet table of others", () => {
  const schema = { id: "string", y: "int32?", p: "double", subject: "string", tone: "string?" } as const;
  const table = {
    id: ["a", "b", "c"],
    y: [1, 0, null],
    p: [0.9, 0.25, 1],
    subject: ["s1", "s1", "s2"],
    tone: ["dark", null, "light"],
  };

  test("is read as the same table in CSV is", async () => {
    const path = join(dir, "theirs.parquet");
    await writeParquet(path, schema, table);
    const csv = await file("id,y,p,subject,tone\na,1,0.9,s1,dark\nb,0,0.25,s1,\nc,,1,s2,light\n");
    const options = { modality: "face" } as const;
    expect(await readForeign(path, options)).toEqual(await readForeign(csv, options));
    expect((await readPredictionFile(path, options)).rows).toEqual((await readForeign(csv, options)).rows);
  });

  test("keeps the rules of the house, with the row", async () => {
    const path = join(dir, "bad.parquet");
    await writeParquet(path, { ...schema, age: "string" }, { ...table, age: ["20-29", "Oct-19", ""] });
    await expect(readForeign(path, { modality: "face" })).rejects.toThrow(
      /column age, got "Oct-19" \(.*bad\.parquet:2\)/,
    );
    await writeParquet(path, { id: "string", p: "double" }, { id: ["a"], p: [0.5] });
    await expect(readForeign(path, { modality: "face" })).rejects.toThrow(
      /^Expected columns id, y, p for .*bad\.parquet, got "id, p"/,
    );
  });

  test("of ours is recognised by its columns", async () => {
    const path = join(dir, "ours.parquet");
    const rows = inventedPredictions(4);
    await writePredictions(path, rows);
    expect(await readPredictionFile(path)).toEqual({ rows, hasSplits: true });
    await expect(readPredictionFile(path, { modality: "face" })).rejects.toThrow(
      /^Expected no --modality beside a column modality for .*ours\.parquet, got "face"/,
    );
  });
});

describe("predictions of others", () => {
  test("are read with what is known of them; further columns are groups", async () => {
    const path = await file("id,y,p,subject,tone\na,Male,0.9,s1,dark\nb,0,0.25,s1,\nc,,1,s2,light\n");
    const { rows, groups } = await readForeign(path, { modality: "face" });
    expect(groups).toEqual(["tone"]);
    expect(rows[0]).toMatchObject({
      id: "a",
      target: 1,
      subject: "file:s1",
      modality: "face",
      split: "test",
      tone: "dark",
    });
    expect(rows[1]).toMatchObject({
      target: 0,
      probability: 0.25,
      logit: expect.closeTo(Math.log(1 / 3), 12),
    });
    expect(rows[2]).toMatchObject({ target: null, probability: 1, logit: 40, race: "" });
    const { byGroup, overall } = summarize(rows, { replicates: 0, groups: [["tone"], ["gender"]] });
    expect(byGroup.map(({ keys }) => keys)).toEqual([["tone"], ["gender"]]);
    expect(overall.metrics).toMatchObject({ n: 2, accuracy: 1 });
  });

  test("bring modality and split as columns", async () => {
    const path = await file("id,y,p,modality,split\na,1,0.9,hand,val\na,0,0.2,face,test\n");
    const { rows } = await readForeign(path);
    expect(rows.map(({ modality, split }) => [modality, split])).toEqual([
      ["hand", "val"],
      ["face", "test"],
    ]);
  });

  test("take subject and user_id for the same column, and a person of each source for another", async () => {
    const table = (column: string) =>
      ["a,1,0.9,x,1", "b,1,0.8,x,1", "c,0,0.4,y,1", "d,0,0.3,y,y:1", "e,0,0.3,y,2"].reduce(
        (text, row) => `${text}${row}\n`,
        `id,y,p,source,${column}\n`,
      );
    for (const column of ["subject", "user_id"]) {
      const { rows, groups } = await readForeign(await file(table(column)), { modality: "face" });
      expect(groups).toEqual([]);
      expect(rows.map(({ subject }) => subject)).toEqual(["x:1", "x:1", "y:1", "y:1", "y:2"]);
      const { overall, subjects } = summarize(rows, { replicates: 0 });
      expect(overall.nSubjects).toBe(3);
      expect(subjects).toEqual({
        nImagesAlone: 0,
        nIdsShared: 1,
        nBothLabels: 0,
        note: "1 subject ids of several sources counted apart",
      });
    }
  });

  test("without people say that images are counted as subjects", async () => {
    const { rows } = await readForeign(await file("id,y,p\na,1,0.9\nb,0,0.2\n"), { modality: "face" });
    const summary = summarize(rows, { replicates: 0 });
    expect(summary.subjects).toMatchObject({ nImagesAlone: 2 });
    const [first] = formatSummary(summary).split("\n\n");
    expect(first!.replaceAll("\n", " ")).toBe(
      "Agreement with the recorded label, split test: 2 images of 2 subjects (file), male where p >= 0.50; " +
        "every image counted as its own subject",
    );
  });

  test("say in the first lines how many people are recorded both ways", async () => {
    const text = "id,y,p,subject\na,1,0.9,s\nb,0,0.2,s\nc,0,0.3,t\nd,,0.3,t\n";
    const { rows } = await readForeign(await file(text), { modality: "face" });
    const summary = summarize(rows, { replicates: 0 });
    expect(summary.subjects).toMatchObject({ nBothLabels: 1 });
    const [first] = formatSummary(summary).split("\n\n");
    expect(first!.replaceAll("\n", " ")).toMatch(/; 1 subject recorded as female and as male$/);
  });

  test("may have a column gender that is the label, and no other one by which to group", async () => {
    const read = async (sex: string) =>
      (await readForeign(await file(`id,y,p,gender\na,1,0.9,Male\nb,0,0.2,${sex}\n`), { modality: "face" }))
        .rows;
    const groups = { replicates: 0, groups: [["gender"]] };
    expect(summarize(await read("female"), groups).byGroup).toHaveLength(1);
    const rows = await read("nonbinary");
    expect(summarize(rows, { replicates: 0 }).overall.metrics.n).toBe(2);
    expect(() => summarize(rows, groups)).toThrow(
      'Expected female, as the label is recorded, for column gender, got "nonbinary" (b)',
    );
  });

  test("may say 0 and 1 as pandas does, and bring its row numbers", async () => {
    const path = await file(
      ",Unnamed: 0,id,y,p,tone\n0,0,a,1.0,1e-1,x\n1,1,b,0.0,.5,x\n2,2,c,True,1,x\n3,3,d,false,0.,x\n",
    );
    const { rows, groups } = await readForeign(path, { modality: "face" });
    expect(groups).toEqual(["tone"]);
    expect(rows.map(({ target, probability }) => [target, probability])).toEqual([
      [1, 0.1],
      [0, 0.5],
      [1, 1],
      [0, 0],
    ]);
  });

  const refused: [string, string, string][] = [
    ["no modality", "id,y,p\na,1,0.9\n", "Expected a column modality for"],
    ["no p", "id,y,modality\na,1,hand\n", "Expected column p in"],
    ["a label in words", "id,y,p,modality\na,man,0.9,hand\n", 'for column y, got "man" (FILE:2)'],
    [
      "p above 1",
      "id,y,p,modality\na,1,0.9,hand\nb,1,1.5,hand\n",
      'from 0 to 1 for column p, got "1.5" (FILE:3)',
    ],
    ["no p in a row", "id,y,p,modality\na,1,,hand\n", 'for column p, got "" (FILE:2)'],
    ["another modality", "id,y,p,modality\na,1,0.9,ear\n", 'for column modality, got "ear" (FILE:2)'],
    ...["probability", "logit", "target", "gateHand", "recipe"].map((name): [string, string, string] => [
      `a further column ${name}`,
      `id,y,p,modality,${name}\na,1,0.9,hand,0\n`,
      `Expected another name than our own for a further column for FILE, got "${name}" (FILE:1)`,
    ]),
    [
      "a split in another case",
      "id,y,p,modality,split\na,1,1,hand,Val\n",
      'Expected train, val or test for column split, got "Val" (FILE:2)',
    ],
    [
      "ages by two sets of buckets",
      "id,y,p,modality,age\na,1,1,hand,20-29\nb,1,1,hand,25-34\n",
      'Expected age buckets that share no year for column age, got "20-29 and 25-34" (FILE)',
    ],
    [
      "one source in two spellings",
      "id,y,p,modality,source\na,1,1,hand,Lab\nb,1,1,hand,lab\n",
      'Expected one spelling of a value ("Lab" is at FILE:2) for column source, got "lab" (FILE:3)',
    ],
    ["a number in another base", "id,y,p,modality\na,1,0x1,hand\n", 'for column p, got "0x1" (FILE:2)'],
    ["a decimal comma", 'id,y,p,modality\na,1,"0,9",hand\n', 'for column p, got "0,9" (FILE:2)'],
    ["blanks for a number", "id,y,p,modality\na,1,  ,hand\n", 'for column p, got "  " (FILE:2)'],
    ["another number for a label", "id,y,p,modality\na,2.0,1,hand\n", 'for column y, got "2.0" (FILE:2)'],
    ["a word for no label", "id,y,p,modality\na,nan,1,hand\n", 'for column y, got "nan" (FILE:2)'],
    [
      "a person in some rows",
      "id,y,p,modality,subject\na,1,1,hand,s\nb,1,1,hand,\n",
      'for column subject, got "" (FILE:3)',
    ],
    [
      "a word for no person",
      "id,y,p,modality,user_id\na,1,1,hand,nan\n",
      'for column user_id, got "nan" (FILE:2)',
    ],
    [
      "a person in two spellings",
      "id,y,p,modality,user_id\na,1,1,hand,7\nb,1,1,hand,007\n",
      'for column user_id, got "007" (FILE:3)',
    ],
    [
      "two people of one image",
      "id,y,p,modality,user_id,subject\na,1,1,hand,7,8\n",
      'Expected "8", as in column subject, for column user_id, got "7" (FILE:2)',
    ],
    [
      "a person's column of another name",
      "id,y,p,modality,Subject_ID\na,1,1,hand,7\n",
      'Expected subject or user_id as the name of the person\'s column for FILE, got "Subject_ID" (FILE:1)',
    ],
    [
      "a column in another case",
      "id,y,p,modality,Split\na,1,1,hand,train\n",
      'Expected split as the name of a column for FILE, got "Split" (FILE:1)',
    ],
    [
      "an age of a spreadsheet",
      "id,y,p,modality,age\na,1,1,hand,Oct-19\n",
      'for column age, got "Oct-19" (FILE:2)',
    ],
    ["a word for no race", "id,y,p,modality,race\na,1,1,hand,nan\n", 'for column race, got "nan" (FILE:2)'],
    [
      "a source with a blank",
      "id,y,p,modality,source\na,1,1,hand,x \n",
      'for column source, got "x " (FILE:2)',
    ],
    ["an image twice", "id,y,p,modality\na,1,0.9,hand\na,1,0.9,hand\n", 'got "a" twice'],
    ["an image in capitals too", "id,y,p,modality\na1,1,0.9,hand\nA1,1,0.9,hand\n", 'got "a1" and "A1"'],
    ["no rows", "id,y,p,modality\n", "Expected at least one prediction for"],
  ];
  test.each(refused)("with %s are refused", async (_name, text, message) => {
    const path = await file(text);
    await expect(readForeign(path)).rejects.toThrowError(message.replaceAll("FILE", path));
  });

  test("a group that is no column is refused with those that are", async () => {
    const path = await file("id,y,p,modality,tone\na,1,0.9,hand,dark\n");
    const { rows } = await readForeign(path);
    expect(() => summarize(rows, { groups: [["tones"]] })).toThrowError(
      /a recorded field \(.*tone.*\) for a group/,
    );
    expect(() => analyseSelective(rows, "test", "tones")).toThrowError(/a recorded field/);
  });
});

describe("what validation decides", () => {
  const csv = (split: string, hot: number) =>
    Array.from({ length: 60 }, (_, i) => {
      const wrong = i % 5 === 0;
      const p = (i % 2 === 1) !== wrong ? 1 / (1 + Math.exp(-hot)) : 1 / (1 + Math.exp(hot));
      return `${split}${i},${i % 2},${p},${split},face,${i % 3 === 0 ? "a" : "b"}`;
    }).join("\n");
  const both = () => file(`id,y,p,split,modality,race\n${csv("val", 4)}\n${csv("test", 4)}\n`);

  test("temperature cools an overconfident model: with four fifths right, p becomes .8", async () => {
    const [part] = calibrate((await readForeign(await both())).rows, "test");
    expect(part).toMatchObject({ name: "face", nImages: 60 });
    expect(part!.temperature.temperature).toBeCloseTo(4 / Math.log(4), 4);
    expect(part!.after!.nll).toBeLessThan(part!.before!.nll);
    expect(part!.after!.ece).toBeLessThan(0.01);
  });

  test("needs validation images", async () => {
    const path = await file(`id,y,p,split,modality,race\n${csv("test", 4)}\n`);
    const { rows } = await readForeign(path);
    for (const run of [() => calibrate(rows, "test"), () => analyseThresholds(rows, "test", "race")]) {
      expect(run).toThrowError(
        /^Expected labelled images of split val and of the evaluated split for .*, got "0 of val, 60 of test"/,
      );
    }
  });

  test("a person in val and in the evaluated split is refused: the figure would be of whom it was fitted on", async () => {
    const rows = (await readForeign(await both())).rows.map((row, i) => ({
      ...row,
      subject: `file:${i % 70}`,
    }));
    for (const run of [() => calibrate(rows, "test"), () => analyseThresholds(rows, "test", "race")]) {
      expect(run).toThrowError(
        'Expected every subject in one split for what is fitted on val, got "50 of 60 subjects of test in val too, file:0 first"',
      );
    }
    // What was fitted is shown on itself only where that is asked for, and is marked.
    expect(formatCalibration(calibrate(rows, "val"), "val")).toContain("of split val, on which T was fitted");
    const [thresholds] = analyseThresholds(rows, "val", "race");
    expect(formatThresholds(thresholds!, "val")).toContain("chosen on val, and shown on the same images");
  });

  test("thresholds leave rates alone where .5 is best", async () => {
    const { rows } = await readForeign(await both());
    const analysis = analyseThresholds(rows, "test", "race")[0]!;
    expect(analysis.within).toEqual({ modality: "face" });
    expect(analysis.thresholds).toMatchObject({ analysisOnly: true, common: 0.5 });
    expect(analysis.byGroup).toEqual(analysis.plain);
    expect(analysis.plain.accuracy).toBeCloseTo(0.8, 12);
  });
});
