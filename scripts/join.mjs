// Joins modules where dist/ is built: the command line's own files, one a verb, with those of other rooms that only it reaches, and
// what one module alone imports. npm packs fewer files, and a command loads fewer. Whatever a program may import is one module for
// programs and for the command line.
import * as fs from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
/** What tests start processes on. */
const FOR_TESTS = [
  "audit/log.js",
  "engine/runtime/gate.js",
  "engine/runtime/ort-node.js",
  "machine/peak-memory.js",
  "machine/unsettled.js",
];

/** Without indents: a fifth fewer bytes. Names stay, and lines that a stack can point to. */
const DENSE = { minifyWhitespace: true, lineLimit: 160, write: false };
/** The end of a line inside a string, which hides what a bundler looks for: `new URL("./x", import.meta.url)`. */
const CUT = /(?<!\\)((?:\\\\)*)\\\n/g;

/** Writes what esbuild made, with its strings whole. */
function writeDense({ outputFiles }) {
  for (const { path, text } of outputFiles) {
    fs.mkdirSync(dirname(path), { recursive: true });
    fs.writeFileSync(path, text.replace(CUT, "$1"));
  }
}

/** `from "./x.js"`, `import("./x.js")`, and the threads and processes that a module starts: `new URL("./x", import.meta.url)`. */
const IMPORT = /(?:\bfrom|\bimport\(|\bimport)\s*"(\.[^"]+)"/g;
const LATER = /\bimport\(\s*"(\.[^"]+)"/g;
const STARTED = /new URL\(\s*"(\.[^"]*)",\s*import\s*\.\s*meta\s*\.\s*url\s*\)/g;

/** Modules that stay: what the package exports, what runs in threads, what asks where it lies; and all that these import. */
function apart(dist) {
  const { exports } = JSON.parse(fs.readFileSync(join(ROOT, "package.json"), "utf8"));
  const all = fs
    .readdirSync(dist, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".js"))
    .map((name) => join(dist, name));
  const text = new Map(all.map((path) => [path, fs.readFileSync(path, "utf8")]));
  const below = (path, pattern) =>
    [...text.get(path).matchAll(pattern)]
      .map(([, name]) => resolve(dirname(path), name))
      .map((target) => (text.has(target) ? target : `${target}.js`));
  const isCli = (path) => path.startsWith(join(dist, "cli") + sep);
  const started = all.flatMap((path) => below(path, STARTED));
  const placed = all.filter((path) => !isCli(path) && text.get(path).includes("import.meta.url"));
  const exported = Object.values(exports).map(({ default: path }) =>
    join(dist, path.replace(/^\.\/dist\//, "")),
  );
  const open = [...exported, ...started, ...placed, ...FOR_TESTS.map((name) => join(dist, name))];
  const found = new Set();
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    if (found.has(path) || !text.has(path)) continue;
    found.add(path);
    open.push(...below(path, IMPORT));
  }
  return { found, gone: all.filter((path) => !found.has(path) && !isCli(path)) };
}

/** Joins the command line of a built folder; esbuild is there once packages are installed. */
export async function joinCli(folder) {
  const { build } = await import("esbuild");
  const dist = resolve(folder);
  const cli = join(dist, "cli");
  const joined = `${cli}-joined.tmp`;
  const { found, gone } = apart(dist);
  /** What stays, by the way from cli/; packages as they are. */
  const others = {
    name: "others",
    setup: ({ onResolve }) =>
      onResolve({ filter: /.*/ }, ({ path, importer, kind }) => {
        if (kind === "entry-point") return undefined;
        if (!path.startsWith(".")) return { path, external: true };
        const place = resolve(dirname(importer), path);
        if (!found.has(place)) return undefined;
        return { path: relative(cli, place).replaceAll(sep, "/"), external: true };
      }),
  };
  const made = await build({
    ...{ entryPoints: [join(cli, "main.js")], outdir: joined, bundle: true, splitting: true, format: "esm" },
    ...{
      platform: "node",
      target: "node20",
      chunkNames: "[name]-[hash]",
      plugins: [others],
      ...DENSE,
      logLevel: "error",
    },
  });
  writeDense(made);
  fs.rmSync(cli, { recursive: true });
  fs.renameSync(joined, cli);
  for (const path of gone) fs.rmSync(path);
}

/**
 * Joins what one module alone imports to that module, without comments, which declarations have: npm packs fewer files, and smaller
 * ones. What is exported, started, or asks where it lies stays.
 *
 * @param {string} folder - a built folder
 */
export async function joinSingles(folder) {
  const { build } = await import("esbuild");
  const dist = resolve(folder);
  const [cli, web] = ["cli", "web"].map((room) => join(dist, room) + sep);
  const all = fs
    .readdirSync(dist, { recursive: true, encoding: "utf8" })
    .map((name) => join(dist, name))
    .filter((path) => path.endsWith(".js") && !path.startsWith(web));
  const text = new Map(all.map((path) => [path, fs.readFileSync(path, "utf8")]));
  const { exports } = JSON.parse(fs.readFileSync(join(ROOT, "package.json"), "utf8"));
  const stays = new Set([
    ...Object.values(exports).map(({ default: path }) => join(dist, path.replace(/^\.\/dist\//, ""))),
    ...FOR_TESTS.map((name) => join(dist, name)),
    ...all.filter((path) => path.startsWith(cli) || text.get(path).includes("import.meta.url")),
  ]);
  const importers = new Map(all.map((path) => [path, new Set()]));
  for (const [path, code] of text) {
    const below = (pattern) => [...code.matchAll(pattern)].map(([, name]) => resolve(dirname(path), name));
    for (const target of below(STARTED)) stays.add(text.has(target) ? target : `${target}.js`);
    for (const target of below(LATER)) stays.add(target);
    for (const target of below(IMPORT)) importers.get(target)?.add(path);
  }
  for (const [path, by] of importers) if (by.size !== 1 || [...by][0].startsWith(cli)) stays.add(path);
  /** The module that a module ends in. */
  const homeOf = (path) => (stays.has(path) ? path : homeOf([...importers.get(path)][0]));
  const joined = all.filter((path) => !stays.has(path));
  const singles = {
    name: "singles",
    setup: ({ onResolve }) =>
      onResolve({ filter: /.*/ }, ({ path, importer, kind }) => {
        if (kind === "entry-point") return undefined;
        if (!path.startsWith(".")) return { path, external: true };
        const place = resolve(dirname(importer), path);
        if (!stays.has(place)) return undefined;
        const way = relative(dirname(homeOf(importer)), place).replaceAll(sep, "/");
        return { path: way.startsWith(".") ? way : `./${way}`, external: true };
      }),
  };
  const made = await build({
    ...{
      entryPoints: all.filter((path) => stays.has(path) && !path.startsWith(cli)),
      outdir: dist,
      outbase: dist,
      allowOverwrite: true,
    },
    ...{
      bundle: true,
      format: "esm",
      platform: "node",
      target: "node20",
      ...DENSE,
      plugins: [singles],
      logLevel: "error",
    },
  });
  writeDense(made);
  for (const path of joined) fs.rmSync(path);
}
