// Runs the Parquet decoder in a process that is ended when it takes too long: hyparquet may loop without end on damaged
// pages (seen in 1.31.5), and a run length may claim billions of values. A thread would not do: one that runs out of memory
// takes the whole process along.
// Invariant: a call ends, with a result or an error, soon after the time that its bytes allow, and this process lives on.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import type { FileMetaData } from "hyparquet";
import { nodeCommand } from "../../machine/child.ts";
import type { Group, GroupOrder, ParquetAnswer, ParquetTask } from "./decode.ts";
import { library } from "./library.ts";

/** What decodes a file. */
export interface Decoder {
  footer(bytes: ArrayBuffer): Promise<FileMetaData>;
  group(order: GroupOrder): Promise<Group>;
}

const decoder = () => library(() => import("./decode.ts"));

/** In this process: for files that are known to be as they were written. */
export const HERE: Decoder = {
  footer: async (bytes) => (await decoder()).decodeFooter(bytes),
  group: async (order) => (await decoder()).decodeGroup(order),
};

/** In a process of its own: for the files of others. */
export const APART: Decoder = {
  footer: (bytes) => inTurn({ footer: bytes }, bytes.byteLength, bytes.byteLength) as Promise<FileMetaData>,
  group: (order) => inTurn({ group: order }, order.bytes.byteLength, order.unpackedBytes) as Promise<Group>,
};

const MB = 1 << 20;
/** What a small file may take: hundreds of times what the decoder needs for it. */
const FREE_MS = 1200;
const MS_PER_MB = 50;
const MS_PER_UNPACKED_MB = 10;
/** Memory of the process's values; what a group's columns take as numbers and text. */
const SMALLEST_HEAP_MB = 64;
const FREE_HEAP_MB = 40;
const HEAP_PER_UNPACKED = 8;
const BELIEVED_RATIO = 64;

/** A running decoder. */
interface Process {
  readonly child: ChildProcess;
  readonly heapMb: number;
}

let running: Process | undefined;
let turn: Promise<unknown> = Promise.resolve();

/** One task at a time: each has the time of its own bytes. */
function inTurn(task: ParquetTask, bytes: number, unpackedBytes: number): Promise<unknown> {
  const limitMs = FREE_MS + (MS_PER_MB * bytes + MS_PER_UNPACKED_MB * unpackedBytes) / MB;
  const believed = Math.min(unpackedBytes, BELIEVED_RATIO * bytes); // a footer may claim anything
  const heapMb = FREE_HEAP_MB + Math.ceil((HEAP_PER_UNPACKED * believed) / MB);
  const result = turn.then(() => runWithin(task, limitMs, heapMb));
  turn = result.catch(() => undefined);
  return result;
}

async function runWithin(task: ParquetTask, limitMs: number, heapMb: number): Promise<unknown> {
  const { child } = await processWith(heapMb);
  const answer = await nextAnswer(child, limitMs, () => child.send(task, () => undefined));
  if ("ok" in answer) return answer.ok;
  throw new Error(answer.error);
}

/** A running process with so much memory at least; it grows by doubling, so that few are started. */
async function processWith(heapMb: number): Promise<Process> {
  if (running !== undefined && running.heapMb >= heapMb) return running;
  running?.child.kill("SIGKILL");
  const limitMb = SMALLEST_HEAP_MB * 2 ** Math.max(0, Math.ceil(Math.log2(heapMb / SMALLEST_HEAP_MB)));
  const { command, args } = nodeCommand(new URL("./main", import.meta.url), []);
  const limits = [`--max-old-space-size=${limitMb}`, "--max-semi-space-size=4"];
  const child = spawn(command, [...limits, ...args], {
    stdio: ["ignore", "ignore", "ignore", "ipc"],
    serialization: "advanced",
  });
  child.on("error", () => undefined); // whoever waits hears it
  child.once("exit", () => {
    if (running?.child === child) running = undefined;
  });
  const started: Process = { child, heapMb: limitMb };
  running = started;
  await nextAnswer(child, STARTING_MS, () => undefined); // to start it is not the file's time
  return started;
}

const STARTING_MS = 60_000;

/** Waits for the process's next answer; ends it if that takes too long. Only while somebody waits it prevents our own exit. */
async function nextAnswer(child: ChildProcess, limitMs: number, ask: () => void): Promise<ParquetAnswer> {
  const stop = new AbortController();
  const { signal } = stop;
  child.ref();
  child.channel?.ref();
  try {
    const answer = once(child, "message", { signal }).then(([message]) => message as ParquetAnswer);
    const ended = once(child, "exit", { signal }).then(() =>
      fail("pages that end the process which decodes them"),
    );
    const late = sleep(limitMs, undefined, { signal }).then(() =>
      fail(`pages that were not decoded in ${(limitMs / 1000).toFixed(1)} s`),
    );
    for (const promise of [answer, ended, late]) promise.catch(() => undefined);
    ask();
    return await Promise.race([answer, ended, late]);
  } catch (error) {
    if (running?.child === child) running = undefined;
    child.kill("SIGKILL");
    throw error;
  } finally {
    stop.abort();
    child.unref();
    child.channel?.unref();
  }
}

function fail(why: string): never {
  throw new Error(why);
}
