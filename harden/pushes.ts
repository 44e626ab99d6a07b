// Pushes to a hub that misbehaves: cuts, refusals, pauses, answers that get lost, commits of others, and people who stop. A push that
// ends well has left exactly its files; one that does not has left the repository as it was, or as it was to be; what the
// hub has is not sent twice. Time is a test clock's.
import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { AppError, Interrupted } from "../src/core/errors.ts";
import { Random } from "../src/core/random.ts";
import { hashesOf, type PushFile } from "../src/fetch/hub/plan.ts";
import { push } from "../src/fetch/hub/push.ts";
import { sha256 } from "../src/machine/files.ts";
import { startClock, type TestClock } from "../test/clock.ts";
import { type Hub, startHub, status, type Trick } from "../test/hub.ts";
import { addCommit, commitOf, newRepo, type StoredFile } from "../test/hub-repos.ts";
import type { Campaign, Finding, Open } from "./campaign.ts";

/** Pushes of one attempt, each of other files to the same repository. */
const ROUNDS = 4;
/** Runs of one push that may be disturbed; those behind are not: one may find files of others. */
const DISTURBED = 4;
const QUIET = 2;
const STUCK_MS = 30_000;
/** What a run that was stopped had sent is still on its way, ms. */
const SETTLED_MS = 25;
const KEY = "datasets/me/pairs";
const OTHERS = "others.txt";

/** Pushes against a misbehaving hub. */
export const pushes: Campaign = {
  name: "pushes",
  title: "pushes to a hub that misbehaves",
  goal: 2000,
  weight: 0.3,
  limitMs: 180_000,
  open,
};

async function open(dir: string): Promise<Open> {
  return {
    attempt: async (seed) => {
      const hub = await startHub();
      try {
        return await attempt(seed, join(dir, String(seed)), hub);
      } finally {
        await hub.close();
        await rm(join(dir, String(seed)), { recursive: true, force: true });
      }
    },
    close: async () => undefined,
  };
}

async function attempt(seed: number, dir: string, hub: Hub): Promise<Finding> {
  const random = Random.of(seed).split("push");
  if (random.int(2) === 0) hub.repos.set(KEY, newRepo(false));
  hub.pageSize = 1 + random.int(6);
  hub.partBytes = random.int(2) === 0 ? 1000 : 1e9;
  const faults: string[] = [];
  for (let round = 0; round < ROUNDS && faults.length === 0; round++) {
    const files = await drawFiles(random.split("files", round), join(dir, String(round)));
    const found = await pushUntilDone(hub, files, random.split("round", round));
    faults.push(...found.map((text) => `${text} (round ${round})`));
  }
  return { faults, tried: ROUNDS };
}

/** Names that come again with the same bytes, with other bytes, or not at all. */
async function drawFiles(random: Random, dir: string): Promise<PushFile[]> {
  const names = ["release.json", "README.md", "a.zip", "b.zip", "data/c.parquet", "data/d.csv", "e.bin"];
  const kept = names.filter((name, i) => i === 0 || random.split(name).int(4) > 0);
  const contents = kept.map((name): [string, Uint8Array] => {
    const own = Random.of(random.split(name, 1).int(3)).split(name); // three versions of each
    return [name, Uint8Array.from({ length: 1 + own.int(4000) }, () => own.int(256))];
  });
  const sums = contents.map(([name, bytes]) => `${sha256(bytes)}  ${name}\n`).join("");
  const files: PushFile[] = [];
  for (const [name, bytes] of [...contents, ["SHA256SUMS", Buffer.from(sums)] as const]) {
    const path = join(dir, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, bytes);
    files.push({ name, path, ...(await hashesOf(path, bytes.byteLength)) });
  }
  return files;
}

async function pushUntilDone(hub: Hub, files: readonly PushFile[], random: Random): Promise<string[]> {
  const had = new Set(hub.repos.get(KEY)?.objects.keys() ?? []);
  const sizes = new Map(files.map(({ sha256: oid, sizeBytes }) => [oid, sizeBytes]));
  let replace = false;
  for (let run = 0; run < DISTURBED + QUIET; run++) {
    const own = random.split("run", run);
    await sleep(SETTLED_MS);
    const before = stateOf(hub);
    const stored = new Set(hub.repos.get(KEY)?.objects.keys() ?? []);
    const putBefore = hub.putBytes;
    const disturbed = run < DISTURBED ? disturb(hub, own) : [];
    const result = await once(hub, files, own, { replace, isQuiet: disturbed.length === 0 });
    hub.traps.length = 0;
    hub.cutPutAfter = undefined;
    const said = `after ${disturbed.join(", ") || "nothing"}`;
    if (disturbed.length === 0) {
      const most = [...sizes].reduce((sum, [oid, bytes]) => sum + (stored.has(oid) ? 0 : bytes), 0);
      if (hub.putBytes - putBefore > most)
        return [`Expected at most ${most} bytes of objects, got ${hub.putBytes - putBefore}`];
    }
    if (result.error === undefined) return judge(hub, files, said);
    const now = stateOf(hub);
    const isWhole = judge(hub, files, said).length === 0;
    if (now !== before && !isWhole && !disturbed.includes("others"))
      return [`Expected the files as they were or as they were to be, got others ${said}`];
    const wrong = judgeFault(hub, result.error, said);
    if (wrong !== undefined) return [wrong];
    replace ||= result.error instanceof AppError && result.error.code === "HUB_FOREIGN";
    for (const oid of had)
      if (!hub.repos.get(KEY)!.objects.has(oid)) return [`Expected object ${oid} to stay`];
  }
  return ["Expected an undisturbed push to end well"];
}

const filesOf = (hub: Hub): ReadonlyMap<string, StoredFile> =>
  (hub.repos.has(KEY) ? commitOf(hub.repos.get(KEY)!, "main")?.files : undefined) ?? new Map();

function stateOf(hub: Hub): string {
  return [...filesOf(hub)]
    .filter(([name]) => name !== ".gitattributes")
    .map(([name, { bytes }]) => `${name} ${sha256(bytes)}`)
    .sort()
    .join("\n");
}

function judge(hub: Hub, files: readonly PushFile[], said: string): string[] {
  const wanted = files.map(({ name, sha256: hash }) => `${name} ${hash}`).sort();
  return stateOf(hub) === wanted.join("\n") ? [] : [`Expected exactly the files that were pushed ${said}`];
}

function judgeFault(hub: Hub, error: unknown, said: string): string | undefined {
  if (error instanceof Interrupted) return undefined;
  if (!(error instanceof AppError)) {
    const got = error instanceof Error ? error.stack : String(error);
    return `Expected an AppError ${said}, got ${got}`;
  }
  const { code, kind, message, hint, stack } = error;
  const text = [message, hint, stack, JSON.stringify(error.cause)].join(" ");
  if (text.includes(hub.writer) || text.includes("signature=secret"))
    return `Expected no secret ${said}, got ${text}`;
  const known = kind === "remote" ? /^(REMOTE|HUB)_[A-Z_]+$/.test(code) : code === "HUB_FOREIGN";
  return known && /^Expected [\s\S]*, got ./.test(message)
    ? undefined
    : `Expected a fault of the hub ${said}, got ${code}: ${message}`;
}

const PATHS = [
  /\/revision\//,
  /\/tree\//,
  /create$/,
  /preupload/,
  /objects\/batch$/,
  /^\/lfs\//,
  /\/commit\//,
  /complete_/,
  /resolve/,
];

const json = { "content-type": "application/json" };
const lost: Trick = (_request, response) => {
  response.writeHead = () => response;
  response.end = () => response.destroy();
  return false;
};

/** What may happen to a request. */
const TRICKS: Readonly<Record<string, (random: Random) => Trick>> = {
  reset: () => (request) => {
    request.socket.destroy();
    return true;
  },
  lost: () => lost,
  silence: () => () => true,
  busy: (random) =>
    status(
      random.pick([429, 500, 502, 503, 504]),
      random.int(2) === 0 ? { "retry-after": String(random.int(400)) } : {},
    ),
  denied: (random) => status(random.pick([401, 403, 404]), json, '{"error":"no"}'),
  odd: (random) =>
    status(
      random.pick([200, 302, 400, 409, 418]),
      random.int(2) === 0 ? json : {},
      random.pick(["", "{}", "[]", "<html>", "null"]),
    ),
};

function disturb(hub: Hub, random: Random): string[] {
  const done: string[] = [];
  for (let i = random.int(3); i > 0; i--) {
    const name = random.pick(Object.keys(TRICKS));
    const path = random.pick(PATHS);
    hub.traps.push({ path, trick: TRICKS[name]!(random) });
    done.push(`${name} at ${path.source}`);
  }
  if (random.int(4) === 0) {
    hub.cutPutAfter = 1 + random.int(3000);
    done.push("cut");
  }
  if (random.int(6) === 0) {
    const trick: Trick = () => {
      const repo = hub.repos.get(KEY)!;
      const bytes = Buffer.from(String(random.int(1000)));
      addCommit(repo, "main", "others", new Map([...filesOf(hub), [OTHERS, { bytes, large: false }]]));
      return false;
    };
    hub.traps.push({ path: /\/commit\//, trick });
    done.push("others");
  }
  return done;
}

interface How {
  readonly replace: boolean;
  /** Neither the hub nor its user disturbs it, and no time passes. */
  readonly isQuiet: boolean;
}

/** One run, which always ends. */
async function once(
  hub: Hub,
  files: readonly PushFile[],
  random: Random,
  how: How,
): Promise<{ error?: unknown }> {
  const clock: TestClock = startClock();
  const stop = new AbortController();
  const at = !how.isQuiet && random.int(4) === 0 ? random.int(12) : -1;
  const asked = hub.seen.length;
  const passing = setInterval(() => {
    if (at >= 0 && hub.seen.length - asked >= at) stop.abort();
    if (!how.isQuiet) clock.pass(20_000); // a silence takes three of them: an answer that is slow here is a fault more
  }, 10);
  let timer: NodeJS.Timeout | undefined;
  const stuck = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("Expected an end, got none")), STUCK_MS);
  });
  const options = { endpoint: hub.endpoint, token: hub.writer, message: "a push", marker: "release.json" };
  const work = push({ type: "dataset", name: "me/pairs" }, files, {
    ...{ ...options, clock, signal: stop.signal, retries: random.int(4), waitMs: 1, replace: how.replace },
  });
  try {
    await Promise.race([work, stuck]);
    return {};
  } catch (error) {
    return { error };
  } finally {
    clearTimeout(timer);
    clearInterval(passing);
  }
}
