// Builds the page, src/web, by Vite into a folder of static files that need nothing else: no inline code, relative addresses.
// WebAssembly of others lies there as it came, under names with its hash.
// Invariant: what it ships of others is listed with its licences in `licences.md` beside it.
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { withoutEval } from "./vips-without-eval.mjs";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

const LICENCES = "licences.md";

/** Folder of a package. */
const packageDir = (name) => {
  const paths = createRequire(import.meta.url).resolve.paths(name) ?? [];
  return paths.map((path) => join(path, name)).find((path) => existsSync(join(path, "package.json")));
};
const textOf = (name, file) => readFileSync(join(packageDir(name), file), "utf8").trim();
const versionOf = (name) => JSON.parse(textOf(name, "package.json")).version;

/** What is stated of files that come as they are: Vite knows the licences of code alone. By how their names begin. */
const NOTICES = {
  "ort-wasm": () => `## ONNX Runtime (onnxruntime-web) - ${versionOf("onnxruntime-web")} (MIT)

Copyright (c) Microsoft Corporation

${mit()}

Notices of what it is made of: https://github.com/microsoft/onnxruntime/blob/v${versionOf("onnxruntime-web")}/ThirdPartyNotices.txt`,
  vips: () => `## wasm-vips - ${versionOf("wasm-vips")} (MIT; libvips, GLib and others: LGPL-3.0)

The file vips-*.wasm is that of the npm package wasm-vips ${versionOf("wasm-vips")}, unchanged; vips-es6-*.js is its loader, in which two functions
are written another way (scripts/vips-without-eval.mjs of facehand). They may be replaced by others of the same interface. Their source, and how they are made of it:
https://github.com/kleisauke/wasm-vips/tree/v${versionOf("wasm-vips")}; versions of the libraries:
${JSON.stringify(JSON.parse(textOf("wasm-vips", "versions.json")))}.

${textOf("wasm-vips", "LICENSE")}

${textOf("wasm-vips", "THIRD-PARTY-NOTICES.md").replace(/^# /, "### ")}`,
};

/** The words of MIT's licence, of a package that brings none: those of wasm-vips' file below its holder. A bare clone loads this file. */
const mit = () => textOf("wasm-vips", "LICENSE").replace(/^[\s\S]*?(?=Permission is hereby)/, "");

const noticesFor = (files) =>
  Object.entries(NOTICES)
    .filter(([start]) => files.some((name) => name.startsWith(start)))
    .map(([, notice]) => `\n${notice()}\n`);

/** A classic script by itself: browsers ask for it, not the page. */
async function buildServiceWorker(source, outfile) {
  const { build } = await import("esbuild");
  const how = { bundle: true, format: "iife", platform: "browser", target: "es2022", minify: true };
  await build({ entryPoints: [source], outfile, ...how, logLevel: "error" });
}

/**
 * Builds the page.
 *
 * @param {string} out - folder of the page's files, made anew
 * @param {string} root - folder of its sources; tests have pages of their own
 */
export async function buildWeb(out, root = join(ROOT, "src/web")) {
  const { build, defaultClientConditions } = await import("vite");
  const loaders = mkdtempSync(join(tmpdir(), "facehand-web-"));
  const vips = join(loaders, "vips-es6.js");
  writeFileSync(vips, withoutEval(textOf("wasm-vips", "lib/vips-es6.js")));
  await build({
    root,
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
      license: { fileName: LICENCES },
      chunkSizeWarningLimit: 2000,
    },
    worker: { format: "es" },
    // Without this condition ONNX Runtime's code names its WebAssembly by itself, and the build would have it twice.
    resolve: {
      conditions: ["onnxruntime-web-use-extern-wasm", ...defaultClientConditions],
      alias: [{ find: "wasm-vips?url", replacement: `${vips}?url` }],
    },
  }).finally(() => rmSync(loaders, { recursive: true }));
  const worker = join(root, "service-worker.ts");
  if (existsSync(worker)) await buildServiceWorker(worker, join(out, "service-worker.js"));
  for (const notice of noticesFor(readdirSync(join(out, "assets"))))
    appendFileSync(join(out, LICENCES), notice);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  await buildWeb(resolve(process.argv[2] ?? join(ROOT, "dist/web")));
}
