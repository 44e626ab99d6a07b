// A lock in the file system that one process holds at a time, and that a killed one does not keep for ever.
// Files `<path>-<n>.lock` count generations: only the highest counts, and a new one is made exclusively, so that of
// several takers one wins. A holder on this machine is alive if its process is; on another one (shared folders) if it
// touched the file lately. A holder that was taken for dead finds a higher generation, and says so by `lost`.
import { mkdir, open, readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { basename, dirname } from "node:path";
import { z } from "zod";
import { AppError, hasErrno, isNotFound } from "./errors.ts";

/** A holder touches its file so often, ms. */
const BEAT_MS = 10_000;
/** Untouched for so long, ms, a holder on another machine is dead. */
const DEAD_MS = 90_000;
/** Time between the making of a file and its content, ms, at the very most. */
const MAKING_MS = 5000;
/** As long as what it replaces, at least. */
const RELEASED = "released".padEnd(512);

const holderSchema = z.object({
  pid: z.int(),
  host: z.string(),
  /** When the process started, in the kernel's count; null where the system does not tell. A process id may be used again. */
  started: z.string().nullable(),
  since: z.string(),
});
/** Who holds a lock. */
export type Holder = z.infer<typeof holderSchema>;

const UNKNOWN: Holder = { pid: 0, host: hostname(), started: null, since: "just now" };

/** A held lock. */
export interface Lock {
  /** Aborted if another process took it, since this one looked dead. */
  readonly lost: AbortSignal;
  release(): Promise<void>;
}

/**
 * Takes a lock.
 *
 * @param path - files beside it are named after it; its folder is made
 * @param what - what is locked, for the message
 * @throws AppError("input", "LOCKED") if a living process holds it
 * @example const lock = await takeLock("study/locks/runner", "the study in study")
 */
export async function takeLock(path: string, what: string): Promise<Lock> {
  await mkdir(dirname(path), { recursive: true });
  for (;;) {
    const last = await newest(path);
    const holder = last === 0 ? undefined : await holderOf(path, last);
    if (holder !== undefined) throw locked(what, holder);
    if (!(await claim(path, last + 1))) continue; // another one was faster: look again
    if ((await newest(path)) > last + 1) {
      await rm(file(path, last + 1), { force: true }); // made after it had been cleared away as an old one
      continue;
    }
    await clear(path, last + 1);
    return hold(path, last + 1);
  }
}

/** The living process that holds a lock; undefined if it is free. */
export async function lockHolder(path: string): Promise<Holder | undefined> {
  const last = await newest(path);
  return last === 0 ? undefined : await holderOf(path, last);
}

const file = (path: string, generation: number) => `${path}-${generation}.lock`;

async function generations(path: string): Promise<number[]> {
  const prefix = `${basename(path)}-`;
  const names = await readdir(dirname(path)).catch((error: unknown) => {
    if (isNotFound(error)) return [];
    throw error;
  });
  return names.flatMap((name) => {
    const digits = name.startsWith(prefix) ? /^(\d+)\.lock$/.exec(name.slice(prefix.length))?.[1] : undefined;
    return digits === undefined ? [] : [Number(digits)];
  });
}

async function newest(path: string): Promise<number> {
  return Math.max(0, ...(await generations(path)));
}

/** False if the generation exists. */
async function claim(path: string, generation: number): Promise<boolean> {
  const holder: Holder = {
    pid: process.pid,
    host: hostname(),
    started: await startOf(process.pid),
    since: new Date().toISOString(),
  };
  try {
    const handle = await open(file(path, generation), "wx");
    await handle.writeFile(JSON.stringify(holder));
    await handle.close();
    return true;
  } catch (error) {
    if (hasErrno(error, "EEXIST")) return false;
    throw error;
  }
}

async function clear(path: string, below: number): Promise<void> {
  for (const generation of await generations(path))
    if (generation < below) await rm(file(path, generation), { force: true });
}

function hold(path: string, generation: number): Lock {
  const own = file(path, generation);
  const lost = new AbortController();
  const beat = async () => {
    const now = new Date();
    if ((await newest(path)) > generation) lost.abort();
    else await utimes(own, now, now).catch(() => lost.abort());
  };
  const timer = setInterval(() => void beat().catch(() => undefined), BEAT_MS);
  timer.unref();
  return {
    lost: lost.signal,
    async release() {
      clearInterval(timer);
      // Not removed: a generation is never used twice.
      await writeFile(own, RELEASED, { flag: "r+" }).catch(() => undefined);
    },
  };
}

/** The living holder of a generation. */
async function holderOf(path: string, generation: number): Promise<Holder | undefined> {
  const own = file(path, generation);
  try {
    const text = await readFile(own, "utf8");
    if (text === "" && Date.now() - (await stat(own)).mtimeMs < MAKING_MS) return UNKNOWN; // it is being made
    const holder = holderSchema.safeParse(tryJson(text)).data;
    return holder !== undefined && (await alive(holder, own)) ? holder : undefined;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

function tryJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function alive({ pid, host, started }: Holder, path: string): Promise<boolean> {
  if (host !== hostname()) return Date.now() - (await stat(path)).mtimeMs < DEAD_MS;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (hasErrno(error, "ESRCH")) return false;
    if (!hasErrno(error, "EPERM")) throw error;
  }
  const fields = await statOf(pid);
  if (fields?.[0] === "Z") return false; // ended, and not yet cleared away by its parent
  return started === null || fields === undefined || fields[19] === started;
}

async function startOf(pid: number): Promise<string | null> {
  return (await statOf(pid))?.[19] ?? null;
}

/** Fields of /proc/<pid>/stat from the third on; the name before them may hold blanks and brackets. */
async function statOf(pid: number): Promise<readonly string[] | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
  return text?.slice(text.lastIndexOf(")") + 2).split(" ");
}

function locked(what: string, { pid, host, since }: Holder): AppError {
  const message = `Expected ${what} to be free, got process ${pid} on ${host} that works on it since ${since}`;
  return new AppError("input", "LOCKED", message, {
    hint: "wait for it, or stop it; what it has done is kept",
  });
}
