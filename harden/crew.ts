// The parent's end of a worker: starts it, has it make attempts, and reports how it ended if it did.
// Invariant: once `close` is over neither the worker, nor what it started, nor its folder is there.
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdir, rm } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { hasErrno } from "../src/core/errors.ts";
import { entryFile } from "../src/machine/child.ts";
import type { Finding } from "./campaign.ts";
import type { News, Order } from "./worker.ts";

/** How long a worker may take to put away what it opened, ms. */
const CLOSING_MS = 20_000;
/** So much of what it printed is stored. */
const KEPT_CHARACTERS = 1500;

/** A worker that is ready. */
export interface Worker {
  /**
   * One attempt.
   *
   * @throws Died if it ended instead, or did not end in time
   */
  attempt(seed: number): Promise<Finding>;
  close(): Promise<void>;
}

/** Why there is no answer. */
export class Died extends Error {}

/** Where to find a campaign, and how long it may work on one attempt. */
export interface Post {
  readonly campaigns: string;
  readonly name: string;
  /** Its folder; made here. */
  readonly dir: string;
  readonly limitMs: number;
}

/**
 * Starts a worker, and waits until its campaign is open.
 *
 * @throws Died if it cannot be opened
 */
export async function startWorker({ campaigns, name, dir, limitMs }: Post): Promise<Worker> {
  await mkdir(dir, { recursive: true });
  const { file, isSource } = entryFile(new URL("./worker", import.meta.url));
  const child = fork(fileURLToPath(file), [campaigns, name, dir], {
    execArgv: isSource ? ["--import", "tsx"] : [],
    detached: true, // a group of its own: Ctrl-C is the parent's, and all of it can be ended at once
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  const printed = keepPrinted(child);
  child.on("error", () => undefined); // of a channel that closes: that it ended is heard below
  const ended = once(child, "exit").then(([code, signal]) => how(code, signal));
  const answer = async (): Promise<News> => {
    const timer = new AbortController();
    const news = once(child, "message", { signal: timer.signal }).then(([message]) => message as News);
    const died = ended.then((end) => fail(`its process ended (${end})`));
    const late = sleep(limitMs, undefined, { signal: timer.signal }).then(() =>
      fail(`no answer within ${limitMs / 1000} s`),
    );
    try {
      return await Promise.race([news, died, late]);
    } finally {
      timer.abort();
      for (const promise of [news, died, late]) promise.catch(() => undefined);
    }
  };
  const fail = (why: string): never => {
    throw new Died([why, printed()].filter((text) => text !== "").join("\n"));
  };
  const close = async () => {
    if (child.connected) child.send({ kind: "close" } satisfies Order, () => undefined);
    await Promise.race([ended, sleep(CLOSING_MS, undefined, { ref: false })]);
    endGroup(child);
    await ended;
    await rm(dir, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    await answer();
  } catch (error) {
    endGroup(child);
    await close();
    throw error;
  }
  return {
    close,
    async attempt(seed) {
      const answered = answer();
      child.send({ kind: "attempt", seed } satisfies Order, () => undefined);
      try {
        const news = await answered;
        return news.kind === "found" ? news.finding : fail(`it sent ${news.kind}`);
      } catch (error) {
        endGroup(child);
        throw error;
      }
    },
  };
}

const how = (code: unknown, signal: unknown) => (signal === null ? `exit code ${code}` : String(signal));

/** The end of what a process prints. */
function keepPrinted(child: ChildProcess): () => string {
  let text = "";
  for (const stream of [child.stdout!, child.stderr!])
    stream.setEncoding("utf8").on("data", (more: string) => {
      text = (text + more).slice(-KEPT_CHARACTERS);
    });
  return () => text.trim();
}

/** Ends a worker and all that it started. */
function endGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch (error) {
    if (!hasErrno(error, "ESRCH")) throw error;
  }
}
