// Documentation inside the code: every exported function and class has a docstring,
// and so has everything that the public API (src/index.ts) re-exports.
import { describe, expect, it } from "vitest";
import { exportsOf, importsOf, readSources } from "./source.ts";

const SOURCES = readSources();
const BY_FILE = new Map(SOURCES.map((source) => [source.file, source]));
/** What package.json exports. */
const ENTRIES = ["index.ts", "predict/index.ts", "evaluate/index.ts"].map((file) => BY_FILE.get(file)!);

const REEXPORT = /^export (?:type )?\{([^}]*)\} from "([^"]+)"/gm;

interface Reexport {
  readonly name: string;
  readonly file: string;
}

/** What index.ts passes on: names and the files that declare them. */
function reexports(text: string, entry = "index.ts"): Reexport[] {
  return [...text.matchAll(REEXPORT)].flatMap(([line, names, _specifier]) => {
    const [{ file }] = importsOf(entry, line) as unknown as [{ file: string }];
    const each = names!.split(",").map((part) => part.trim().replace(/^type /, ""));
    return each.filter((name) => name !== "").map((part) => ({ name: part.split(" as ")[0]!, file }));
  });
}

function undocumented({ name, file }: Reexport): string[] {
  const found = exportsOf(BY_FILE.get(file)?.text ?? "").find((e) => e.name === name);
  if (found === undefined) return [`${file} exports no ${name}`];
  return found.documented ? [] : [`${file}: ${name}`];
}

describe("docstrings", () => {
  it("stand above every exported function and class", () => {
    const missing = SOURCES.flatMap(({ file, text }) =>
      exportsOf(text)
        .filter(({ kind, documented }) => (kind === "function" || kind === "class") && !documented)
        .map(({ name }) => `${file}: ${name}`),
    );
    expect(missing).toEqual([]);
  });

  it.each(ENTRIES)("stand above everything of the public API: $file", ({ file, text }) => {
    expect(reexports(text, file).flatMap(undocumented)).toEqual([]);
  });

  it.each(ENTRIES)("are found: $file has named re-exports and nothing else", ({ file, text }) => {
    const rest = text.replace(REEXPORT, "").replace(/^\s*(\/\/|\/?\*).*$/gm, "");
    expect(rest.replace(/[;\s]/g, "")).toBe("");
    expect(reexports(text, file).length).toBeGreaterThan(0);
  });
});

describe("these checks themselves", () => {
  it("distinguish documented from undocumented exports", () => {
    const text = [
      "/** Said. */",
      "export function a() {}",
      "",
      "export async function b() {}",
      "// A comment is no docstring.",
      "export class C {}",
      "/**",
      " * Said at length.",
      " */",
      "export const d = 1;",
      "function hidden() {}",
      "/** Said. */",
      "@inline",
      "export function e(): v128 {}",
      "@inline",
      "export function f(): v128 {}",
    ].join("\n");
    expect(exportsOf(text)).toEqual([
      { name: "a", kind: "function", documented: true },
      { name: "b", kind: "function", documented: false },
      { name: "C", kind: "class", documented: false },
      { name: "d", kind: "const", documented: true },
      { name: "e", kind: "function", documented: true },
      { name: "f", kind: "function", documented: false },
    ]);
  });

  it("read re-exports", () => {
    const text =
      'export { a, type B } from "./core/a.ts";\nexport type {\n  C,\n  D as E,\n} from "./data/c.ts";\n';
    expect(reexports(text)).toEqual([
      { name: "a", file: "core/a.ts" },
      { name: "B", file: "core/a.ts" },
      { name: "C", file: "data/c.ts" },
      { name: "D", file: "data/c.ts" },
    ]);
  });
});
