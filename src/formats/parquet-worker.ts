// The thread that decodes Parquet files of other programs: it can be ended, wherever a damaged file leads the decoder.
import { parentPort } from "node:worker_threads";
import { AppError, show } from "../core/errors.ts";
import { serveWorker } from "../core/pool.ts";
import { DECODE, decodeFooter, decodeGroup, type ParquetAnswer, type ParquetTask } from "./parquet-decode.ts";

serveWorker<ParquetTask, ParquetAnswer>(parentPort, async (task) => {
  if (task === "ready") return { value: task };
  try {
    return { value: "footer" in task ? decodeFooter(task.footer) : await decodeGroup(task.group) };
  } catch (error) {
    throw new AppError("data", DECODE, show(error, 200));
  }
});
