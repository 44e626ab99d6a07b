// `node scripts/tree.mjs`: writes the tree of AGENTS.md, one line a folder, from rooms.json.
// Invariant: only the text between the two markers changes.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const BEGIN = "<!-- tree: node scripts/tree.mjs -->";
const END = "<!-- /tree -->";
const FOLDERS = ["src", "bench", "harden", "scripts", "test"];

/** Our sources below the root, tests beside sources and goldens left out, sorted. */
export function listSources() {
  const below = FOLDERS.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" }).map(
      (name) => `${folder}/${name.replaceAll("\\", "/")}`,
    ),
  );
  return below
    .filter((name) => /\.(ts|mjs|py|sh)$/.test(name) && !/\.tmp\.ts$|\/work\/|^src\/.*\.test\.ts$/.test(name))
    .sort((a, b) => (dirname(a) === dirname(b) ? compare(a, b) : compare(dirname(a), dirname(b))));
}

const compare = (a, b) => (a < b ? -1 : 1);

/**
 * What a file is, in its own words: the first sentence at its head.
 *
 * @param {string} text
 */
export function firstSentence(text) {
  const lines = text.replace(/^#!.*\n/, "").split("\n");
  const length = lines.findIndex((line) => !/^(\/\/|#|""")/.test(line));
  const block = lines[0]?.startsWith('"""')
    ? text.slice(3, text.indexOf('"""', 3)).replace(/\s+/g, " ")
    : lines
        .slice(0, length)
        .map((line) => line.replace(/^(\/\/|#)\s*/, ""))
        .join(" ");
  const plain = block.replace(/^◇ Browser-safe\.\s*/, "");
  const end = /[^A-Z]\.(?=\s+[A-Z`]|$)/.exec(plain); // not after an initial
  return (end === null ? plain : plain.slice(0, end.index + 1)).trim();
}

/** Folders outside src/, which has rooms.json. */
const OTHERS = {
  bench: "benchmarks, one question each, and their peers",
  examples: "a page, a walk, Python",
  harden: "campaigns: kills, races, hostile files and servers",
  scripts: "what package.json's commands run",
  test: "tests across rooms, and what tests share",
  "test/browser": "the page in a real browser, where one is installed",
  "test/parity": "goldens of torch, timm, PIL, dlib, scikit-learn, and their generators",
  "test/property": "what holds for all inputs (fast-check)",
  "test/cli": "the command line as a user sees it",
};

/** The tree as Markdown: one line a folder. */
export function tree() {
  const { folders } = JSON.parse(readFileSync(join(ROOT, "rooms.json"), "utf8"));
  const own = Object.entries(folders)
    .filter(([name]) => !name.startsWith("cli/"))
    .map(([name, what]) => [`src/${name}`, what]);
  const verbs = Object.keys(folders).filter((name) => name.startsWith("cli/"));
  own.push([
    "src/cli/<verb>",
    `a verb's flags and output: ${verbs.map((name) => `${name.slice(4)}/`).join(" ")}`,
  ]);
  return [...own, ...Object.entries(OTHERS)].map(([name, what]) => `- \`${name}/\` ${what}`).join("\n");
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const path = join(ROOT, "AGENTS.md");
  const text = readFileSync(path, "utf8");
  const [begin, end] = [text.indexOf(BEGIN) + BEGIN.length, text.indexOf(END)];
  writeFileSync(path, `${text.slice(0, begin)}\n\n${tree()}\n\n${text.slice(end)}`);
}
