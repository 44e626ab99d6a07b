// Judgements of two people about drawn pairs: agreement, a dispute that is settled, decisions, and the derivation of them.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Annotation } from "../../src/audit/annotation.ts";
import { annotate } from "../../src/audit/log.ts";
import { LEDGER_COLUMNS } from "../../src/dataset/ledger-columns.ts";
import { readCsv } from "../../src/formats/csv.ts";
import { BLIND, judgement } from "../annotations.ts";
import { laySample } from "../sample.ts";
import { runCli } from "./run.ts";

let root: string;
const at = (name: string) => join(root, name);
const derive = (out: string, ...more: readonly string[]) =>
  runCli(
    ...["derive", "--hagrid", at("raw"), "--gestures", "all", "--out", at(out), "--size", "64"],
    ...["--face-landmarks", at("raw/face_landmarks.json"), ...more],
  );
async function ledger(path: string) {
  const rows = [];
  for await (const { values } of readCsv(path, LEDGER_COLUMNS)) rows.push(values);
  return rows;
}

/** Of the first subject with pairs; its label is turned by both. */
let changed: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "facehand-audit-"));
  await laySample(at("raw"), { subjects: 20, framesPerSubject: 1, seed: 42 });
  expect((await derive("pairs")).code).toBe(0);
  const kept = (await ledger(at("pairs/ledger.csv"))).filter(({ status }) => status === "kept");
  changed = kept[0]!.user_id;
  const lines = kept.flatMap(({ image_id, user_id, gender }, i): Annotation[] => {
    const recorded = { gender: gender as "female" | "male" };
    const about = { image_id, user_id, recorded, queue: "control" };
    const seen = { ...about, seen: BLIND, choice: "relabel", to: recorded } as const;
    return [judgement(`a${i}`, about), judgement(`b${i}`, { ...seen, annotator: "Ben Z" })];
  });
  const other = { gender: kept[0]!.gender === "female" ? "male" : "female" } as const;
  const turned = { choice: "relabel", to: other } as const;
  const subject = {
    image_id: undefined,
    user_id: changed,
    recorded: { gender: kept[0]!.gender as "female" },
  };
  await annotate(at("log.jsonl"), [
    ...lines,
    judgement("a+", { ...subject, ...turned }),
    judgement("b+", { ...subject, ...turned, annotator: "Ben Z", seen: BLIND }),
  ]);
}, 120_000);
afterAll(() => rm(root, { recursive: true, force: true }));

describe("audit agreement", () => {
  it("prints who judged what, how far they agree, and the label error", async () => {
    const { code, stdout } = await runCli("audit", "agreement", at("log.jsonl"), "--min-subjects", "1");
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^\d+ judgements of \d+ pairs and subjects by 2 annotators\. 2\.00 judgements each\.\n/,
    );
    expect(stdout).toMatch(
      /^gender +all +\d+ +\d+ +0 +1\.000 \[0\.\d+, 1\.000\] +1\.000 \[\?, \?\] +1\.000 \[\?, \?\]$/m,
    );
    expect(stdout).toMatch(/Recorded gender taken for wrong: 0 of \d+ pairs of the random control sample/);
    expect(stdout).toContain("apparent");
    expect(stdout).not.toContain("Ben");
  });

  it("counts small groups and judges none of them", async () => {
    const { stdout } = await runCli("audit", "agreement", at("log.jsonl"), "--min-subjects", "1000");
    expect(stdout).toMatch(/^6 rows rest on fewer than 1000 subjects: too small for a figure\.$/m);
    expect(stdout).not.toMatch(/^gender/m);
  });

  it("prints JSON, with as many draws as asked for", async () => {
    const { stdout } = await runCli("audit", "agreement", at("log.jsonl"), "--json", "--bootstrap", "150");
    const found = JSON.parse(stdout);
    expect(found).toMatchObject({ annotators: 2, unfinishedBytes: 0, perThing: 2 });
    expect(found.rows[0].alpha.replicates).toBe(150);
  });
});

describe("audit resolve", () => {
  it("makes decisions that derive replays, and that are published without names", async () => {
    const resolved = await runCli("audit", "resolve", at("log.jsonl"), "--out", at("decisions.csv"));
    expect(resolved.stderr).toBe("");
    expect(resolved.stdout).toMatch(
      /^1 decisions, 0 of them by one person alone; \d+ stay as recorded, 0 are open\.$/m,
    );
    expect(await readFile(at("decisions.csv"), "utf8")).toContain(`anna; Ben Z`);
    expect((await derive("again", "--decisions", at("decisions.csv"))).code).toBe(0);
    const before = await ledger(at("pairs/ledger.csv"));
    const rows = await ledger(at("again/ledger.csv"));
    const moved = rows.filter(({ gender }, i) => gender !== before[i]!.gender);
    expect(moved.length).toBeGreaterThan(0);
    expect(new Set(moved.map(({ user_id }) => user_id))).toEqual(new Set([changed]));
    expect((await runCli("data", "export", at("again"), "--parquet", "--out", at("published"))).code).toBe(0);
    const published = await readFile(at("published/ledger.csv"), "utf8");
    expect(published).toContain("A1; A2");
    expect(published).not.toMatch(/anna|Ben/);
  });

  it("refuses disputes by name and writes nothing, until one is settled", async () => {
    const about = { image_id: "p1", user_id: "s1" };
    const male = { choice: "relabel", to: { gender: "male" } } as const;
    await annotate(at("disputed.jsonl"), [
      judgement("1", about),
      judgement("2", { ...about, annotator: "ben", seen: BLIND, ...male }),
    ]);
    const refused = await runCli("audit", "resolve", at("disputed.jsonl"), "--out", at("none.csv"));
    expect(refused.code).toBe(3);
    expect(refused.stderr).toMatch(
      /^Expected judgements that agree, got 1 disputes\n {2}pair p1: gender: female or male\nTry: settle/,
    );
    await expect(readFile(at("none.csv"))).rejects.toThrow("ENOENT");
    await annotate(at("disputed.jsonl"), [
      judgement("3", { ...about, annotator: "cleo", settles: true, ...male }),
    ]);
    const settled = await runCli("audit", "resolve", at("disputed.jsonl"), "--out", at("none.csv"));
    expect(settled.stdout).toMatch(/^1 decisions, 1 of them by one person alone;/m);
  });
});

describe("release with --annotations", () => {
  const info = [
    ...["--licence", "drawn", "--release", "1.0.0", "--date", "2026-11-24", "--creator", "Nobody"],
    ...["--url", "https://example.org/p"],
  ];

  it("says in its metadata how many judged, and how far they agreed, and names nobody", async () => {
    const croissant = ["release", "croissant", at("pairs"), ...info, "--annotations", at("log.jsonl")];
    const { code, stdout } = await runCli(...croissant);
    expect(code).toBe(0);
    const document = JSON.parse(stdout);
    expect(document["rai:annotationsPerItem"]).toMatch(
      /^2\.00 judgements of each of the \d+ pairs and subjects/,
    );
    expect(document["rai:annotatorDemographics"]).toMatch(/^2 annotators/);
    expect(document["rai:dataAnnotationAnalysis"].join("\n")).toMatch(
      /Agreement on gender: [\s\S]*Recorded gender taken/,
    );
    expect((await runCli("release", "bundle", ...croissant.slice(2), "--out", at("bundle"))).code).toBe(0);
    for (const name of ["croissant.json", "release.json"]) {
      const text = await readFile(at(`bundle/${name}`), "utf8");
      expect(text).not.toMatch(/anna|Ben Z/);
      expect(text.includes("Agreement on")).toBe(name === "croissant.json");
    }
  });

  it("refuses the log of other people", async () => {
    await annotate(at("other.jsonl"), [judgement("1", { user_id: "nobody-here" })]);
    const { code, stderr } = await runCli(
      ...["release", "croissant", at("pairs"), ...info, "--annotations", at("other.jsonl")],
    );
    expect(code).toBe(3);
    expect(stderr).toMatch(
      /^Expected judgements of subjects of .*other\.jsonl\)\nTry: give the log of this dataset/,
    );
  });
});
