// What is started of dist/ as a few files, for the many processes and threads of campaigns and tests: the command line alone
// takes a second to start from dist/, of which most goes into finding 900 modules. What a verb alone needs is a file of its
// own, which others do not parse.
// Invariant: the same code; what it finds beside itself (models, licences, the page) it finds in dist/.
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build, type Plugin } from "esbuild";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const DIST = join(ROOT, "dist");
/** Below node_modules, where native packages are found from. */
const PLACE = join(ROOT, "node_modules", ".cache", "facehand-bundles");
/** Modules that are started, below dist/: the command line, its threads and processes, and what tests start. */
const STARTED = [
  "cli/main",
  "dataset/loader/worker",
  "derive/run/pipeline",
  "derive/run/worker",
  "formats/parquet/main",
  "predict/worker",
  "studies/plan/measure-main",
  "studies/run/task-main",
];
const URL_OF = /new URL\(\s*"(\.[^"]*)",\s*import\s*\.\s*meta\s*\.\s*url\s*\)/g;
/** Where a module asks for its address, but not whether it is the one that was started. Lines of dist/ end anywhere. */
const OWN_URL = /import\s*\.\s*meta\s*\.\s*url(?!\s*===)/g;

/** The folder of the bundles of dist/ as it is, built or to be. */
function folderOf(): string {
  const made = [join(DIST, ".sources"), join(ROOT, "harden", "bundle.ts")].map((path) => readFileSync(path));
  return join(PLACE, createHash("sha256").update(Buffer.concat(made)).digest("hex").slice(0, 16));
}

/**
 * The bundle of a module, if it is built.
 *
 * @param name - below dist/ without its ending, as `new URL("./worker", import.meta.url)` has it
 */
export function bundled(name: string): string | undefined {
  if (!STARTED.includes(name)) return undefined;
  const path = join(folderOf(), `${name}.js`);
  return existsSync(path) ? path : undefined;
}

/** Modules keep the address that they have in dist/, but for those that are started. */
function addresses(folder: string): Plugin {
  const urlOf = (path: string) => JSON.stringify(pathToFileURL(path).href);
  return {
    name: "addresses",
    setup: ({ onLoad }) =>
      onLoad({ filter: /[\\/]dist[\\/].*\.js$/ }, async ({ path }) => {
        if (!path.startsWith(DIST)) return undefined;
        const text = await readFile(path, "utf8");
        const started = text.replace(URL_OF, (call, name: string) => {
          const target = relative(DIST, resolve(dirname(path), name)).replaceAll("\\", "/");
          return STARTED.includes(target) ? `new URL(${urlOf(join(folder, target))})` : call;
        });
        return { contents: started.replace(OWN_URL, urlOf(path)) };
      }),
  };
}

/** Removes what was made, or marked as used, longer ago, by itself a week; a campaign may still run on newer ones. */
export async function sweepOld(place: string, hours = 7 * 24): Promise<void> {
  const oldest = Date.now() - hours * 3600 * 1000;
  for (const name of await readdir(place)) {
    const path = join(place, name);
    const made = await stat(path).catch(() => undefined); // it may just get its name
    if (made !== undefined && made.mtimeMs < oldest) await rm(path, { recursive: true, force: true });
  }
}

/** Bundles dist/, once for each state of it. */
export async function bundleDist(): Promise<void> {
  const folder = folderOf();
  if (existsSync(folder)) return;
  await mkdir(PLACE, { recursive: true });
  await sweepOld(PLACE);
  const own = `${folder}.${process.pid}`;
  await build({
    entryPoints: STARTED.map((name) => ({ in: join(DIST, `${name}.js`), out: name })),
    outdir: own,
    bundle: true,
    splitting: true,
    minifyWhitespace: true,
    legalComments: "none",
    platform: "node",
    format: "esm",
    target: "node20",
    external: ["sharp", "onnxruntime-node", "koffi"],
    banner: {
      js: `import { createRequire as requireOf } from "node:module"; const require = requireOf(import.meta.url);`,
    },
    plugins: [addresses(folder)],
    logLevel: "error",
  });
  await writeFile(join(own, "package.json"), '{"type":"module"}'); // else Node reads each file twice to see what it is
  const bin = await readFile(join(ROOT, "bin", "facehand.js"), "utf8");
  await writeFile(join(own, "facehand.js"), bin.replace("../dist/cli/main.js", "./cli/main.js"));
  // Another process may have been first: its files are the same.
  await rename(own, folder).catch(() => rm(own, { recursive: true }));
}

/**
 * Bundles dist/cli/main.js.
 *
 * @returns path of an ES module that exports `run`
 */
export async function bundleCli(): Promise<string> {
  await bundleDist();
  return join(folderOf(), "cli", "main.js");
}

/** Path of what bin/facehand.js is for the bundle, once that is built. */
export function bundledProgram(): string | undefined {
  return existsSync(folderOf()) ? join(folderOf(), "facehand.js") : undefined;
}
