// Tickets of a lock: one file for each process that owns it or asks for it, and what is known of that process.
// Invariants: a ticket appears whole (it is renamed into its place); its name is never used again, so that whoever clears
// away a dead one cannot meet another's; it goes before its number does.
import { randomBytes } from "node:crypto";
import { appendFile, open, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { isNotFound } from "../core/errors.ts";
import { isRunning, machineName, startOf } from "./host.ts";

/** Not heard of for so long, ms, an owner on another machine is dead. */
export const DEAD_MS = 90_000;

const holderSchema = z.object({
  pid: z.int(),
  host: z.string(),
  /** See machineName: where the id means something. */
  machine: z.string(),
  /**
   * When the process started, in the kernel's count; null where the system does not report it. A process id may be used again.
   */
  started: z.string().nullable(),
  since: z.string(),
});
/** Who owns a lock. */
export type Holder = z.infer<typeof holderSchema>;

/** Where tickets of a lock may lie: files of this folder whose names begin so. */
export interface TicketPlace {
  readonly dir: string;
  readonly prefix: string;
}

/** A file of its own for one attempt to take a lock. */
export interface Ticket {
  readonly path: string;
  readonly nonce: string;
}

/** Another living process that owns the lock or asks for it. */
export interface Rival extends Ticket {
  readonly holder: Holder;
  /** Time until it counts as dead if it is not heard of, ms; null for a process of this machine, which is asked for. */
  readonly deadInMs: number | null;
}

/** Makes a ticket of this process, without a number yet. */
export async function makeTicket({ dir, prefix }: TicketPlace): Promise<Ticket> {
  const nonce = randomBytes(8).toString("hex");
  const path = join(dir, `${prefix}${nonce}`);
  const holder: Holder = {
    pid: process.pid,
    host: hostname(),
    machine: machineName(),
    started: startOf(process.pid),
    since: new Date().toISOString(),
  };
  await writeFile(fresh(path), JSON.stringify(holder), { flag: "wx" });
  await rename(fresh(path), path);
  return { path, nonce };
}

const fresh = (path: string) => `${path}.new`;
const numbered = (path: string) => `${path}.n`;

/** Gives a ticket its place in the row. */
export async function numberTicket({ path }: Ticket, number: number): Promise<void> {
  await writeFile(numbered(path), `${number}\n`);
}

/** Records that this ticket owns the lock. */
export async function markTaken({ path }: Ticket): Promise<void> {
  await appendFile(numbered(path), "held\n");
}

/** A ticket's place in the row, once it has one, and whether it owns the lock. */
export async function placeInRow({ path }: Ticket): Promise<{ number: number; taken: boolean } | undefined> {
  const [number, state, ...rest] = (await readIfThere(numbered(path)))?.split("\n") ?? [];
  if (number === undefined || state === undefined) return undefined; // no line end yet
  return { number: Number(number), taken: state === "held" && rest.length > 0 };
}

/** True while the file is there. */
export async function isThere({ path }: Ticket): Promise<boolean> {
  return (await modifiedMs(path)) !== undefined;
}

/** Takes a ticket away. */
export async function dropTicket({ path }: Ticket): Promise<void> {
  await rm(path, { force: true });
  await rm(numbered(path), { force: true });
}

/** Files of a ticket, for those who may not wait. */
export const ticketFiles = ({ path }: Ticket) => [path, numbered(path)];

/**
 * Shows others that this process lives, by writing the same bytes again: the time is that of the file system, which all
 * machines share, and not that of a clock of ours.
 *
 * @returns false if the ticket is gone
 */
export async function touchTicket({ path }: Ticket): Promise<boolean> {
  try {
    const file = await open(path, "r+");
    try {
      const text = await file.readFile();
      await file.write(text, 0, text.length, 0);
    } finally {
      await file.close();
    }
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}

/**
 * Everybody else who lives.
 *
 * @param own - its time is that of the file system; if left out, the clock of this machine is read
 */
export async function rivals(places: readonly TicketPlace[], own?: Ticket): Promise<Rival[]> {
  const nowMs = (own && (await modifiedMs(own.path))) ?? Date.now();
  const found: Rival[] = [];
  for (const ticket of await listTickets(places)) {
    if (ticket.nonce === own?.nonce) continue;
    const rival = await rivalOf(ticket, nowMs);
    if (rival !== undefined) found.push(rival);
  }
  return found;
}

/** One ticket as a rival; undefined if it is gone, or of a dead process. */
export async function rivalOf(ticket: Ticket, nowMs: number): Promise<Rival | undefined> {
  const text = await readIfThere(ticket.path);
  const holder = text === undefined ? undefined : holderSchema.safeParse(tryJson(text)).data;
  if (holder === undefined) return undefined;
  if (holder.machine === machineName()) {
    return isRunning(holder.pid, holder.started) ? { ...ticket, holder, deadInMs: null } : undefined;
  }
  const seenMs = await modifiedMs(ticket.path);
  const deadInMs = DEAD_MS - (nowMs - (seenMs ?? Number.NEGATIVE_INFINITY));
  return deadInMs > 0 ? { ...ticket, holder, deadInMs } : undefined;
}

/**
 * Takes away what dead processes left: tickets, numbers without one, and tickets that were never finished. Each name is
 * judged after it was seen, for a living one may come at any time; who loses an unfinished ticket makes another one.
 *
 * @param own - gives the time of the file system; without it, what processes of other machines left stays
 */
export async function clearDead(places: readonly TicketPlace[], own?: Ticket): Promise<void> {
  const nowMs = own === undefined ? 0 : ((await modifiedMs(own.path)) ?? Date.now());
  for (const { dir, prefix } of places) {
    for (const name of await namesAt(dir, prefix)) {
      const [, nonce, part] = /^([0-9a-f]{16})(\.n|\.new)?$/.exec(name.slice(prefix.length)) ?? [];
      if (nonce === undefined || nonce === own?.nonce) continue;
      const ticket = { path: join(dir, `${prefix}${nonce}`), nonce };
      const stays =
        part === ".n" ? await isThere(ticket) : part === undefined && (await rivalOf(ticket, nowMs));
      if (!stays) await rm(join(dir, name), { force: true });
    }
  }
}

async function listTickets(places: readonly TicketPlace[]): Promise<Ticket[]> {
  const found: Ticket[] = [];
  for (const { dir, prefix } of places) {
    for (const name of await namesAt(dir, prefix)) {
      const nonce = name.slice(prefix.length);
      if (/^[0-9a-f]{16}$/.test(nonce)) found.push({ path: join(dir, name), nonce });
    }
  }
  return found;
}

async function namesAt(dir: string, prefix: string): Promise<string[]> {
  try {
    return (await readdir(dir)).filter((name) => name.startsWith(prefix));
  } catch (error) {
    if (isNotFound(error)) return [];
    throw error;
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

async function modifiedMs(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).mtimeMs;
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
