// `data repair` as a command, on what derive makes: a dry run first, then the changes, then a clean check.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { laySample } from "../sample.ts";
import { runCli } from "./run.ts";

let root: string;
const at = (name: string) => join(root, name);

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "facehand-data-repair-"));
  await laySample(at("raw"), { subjects: 16, framesPerSubject: 2, seed: 42 });
  const faces = ["--face-landmarks", at("raw/face_landmarks.json"), "--size", "64"];
  await runCli("derive", "--hagrid", at("raw"), "--gestures", "all", "--out", at("pairs"), ...faces);
});
afterAll(() => rm(root, { recursive: true, force: true }));

const spoilCase = async () => {
  const text = await readFile(at("pairs/train.csv"), "utf8");
  await writeFile(at("pairs/train.csv"), text.replace(/Female/g, "female"));
};

describe("facehand data repair", () => {
  it("says what it would change, then changes it, back to the table of the manifest", async () => {
    const before = await readFile(at("pairs/train.csv"), "utf8");
    const manifest = await readFile(at("pairs/manifest.json"), "utf8");
    await spoilCase();
    const dry = await runCli("data", "repair", at("pairs"));
    expect(dry.code).toBe(0);
    expect(dry.stdout).toMatch(/^\d+ changes would be made$/m);
    expect(dry.stdout).toMatch(/^ {2}cell train.csv:\d+: "female" -> "Female"$/m);
    expect(dry.stdout).toContain("Nothing was changed: --apply makes the changes");
    expect(dry.stdout).toContain("1 findings need a decision and were left alone\n  Expected SHA-256");
    expect((await runCli("data", "check", at("pairs"))).code).toBe(3);
    const applied = await runCli("data", "repair", at("pairs"), "--apply");
    expect(applied.stdout).toContain("Every change is in removed/repairs.csv");
    expect(await readFile(at("pairs/train.csv"), "utf8")).toBe(before);
    expect(await readFile(at("pairs/manifest.json"), "utf8")).toBe(manifest);
    expect((await runCli("data", "check", at("pairs"))).code).toBe(0);
  });

  it("removes a row whose image is lost, also from the manifest's counts", async () => {
    const [, second] = (await readFile(at("pairs/train.csv"), "utf8")).split("\n");
    const face = second!.split(",").at(-1)!;
    await rm(at(`pairs/images/content/aligned_dataset/faces/${face}`));
    const { stdout } = await runCli("data", "repair", at("pairs"), "--apply", "--json");
    const { repairs, applied } = JSON.parse(stdout);
    expect(applied).toBe(true);
    expect(repairs.map((one: { what: string }) => one.what)).toEqual(["row", "image"]);
    const manifest = JSON.parse(await readFile(at("pairs/manifest.json"), "utf8"));
    expect(manifest.repaired.changes).toBe(2);
    expect((await runCli("data", "check", at("pairs"))).code).toBe(0);
    expect((await runCli("data", "show", at("pairs"))).code).toBe(0);
  });

  it("is not taken for what derive would make", async () => {
    const faces = ["--face-landmarks", at("raw/face_landmarks.json"), "--size", "64"];
    const again = await runCli(
      "derive",
      "--hagrid",
      at("raw"),
      "--gestures",
      "all",
      "--out",
      at("pairs"),
      ...faces,
    );
    expect(again.code).toBe(2);
    expect(again.stderr).toContain("got this dataset, repaired since, in ");
  });

  it("has nothing to do then", async () => {
    expect((await runCli("data", "repair", at("pairs"), "--apply")).stdout).toContain("0 changes made");
  });
});
