// One writer a folder: whoever writes at a path owns its lock, and everybody else gets an error that names the owner.
// Source: L. Lamport's bakery. Everybody makes a ticket, takes a number above those that he sees, and waits for lower ones
// to take the lock or to go; so of many at once exactly one wins, and no process ever loses its file to another.
// Invariants: tickets lie beside what is locked (in it, where it is a mount point or nothing may be written beside it) and
// are gone after the release; spellings of one path have one lock; the dead make room (here by id and start, elsewhere DEAD_MS later).
import { AsyncLocalStorage } from "node:async_hooks";
import { createHash } from "node:crypto";
import { rmSync, statSync } from "node:fs";
import { rmdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { AppError, hasErrno, Interrupted, isNotFound } from "../core/errors.ts";
import { writeFailed } from "./files.ts";
import {
  clearDead,
  DEAD_MS,
  dropTicket,
  type Holder,
  isThere,
  makeTicket,
  markTaken,
  numberTicket,
  placeInRow,
  type Rival,
  rivals,
  type Ticket,
  type TicketPlace,
  ticketFiles,
  touchTicket,
} from "./lock-ticket.ts";
import { makeFolders } from "./make-folders.ts";
import { truePath } from "./true-path.ts";

/** Time between an owner's signs of life, ms. */
const BEAT_MS = 10_000;
/** Reads of the tickets of others who ask at the same time: ms between them, and in all, which is enough for a decision. */
const READ_MS = 5;
const DECIDE_MS = 10_000;
/** Time between reads of a lock that is waited for. */
const WAIT_MS = 250;
const LONGEST_NAME = 180;

/** A lock that this process owns. */
export interface Lock {
  /** What is locked: its real place. */
  readonly path: string;
  /** Aborted if another process took it, since this one was not heard of. */
  readonly lost: AbortSignal;
  /**
   * To be called before something is published.
   *
   * @throws AppError("input", "LOCK_LOST") if another process took it
   */
  check(): Promise<void>;
  release(): Promise<void>;
}

/** How to take a lock. */
export interface LockOptions {
  /** Waits for a living owner until this is aborted, which ends in Interrupted; if left out, a living owner is an error. */
  readonly wait?: AbortSignal | undefined;
}

const ownedHere = new AsyncLocalStorage<readonly OwnLock[]>();

/**
 * Runs work as the only one who writes at a path. Work that owns it already may call this again, also far below.
 *
 * @param path - folder to be written; need not exist, and nothing is made of it here
 * @param what - what is locked, for the message
 * @throws AppError("input", "LOCKED") if a living process writes there; ("input", "LOCK_LOST") if it was taken away meanwhile
 * @example await withLock("data/pairs", "the folder data/pairs", () => derive(options))
 */
export async function withLock<T>(
  path: string,
  what: string,
  work: (lock: Lock) => Promise<T>,
  options: LockOptions = {},
): Promise<T> {
  const { key } = placesOf(path);
  const outer = ownedHere.getStore() ?? [];
  const own = outer.find((lock) => lock.key === key && !lock.isReleased());
  if (own !== undefined) return await work(own);
  const lock = await take(path, what, options);
  try {
    return await ownedHere.run([...outer, lock], () => work(lock));
  } catch (error) {
    throw lock.lost.aborted ? lockLost(what, error) : error;
  } finally {
    await lock.release();
  }
}

/**
 * Runs work as the only one who writes at several paths, all of which are locked before it begins.
 *
 * @throws as withLock; none stays locked then
 * @example await withLocks(["runs/seed_1", "runs/seed_2"], (dir) => `the run folder ${dir}`, train)
 */
export function withLocks<T>(
  paths: readonly string[],
  what: (path: string) => string,
  work: () => Promise<T>,
): Promise<T> {
  const [first, ...rest] = paths;
  if (first === undefined) return work();
  return withLock(first, what(first), () => withLocks(rest, what, work));
}

/**
 * Takes a lock for longer than one call; see withLock.
 *
 * @throws AppError("input", "LOCKED")
 */
export function takeLock(path: string, what: string, options: LockOptions = {}): Promise<Lock> {
  return take(path, what, options);
}

/** The living process that writes at a path; undefined if there is none. */
export async function lockHolder(path: string): Promise<Holder | undefined> {
  for (const rival of await rivals(placesOf(path).places)) {
    if ((await placeInRow(rival))?.taken === true) return rival.holder;
  }
  return undefined;
}

/** Takes away what dead processes of this machine left of a lock, for those who find all done and do not take it. */
export async function clearLock(path: string): Promise<void> {
  await clearDead(placesOf(path).places);
}

interface Places {
  /** The same for all spellings of a path. */
  readonly key: string;
  readonly real: string;
  /** The first is where a ticket is made, if it can be. */
  readonly places: readonly TicketPlace[];
}

/** Names that differ in case or in composed letters only share a lock, for some file systems take them for one. */
function placesOf(path: string): Places {
  const real = truePath(path);
  const folded = basename(real).normalize("NFC").toLowerCase();
  const name =
    Buffer.byteLength(folded) > LONGEST_NAME
      ? createHash("sha256").update(folded).digest("hex").slice(0, 32)
      : folded;
  const beside = { dir: dirname(real), prefix: `.${name}.facehand-lock-` };
  const within = { dir: real, prefix: ".facehand-lock-" };
  const places = isMounted(real) ? [within, beside] : [beside, within];
  return { key: join(beside.dir, name), real, places };
}

/** True for a folder whose parent is another file system: others see it elsewhere, with other neighbours. */
function isMounted(real: string): boolean {
  const own = statSync(real, { throwIfNoEntry: false });
  return own?.isDirectory() === true && (dirname(real) === real || own.dev !== statSync(dirname(real)).dev);
}

interface OwnLock extends Lock {
  readonly key: string;
  isReleased(): boolean;
}

async function take(path: string, what: string, { wait }: LockOptions): Promise<OwnLock> {
  for (;;) {
    const made = await makeFolders(dirname(truePath(path))).catch((cause) => {
      throw writeFailed(dirname(path), cause);
    });
    const at = placesOf(path);
    const ticket = await ask(at);
    const noPlace = async (cause: unknown) => {
      await dropTicket(ticket!); // it would stay as long as this process
      throw writeFailed(at.real, cause);
    };
    const rival = ticket && (await whoIsFirst(at, ticket).catch(noPlace));
    if (ticket !== undefined && rival === undefined) {
      await clearDead(at.places, ticket);
      return hold(at, ticket, what, made);
    }
    if (ticket !== undefined) await dropTicket(ticket);
    await removeEmpty(dirname(at.real), made);
    if (rival === undefined) continue; // the folder went away under the ticket
    if (wait === undefined) throw locked(what, rival);
    await sleep(WAIT_MS);
    if (wait.aborted) throw new Interrupted(`Stopped while another process worked on ${what}`);
  }
}

/** A ticket, in the first place where one can be made; undefined if the folder went away. */
async function ask({ places, real }: Places): Promise<Ticket | undefined> {
  let fault: unknown;
  for (const place of places) {
    try {
      return await makeTicket(place);
    } catch (error) {
      fault ??= error;
      if (!["EACCES", "EPERM", "EROFS"].some((name) => hasErrno(error, name))) break;
    }
  }
  if (hasErrno(fault, "ENOENT")) return undefined;
  throw writeFailed(real, fault);
}

/** Takes a number, and gives who is before it: undefined if that is nobody, and the lock is ours. */
async function whoIsFirst({ places }: Places, own: Ticket): Promise<Rival | undefined> {
  let highest = 0;
  for (const rival of await rivals(places, own)) {
    const seen = await placeInRow(rival);
    if (seen?.taken === true) return rival;
    highest = Math.max(highest, seen?.number ?? 0);
  }
  const number = highest + 1;
  await numberTicket(own, number);
  for (const endMs = Date.now() + DECIDE_MS; ; await sleep(READ_MS)) {
    let isOpen = false;
    for (const rival of await rivals(places, own)) {
      const seen = await placeInRow(rival);
      if (seen?.taken === true) return rival;
      const isBefore =
        seen === undefined || seen.number < number || (seen.number === number && rival.nonce < own.nonce);
      if (isBefore && Date.now() > endMs) return rival;
      isOpen ||= isBefore;
    }
    if (isOpen) continue;
    await markTaken(own);
    return undefined;
  }
}

const ofThisProcess = new Set<Ticket>();

/** For those who end by process.exit; what kill -9 leaves is cleared away by the next one. */
function dropAllNow(): void {
  for (const ticket of ofThisProcess) for (const file of ticketFiles(ticket)) rmSync(file, { force: true });
}

function remember(ticket: Ticket): void {
  if (ofThisProcess.size === 0) process.on("exit", dropAllNow);
  ofThisProcess.add(ticket);
}

function forget(ticket: Ticket): void {
  ofThisProcess.delete(ticket);
  if (ofThisProcess.size === 0) process.off("exit", dropAllNow);
}

function hold({ key, real }: Places, ticket: Ticket, what: string, made: string | undefined): OwnLock {
  const lost = new AbortController();
  const beat = async () => {
    if (!(await touchTicket(ticket))) lost.abort(lockLost(what));
  };
  const timer = setInterval(() => void beat().catch(() => undefined), BEAT_MS);
  timer.unref();
  remember(ticket);
  let released = false;
  return {
    ...{ key, path: real, lost: lost.signal },
    isReleased: () => released,
    async check() {
      if (!(await isThere(ticket))) lost.abort(lockLost(what));
      if (lost.signal.aborted) throw lockLost(what);
    },
    async release() {
      released = true;
      clearInterval(timer);
      await dropTicket(ticket);
      forget(ticket);
      await removeEmpty(dirname(real), made);
    },
  };
}

/** Takes away folders that were made for a ticket, from the innermost on, as long as they are empty. */
async function removeEmpty(folder: string, made: string | undefined): Promise<void> {
  if (made === undefined) return;
  const top = truePath(made);
  for (let dir = folder; dir.length >= top.length; dir = dirname(dir)) {
    try {
      await rmdir(dir);
    } catch (error) {
      if (!isNotFound(error)) return; // somebody made something of it
    }
  }
}

function locked(what: string, { holder: { pid, host, since }, deadInMs }: Rival): AppError {
  const message = `Expected ${what} to be free, got process ${pid} on ${host} that works on it since ${since}`;
  const hint =
    deadInMs === null
      ? "wait for it, or stop it; what it has done stays"
      : `wait for it, or stop it; if it has died there, it counts as dead in ${Math.ceil(deadInMs / 1000)} s`;
  return new AppError("input", "LOCKED", message, { hint });
}

function lockLost(what: string, cause?: unknown): AppError {
  const message = `Expected to keep ${what}, got another process that took it: this one was not heard of for ${DEAD_MS / 1000} s`;
  const hint = "see that machines which share a folder stay awake and reach it; the other process continues";
  return new AppError("input", "LOCK_LOST", message, { hint, cause });
}
