// Programs of harden/, bench/ and test/ as JavaScript, for the many processes that a test starts of them: through tsx each
// takes a second of processor time.
// Invariant: the same code; where a module asks for its own place, it gets that of its source, but entries of processes
// are those that were made along with it, and threads of src/ run dist/, as elsewhere in tests (see built-entries.ts).
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import { build, type Plugin } from "esbuild";
import { isBuilt, ROOT } from "../scripts/ensure.mjs";

/** Below node_modules, where packages are found from. */
const PLACE = join(ROOT, "node_modules", ".cache");
/** What a module of src/ starts or reads beside itself, and what others start: `new URL("./worker", import.meta.url)`. */
const IN_SRC = /(new URL\("\.{1,2}\/[\w/-]+", )import\.meta\.url\)/g;
const ELSEWHERE = /(new URL\((["`])\.\/(?:(?!\.mjs|\.py).)+?\2, )import\.meta\.url\)/g;

/** Programs that were made. */
export interface Programs {
  /** Path of one, by its source below the repository without the ending. */
  path(name: string): string;
  remove(): void;
}

/**
 * Makes programs.
 *
 * @param names - sources below the repository without their ending: the programs, and what these start or import by name
 * @example await makePrograms("harden/run", "harden/worker")
 */
export async function makePrograms(...names: readonly string[]): Promise<Programs> {
  mkdirSync(PLACE, { recursive: true });
  const dir = mkdtempSync(join(PLACE, "facehand-programs-"));
  writeFileSync(join(dir, "package.json"), '{"type":"module"}'); // else Node reads each file twice to see what it is
  await build({
    entryPoints: names.map((name) => ({ in: join(ROOT, `${name}.ts`), out: name })),
    outdir: dir,
    bundle: true,
    splitting: true,
    platform: "node",
    format: "esm",
    target: "node20",
    packages: "external",
    plugins: [places(dir)],
    logLevel: "error",
  });
  return {
    path: (name) => join(dir, `${name}.js`),
    remove: () => rmSync(dir, { recursive: true, force: true }),
  };
}

function places(dir: string): Plugin {
  const threads = isBuilt() ? join(ROOT, "dist") : join(ROOT, "src");
  const urlOf = (path: string) => JSON.stringify(pathToFileURL(path).href);
  return {
    name: "places",
    setup: ({ onLoad }) =>
      onLoad({ filter: /\.(ts|mjs)$/ }, ({ path }) => {
        const name = relative(ROOT, path).replaceAll("\\", "/");
        if (name.startsWith("..") || name.startsWith("node_modules/")) return undefined;
        const inSrc = name.startsWith("src/");
        const started = inSrc ? join(threads, name.slice("src/".length)) : join(dir, name);
        const text = readFileSync(path, "utf8")
          .replace(inSrc ? IN_SRC : ELSEWHERE, (_, call: string) => `${call}${urlOf(started)})`)
          .replaceAll("import.meta.url", urlOf(path));
        return { contents: text, loader: "ts" };
      }),
  };
}
