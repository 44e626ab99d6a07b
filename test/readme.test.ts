// What the documentation asks people to type exists: npm scripts, verbs and flags of the command line,
// and the files that relative links point to.
import { existsSync, readdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { type Ran, runCli } from "./cli/run.ts";
import { ROOT, readIfThere } from "./source.ts";

const DOCUMENTS = [
  ...["README.md", "CONTRIBUTING.md", "CONTEXT.md", "AGENTS.md", "CHANGELOG.md", "DATA-LICENSE.md"],
  ...markdownBelow("docs"),
].filter((path) => readIfThere(path) !== undefined);

function markdownBelow(folder: string): string[] {
  if (!existsSync(join(ROOT, folder))) return [];
  const names = readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" });
  return names.filter((name) => name.endsWith(".md")).map((name) => `${folder}/${name}`);
}

/** Command lines in the shell blocks of a document; a backslash at a line's end joins it with the next. */
function commandsOf(markdown: string): string[] {
  const blocks = [...markdown.matchAll(/^```(?:sh|bash|console)\n([\s\S]*?)^```/gm)].map((m) => m[1]!);
  return blocks
    .flatMap((block) => block.replaceAll(/\\\n\s*/g, "").split("\n"))
    .flatMap((line) => line.replace(/^\$ /, "").split(/\s+(?:&&|\|\|?|;)\s+/))
    .map((line) => line.replace(/\s+#.*$/, "").trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
}

/** Name of the npm script that a command runs. */
function scriptOf(command: string): string | undefined {
  const match = /^npm (?:run ([\w:-]+)|(test|start)\b)/.exec(command);
  return match?.[1] ?? match?.[2];
}

interface Invocation {
  readonly verbs: readonly string[];
  readonly flags: readonly string[];
}

/** Verbs (one, or two for families such as `data show`) and flags of a facehand command. */
function invocationOf(command: string): Invocation | undefined {
  const match = /^(?:npx (?:--no )?facehand|node (?:\.\/)?bin\/facehand\.js|facehand)\s+(.*)$/.exec(command);
  if (match === null) return undefined;
  const words = match[1]!.split(/\s+/);
  const families = ["data", "audit", "model", "study", "release"];
  const below = /^derive (?:report|labels|merge)\b/.test(match[1]!); // derive also stands alone
  const count = words[0]!.startsWith("-") ? 0 : below || families.includes(words[0]!) ? 2 : 1;
  const flags = words.filter((word) => word.startsWith("--")).map((word) => word.split("=")[0]!);
  return { verbs: words.slice(0, count), flags };
}

const COMMANDS = DOCUMENTS.flatMap((path) =>
  commandsOf(readIfThere(path)!).map((command) => [path, command] as const),
);

const helps = new Map<string, Ran>();

async function help(verbs: readonly string[]): Promise<Ran> {
  const key = verbs.join(" ");
  const known = helps.get(key) ?? (await runCli(...verbs, "--help"));
  helps.set(key, known);
  return known;
}

describe("documentation", () => {
  it("names npm scripts that exist", () => {
    const { scripts = {} } = JSON.parse(readIfThere("package.json")!) as { scripts?: Record<string, string> };
    const named = COMMANDS.map(([path, command]) => [path, scriptOf(command)] as const);
    expect(named.filter(([, name]) => name !== undefined && scripts[name] === undefined)).toEqual([]);
  });

  it("names verbs and flags that exist", async () => {
    const invocations = COMMANDS.flatMap(([path, command]) => {
      const invocation = invocationOf(command);
      return invocation === undefined ? [] : [{ where: `${path}: ${command}`, ...invocation }];
    });
    expect(invocations.length).toBeGreaterThan(5);
    for (const { where, verbs, flags } of invocations) {
      const { code, stdout, stderr } = await help(verbs);
      expect(code, `${where}\n${stderr}`).toBe(0);
      expect(stdout, where).toMatch(new RegExp(`^Usage: ${["facehand", ...verbs].join(" ")} `));
      const unknown = flags.filter((flag) => !new RegExp(`${flag}\\b`).test(stdout));
      expect(unknown, where).toEqual([]);
    }
  });

  it("links to files that exist", () => {
    const broken = DOCUMENTS.flatMap((path) => {
      const text = readIfThere(path)!.replaceAll(/^```[\s\S]*?^```/gm, "");
      const targets = [...text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)].map((m) => m[1]!);
      const own = targets.filter((target) => !/^[a-z]+:/.test(target));
      return own
        .filter((target) => !existsSync(join(ROOT, dirname(path), target)))
        .map((target) => `${path}: ${target}`);
    });
    expect(broken).toEqual([]);
  });
});

describe("docs/studies", () => {
  it("has one text a study, under 60 KB: all else is made again", () => {
    const studies = readdirSync(join(ROOT, "docs/studies"), { withFileTypes: true });
    const reports = studies.filter((entry) => entry.isDirectory());
    expect(reports.length).toBeGreaterThan(5);
    for (const { name } of reports)
      expect(statSync(join(ROOT, "docs/studies", name, "report.md")).size, name).toBeLessThan(60_000);
  });
});

describe("these checks themselves", () => {
  it("read commands from shell blocks", () => {
    const text =
      "```sh\n$ npm run demo # two minutes\nnpx --no facehand train --data a \\\n  --out b && npm test\n```\n```ts\nx\n```\n";
    const commands = ["npm run demo", "npx --no facehand train --data a --out b", "npm test"];
    expect(commandsOf(text)).toEqual(commands);
    expect(commands.map(scriptOf)).toEqual(["demo", undefined, "test"]);
  });

  it("read verbs and flags", () => {
    expect(invocationOf("npx --no facehand data show DIR --json")).toEqual({
      verbs: ["data", "show"],
      flags: ["--json"],
    });
    expect(invocationOf("node bin/facehand.js train --lr=1")).toEqual({ verbs: ["train"], flags: ["--lr"] });
    expect(invocationOf("npx --no facehand --help")).toEqual({ verbs: [], flags: ["--help"] });
    expect(invocationOf("npm ci")).toBeUndefined();
  });
});
