// The command line as one file, for the many processes of the campaigns: dist/ starts in a second, of which half goes into
// finding 900 modules. Invariant: the same code; what it finds beside itself (workers, models) it finds in dist/.
import { existsSync, readFileSync } from "node:fs";
import { mkdir, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build, type Plugin } from "esbuild";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
/** Below node_modules, where native packages are found from. */
const PLACE = join(ROOT, "node_modules", ".cache", "facehand-harden");

/** Modules keep the address that they have in dist/. */
const ADDRESSES: Plugin = {
  name: "addresses",
  setup: ({ onLoad }) =>
    onLoad({ filter: /[\\/]dist[\\/].*\.js$/ }, async ({ path }) => {
      const text = await readFile(path, "utf8");
      return { contents: text.replaceAll("import.meta.url", JSON.stringify(pathToFileURL(path).href)) };
    }),
};

/**
 * Bundles dist/cli/main.js, once for each state of dist/.
 *
 * @returns path of an ES module that exports `run`
 */
export async function bundleCli(): Promise<string> {
  const stamp = readFileSync(join(ROOT, "dist", ".sources"), "utf8").slice(0, 16);
  const path = join(PLACE, `cli-${stamp}.mjs`);
  if (existsSync(path)) return path;
  await mkdir(PLACE, { recursive: true });
  const own = join(PLACE, `cli-${stamp}.${process.pid}.mjs`);
  await build({
    entryPoints: [join(ROOT, "dist", "cli", "main.js")],
    outfile: own,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    external: ["sharp", "onnxruntime-node", "koffi"],
    banner: {
      js: `import { createRequire as requireOf } from "node:module"; const require = requireOf(import.meta.url);`,
    },
    plugins: [ADDRESSES],
    logLevel: "error",
  });
  await rename(own, path);
  return path;
}
