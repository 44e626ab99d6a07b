// `npm test`: installs and builds what is missing, then runs Vitest once with the given arguments.
// Temporary files of tests lie in memory where there is enough of it: many of them are synced to the disk, which a test waits
// for and which says nothing there.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statfsSync } from "node:fs";
import { freemem } from "node:os";
import { join } from "node:path";
import { ensureAndRun } from "./ensure.mjs";

const MEMORY = "/dev/shm";
const PREFIX = "facehand-test-";
/** What all tests together never take, bytes: two installations with all libraries are the most. */
const ENOUGH = 8e9;

/** True if a folder in memory has room for everything, and libraries can be loaded from it. */
function isRoomy() {
  try {
    const { bavail, bsize } = statfsSync(MEMORY);
    const [, , , options = ""] = readFileSync("/proc/mounts", "utf8")
      .split("\n")
      .map((line) => line.split(" "))
      .find(([, place]) => place === MEMORY);
    return bavail * bsize > ENOUGH && freemem() > ENOUGH && !/\bnoexec\b|\bro\b/.test(options);
  } catch {
    return false;
  }
}

/** Makes the folder; those that killed runs left are cleared away. */
function takeFolder() {
  for (const name of readdirSync(MEMORY))
    if (name.startsWith(PREFIX) && !existsSync(`/proc/${name.slice(PREFIX.length)}`))
      rmSync(join(MEMORY, name), { recursive: true, force: true });
  const folder = join(MEMORY, `${PREFIX}${process.pid}`);
  mkdirSync(folder);
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

if (process.env.TMPDIR === undefined && isRoomy()) process.env.TMPDIR = takeFolder();
await ensureAndRun(["node_modules/vitest/vitest.mjs", "run", ...process.argv.slice(2)]);
