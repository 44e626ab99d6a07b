// The house's layer table (docs/decisions): which room may import which, and what stays out of browsers.
import { isBuiltin } from "node:module";
import { describe, expect, it } from "vitest";
import { importsOf, readIfThere, readSources, type Source } from "./source.ts";

const ALL = [
  "core",
  "formats",
  "evaluate",
  "data",
  "engine",
  "derive",
  "models",
  "train",
  "studies",
  "release",
];

/** A room imports itself and what its row names, nothing else. */
const LAYERS: Readonly<Record<string, readonly string[]>> = {
  core: [],
  formats: ["core"],
  evaluate: ["core", "formats"],
  data: ["core", "formats"],
  engine: ["core", "formats"],
  derive: ["core", "data", "engine", "formats"],
  models: ["core", "formats", "data", "engine"],
  train: ["core", "data", "engine", "models", "evaluate"],
  studies: ["core", "data", "models", "train", "evaluate"],
  release: ["core", "data", "models", "studies", "evaluate"],
  server: ["core", "data", "models", "train", "evaluate", "studies"],
  cli: [...ALL, "server"],
  web: [],
  "index.ts": [...ALL, "server"],
};

/** Files that browsers load, and so everything that they import. */
const BROWSER_SAFE = [
  "pixels/pixels.ts",
  "engine/runtime/session.ts",
  "evaluate/metrics/calibration.ts",
  "evaluate/metrics/groups.ts",
  "evaluate/metrics/metrics.ts",
  "predict/predictor.ts",
  "server/api.ts",
  "train/runlog.ts",
];

/** Native or runtime-bound libraries have one door each. */
const ONLY_IMPORTER: Readonly<Record<string, string>> = {
  sharp: "pixels/image.ts",
  koffi: "engine/runtime/ort-library.ts",
  "onnxruntime-node": "engine/runtime/ort-node.ts",
  "onnxruntime-web": "web/ort-web.ts",
};

const MAX_LINES = 300;

const SOURCES = readSources();
const BY_FILE = new Map(SOURCES.map((source) => [source.file, source]));

const roomOf = (file: string) => file.split("/")[0]!;

/** The package of a bare specifier: `@scope/name/deep` is `@scope/name`. */
function packageOf(specifier: string): string {
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}

function forbidden({ file, imports }: Source): string[] {
  const room = roomOf(file);
  const allowed = [room, ...(LAYERS[room] ?? [])];
  return imports
    .filter(({ file: target }) => target !== undefined)
    .map(({ file: target }) => target!)
    .filter((target) => !allowed.includes(roomOf(target)) && !(room === "web" && isBrowserSafe(target)))
    .map((target) => `${file} imports ${target}`);
}

const isBrowserSafe = (file: string) => BROWSER_SAFE.includes(file);

/** The first import cycle below a file, as a path, or undefined. */
function findCycle(sources: ReadonlyMap<string, Source>): string[] | undefined {
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): string[] | undefined => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (done.has(file)) return undefined;
    for (const { file: target } of sources.get(file)?.imports ?? []) {
      const cycle = target === undefined ? undefined : visit(target, [...path, file]);
      if (cycle !== undefined) return cycle;
    }
    done.add(file);
    return undefined;
  };
  for (const file of sources.keys()) {
    const cycle = visit(file, []);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}

const nativeOnly = (name: string) => isBuiltin(name) || name === "sharp" || name === "onnxruntime-node";

/** Paths from a file to what no browser has; imports that the compiler erases do not count. */
function nodeOnlyPaths(root: string): string[] {
  const found: string[] = [];
  const seen = new Set<string>();
  const visit = (file: string, path: readonly string[]) => {
    if (seen.has(file)) return;
    seen.add(file);
    for (const { specifier, file: target, typeOnly } of BY_FILE.get(file)?.imports ?? []) {
      if (typeOnly) continue;
      if (target !== undefined) visit(target, [...path, target]);
      else if (nativeOnly(specifier)) found.push([...path, specifier].join(" > "));
    }
  };
  visit(root, [root]);
  return found;
}

describe("layers", () => {
  it("know every room", () => {
    const rooms = new Set(SOURCES.map(({ file }) => roomOf(file)));
    expect([...rooms].filter((room) => LAYERS[room] === undefined)).toEqual([]);
  });

  it("hold for every import", () => {
    expect(SOURCES.flatMap(forbidden)).toEqual([]);
  });

  it("name only files that exist", () => {
    const own = SOURCES.flatMap(({ imports, file }) => imports.map((i) => ({ file, target: i.file })));
    const dangling = own.filter(({ target }) => target?.endsWith(".ts") && !BY_FILE.has(target));
    expect(dangling).toEqual([]);
  });

  it("have no cycles", () => {
    expect(findCycle(BY_FILE)).toBeUndefined();
  });

  it("have one door for each native library", () => {
    const wrong = SOURCES.flatMap(({ file, imports }) =>
      imports
        .map(({ specifier }) => packageOf(specifier))
        .filter((name) => ONLY_IMPORTER[name] !== undefined && ONLY_IMPORTER[name] !== file)
        .map((name) => `${file} imports ${name}`),
    );
    expect(wrong).toEqual([]);
  });

  it("import only declared dependencies", () => {
    const { dependencies } = JSON.parse(readIfThere("package.json")!) as {
      dependencies: Record<string, string>;
    };
    const bare = SOURCES.flatMap(({ imports }) => imports.filter(({ file }) => file === undefined));
    const packages = bare.map(({ specifier }) => packageOf(specifier)).filter((name) => !isBuiltin(name));
    const missing = packages.filter((name) => dependencies[name] === undefined);
    expect([...new Set(missing)]).toEqual([]);
  });

  it.each(SOURCES.map(({ file }) => file).filter((file) => isBrowserSafe(file) || roomOf(file) === "web"))(
    "keep %s free of Node",
    (file) => expect(nodeOnlyPaths(file)).toEqual([]),
  );
});

describe("files", () => {
  it("have no default exports", () => {
    const wrong = SOURCES.filter(({ text }) => /^export (default\b|\{[^}]*\bas default\b)/m.test(text));
    expect(wrong.map(({ file }) => file)).toEqual([]);
  });

  it(`are at most ${MAX_LINES} lines long`, () => {
    const long = SOURCES.map(({ file, text }) => ({ file, lines: text.trimEnd().split("\n").length }));
    expect(long.filter(({ lines }) => lines > MAX_LINES)).toEqual([]);
  });

  it("begin with a comment that says what they are", () => {
    expect(SOURCES.filter(({ text }) => !/^(#!.*\n)?(\/\/|\/\*)/.test(text)).map(({ file }) => file)).toEqual(
      [],
    );
  });
});

describe("these checks themselves", () => {
  const source = (file: string, text: string): Source => ({ file, text, imports: importsOf(file, text) });

  it("see every form of import, and no comments", () => {
    const text = [
      'import a from "a";',
      'import type { B } from "../core/b.ts";',
      'import {\n  c,\n  type D,\n} from "./c.ts";',
      'export { e } from "./e.ts";',
      'export * from "./f.ts";',
      'import "./g.ts";',
      'const h = await import("./h.ts");',
      'new Worker(new URL("./i.ts", import.meta.url));',
      '// import z from "z";',
      ' * import z from "z";',
      'export const text = "not from";',
    ].join("\n");
    const found = importsOf("data/x.ts", text).map((i) => i.file ?? i.specifier);
    const own = ["c", "e", "f", "g", "h", "i"].map((name) => `data/${name}.ts`);
    expect(found).toEqual(["a", "core/b.ts", ...own]);
    expect(importsOf("data/x.ts", text).filter((i) => i.typeOnly)).toHaveLength(1);
  });

  it("fail on a forbidden import and on a cycle", () => {
    const a = source("core/a.ts", 'import { b } from "../data/b.ts";');
    const b = source("data/b.ts", 'import { a } from "../core/a.ts";');
    expect(forbidden(a)).toEqual(["core/a.ts imports data/b.ts"]);
    expect(forbidden(b)).toEqual([]);
    expect(findCycle(new Map([a, b].map((s) => [s.file, s])))).toEqual([
      "core/a.ts",
      "data/b.ts",
      "core/a.ts",
    ]);
    expect(findCycle(new Map([[b.file, b]]))).toBeUndefined();
  });

  it("find Node behind several files", () => {
    expect(nodeOnlyPaths("engine/runtime/ort-node.ts")).toContain(
      "engine/runtime/ort-node.ts > onnxruntime-node",
    );
  });
});
