// Makes a bare clone ready: installs the packages and builds dist/, each only if it is not up to date.
// Node's built-in modules only, as it runs before anything is installed. What is up to date is decided by content:
// npm's record of what it installed against package-lock.json, and a hash of the sources that dist/ was built of.
// Invariant: dist/ is replaced whole and only by a build without errors; one process works, others wait for it.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { buildWeb } from "./build-web.mjs";
import { joinCli, joinSingles } from "./join.mjs";
import { prune } from "./prune.mjs";

export const ROOT = fileURLToPath(new URL("..", import.meta.url));
/** As "engines" in package.json. */
const NODE_MIN = [20, 19];
const LOCK = join(ROOT, "ensure.lock.tmp");
/** The owner touches the lock every BEAT_MS; one that it has not touched for STALE_MS was left by a kill. */
const BEAT_MS = 2_000;
const STALE_MS = 15_000;

/** A fault that is printed in one line, without a stack. */
class Refusal extends Error {}

const say = (text) => process.stderr.write(`${text}\n`);

/**
 * True if the version is one that the package runs on.
 *
 * @param {string} version - e.g. `20.19.0`
 */
export function isNodeSupported(version) {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > NODE_MIN[0] || (major === NODE_MIN[0] && minor >= NODE_MIN[1]);
}

/** Installs and builds what is missing; prints nothing if nothing is. */
export async function ensure() {
  if (!isNodeSupported(process.versions.node)) {
    throw new Refusal(
      `Expected Node ${NODE_MIN.join(".")} or newer, got ${process.versions.node}\nTry: install a newer Node.js`,
    );
  }
  if (!isInstalled() || !isBuilt()) {
    await withLock(async () => {
      if (!isInstalled()) await install();
      if (!isBuilt()) await build();
    });
  }
}

function readJson(path) {
  try {
    return JSON.parse(fs.readFileSync(join(ROOT, path), "utf8"));
  } catch (error) {
    if (error.code === "ENOENT" || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** npm writes node_modules/.package-lock.json last: after an interrupted installation it is absent. */
function isInstalled() {
  const found = readJson("node_modules/.package-lock.json")?.packages;
  return found !== undefined && isSatisfied(readJson("package-lock.json").packages, found);
}

/**
 * True if an installation holds what the lockfile asks for; optional packages (those of other platforms) may lack.
 *
 * @param wanted - `packages` of package-lock.json
 * @param found - `packages` of node_modules/.package-lock.json
 */
export function isSatisfied(wanted, found) {
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === "") return true;
    const installed = found[path];
    if (installed === undefined) return entry.optional === true || entry.devOptional === true;
    return installed.version === entry.version && installed.integrity === entry.integrity;
  });
}

async function install() {
  say("Installing packages (npm ci), once ...");
  const started = Date.now();
  const own = process.env.npm_execpath;
  const [command, args] =
    own !== undefined && /^npm-cli\.c?js$/.test(basename(own)) ? [process.execPath, [own]] : ["npm", []];
  const flags = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
  const { code, output } = await capture(command, [...args, ...flags]);
  if (code !== 0)
    throw new Refusal(`${withoutHosts(output)}\nExpected npm ci to succeed, got exit code ${code}`);
  if (!isInstalled())
    throw new Refusal("Expected npm ci to install package-lock.json's packages, got others");
  say(`Installed in ${seconds(started)} s.`);
}

/** npm's messages without the names of the servers that it asked. */
export function withoutHosts(text) {
  return text
    .replace(/https?:\/\/[^\s/"']+/g, "<registry>")
    .replace(
      /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EHOSTUNREACH)\s+[\w.:-]*[.:][\w.:-]*/g,
      "$1 <registry>",
    )
    .trim();
}

/** What else decides what is built. */
const BUILDS = [
  "tsconfig.json",
  "tsconfig.build.json",
  "package-lock.json",
  "scripts/prune.mjs",
  "scripts/join.mjs",
  "scripts/build-web.mjs",
  "scripts/vips-without-eval.mjs",
];

/** Hash over everything that dist/ follows from, by path. */
function sourceHash() {
  const hash = createHash("sha256");
  const sources = fs
    .readdirSync(join(ROOT, "src"), { recursive: true, encoding: "utf8" })
    .map((name) => `src/${name.replaceAll("\\", "/")}`)
    .filter((name) => /\.(tsx?|css|html|svg|cc|h)$/.test(name) && !/\.test\.tsx?$/.test(name))
    .sort();
  for (const name of [...sources, ...BUILDS]) {
    const bytes = fs.readFileSync(join(ROOT, name));
    hash.update(`${name}\0${bytes.length}\0`).update(bytes);
  }
  return hash.digest("hex");
}

const STAMP = ".sources";

/** True if dist/ is built of the sources as they are now. */
export function isBuilt() {
  const stamp = join(ROOT, "dist", STAMP);
  return fs.existsSync(stamp) && fs.readFileSync(stamp, "utf8") === sourceHash();
}

async function build() {
  say("Building dist/ ...");
  const started = Date.now();
  const [fresh, old] = ["dist-new.tmp", "dist-old.tmp"].map((name) => join(ROOT, name));
  for (const path of [fresh, old]) fs.rmSync(path, { recursive: true, force: true });
  const stamp = sourceHash(); // before compiling: a source that changes meanwhile makes another build
  const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
  const { code, output } = await capture(process.execPath, [
    tsc,
    "-p",
    "tsconfig.build.json",
    "--outDir",
    fresh,
  ]);
  if (code !== 0) {
    fs.rmSync(fresh, { recursive: true, force: true });
    throw new Refusal(`${output}\nExpected the sources to compile, got the errors above`);
  }
  copyKernels(fresh);
  prune(fresh);
  await joinCli(fresh);
  await joinSingles(fresh);
  await buildWeb(join(fresh, "web"));
  fs.writeFileSync(join(fresh, STAMP), stamp);
  if (fs.existsSync(join(ROOT, "dist"))) fs.renameSync(join(ROOT, "dist"), old);
  fs.renameSync(fresh, join(ROOT, "dist"));
  fs.rmSync(old, { recursive: true, force: true });
  say(`Built in ${seconds(started)} s.`);
}

/** What `facehand kernels build` compiles lies beside the module that finds it. */
function copyKernels(dist) {
  const folder = "engine/kernels";
  for (const name of fs.readdirSync(join(ROOT, "src", folder)))
    if (/\.(cc|h)$/.test(name)) fs.copyFileSync(join(ROOT, "src", folder, name), join(dist, folder, name));
}

const seconds = (startedMs) => Math.round((Date.now() - startedMs) / 1000);

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Runs `work` while no other process does. */
async function withLock(work) {
  for (let announced = false; !tryLock(); await sleep(250)) {
    if (!announced) say("Waiting for another process that installs or builds ...");
    announced = true;
  }
  const beat = setInterval(() => fs.utimesSync(LOCK, new Date(), new Date()), BEAT_MS);
  const release = () => {
    clearInterval(beat);
    fs.rmSync(LOCK, { force: true });
  };
  const stop = () => {
    release();
    process.exit(130);
  };
  process.on("SIGINT", stop).on("SIGTERM", stop);
  try {
    await work();
  } finally {
    release();
    process.off("SIGINT", stop).off("SIGTERM", stop);
  }
}

function tryLock() {
  try {
    fs.closeSync(fs.openSync(LOCK, "wx"));
    return true;
  } catch (error) {
    if (error.code !== "EEXIST") throw error;
  }
  const touchedMs = fs.statSync(LOCK, { throwIfNoEntry: false })?.mtimeMs;
  if (touchedMs !== undefined && Date.now() - touchedMs > STALE_MS) fs.rmSync(LOCK, { force: true });
  return false;
}

/** Runs a program in the repository; resolves with its exit code and everything it printed. */
function capture(command, args) {
  return new Promise((resolve, reject) => {
    const shell = process.platform === "win32" && command === "npm"; // npm is a .cmd file there
    const child = spawn(command, args, { cwd: ROOT, shell, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text) => {
        output += text;
      });
    }
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, output }));
  });
}

/**
 * Runs Node on one of our programs, with this terminal; the exit code becomes ours.
 *
 * @param {readonly string[]} args
 */
async function runNode(args) {
  const ignore = () => undefined; // Ctrl-C reaches the child too, which decides
  process.on("SIGINT", ignore);
  const child = spawn(process.execPath, args, { cwd: ROOT, stdio: "inherit" });
  process.on("SIGTERM", () => child.kill("SIGTERM"));
  const code = await new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status, signal) => resolve(status ?? (signal === "SIGINT" ? 130 : 1)));
  });
  process.off("SIGINT", ignore);
  process.exitCode = code;
}

/**
 * What the scripts beside this one do: make the clone ready, then run a program of it.
 *
 * @param {readonly string[]} args - arguments of Node
 */
export async function ensureAndRun(args) {
  try {
    await ensure();
    if (args.length > 0) await runNode(args);
  } catch (error) {
    say(error instanceof Refusal ? error.message : error.stack);
    process.exitCode = 1;
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await ensureAndRun([]);
