// Runs the Parquet decoder in a thread that is ended when it takes too long or too much memory: hyparquet may loop without
// end on damaged pages (seen in 1.31.5), and a run length may claim billions of values.
// Invariant: a call ends, with a result or an error, soon after the time that its bytes allow.
import type { FileMetaData } from "hyparquet";
import { AppError } from "../core/errors.ts";
import { WorkerPool } from "../core/pool.ts";
import {
  DECODE,
  decodeFooter,
  decodeGroup,
  type Group,
  type GroupOrder,
  type ParquetAnswer,
  type ParquetTask,
} from "./parquet-decode.ts";

/** What decodes a file. */
export interface Decoder {
  footer(bytes: ArrayBuffer): Promise<FileMetaData>;
  group(order: GroupOrder): Promise<Group>;
}

/** In this thread: for files that are known to be as they were written. */
export const HERE: Decoder = {
  footer: async (bytes) => decodeFooter(bytes),
  group: decodeGroup,
};

const MB = 1 << 20;
/** What a small file may take: hundreds of times what the decoder needs for it. */
const FREE_MS = 1200;
const MS_PER_MB = 50;
const MS_PER_UNPACKED_MB = 10;
/** Memory of the thread's values; what a group's columns take as numbers and text. */
const SMALLEST_HEAP_MB = 64;
const FREE_HEAP_MB = 40;
const YOUNG_HEAP_MB = 8;
const HEAP_PER_UNPACKED = 8;
const BELIEVED_RATIO = 64;

/** In a thread of its own: for the files of others. */
export const APART: Decoder = {
  footer: (bytes) =>
    inTurn({ footer: bytes }, [bytes], bytes.byteLength, bytes.byteLength) as Promise<FileMetaData>,
  group: (order) =>
    inTurn({ group: order }, [order.bytes], order.bytes.byteLength, order.unpackedBytes) as Promise<Group>,
};

let thread: { readonly pool: WorkerPool<ParquetTask, ParquetAnswer>; readonly heapMb: number } | undefined;
let turn: Promise<unknown> = Promise.resolve();

/** One task at a time: each has the time of its own bytes. */
function inTurn(
  task: ParquetTask,
  transfer: readonly ArrayBuffer[],
  bytes: number,
  unpackedBytes: number,
): Promise<ParquetAnswer> {
  const limitMs = FREE_MS + (MS_PER_MB * bytes + MS_PER_UNPACKED_MB * unpackedBytes) / MB;
  const believed = Math.min(unpackedBytes, BELIEVED_RATIO * bytes); // a footer may claim anything
  const heapMb = FREE_HEAP_MB + Math.ceil((HEAP_PER_UNPACKED * believed) / MB);
  const result = turn.then(() => runWithin(task, transfer, limitMs, heapMb));
  turn = result.catch(() => undefined);
  return result;
}

async function runWithin(
  task: ParquetTask,
  transfer: readonly ArrayBuffer[],
  limitMs: number,
  heapMb: number,
): Promise<ParquetAnswer> {
  const pool = await threadOf(heapMb);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const error = new Error(`pages that were not decoded in ${(limitMs / 1000).toFixed(1)} s`);
    timer = setTimeout(() => reject(error), limitMs);
  });
  try {
    return await Promise.race([pool.run(task, transfer), late]);
  } catch (error) {
    if (error instanceof AppError && error.code === DECODE) throw new Error(error.message);
    thread = undefined; // whether it still runs, or has ended by itself: the next task has a new one
    await pool.kill();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** A running thread with so much memory at least; it grows by doubling, so that few are started. */
async function threadOf(heapMb: number): Promise<WorkerPool<ParquetTask, ParquetAnswer>> {
  if (thread !== undefined && thread.heapMb >= heapMb) return thread.pool;
  await thread?.pool.close();
  const limitMb = SMALLEST_HEAP_MB * 2 ** Math.max(0, Math.ceil(Math.log2(heapMb / SMALLEST_HEAP_MB)));
  const pool = new WorkerPool<ParquetTask, ParquetAnswer>(new URL("./parquet-worker", import.meta.url), 1, {
    resourceLimits: { maxOldGenerationSizeMb: limitMb, maxYoungGenerationSizeMb: YOUNG_HEAP_MB },
  });
  thread = { pool, heapMb: limitMb };
  await pool.run("ready"); // to start it is not the file's time
  return pool;
}
