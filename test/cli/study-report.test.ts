// `facehand study report` and `facehand study audit` as commands.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { writeInventedStudy } from "../study-fixture.ts";
import { runCli } from "./run.ts";

let dir = "";
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "facehand-"));
  await writeInventedStudy(join(dir, "study"), (cell) => cell === "f0");
});
afterAll(() => rm(dir, { recursive: true }));

describe("study report", () => {
  test("writes the report, checks it, and finds what drifted with exit code 3", async () => {
    const args = ["study", "report", join(dir, "study"), "--out", join(dir, "docs"), "--bootstrap", "100"];
    const written = await runCli(...args);
    expect(written).toMatchObject({ code: 0 });
    expect(written.stdout).toMatch(
      /^\d+ files in .*docs, from 4 runs; 2 runs are not done, and are in no figure$/m,
    );
    const checked = await runCli(...args, "--check");
    expect(checked).toMatchObject({ code: 0 });
    expect(checked.stdout).toMatch(/match what 4 runs give$/m);
    expect((await runCli(...args, "--check", "--min-subjects", "1")).code).toBe(3);
    await rm(join(dir, "docs", "report.html"));
    expect((await runCli(...args, "--check")).stdout).toMatch(/; 1 more of the report are not there$/m);
    const path = join(dir, "docs", "tables", "figures.tex");
    await writeFile(path, (await readFile(path, "utf8")).replace("F1", "F2"));
    const drifted = await runCli(...args, "--check");
    expect(drifted).toMatchObject({ code: 3, stdout: "" });
    expect(drifted.stderr).toContain("Expected the recomputed");
    expect(drifted.stderr).toContain("Try: the predictions or the table changed");
  });

  test("needs a study", async () => {
    const none = await runCli("study", "report", dir, "--out", join(dir, "docs"));
    expect(none.code).toBe(3);
    expect(none.stderr).toContain("study.json");
  });
});

describe("study audit", () => {
  const upstream = [
    "study",
    "audit",
    "--values",
    "0.9100,0.9085,0.9137",
    "--mean",
    "0.9108",
    "--std",
    "0.0027",
  ];

  test("finds of upstream's figures what the arithmetic gives", async () => {
    const { code, stdout } = await runCli(...upstream);
    expect(code).toBe(0);
    expect(stdout.trim().split("\n")).toEqual([
      "mean of the printed values 0.9108 does not follow: 0.910733, rounded 0.9107",
      "mean 0.9108 agrees: from 0.910683 to 0.910783 before rounding",
      "std, ddof 1 0.0027 agrees: 0.00268 of the printed values (0.00262 to 0.00273 before rounding)",
      "std, ddof 0 0.0027 does not follow: 0.00219 of the printed values (0.00214 to 0.00223 before rounding)",
    ]);
    const json = JSON.parse((await runCli(...upstream, "--json")).stdout);
    expect(json[0].findings[0]).toMatchObject({ what: "mean of the printed values", consistent: false });
  });

  test("reads rows from a file", async () => {
    const path = join(dir, "rows.csv");
    await writeFile(path, "name,values,mean,std,n\nours,0.5 0.6,0.55,0.0707,10\ntheirs,0.55,,,7\n");
    const { code, stdout } = await runCli("study", "audit", path);
    expect(code).toBe(0);
    expect(stdout).toContain("ours: mean 0.55 agrees");
    expect(stdout).toContain("ours: accuracy of n 0.5 agrees");
    expect(stdout).toContain("theirs: accuracy of n 0.55 does not follow: 0.4286 or 0.5714");
  });

  test.each([
    [["study", "audit"], 2, "Expected --values, or a CSV file for study audit, got nothing"],
    [["study", "audit", "--values", "0.9,x"], 2, 'for a published figure, got "x"'],
    [["study", "audit", "--values", "0.9", "--n", "0"], 2, "--n"],
  ])("%j is refused", async (args, code, message) => {
    const ran = await runCli(...args);
    expect(ran.code).toBe(code);
    expect(ran.stderr).toContain(message);
  });
});
