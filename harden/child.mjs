// A process under attack: runs the command line, and at its n-th call that changes files signals itself, before the call,
// after it, or in the middle of what it writes. One argument, JSON: { bundle, argv, blow?: { at, when, signal } }.
// Node's built-in modules only, so that it starts fast. Calls of worker threads are not counted.
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";

const { bundle, argv, blow } = JSON.parse(process.argv[2]);
let calls = 0;

/** Counts a call; true if it is the one to be struck. */
const isStruck = () => ++calls === blow?.at;

function strike() {
  if (process.connected && blow.signal !== "SIGKILL") process.send({ kind: "struck" });
  process.kill(process.pid, blow.signal);
}

/** Writes the first half of what a call would write, in its place. */
const HALVES = {
  writeFileSync: (_self, [file, data, ...more]) => original.writeFileSync(placeOf(file), half(data), ...more),
  writeFile: (_self, [file, data, ...more]) => original.writeFileSync(placeOf(file), half(data), ...more),
  appendFile: (_self, [file, data, ...more]) => original.appendFileSync(placeOf(file), half(data), ...more),
  "handle.write": ({ fd }, [data]) => original.writeSync(fd, half(data)),
  "handle.writeFile": ({ fd }, [data]) => original.writeSync(fd, half(data)),
};
/** A path, or the descriptor of an open file. */
const placeOf = (file) => file.fd ?? file;
const half = (data) =>
  typeof data === "string" || ArrayBuffer.isView(data) ? data.slice(0, data.length >> 1) : "";

const original = { ...fs };

/** The kernel's high-water mark; elsewhere that of getrusage, which begins at the size of the parent. */
function peakMb() {
  if (process.platform !== "linux") return process.resourceUsage().maxRSS / 1024;
  return Number(/VmHWM:\s+(\d+)/.exec(original.readFileSync("/proc/self/status", "utf8"))[1]) / 1024;
}

function patch(object, name, label = name) {
  const call = object[name];
  if (typeof call !== "function") return;
  object[name] = function (...args) {
    if (!isStruck()) return call.apply(this, args);
    if (blow.when === "before") strike();
    if (blow.when === "torn") {
      HALVES[label]?.(this, args);
      strike();
    }
    const result = call.apply(this, args);
    if (blow.when === "after") {
      if (result?.then === undefined) strike();
      else
        return result.then((value) => {
          strike();
          return value;
        });
    }
    return result;
  };
}

const NAMES = ["rename", "rm", "rmdir", "mkdir", "link", "symlink", "copyFile", "truncate", "unlink"];
for (const name of [...NAMES, "open", "writeFile", "appendFile"]) patch(fs.promises, name);
for (const name of [...NAMES, "open", "write", "writeFile", "appendFile"]) patch(fs, `${name}Sync`);
const handle = await fs.promises.open(process.execPath);
for (const name of ["write", "writeFile", "writev", "sync", "datasync", "truncate"])
  patch(Object.getPrototypeOf(handle), name, `handle.${name}`);
await handle.close();
syncBuiltinESMExports();

const { run } = await import(bundle);
calls = 0;
process.send?.({ kind: "begun" });
const begin = performance.now();
process.exitCode = await run(argv);
if (process.connected) {
  process.send({ kind: "ended", calls, ms: performance.now() - begin, peakMb: peakMb() });
  process.disconnect();
}
