// Process that decodes Parquet files of other programs, started by apart.ts: wherever a damaged file leads the
// decoder, and however much memory it takes, only this process ends.
// Invariant: it does not outlive its parent, even where it never returns from a file.
import { Worker } from "node:worker_threads";
import { show } from "../../core/errors.ts";
import { decodeFooter, decodeGroup, type ParquetAnswer, type ParquetTask } from "./decode.ts";

process.on("disconnect", () => process.exit(0));
process.on("message", (task: ParquetTask) => void answer(task).then((sent) => process.send?.(sent)));
// A thread of its own sees that the parent is gone, whatever this one does.
new Worker(
  `const parent = process.ppid;
   setInterval(() => { if (process.ppid !== parent) process.kill(process.pid, "SIGKILL"); }, 1000);`,
  { eval: true },
).unref();
process.send?.({ ok: "ready" } satisfies ParquetAnswer);

async function answer(task: ParquetTask): Promise<ParquetAnswer> {
  try {
    return { ok: "footer" in task ? decodeFooter(task.footer) : await decodeGroup(task.group) };
  } catch (error) {
    return { error: show(error, 200) };
  }
}
