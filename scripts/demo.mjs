// `npm run demo`: installs and builds what is missing, then runs `facehand demo` with the given arguments.
import { ensureAndRun } from "./ensure.mjs";

await ensureAndRun(["bin/facehand.js", "demo", ...process.argv.slice(2)]);
