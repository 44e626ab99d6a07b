// `--targets` from training to the card: what `train`, `evaluate` and `model card` print of age and race.
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LAW_NOTE, LAW_TEXT, lawMarkdown, lawPlain } from "../../src/dataset/law.ts";
import { encodeJpeg } from "../../src/pixels/image.ts";
import { drawn } from "../parity/pixels.ts";
import { runCli } from "./run.ts";

let root: string;
let run: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "facehand-targets-"));
  run = join(root, "run");
  await mkdir(join(root, "faces"));
  const jpeg = await encodeJpeg(drawn(32, 32, "noise"));
  for (let i = 0; i < 80; i++) {
    const name = `${25 + 10 * (i % 3)}_${i % 2}_${i % 4}_2017010900${String(i).padStart(4, "0")}.jpg.chip.jpg`;
    await writeFile(join(root, "faces", name), jpeg);
  }
  const trained = await runCli(
    ...["train", "--arch", "umcc", "--tag", "test_efficientnet.none_F1_An_Lb_Z0", "--epochs", "1"],
    ...["--targets", "gender,age,race", "--data", `utkface:${join(root, "faces")}`, "--image-size", "32"],
    ...["--batch", "8", "--threads", "1", "--workers", "1", "--out", run],
  );
  expect(trained.stderr.split(`${lawPlain(LAW_NOTE)}\n`)).toHaveLength(2); // once, before the first epoch
  expect(trained.stderr.indexOf("AI Act")).toBeLessThan(trained.stderr.indexOf("epoch 1/1"));
  expect(trained.stderr).toMatch(/epoch 1\/1 .* age \d\.\d{4} {2}race \d\.\d{4}/);
}, 60_000);
afterAll(() => rm(root, { recursive: true, force: true }));

describe("targets along with the sex", () => {
  it("have figures with intervals in evaluate, and none of them by --bootstrap 0", async () => {
    const { code, stdout } = await runCli("evaluate", run, "--split", "val", "--bootstrap", "200");
    expect(code).toBe(0);
    expect(stdout.split("\n\n")[0]!.replaceAll("\n", " ")).toContain("; these images chose the epoch");
    const [, age = "", race = ""] = stdout.split(/^Apparent (?=age|race)/m);
    const cell = String.raw` +\d\.\d{3} \[\d\.\d{3}, \d\.\d{3}\]`; // of faces alone: one column
    for (const title of ["accuracy", "within one class", "mean classes off"])
      expect(age).toMatch(new RegExp(`^${title}${cell}$`, "m"));
    expect(race).toMatch(new RegExp(`^accuracy${cell}$`, "m"));
    expect(race).not.toContain("within one class");
    const json = await runCli("evaluate", run, "--split", "val", "--bootstrap", "0", "--json");
    const { targets } = JSON.parse(json.stdout) as { targets: { parts: { intervals: unknown }[] }[] };
    expect(targets.map(({ parts }) => parts[0]!.intervals)).toEqual([null, null]);
  });

  it("stand in the model's card", async () => {
    const out = join(root, "card.md");
    expect((await runCli("model", "card", run, "--out", out, "--bootstrap", "100")).code).toBe(0);
    const card = await readFile(out, "utf8");
    expect(card).toMatch(/### Apparent age, by bucket, split val\n\n\| figure \| overall \|\n/);
    expect(card).toMatch(/\| mean classes off \| \d\.\d{3} \\\[\d\.\d{3}, \d\.\d{3}\\\] \|/);
    expect(card).toContain("The best epoch was chosen on these images, which favours the model");
    expect(card).toContain("### Apparent race or skin tone, by class, split val");
    expect(card).toContain(`## Law\n\n- ${lawMarkdown(LAW_TEXT[0]!)}\n`);
  });

  it("have ages in years, by group and with Challenge 25, in text, JSON, page and card", async () => {
    const small = ["--split", "val", "--bootstrap", "100", "--min-subjects", "4"];
    const { stdout } = await runCli("evaluate", run, ...small, "--report", join(root, "page.html"));
    for (const key of ["gender", "age", "race"])
      expect(stdout).toContain(`Years of apparent age by ${key}, faces\n`);
    expect(stdout).toMatch(/^all +16 +16 +\d+\.\d{3} \[\d+\.\d{3}, \d+\.\d{3}\] +0 +0 +-$/m); // 25 years and older
    expect(stdout.replaceAll("\n", " ")).toContain("an open one is as wide as the one before it");
    const page = await readFile(join(root, "page.html"), "utf8");
    expect(page).toContain("<h2>Apparent age in years</h2>");
    expect(page).toContain("<caption>Years of apparent age by race, faces</caption>");
    const json = JSON.parse((await runCli("evaluate", run, ...small, "--json")).stdout);
    const age = json.targets.find(({ target }: { target: string }) => target === "age");
    expect(age.years.map(({ key }: { key: string }) => key)).toEqual(["gender", "age", "race"]);
    expect(
      (await runCli("model", "card", run, "--out", join(root, "years.md"), "--bootstrap", "100")).code,
    ).toBe(0);
    const card = await readFile(join(root, "years.md"), "utf8");
    expect(card).toContain("### Years of apparent age by gender, faces, split val");
    expect(card).toContain("FPR: false positive rate of Challenge 25");
  });
});
