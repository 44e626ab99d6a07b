// What npm runs when facehand is installed: keeps the installation script of ONNX Runtime from going to another server.
// That script downloads CUDA's libraries from NuGet on every Linux x64 machine, GPU or not, and ends the whole installation
// where it cannot. npm runs this one before it (all `install` scripts, then all `postinstall` scripts); it puts one line into
// that file, by which npm's call does nothing. Run by hand the file does what it did (`facehand doctor` names the command).
// Node's built-in modules only. Invariant: it never fails; what it cannot do is left as it is.
import * as fs from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";

const NAME = "onnxruntime-node";
/** Asked for in so many words, the libraries are fetched. */
const WISHES = ["ONNXRUNTIME_NODE_INSTALL", "ONNXRUNTIME_NODE_INSTALL_CUDA"].flatMap((name) => [
  name,
  `npm_config_${name.toLowerCase()}`,
]);
const LINE = `if (process.env.npm_lifecycle_event === "postinstall") process.exit(0); // put here by facehand: npm needs no other server\n`;

/**
 * Quietens the installation script of a package.
 *
 * @param {string} folder - of the package
 * @returns {boolean} whether it is quiet now
 */
export function quieten(folder) {
  const path = join(folder, "script", "install.js");
  const text = fs.readFileSync(path, "utf8");
  if (text.startsWith(LINE)) return true;
  // Replaced, not written to: package managers link one file into several installations.
  const fresh = `${path}.${process.pid}.tmp`;
  fs.writeFileSync(fresh, LINE + text);
  fs.renameSync(fresh, path);
  return true;
}

/**
 * Whether somebody asked for the libraries, or for the package itself: then its script is not ours to change.
 *
 * @param {Readonly<Record<string, string | undefined>>} env
 */
export function isWanted(env) {
  if (WISHES.some((name) => env[name] !== undefined)) return true;
  try {
    const root = JSON.parse(fs.readFileSync(join(env.npm_config_local_prefix ?? "", "package.json"), "utf8"));
    if (root.name === "facehand") return false;
    return ["dependencies", "devDependencies", "optionalDependencies"].some(
      (kind) => root[kind]?.[NAME] !== undefined,
    );
  } catch {
    return false; // no project: a global installation
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href && !isWanted(process.env)) {
  try {
    quieten(dirname(createRequire(import.meta.url).resolve(`${NAME}/package.json`)));
  } catch {
    // Not there yet, or not to be written to: its own script then runs as it would.
  }
}
