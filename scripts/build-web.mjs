// Builds the page, src/web, by Vite into a folder of static files that need nothing else: no inline code, relative addresses.
// Invariant: what it ships of others is listed with its licences in `licences.md` beside it.
import { join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/**
 * Builds the page.
 *
 * @param {string} out - folder of the page's files, made anew
 */
export async function buildWeb(out) {
  const { build } = await import("vite");
  await build({
    root: join(ROOT, "src/web"),
    base: "./",
    configFile: false,
    envFile: false,
    logLevel: "error",
    oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
    build: {
      outDir: out,
      emptyOutDir: true,
      target: "es2022",
      modulePreload: { polyfill: false },
      assetsInlineLimit: 0, // the policy of the page lets nothing in as data:
      license: { fileName: "licences.md" },
      chunkSizeWarningLimit: 2000,
    },
    worker: { format: "es" },
  });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  await buildWeb(resolve(process.argv[2] ?? join(ROOT, "dist/web")));
}
