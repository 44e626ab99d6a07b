// Judging while the server is killed: the page's own saving code (src/web/audit/saving/outbox, send) against a real `facehand serve`, a process
// that is killed at random moments and started again.
// Invariant that is checked after every kill: what the page shows as saved is in the log, once.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import type { Annotation } from "../src/audit/annotation.ts";
import { annotationsOf, readAnnotations } from "../src/audit/log.ts";
import { MACHINE_CLOCK } from "../src/core/clock.ts";
import { Random } from "../src/core/random.ts";
import { type Listing, ROUTES } from "../src/server/api.ts";
import { type Keeping, Outbox } from "../src/web/audit/saving/outbox.ts";
import { sendJudgements } from "../src/web/audit/saving/send.ts";
import { judgement } from "./annotations.ts";
import { PROGRAM } from "./process.ts";
import { ROOT } from "./source.ts";

/** A server in a process of its own. */
export interface Killable {
  readonly url: URL;
  readonly child: ChildProcess;
  /** As the browser asks after it opened the address. */
  readonly ask: typeof fetch;
  kill(): Promise<void>;
}

/** Starts `facehand serve`; the port is that of an earlier one, as a person would open it again. */
export async function startServer(dir: string, port = 0): Promise<Killable> {
  const args = [PROGRAM, "serve", dir, "--port", String(port)];
  const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ["ignore", "pipe", "ignore"] });
  let text = "";
  while (!text.includes("\n")) text += String((await once(child.stdout!, "data"))[0]);
  const url = new URL(text.trim());
  const cookie = `facehand-${url.port}=${url.searchParams.get("token")}`;
  const ask: typeof fetch = (path, init) =>
    fetch(new URL(String(path), url), { ...init, headers: { cookie, origin: url.origin, ...init?.headers } });
  const kill = async () => {
    const closed = once(child, "close");
    child.kill("SIGKILL");
    await closed;
  };
  return { url, child, ask, kill };
}

const inMemory = (): Keeping => {
  const map = new Map<string, string>();
  return {
    keys: () => [...map.keys()],
    get: (key) => map.get(key) ?? null,
    set: (key, value) => void map.set(key, value),
    remove: (key) => void map.delete(key),
  };
};

/** What came of it. */
export interface Killed {
  readonly kills: number;
  readonly made: number;
  /** Faults that were found; none if all is well. */
  readonly faults: readonly string[];
}

/** Longest time from a server's start to its death, ms: some dozens of judgements. */
const LONGEST_MS = 250;

/**
 * Judges without a pause, and kills the server again and again.
 *
 * @param set - a dataset's folder, alone in its folder
 */
export async function judgeThroughKills(
  dir: string,
  set: string,
  kills: number,
  seed: number,
): Promise<Killed> {
  const random = Random.of(seed).split("audit kills");
  const log = annotationsOf(set);
  const faults: string[] = [];
  let server = await startServer(dir);
  const listing = (await (await server.ask(ROUTES.things())).json()) as Listing;
  const path = ROUTES.annotations(listing.things[0]!.id);
  let made = 0;
  const box = new Outbox({
    ...{ name: "kills", keeping: inMemory(), clock: MACHINE_CLOCK, changed: () => more() },
    send: (lines) => sendJudgements(path, lines, server.ask),
  });
  const more = () => {
    if (box.state.waiting.length < 3 && made < 100_000)
      box.add(judgement(`l${++made}`, { image_id: `p${made}` }));
  };
  const port = Number(server.url.port);
  for (let i = 0; i < kills; i++) {
    box.retry();
    more();
    await sleep(random.int(LONGEST_MS));
    await server.kill();
    const shown = box.state.saved;
    faults.push(...(await missing(log, shown, `kill ${i + 1}`)));
    server = await startServer(dir, port);
  }
  const all = made;
  made = Number.POSITIVE_INFINITY; // no more are made
  for (let tries = 0; box.state.waiting.length > 0 && tries < 200; tries++) {
    box.retry();
    await sleep(50);
  }
  if (box.state.waiting.length + box.state.refused.length > 0) faults.push("some were never saved");
  faults.push(...(await missing(log, box.state.saved, "the end")));
  const there = (await readAnnotations(log)).lines.length;
  if (there !== all) faults.push(`expected ${all} lines in the end, got ${there}`);
  box.close();
  await server.kill();
  return { kills, made: all, faults };
}

async function missing(log: string, shown: readonly Annotation[], when: string): Promise<string[]> {
  if (shown.length === 0) return [];
  const { lines } = await readAnnotations(log);
  const there = new Set(lines.map(({ id }) => id));
  const lost = shown
    .filter(({ id }) => !there.has(id))
    .map(({ id }) => `${when}: ${id} was shown as saved and is not there`);
  return there.size === lines.length ? lost : [...lost, `${when}: a line is there twice`];
}
