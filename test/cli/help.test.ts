// Every verb explains itself; what is mistyped is refused with the nearest match and exit code 2.
import { describe, expect, it } from "vitest";
import { commands } from "../../src/cli/table.ts";
import { packageVersion } from "../../src/cli/version.ts";
import { runCli } from "./run.ts";

const silent = {
  signal: new AbortController().signal,
  print: () => undefined,
  report: () => undefined,
};

/** Paths of all verbs, e.g. `["data", "show"]`, families included. */
const VERBS = (await commands(silent)).flatMap((command) => [
  [command.name()],
  ...command.commands.map((child) => [command.name(), child.name()]),
]);
/** Those that do something by themselves. */
const LEAVES = (await commands(silent)).flatMap((command) =>
  command.commands.length === 0 ? [command] : [...command.commands],
);

describe("help", () => {
  it.each(VERBS.map((path) => [path.join(" "), path] as const))("facehand %s --help", async (name, path) => {
    for (const flag of ["--help", "-h"]) {
      const { code, stdout, stderr } = await runCli(...path, flag);
      expect([code, stderr]).toEqual([0, ""]);
      expect(stdout).toMatch(new RegExp(`^Usage: facehand ${name} `));
    }
  });

  it("lists every verb and says what the label is", async () => {
    const { code, stdout } = await runCli("--help");
    expect(code).toBe(0);
    for (const command of await commands(silent))
      expect(stdout).toMatch(new RegExp(`^  ${command.name()}\\b`, "m"));
    expect(stdout).toContain("apparent");
    expect(stdout).toContain("never a");
  });

  it("describes every verb, flag and argument", async () => {
    for (const command of await commands(silent)) expect(command.description(), command.name()).not.toBe("");
    for (const command of LEAVES) {
      expect(command.description(), command.name()).not.toBe("");
      for (const { flags, description } of command.options) expect(description, flags).toBeTruthy();
    }
  });

  it("prints the version", async () => {
    expect(await runCli("--version")).toEqual({ code: 0, stdout: `${packageVersion()}\n`, stderr: "" });
  });
});

/** One letter twice: the nearest match is the word itself. */
const mistype = (word: string) => `${word}${word.at(-1)}`;

describe("what is mistyped", () => {
  it.each(VERBS.map((path) => [path.join(" "), path] as const))("verb %s", async (_, path) => {
    const wrong = mistype(path.at(-1)!);
    const { code, stdout, stderr } = await runCli(...path.slice(0, -1), wrong);
    expect([code, stdout]).toEqual([2, ""]);
    const usage = ["facehand", ...path.slice(0, -1), "--help"].join(" ");
    expect(stderr).toBe(`Expected a known verb, got ${wrong}\nTry: ${path.at(-1)}\nUsage: ${usage}\n`);
  });

  it.each([
    ["data show", ["data", "show", "x", "--jsonn"], "--jsonn", "--json"],
    [
      "derive",
      ["derive", "--hagrid", "x", "--gestures", "all", "--out", "y", "--treads", "1"],
      "--treads",
      "--threads",
    ],
    ["train", ["train", "--out", "x", "--epoch", "3"], "--epoch", "--epochs"],
    ["train", ["train", "--ouut", "x"], "--ouut", "--out"], // the required one itself
    ["evaluate", ["evaluate", "x", "--splits", "val"], "--splits", "--split"],
  ])("flag of %s", async (name, argv, wrong, right) => {
    const { code, stdout, stderr } = await runCli(...argv);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toBe(
      `Expected a known flag, got ${wrong}\nTry: ${right}\nUsage: facehand ${name} --help\n`,
    );
  });

  it("has no suggestion where nothing is near", async () => {
    const { code, stderr } = await runCli("qqqqqqqq");
    expect([code, stderr]).toEqual([2, "Expected a known verb, got qqqqqqqq\nUsage: facehand --help\n"]);
  });
});

describe("what is missing", () => {
  it.each([
    ["a value", ["train", "--out"], "Expected a value for --out <dir>, got nothing", "train"],
    ["a flag", ["train", "--epochs", "1"], "Expected --out <dir>, got nothing", "train"],
    ["an argument", ["data", "show"], "Expected <dir>, got nothing", "data show"],
    ["a run", ["evaluate"], "Expected <run>, got nothing", "evaluate"],
  ])("%s", async (_, argv, message, name) => {
    const { code, stdout, stderr } = await runCli(...argv);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toBe(`${message}\nUsage: facehand ${name} --help\n`);
  });

  it("is a verb", async () => {
    for (const argv of [[], ["data"]]) {
      const { code, stderr } = await runCli(...argv);
      expect(code).toBe(2);
      expect(stderr).toContain("Expected a verb, got nothing");
    }
  });

  it("nothing: an argument too many", async () => {
    const { code, stderr } = await runCli("data", "show", "a", "b");
    expect(code).toBe(2);
    expect(stderr).toContain("Usage: facehand data show --help");
  });
});
