// Every verb explains itself; what is mistyped is refused with the nearest match and exit code 2.
import { describe, expect, it } from "vitest";
import { EXAMPLES } from "../../src/cli/help/examples.ts";
import { groupOf } from "../../src/cli/help/groups.ts";
import { commands } from "../../src/cli/table.ts";
import { packageVersion } from "../../src/cli/version.ts";
import { MAX_COLUMNS } from "../../src/core/visible.ts";
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

const PATHS = VERBS.map((path) => path.join(" "));
/** Those that do something by themselves, `derive` among them. */
const DOING = PATHS.filter(
  (name) => name === "derive" || !PATHS.some((other) => other.startsWith(`${name} `)),
);

/** The words of a command, as a shell divides them. */
const wordsOf = (text: string) => (text.match(/"[^"]*"|\S+/g) ?? []).map((word) => word.replaceAll('"', ""));

describe("help, as a stranger reads it", () => {
  it.each(["", ...PATHS])("fits %s", async (name) => {
    const { stdout } = await runCli(...wordsOf(name), "--help");
    const wide = stdout.split("\n").filter((line) => line.length > MAX_COLUMNS);
    expect(wide).toEqual([]);
  });

  it.each(DOING)("has two examples of %s, which its own flags accept", async (name) => {
    const { stdout } = await runCli(...wordsOf(name), "--help");
    expect(stdout).toContain("\nExamples:\n  # ");
    const examples = EXAMPLES[name] ?? [];
    expect(examples.length).toBeGreaterThanOrEqual(2);
    for (const [, words] of examples) {
      const argv = wordsOf(words);
      expect(argv.slice(0, name.split(" ").length).join(" ")).toBe(name);
      const [family] = await commands(silent, argv[0]);
      let ran = 0;
      for (const command of [family!, ...family!.commands])
        command
          .exitOverride()
          .configureOutput({ writeErr: () => undefined })
          .action(() => void ran++);
      await family!.parseAsync(argv.slice(1), { from: "user" });
      expect(ran, words).toBe(1);
    }
  });

  it("has no example of a verb that is gone", () => {
    expect(Object.keys(EXAMPLES).sort()).toEqual([...DOING].sort());
  });

  it("has every flag in a group", async () => {
    for (const command of await commands(silent))
      for (const verb of [command, ...command.commands]) {
        const name = verb === command ? verb.name() : `${command.name()} ${verb.name()}`;
        for (const { long } of verb.options) expect(groupOf(name, long!), `${name} ${long}`).toBeDefined();
      }
  });

  it("shows groups in one order, and the tag where one is taken", async () => {
    const { stdout } = await runCli("train", "--help");
    const headings = [...stdout.matchAll(/^([A-Z]\w+):/gm)].map(([, name]) => name);
    expect(headings).toEqual([
      "Usage",
      ...["Data", "Model", "Optimisation", "Machine", "Output"],
      "Tag",
      "Examples",
    ]);
    expect(stdout).toMatch(/Machine:[\s\S]*--device <name> .*\n[\s\S]*default cpu\)/);
    expect((await runCli("model", "convert", "--help")).stdout).toContain(
      "\nTag: <backbone>.<pretrain>_F{0|1}",
    );
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
