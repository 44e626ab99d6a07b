// `npm run harden -- --minutes N`: installs and builds what is missing, then runs the campaigns of harden/.
import { ensureAndRun } from "./ensure.mjs";

await ensureAndRun(["--import", "tsx", "harden/run.ts", ...process.argv.slice(2)]);
