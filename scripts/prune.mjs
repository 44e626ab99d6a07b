// `node scripts/prune.mjs [dist]`: takes away declarations that no export of package.json leads to. A program that uses the
// package sees the others; they were three of five. Node's built-in modules only, as scripts/ensure.mjs uses it while it builds.
import * as fs from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
/** `from "./x.js"`, `import("./x.js")`, with the ending that the source had. */
const IMPORT = /(?:\bfrom|\bimport\(|\bimport)\s*"(\.[^"]+)"/g;

/** Paths of the declarations in `dist` that package.json's exports reach. */
export function reachedTypes(dist) {
  const { exports } = JSON.parse(fs.readFileSync(join(ROOT, "package.json"), "utf8"));
  const open = Object.values(exports).map(({ types }) => join(dist, types.replace(/^\.\/dist\//, "")));
  const reached = new Set();
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    if (reached.has(path)) continue;
    reached.add(path);
    for (const [, name] of fs.readFileSync(path, "utf8").matchAll(IMPORT)) {
      open.push(join(dirname(path), name.replace(/\.[jt]s$/, ".d.ts")));
    }
  }
  return reached;
}

/** Removes the other declarations. */
export function prune(dist) {
  const reached = reachedTypes(dist);
  for (const name of fs.readdirSync(dist, { recursive: true, encoding: "utf8" })) {
    const path = join(dist, name);
    if (name.endsWith(".d.ts") && !reached.has(path)) fs.rmSync(path);
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  prune(resolve(process.argv[2] ?? join(ROOT, "dist")));
}
