// Threads and processes that tests start from sources run dist/, where it is built of these very sources: tsx takes a
// second of processor time for each of them. Those that are often started run the bundles of harden/bundle.ts, made of
// dist/. Where dist/ is older, or under `vitest watch`, they run through tsx.
// Invariant: only the addresses of entries change, `new URL("./worker", import.meta.url)`, in files of src/ but tests.
import { join, relative, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Plugin } from "vitest/config";
import { bundleDist, bundled } from "../harden/bundle.ts";
import { isBuilt, ROOT } from "../scripts/ensure.mjs";

const ENTRY = /new URL\("(\.{1,2}\/[\w/-]+)", import\.meta\.url\)/g;
const SOURCES = `${ROOT.replaceAll("\\", "/")}src/`;

/** Gives entries of threads and processes the addresses that they have in dist/ or in its bundles. */
export async function builtEntries(): Promise<Plugin> {
  const built = process.argv.includes("run") && isBuilt();
  if (built) await bundleDist();
  return {
    name: "built-entries",
    enforce: "pre",
    transform(code, id) {
      if (!built || !id.startsWith(SOURCES) || id.endsWith(".test.ts") || !code.includes("import.meta.url"))
        return;
      const folder = join(ROOT, "dist", id.slice(SOURCES.length), "..");
      return code.replace(ENTRY, (_, entry: string) => {
        const path = resolve(folder, entry);
        const own = bundled(relative(join(ROOT, "dist"), path).replaceAll("\\", "/"));
        return `new URL(${JSON.stringify(pathToFileURL(own?.replace(/\.js$/, "") ?? path).href)})`;
      });
    },
  };
}
