// `data check` as a command: what it prints, and its exit codes. The findings themselves: src/dataset/check/check.test.ts.
import { appendFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { aPair } from "../dataset.ts";
import { layPictures } from "../pictures.ts";
import { laySample } from "../sample.ts";
import { shared, WHY_SKIPPED } from "../shared.ts";
import { runCli } from "./run.ts";

let root: string;
const at = (name: string) => join(root, name);
const annotations = shared("data", "hagrid_annotations");

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "facehand-data-check-"));
  await laySample(at("raw"), { subjects: 16, framesPerSubject: 2, seed: 42 });
  const faces = ["--face-landmarks", at("raw/face_landmarks.json"), "--size", "64"];
  await runCli("derive", "--hagrid", at("raw"), "--gestures", "all", "--out", at("pairs"), ...faces);
});
afterAll(() => rm(root, { recursive: true, force: true }));

describe("facehand data check", () => {
  it("finds nothing serious in what derive makes, and prints its counts", async () => {
    const { code, stdout, stderr } = await runCli("data", "check", at("pairs"));
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^pairs \(subjects\) +train +val +test +all$/m);
    expect(stdout).toMatch(/images opened; findings: 0 serious/);
    expect(stdout).toContain("it is not identity");
    const cross = /^pairs +(.*)\n((?:age .*\n)+)--json has all \d+ cells of split x gender x age/m.exec(
      stdout,
    )!;
    expect(cross[1]).toMatch(/Female.*Male/);
    const cells = cross[2]!.match(/(?<= )\d+(?= |$)/gm)!.map(Number);
    const all = Number(/^all .* (\d+) \(\d+\*?\)$/m.exec(stdout)![1]);
    expect(cells.reduce((sum, n) => sum + n, 0)).toBe(all);
  });

  it("ends with 3 after a table that differs from its manifest, and gives JSON all the same", async () => {
    await appendFile(at("pairs/val.csv"), "x,y,,Male,,palm,H_x.jpg,F_x.jpg\n");
    const { code, stdout, stderr } = await runCli("data", "check", at("pairs"), "--json");
    expect(code).toBe(3);
    const report = JSON.parse(stdout);
    expect(report.totals.serious).toBe(3);
    expect(report.findings.map((one: { code: string }) => one.code).slice(0, 3)).toEqual([
      "IMAGE_MISSING",
      "IMAGE_MISSING",
      "MANIFEST_TABLE",
    ]);
    expect(report.findings[2].message).toMatch(
      /^Expected SHA-256 [0-9a-f]{64} for a table of manifest.json, got "[0-9a-f]{64}" \(val.csv\)$/,
    );
    expect(stderr).toMatch(/^Expected no serious findings in .*pairs, got 3\nTry: facehand data repair /);
  });

  it("compares with HaGRID's lists", async () => {
    const { code, stdout } = await runCli("data", "check", at("pairs"), "--against", at("raw"));
    expect(code).toBe(3);
    expect(stdout).toMatch(/^HaGRID's annotations: train \d+ records in 3 files, val /m);
    expect(stdout).toMatch(/^train {2}in HaGRID's train, val, test: \d+ \(\d+\), /m);
  });

  it.skipIf(annotations === undefined)(`reads HaGRID's real files (${WHY_SKIPPED})`, async () => {
    await layPictures(at("invented"), { train: [aPair("a", "anna")], val: [], test: [aPair("b", "ben")] });
    const { code, stdout } = await runCli("data", "check", at("invented"), "--against", annotations!);
    expect(code).toBe(0);
    expect(stdout).toContain("val 8997 records in 3 files");
    expect(stdout).toContain("No training list is among them, so none of its subjects can be found");
  });

  it("refuses a folder without a dataset, and flags that it does not know", async () => {
    const nothing = await runCli("data", "check", at("raw"));
    expect(nothing.code).toBe(3);
    expect(nothing.stderr).toContain("Expected train.csv, val.csv and test.csv in");
    expect(await runCli("data", "check", at("pairs"), "--agains", "x")).toMatchObject({ code: 2 });
  });
});
