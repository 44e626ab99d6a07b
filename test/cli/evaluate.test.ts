// `facehand evaluate` on stored predictions of others: what it prints, and what it refuses.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
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
    expect(out).toContain("split test: 60 images of 60 subjects (file), male where p >= 0.50");
    expect(out).toContain("The label is an apparent one, recorded by machines or annotators");
    expect(out).toMatch(/accuracy +0\.800 \[0\.\d{3}, 0\.\d{3}\]/);
    expect(out).toMatch(/race +images/);
  });

  test("breaks down by any column, with intervals and the analyses that are asked for", async () => {
    const flags = ["--group-intervals", "--calibrate", "--thresholds", "race", "--selective", "tone"];
    const args = ["--modality", "face", "--bootstrap", "200", "--groups", "tone", "--groups", "race,gender"];
    const { code, stdout: out } = await runCli("evaluate", path, ...args, ...flags);
    expect(code).toBe(0);
    expect(out).toMatch(/^tone +images/m);
    expect(out).toMatch(/^race x gender +images/m);
    expect(out).toMatch(/^t0 +30 .*0\.800 \[0\.\d{3}, [01]\.\d{3}\]/m);
    expect(out).toMatch(/^face +60 +\d\.\d{3} +\d\.\d{3} > \d\.\d{3}/m);
    expect(out).toContain("(analysis only: not for use on people)");
    expect(out).toMatch(/^1\.000 .* t[01] /m);
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
    [["--thresholds", "rice"], 2, "for a group, got"],
  ])("refuses %j", async (flags, code, message) => {
    const ran = await runCli("evaluate", path, "--modality", "face", "--bootstrap", "0", ...flags);
    expect(ran.code).toBe(code);
    expect(ran.stderr).toContain(message);
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
