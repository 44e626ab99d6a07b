// `npm run bench -- NAME`: installs and builds what is missing, then runs one benchmark of bench/.
import { ensureAndRun } from "./ensure.mjs";

await ensureAndRun(["--import", "tsx", "bench/run.ts", ...process.argv.slice(2)]);
