// The house (rooms.json): which room may import which, what browsers may load, and how large files and folders get.
import { isBuiltin } from "node:module";
import { dirname } from "node:path";
import { describe, expect, it } from "vitest";
import { importsOf, isBrowserSafe, readIfThere, readSources, type Source } from "./source.ts";

/** Which room may import which, the one door of a native library, and what each folder is for. */
const { layers: LAYERS, doors: DOORS } = JSON.parse(readIfThere("rooms.json")!) as {
  readonly layers: Readonly<Record<string, readonly string[]>>;
  readonly doors: Readonly<Record<string, string>>;
};

/** The package's own entry stands above all rooms. */
const ENTRY = "index.ts";
/** What others may load in a page: package.json's `./predict` and `./evaluate`, and everything in web/. */
const PAGE_ENTRIES = ["predict/index.ts", "evaluate/index.ts"];

const MAX_LINES = 300;
const MAX_FILES = 20;

const SOURCES = readSources();
const BY_FILE = new Map(SOURCES.map((source) => [source.file, source]));

const roomOf = (file: string) => file.split("/")[0]!;

/** The package of a bare specifier: `@scope/name/deep` is `@scope/name`, `name?url` is `name`. */
function packageOf(specifier: string): string {
  return specifier
    .replace(/\?.*$/, "")
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}

/** Imports that the table does not allow. */
function forbidden({ file, imports }: Source): string[] {
  const room = roomOf(file);
  if (file === ENTRY) return [];
  const allowed = [room, ...(LAYERS[room] ?? [])];
  return imports
    .map(({ file: target }) => target)
    .filter((target) => target !== undefined && !allowed.includes(roomOf(target)))
    .map((target) => `${file} imports ${target}`);
}

/** What a file that browsers load imports and that does not state that it is for browsers; erased imports do not count. */
function unsafe({ file, imports }: Source, sources: ReadonlyMap<string, Source>): string[] {
  return imports
    .filter(({ file: target, typeOnly }) => !typeOnly && target !== undefined)
    .filter(({ file: target }) => sources.has(target!) && !isBrowserSafe(sources.get(target!)!))
    .map(({ file: target }) => `${file} imports ${target}, which does not say that it is browser-safe`);
}

const forBrowsers = (source: Source) =>
  isBrowserSafe(source) || roomOf(source.file) === "web" || PAGE_ENTRIES.includes(source.file);

/** The first import cycle below a file, as a path, or undefined. */
function findCycle(sources: ReadonlyMap<string, Source>): string[] | undefined {
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): string[] | undefined => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (done.has(file)) return undefined;
    for (const { file: target, started } of sources.get(file)?.imports ?? []) {
      if (started) continue;
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

/** What browsers cannot load; a library whose door is in the page is theirs. */
const nativeOnly = (name: string) =>
  isBuiltin(name) || (DOORS[name] !== undefined && roomOf(DOORS[name]) !== "web");

describe("layers", () => {
  it("know every room", () => {
    const rooms = new Set(SOURCES.map(({ file }) => roomOf(file)).filter((room) => room !== ENTRY));
    expect([...rooms].sort()).toEqual(Object.keys(LAYERS).sort());
  });

  it("go one way: a room may import only rooms that stand before it", () => {
    const order = Object.keys(LAYERS);
    for (const [room, others] of Object.entries(LAYERS)) {
      expect([room, others.filter((one) => !order.slice(0, order.indexOf(room)).includes(one))]).toEqual([
        room,
        [],
      ]);
    }
  });

  it("allow nothing that no file needs", () => {
    const used = new Set(
      SOURCES.flatMap(({ file, imports }) =>
        imports.flatMap((i) => (i.file === undefined ? [] : [`${roomOf(file)} > ${roomOf(i.file)}`])),
      ),
    );
    const allowed = Object.entries(LAYERS).flatMap(([room, others]) =>
      others.map((one) => `${room} > ${one}`),
    );
    expect(allowed.filter((edge) => !used.has(edge))).toEqual([]);
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
        .filter((name) => DOORS[name] !== undefined && DOORS[name] !== file)
        .map((name) => `${file} imports ${name}`),
    );
    expect(wrong).toEqual([]);
  });

  it("import only declared dependencies; the page, which is built with the package, those of development too", () => {
    const { dependencies, devDependencies } = JSON.parse(readIfThere("package.json")!) as {
      dependencies: Record<string, string>;
      devDependencies: Record<string, string>;
    };
    const missing = SOURCES.flatMap(({ file, imports }) => {
      const declared = roomOf(file) === "web" ? { ...dependencies, ...devDependencies } : dependencies;
      const bare = imports
        .filter((one) => one.file === undefined)
        .map(({ specifier }) => packageOf(specifier));
      return bare.filter((name) => !isBuiltin(name) && declared[name] === undefined);
    });
    expect([...new Set(missing)]).toEqual([]);
  });

  it("keep Node and native libraries out of what browsers load", () => {
    const native = SOURCES.filter(forBrowsers).flatMap(({ file, imports }) =>
      imports
        .filter(({ specifier, typeOnly }) => !typeOnly && nativeOnly(packageOf(specifier)))
        .map(({ specifier }) => `${file} imports ${specifier}`),
    );
    expect(native).toEqual([]);
    expect(SOURCES.filter(forBrowsers).flatMap((source) => unsafe(source, BY_FILE))).toEqual([]);
    expect(PAGE_ENTRIES.map((file) => isBrowserSafe(BY_FILE.get(file)!))).toEqual([true, true]);
  });
});

describe("folders", () => {
  it(`hold at most ${MAX_FILES} sources beside each other`, () => {
    const counts = new Map<string, number>();
    for (const { file } of SOURCES) counts.set(dirname(file), (counts.get(dirname(file)) ?? 0) + 1);
    expect([...counts].filter(([, count]) => count > MAX_FILES)).toEqual([]);
  });
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

  it("begin with a comment on what they are", () => {
    expect(SOURCES.filter(({ text }) => !/^(#!.*\n)?(\/\/|\/\*)/.test(text)).map(({ file }) => file)).toEqual(
      [],
    );
  });
});

describe("these checks themselves", () => {
  const source = (file: string, text: string): Source => ({ file, text, imports: importsOf(file, text) });

  it("see the sources of the SIMD code, and their imports without an ending", () => {
    expect(BY_FILE.get("pixels/fast/simd/seeing.ts")!.imports.map(({ file }) => file)).toContain(
      "pixels/fast/simd/chip.ts",
    );
  });

  it("see every form of import, and no comments", () => {
    const text = [
      'import a from "a";',
      'import type { B } from "../core/b.ts";',
      'import {\n  c,\n  type D,\n} from "./c.ts";',
      'export { e } from "./e.ts";',
      'export * from "./f.ts";',
      'import "./g.ts";',
      'const h = await import("./h.ts");',
      'new Worker(new URL("./store.ts", import.meta.url));',
      'nodeCommand(new URL("./layout", import.meta.url), []);',
      'readFileSync(new URL("./k.json", import.meta.url));',
      'const root = new URL("../..", import.meta.url);',
      '// import z from "z";',
      ' * import z from "z";',
      'export const text = "not from";',
    ].join("\n");
    const found = importsOf("dataset/x.ts", text).map((i) => i.file ?? i.specifier);
    const own = ["c", "e", "f", "g", "h", "store", "layout"].map((name) => `dataset/${name}.ts`);
    expect(found).toEqual(["a", "core/b.ts", ...own]);
    expect(importsOf("dataset/x.ts", text).filter((i) => i.typeOnly)).toHaveLength(1);
  });

  it("fail on a forbidden import and on a cycle", () => {
    const a = source("core/a.ts", 'import { b } from "../dataset/b.ts";');
    const b = source("dataset/b.ts", 'import { a } from "../core/a.ts";');
    expect(forbidden(a)).toEqual(["core/a.ts imports dataset/b.ts"]);
    expect(forbidden(b)).toEqual([]);
    expect(findCycle(new Map([a, b].map((s) => [s.file, s])))).toEqual([
      "core/a.ts",
      "dataset/b.ts",
      "core/a.ts",
    ]);
    expect(findCycle(new Map([[b.file, b]]))).toBeUndefined();
  });

  it("fail on a worker of a room that is not allowed, with its ending and without", () => {
    for (const entry of ["../derive/run/worker", "../derive/run/worker.ts"]) {
      const thread = source("core/pool.ts", `new Worker(new URL("${entry}", import.meta.url));`);
      expect(forbidden(thread)).toEqual(["core/pool.ts imports derive/run/worker.ts"]);
    }
  });

  it("fail on a file for browsers that imports one which does not say so, and not on types", () => {
    const head = "// ◇ Browser-safe. A thing.\n";
    const plain = source("core/plain.ts", "// A thing.\n");
    const page = source("core/page.ts", `${head}import { a } from "./plain.ts";`);
    const types = source("core/types.ts", `${head}import type { A } from "./plain.ts";`);
    const sources = new Map([plain, page, types].map((one) => [one.file, one]));
    expect(unsafe(page, sources)).toHaveLength(1);
    expect(unsafe(types, sources)).toEqual([]);
  });
});
