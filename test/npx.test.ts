// Nothing that we write or print has people fetch our command by its bare name from npm: the name is free there, and
// outside a clone npx would run whatever somebody put under it. The safe form is `npx --no facehand`.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { ROOT } from "./source.ts";

/** Where text of ours lies. docs/studies is written by the command line, which this test reads too. */
const PLACES = readdirSync(ROOT).filter(
  (name) =>
    /\.(md|cff|json|ts)$/.test(name) ||
    ["bench", "bin", "docs", "examples", "harden", "protocols", "scripts", "src", "test"].includes(name),
);
const THIS = join("test", "npx.test.ts");

const GAP = String.raw`[\s>#*/|"'\`,]+`; // between words, also over a line's end in comments, quotes and lists of words
const NAME = String.raw`facehand(?![\w/.:-])`;
const FORBIDDEN = [
  new RegExp(String.raw`\bnpx${GAP}(?:(?!--no\b)-\S+${GAP})*${NAME}`),
  new RegExp(
    String.raw`\b(?:npm|pnpm|yarn)${GAP}(?:i|install|exec|x|add|dlx|create)${GAP}(?:-\S+${GAP})*${NAME}`,
  ),
];

function filesBelow(place: string): string[] {
  if (statSync(join(ROOT, place)).isFile()) return [place];
  const names = readdirSync(join(ROOT, place), { recursive: true, encoding: "utf8" });
  return names
    .map((name) => join(place, name))
    .filter((path) => /\.(md|ts|mjs|js|json|yaml|yml|html|sh|py)$/.test(path))
    .filter((path) => path !== THIS && statSync(join(ROOT, path)).isFile());
}

it.each([
  "npx facehand doctor",
  "npx -y facehand doctor",
  "`npx\n// facehand doctor`",
  '["npx", "facehand"]',
  "npm exec facehand",
  "npm i -g facehand",
])("finds %j", (text) => {
  expect(FORBIDDEN.some((form) => form.test(text))).toBe(true);
});

it.each(["npx --no facehand doctor", "npm i ../facehand/facehand-0.1.0.tgz", "npm i facehand-0.1.0.tgz"])(
  "takes %j",
  (text) => {
    expect(FORBIDDEN.some((form) => form.test(text))).toBe(false);
  },
);

it("appears nowhere in what we write", () => {
  const files = PLACES.flatMap(filesBelow);
  expect(files).toEqual(
    expect.arrayContaining(["README.md", "bin/facehand.js", join("src", "cli", "main.ts")]),
  );
  const found = files.flatMap((path) => {
    const text = readFileSync(join(ROOT, path), "utf8");
    return FORBIDDEN.map((form) => form.exec(text)?.[0])
      .filter((match) => match !== undefined)
      .map((match) => `${path}: ${match}`);
  });
  expect(found).toEqual([]);
});
