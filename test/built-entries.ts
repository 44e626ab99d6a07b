// Threads and processes that tests start from sources run dist/, where it is built of these very sources: tsx takes a
// second of processor time for each of them. Where dist/ is older, or under `vitest watch`, they run through tsx.
// Invariant: only the addresses of entries change, `new URL("./worker", import.meta.url)`, in files of src/ but tests.
import { pathToFileURL } from "node:url";
import type { Plugin } from "vitest/config";
import { isBuilt, ROOT } from "../scripts/ensure.mjs";

const ENTRY = /(new URL\("\.{1,2}\/[\w/-]+", )import\.meta\.url\)/g;
const SOURCES = `${ROOT.replaceAll("\\", "/")}src/`;

/** Gives entries of threads and processes the addresses that they have in dist/. */
export function builtEntries(): Plugin {
  const built = process.argv.includes("run") && isBuilt();
  return {
    name: "built-entries",
    enforce: "pre",
    transform(code, id) {
      if (!built || !id.startsWith(SOURCES) || id.endsWith(".test.ts") || !code.includes("import.meta.url"))
        return;
      const file = `${ROOT}dist/${id.slice(SOURCES.length).replace(/\.ts$/, ".js")}`;
      return code.replace(ENTRY, (_, call: string) => `${call}${JSON.stringify(pathToFileURL(file).href)})`);
    },
  };
}
