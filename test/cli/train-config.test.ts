// `facehand train --config` and `--print-config`: what is printed is read again, flags win, and unknown keys are refused.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { sha256File } from "../../src/machine/files.ts";
import { parseTrainConfig } from "../../src/train/config.ts";
import { drawFaces } from "../drawn.ts";
import { runCli } from "./run.ts";

const TAG = "test_efficientnet.none_F0_An_Lb_Z0";
let root = "";
const at = (name: string) => join(root, name);

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "facehand-config-"));
});
afterAll(() => rm(root, { recursive: true }));

async function printed(...argv: readonly string[]) {
  const { code, stdout, stderr } = await runCli("train", "--print-config", ...argv);
  expect(code, stderr).toBe(0);
  return stdout;
}

async function refused(...argv: readonly string[]) {
  const { code, stdout, stderr } = await runCli("train", ...argv);
  expect([code, stdout]).toEqual([2, ""]);
  return stderr.split("\n").slice(0, 2);
}

/** A file of the test's folder. */
async function file(name: string, text: string) {
  await writeFile(at(name), text);
  return at(name);
}

describe("--print-config", () => {
  const flags = ["--arch", "umcc", "--tag", TAG, "--data", "utkface:faces"];

  it("prints every default as the schema has it, and what is left out", async () => {
    const text = await printed(...flags);
    expect(parse(text)).toEqual(parseTrainConfig({ arch: "umcc", tag: TAG, data: ["utkface:faces"] }));
    expect(text).toMatch(/^# left out: modality, weights, .*patience.*$/m);
    expect(JSON.parse(await printed(...flags, "--json"))).toEqual(parse(text));
  });

  it("prints what --config takes back", async () => {
    const more = ["--epochs", "7", "--targets", "gender,age", "--decay-all", "--batch", "auto"];
    const text = await printed(...flags, ...more);
    expect(parse(text)).toMatchObject({
      epochs: 7,
      targets: ["gender", "age"],
      decayAll: true,
      batch: "auto",
    });
    expect(await printed("--config", await file("a.yaml", text))).toBe(text);
  });

  it("refuses several seeds, of which each has a configuration of its own", async () => {
    const [message] = await refused(...flags, "--print-config", "--seeds", "1,2");
    expect(message).toBe('Expected --seed for --print-config, got "--seeds"');
  });
});

describe("--config", () => {
  it("gives way to flags, several seeds included", async () => {
    const path = await file("b.yaml", `arch: umcc\ntag: ${TAG}\ndata: [utkface:faces]\nepochs: 9\nseed: 5\n`);
    const config = parse(await printed("--config", path, "--epochs", "3", "--data", "utkface:other"));
    expect(config).toMatchObject({ epochs: 3, seed: 5, data: ["utkface:other"] });
  });

  it.each([
    ["epoch: 3", 'Expected a known key for a configuration file, got "epoch" (FILE:1)', "Try: epochs"],
    ["lr: 0.1\nepochs: many", 'Expected a number for epochs, got "many" (FILE:2)', undefined],
    ["arch: umc", 'Expected umcc or mag for arch, got "umc" (FILE:1)', "Try: the nearest is umcc"],
    [
      "- a",
      'Expected keys and values for a configuration file, got ["a"] (FILE)',
      "Try: facehand train --print-config writes one",
    ],
    ["a: *b", undefined, undefined],
  ])("refuses %j", async (text, message, hint) => {
    const path = await file("wrong.yaml", text);
    const [first, second] = await refused("--config", path, "--out", at("none"));
    expect(first).toMatch(/^Expected /);
    if (message !== undefined) expect(first!.replace(path, "FILE")).toBe(message);
    if (hint !== undefined) expect(second).toBe(hint);
  });

  it("needs a file, and --out", async () => {
    const { code, stderr } = await runCli("train", "--config", at("absent.yaml"), "--out", at("none"));
    expect([code, stderr]).toEqual([3, expect.stringContaining("absent.yaml")]);
    const path = await file("c.yaml", "arch: umcc");
    expect((await refused("--config", path))[0]).toBe("Expected --out <dir>, got nothing");
  });

  it("trains what the flags train, from YAML and from a run's config.json", {
    timeout: 300_000,
  }, async () => {
    await drawFaces(at("faces"), 12);
    const machine = ["--threads", "1", "--workers", "1"];
    const flags = [
      ...["--arch", "umcc", "--tag", TAG, "--data", `utkface:${at("faces")}`, "--image-size", "32"],
      ...["--epochs", "1", "--batch", "4", "--lr", "0.01"],
    ];
    const train = async (name: string, ...argv: readonly string[]) => {
      const { code, stderr } = await runCli("train", ...argv, ...machine, "--out", at(name));
      expect(code, stderr).toBe(0);
      return sha256File(at(`${name}/checkpoints/best.safetensors`));
    };
    const made = await train("flags", ...flags);
    const yaml = await file("d.yaml", await printed(...flags));
    expect(await train("yaml", "--config", yaml)).toBe(made);
    expect(await train("json", "--config", at("flags/config.json"))).toBe(made);
    expect(await readFile(at("json/config.json"), "utf8")).toBe(
      await readFile(at("flags/config.json"), "utf8"),
    );
    expect(await train("other", "--config", yaml, "--seed", "7")).not.toBe(made);
  });
});
