// What people decide and review: rules by flag, decisions, the report, and labels against predictions.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LAW_NOTE } from "../../src/dataset/law.ts";
import { LEDGER_COLUMNS } from "../../src/dataset/ledger-columns.ts";
import { writePredictions } from "../../src/evaluate/stored/predictions.ts";
import { readCsv } from "../../src/formats/csv.ts";
import { linked } from "../../src/report/markup.ts";
import { laySample } from "../sample.ts";
import { runCli } from "./run.ts";

let root: string;
const at = (name: string) => join(root, name);
const derive = (out: string, ...more: readonly string[]) =>
  runCli(
    ...["derive", "--hagrid", at("raw"), "--gestures", "all", "--out", at(out), "--size", "64"],
    ...["--face-landmarks", at("raw/face_landmarks.json"), ...more],
  );
async function ledger(out: string) {
  const rows = [];
  for await (const { values } of readCsv(at(`${out}/ledger.csv`), LEDGER_COLUMNS)) rows.push(values);
  return rows;
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "facehand-decide-"));
  await laySample(at("raw"), { subjects: 16, framesPerSubject: 3, seed: 42 });
  expect((await derive("pairs", "--hand-crop", "box")).code).toBe(0);
});
afterAll(() => rm(root, { recursive: true, force: true }));

describe("derive with rules", () => {
  it("moves thresholds and turns rules off, several in one flag or one each", async () => {
    const flags = ["--rule", "blur=200,dark=off", "--no-rule", "face_size", "--hand-crop", "box"];
    expect((await derive("strict", ...flags)).code).toBe(0);
    const rows = await ledger("strict");
    const blurred = rows.filter(({ reason }) => reason === "blurred");
    expect(blurred.length).toBeGreaterThan(3);
    for (const { face_sharpness, hand_sharpness } of blurred)
      expect(Math.min(Number(face_sharpness), Number(hand_sharpness))).toBeLessThan(200);
    const { rules } = JSON.parse(await readFile(at("strict/manifest.json"), "utf8"));
    expect(rules).toMatchObject({ blur: 200, dark: null, face_size: null, bright: 0.15 });
  });

  it("refuses names and thresholds that do not exist", async () => {
    for (const [flags, message] of [
      [["--no-rule", "blurr"], /^Expected one of label, landmarks, .* for a rule, got "blurr"/],
      [["--rule", "hidden=2"], /^Expected a number from 0 to 1 for rule hidden, got 2/],
      [["--rule", "blur"], /^Expected name=number or name=off, such as blur=8, for --rule, got "blur"/],
      [
        ["--age-edges", "10,20"],
        /^Expected whole years that begin with 0 and rise.* for --age-edges, got "10,20"/,
      ],
      [["--hand-crop", "palm"], /^Expected other arguments, got: .*landmarks, box/],
    ] as const) {
      const { code, stderr } = await derive("refused", ...flags);
      expect(code).toBe(2);
      expect(stderr).toMatch(message);
    }
  });
});

describe("derive --decisions", () => {
  it("removes, restores and relabels, and says so in the ledger and the manifest", async () => {
    const before = await ledger("pairs");
    const kept = before.filter(({ status }) => status === "kept");
    const gone = before.find(({ reason }) => reason === "face_too_small" || reason === "missing_label")!;
    const [one, two] = [kept[0]!, kept.find(({ user_id }) => user_id !== kept[0]!.user_id)!];
    const other = two.gender === "male" ? "female" : "male";
    await writeFile(
      at("decisions.csv"),
      [
        "who,when,what,why,image_id,user_id,gender,age",
        `me,2026-03-31,remove,"a poster, not a person",${one.image_id.toUpperCase()},,,`,
        `me,2026-03-31,restore,looked at it,${gone.image_id},,,`,
        `you,2026-04-01T10:00Z,relabel,asked again,,${two.user_id},${other},40-49`,
        "you,2026-04-01,remove,not here,no-such-image,,,",
      ].join("\n"),
    );
    const flags = ["--decisions", at("decisions.csv"), "--hand-crop", "box"];
    const { code, stdout } = await derive("decided", ...flags);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ {2}removed_by_decision +1$/m);
    const rows = await ledger("decided");
    const row = (id: string) => rows.find(({ image_id }) => image_id === id)!;
    expect(row(one.image_id)).toMatchObject({
      ...{ status: "removed", reason: "removed_by_decision", detail: "a poster, not a person" },
      ...{ decision: "remove", decided_by: "me", decided_at: "2026-03-31" },
    });
    expect(row(gone.image_id)).toMatchObject({ status: "kept", reason: "", overruled: gone.reason });
    const relabelled = rows.filter(({ user_id, status }) => user_id === two.user_id && status === "kept");
    expect(relabelled.length).toBeGreaterThan(0);
    for (const of of relabelled) {
      expect(of).toMatchObject({ gender: other, age: "40-49", decision: "relabel", gender_agreement: "0" });
    }
    const { counts, source } = JSON.parse(await readFile(at("decided/manifest.json"), "utf8"));
    expect(counts.restored).toEqual({ [gone.reason]: 1 });
    expect(counts.decisions).toMatchObject({ inFile: 4, unmet: 1 });
    expect(stdout).toMatch(
      /^decisions: 1 of the images and subjects in the decisions file are not in these frames; check their ids$/m,
    );
    expect(source.decisions).toHaveLength(4);
    const again = await derive("decided", "--hand-crop", "box");
    expect([again.code, again.stderr]).toEqual([2, expect.stringContaining("of another recipe, selection")]);
  });

  it("refuses a broken file with its row", async () => {
    await writeFile(at("bad.csv"), "who,when,what,why,image_id\nme,yesterday,remove,x,a\n");
    const { code, stderr } = await derive("bad", "--decisions", at("bad.csv"));
    expect(code).toBe(3);
    expect(stderr).toMatch(/^Expected a date .* for when of a decision, got "yesterday"/);
    expect(stderr).toContain("bad.csv:2)");
  });
});

describe("derive report", () => {
  it("is one page with images of kept and removed frames, which needs nothing else", async () => {
    const { code, stdout } = await runCli("derive", "report", at("pairs"), "--out", at("report.html"));
    expect([code, stdout]).toEqual([0, `report    ${at("report.html")}\n`]);
    const page = await readFile(at("report.html"), "utf8");
    expect(page).toContain("Nobody here is real.");
    expect(page.match(/src="data:image\/jpeg;base64,/g)!.length).toBeGreaterThan(40);
    const law = linked(LAW_NOTE).text;
    expect(page.split(law)).toHaveLength(2);
    expect(page.replace(law, "")).not.toMatch(/<script|src="(?!data:)|href=/);
    for (const reason of ["missing label", "image unreadable", "no face"]) expect(page).toContain(reason);
    const first = (await ledger("pairs")).find(({ status }) => status === "kept")!;
    expect(page).not.toContain(first.user_id);
    await runCli("derive", "report", at("pairs"), "--out", at("again.html"));
    expect(await readFile(at("again.html"), "utf8")).toBe(page);
  });

  it("refuses a dataset without a manifest", async () => {
    const { code, stderr } = await runCli("derive", "report", at("raw"), "--out", at("x.html"));
    expect(code).toBe(3);
    expect(stderr).toMatch(/^Expected train.csv, val.csv and test.csv/);
  });
});

describe("derive labels", () => {
  it("lists what hand and face contradict, and refuses predictions of training images", async () => {
    const pair = (await ledger("pairs")).find(
      ({ status, gender }) => status === "kept" && gender === "male",
    )!;
    const row = (modality: "hand" | "face", split: "val" | "train") => ({
      ...{
        id: `${pair.image_id}/${modality}`,
        source: "pairs",
        subject: `pairs:${pair.user_id}`,
        modality,
        split,
      },
      ...{
        target: 1 as const,
        probability: 1 / (1 + Math.exp(2)),
        logit: -2,
        modalityUsed: null,
        gateHand: null,
      },
      ...{ age: "", race: "", gesture: pair.gesture },
    });
    await writePredictions(at("p.parquet"), [row("hand", "val"), row("face", "val")]);
    const listed = await runCli(
      ...["derive", "labels", "--predictions", at("p.parquet"), "--out", at("labels.csv"), "--json"],
    );
    expect(listed.code).toBe(0);
    expect(JSON.parse(listed.stdout)).toMatchObject({
      pairs: 1,
      listed: [{ image_id: pair.image_id, user_id: pair.user_id, recorded: "male", confidence: 0.8808 }],
    });
    expect((await readFile(at("labels.csv"), "utf8")).split("\n")[1]).toContain(
      `${pair.image_id},${pair.user_id}`,
    );
    const text = await runCli("derive", "labels", "--predictions", at("p.parquet"), "--min", "0.9");
    expect(text.stdout).toMatch(/^0 of 1 pairs have both predictions against the record/);
    await writePredictions(at("t.parquet"), [row("hand", "train"), row("face", "train")]);
    const refused = await runCli("derive", "labels", "--predictions", at("t.parquet"));
    expect(refused.code).toBe(3);
    expect(refused.stderr).toMatch(
      /^Expected predictions of images that the model was not trained on .*t.parquet:1\)/,
    );
  });

  it("asks for predictions", async () => {
    const { code, stderr } = await runCli("derive", "labels");
    expect(code).toBe(2);
    expect(stderr).toBe("Expected --predictions <run>, got nothing\nUsage: facehand derive labels --help\n");
  });
});
