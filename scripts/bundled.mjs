// Takes the installation script out of the packages that `npm pack` bundles. ONNX Runtime's downloads CUDA libraries
// from a server of its own and ends the whole installation of facehand where it cannot reach that, GPU or not;
// the script file stays, for those who want the libraries to run by hand (`facehand doctor` names the command).
// Node's built-in modules only: scripts/ensure.mjs and `npm run build` run it before they compile.
import * as fs from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const SCRIPTS = ["preinstall", "install", "postinstall"];

/**
 * Removes the installation scripts of bundled packages from their `package.json`.
 *
 * @param {string} root - folder of the package that bundles, installed
 */
export function dropInstallScripts(root) {
  const { bundleDependencies } = JSON.parse(fs.readFileSync(join(root, "package.json"), "utf8"));
  for (const name of bundleDependencies) {
    const path = join(root, "node_modules", name, "package.json");
    const described = JSON.parse(fs.readFileSync(path, "utf8"));
    if (!SCRIPTS.some((script) => described.scripts?.[script] !== undefined)) continue;
    for (const script of SCRIPTS) delete described.scripts[script];
    // Replaced, not written to: package managers link one file into several installations.
    const fresh = `${path}.${process.pid}.tmp`;
    fs.writeFileSync(fresh, `${JSON.stringify(described, null, 2)}\n`);
    fs.renameSync(fresh, path);
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  dropInstallScripts(fileURLToPath(new URL("..", import.meta.url)));
}
