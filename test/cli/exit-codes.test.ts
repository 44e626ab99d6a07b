// Exit codes: 0 done, 2 input, 3 data, 4 remote, 70 our fault, 130 interrupted; and what stands where.
import { spawnSync } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EXIT_CODES, EXIT_INTERRUPTED } from "../../src/core/errors.ts";
import { COLUMNS } from "../../src/core/words.ts";
import { planLayout } from "../../src/dataset/layout.ts";
import { writeCsv } from "../../src/formats/csv.ts";
import { aPair, layPairs } from "../dataset.ts";
import { runCli, runFailing } from "./run.ts";

let dir = "";
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "facehand-exit-"));
  await layPairs(join(dir, "pairs"), {
    train: [aPair("a", "u1"), aPair("b", "u2", { gender: "female" })],
    val: [aPair("c", "u3")],
    test: [],
  });
});
afterAll(() => rm(dir, { recursive: true }));

const at = (name: string) => join(dir, name);

describe("exit codes", () => {
  it("are those of the documentation", () => {
    expect(EXIT_CODES).toEqual({ input: 2, data: 3, remote: 4, internal: 70 });
    expect(EXIT_INTERRUPTED).toBe(130);
  });

  it("0: the result is on standard output, and nothing on standard error", async () => {
    const { code, stdout, stderr } = await runCli("data", "show", at("pairs"));
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toContain("2 training pairs");
    expect(stdout).toContain("it is not identity");
  });

  it("0: --json prints JSON and nothing else", async () => {
    const { code, stdout } = await runCli("data", "show", at("pairs"), "--json");
    expect(code).toBe(0);
    expect(JSON.parse(stdout).splits.train.classes).toEqual({ female: 1, male: 1 });
  });

  it.each([
    [
      "a number",
      ["data", "show", "x", "--rows", "none"],
      'Expected a whole number from 1 to 1000 for --rows, got "none"',
    ],
    [
      "a number in another base",
      ["train", "--arch", "umcc", "--tag", "x", "--data", "pairs:x", "--out", "x", "--lr", "0x1"],
      'Expected a number for --lr, got "0x1"',
    ],
    [
      "no finite number",
      ["derive", "labels", "--predictions", "x", "--min", "Infinity"],
      'for --min, got "Infinity"',
    ],
    [
      "a rule in another base",
      ["derive", "--hagrid", "x", "--gestures", "all", "--out", "y", "--rule", "blur=0x8"],
      'such as blur=8, for --rule, got "blur=0x8"',
    ],
    ["a split", ["evaluate", "x", "--split", "tset"], 'Expected train, val, test for --split, got "tset"'],
    [
      "a source",
      [
        "train",
        "--arch",
        "umcc",
        "--tag",
        "test_efficientnet.none_F1_Af_Lb_Z0",
        "--data",
        "zip:x",
        "--out",
        "x",
      ],
      'Expected pairs:DIR, utkface:DIR, hands11k:DIR, fairface:DIR for --data, got "zip:x"',
    ],
    [
      "a tag",
      [
        "train",
        "--arch",
        "mag",
        "--tag",
        "test_efficientnet.none_F0_Af_Lb_Z0",
        "--data",
        "pairs:x",
        "--out",
        "x",
      ],
      "Expected a tag with gating=soft or gating=hard for --tag of mag, got",
    ],
  ])("2: %s; usage is shown", async (_, argv, message) => {
    const { code, stdout, stderr } = await runCli(...argv);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain(message);
    expect(stderr).toContain("Usage: facehand");
    expect(stderr).not.toMatch(/^\s+at /m);
  });

  it("3: a dataset that is not there; no usage, no stack", async () => {
    const { code, stdout, stderr } = await runCli("data", "show", at("nowhere"));
    expect([code, stdout]).toEqual([3, ""]);
    expect(stderr).toMatch(/^Expected a dataset folder at .*nowhere, got no such folder\nTry: /);
    expect(stderr).not.toMatch(/Usage|^\s+at /m);
  });

  it("3: a bad value, with file and row", async () => {
    await layPairs(at("bad"), { train: [aPair("a", "u1")], val: [aPair("b", "u2")], test: [] });
    const row = Object.fromEntries(COLUMNS.map((name) => [name, "x"])) as Record<
      (typeof COLUMNS)[number],
      string
    >;
    const file = planLayout(at("bad")).csv.train;
    const known = { labels: "palm", age: "20-29", race: "White" };
    await writeCsv(file, COLUMNS, [
      { ...row, ...known, hand_image_name: "H_a.jpg", face_image_name: "F_a.jpg" },
    ]);
    const { code, stderr } = await runCli("data", "show", at("bad"));
    expect(code).toBe(3);
    expect(stderr).toContain('for column gender, got "x"');
    expect(stderr).toContain("train.csv:2)");
  });

  it("70: our own fault, with its stack", async () => {
    const { code, stderr } = await runFailing(new Error("boom"), "data", "show", at("pairs"));
    expect(code).toBe(70);
    expect(stderr).toMatch(/^This is a fault of facehand, not of your input\.\nError: boom\n\s+at /);
  });
});

describe("Ctrl-C", () => {
  const derive = () => [
    ...["derive", "--hagrid", at("raw"), "--gestures", "all", "--out", at("derived")],
    ...["--face-landmarks", at("raw/face_landmarks.json")],
  ];

  it("130: says how to continue, leaves no half-made dataset, and the same command then finishes", async () => {
    expect(
      (await runCli("data", "sample", "--out", at("raw"), "--subjects", "12", "--frames", "1")).code,
    ).toBe(0);
    const stopped = runCli(...derive());
    process.emit("SIGINT");
    const { code, stdout, stderr } = await stopped;
    expect([code, stdout]).toEqual([130, ""]);
    expect(stderr).toContain("Ctrl-C again");
    expect(stderr).toMatch(/Stopped; the same command continues from .*derived\.partial\n$/);
    expect(await readdir(dir)).not.toContain("derived");

    const again = await runCli(...derive());
    expect(again.code).toBe(0);
    expect(again.stderr).toMatch(
      /^derive: 12 frames of .*raw on \d+ threads?, into .*derived; if it is stopped, .*\n$/,
    );
    expect(again.stdout).toContain("(drawn: nobody shown is real)");
    expect((await runCli("data", "show", at("derived"))).code).toBe(0);
  });

  it("leaves no listener behind", async () => {
    const before = process.listenerCount("SIGINT");
    await runCli("data", "show", at("pairs"));
    expect(process.listenerCount("SIGINT")).toBe(before);
  });
});

it("3: a system that refuses files while the program loads is no fault of ours, also where Node passes over it", async () => {
  await mkdir(at("package/dist/cli"), { recursive: true });
  await mkdir(at("package/bin"));
  await cp(new URL("../../bin/facehand.js", import.meta.url), at("package/bin/facehand.js"));
  await writeFile(at("package/package.json"), '{"type":"module"}');
  await writeFile(at("package/dist/cli/unread.cjs"), ""); // its exports were not found
  await writeFile(at("package/dist/cli/main.js"), 'import { run } from "./unread.cjs";\nexport { run };\n');
  const { status, stderr } = spawnSync(process.execPath, [at("package/bin/facehand.js")], {
    encoding: "utf8",
  });
  expect(stderr).toMatch(/^Expected to load facehand, got [\s\S]*\nTry: allow more open files/);
  expect([status, stderr.includes("    at ")]).toEqual([3, false]);
});
