// Downloads from a server that misbehaves: whatever it sends, what appears is one version of the file, whole, or nothing.
// Nothing is waited for: time is a test clock's, which the server lets pass where it stalls.

import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { AppError, EXIT_CODES, Interrupted } from "../src/core/errors.ts";
import { Random } from "../src/core/random.ts";
import { type DownloadOptions, download } from "../src/fetch/http/download.ts";
import { fetchLink } from "../src/fetch/sets.ts";
import { sha256 } from "../src/machine/files.ts";
import { startClock, type TestClock } from "../test/clock.ts";
import { type RawRequest, type RawServer, type Step, startRaw } from "../test/raw-server.ts";
import type { Campaign, Finding, Open } from "./campaign.ts";
import { answer, type Version } from "./fault-answers.ts";

/** Files of one attempt. */
const FILES = 20;
/** Attempts of which one also runs the command line. */
const COMMANDS = 40;
const SECRET = "hunter2";
const SPARE = 16 << 20;
/** What no download of a few bytes needs, ms. */
const STUCK_MS = 20_000;
/** What its clock may show at its end: attempts and pauses of minutes each, ms. */
const LONGEST_MS = 24 * 3600 * 1000;

/** One file, and what its server makes of it. */
interface Plot {
  readonly random: Random;
  readonly clock: TestClock;
  readonly versions: readonly Version[];
  /** What is known of the last version, if anything. */
  readonly known: Pick<DownloadOptions, "sha256" | "sizeBytes">;
  readonly answers: string[];
  now: number;
}

/** Downloads against a misbehaving server. */
export const downloads: Campaign = {
  name: "downloads",
  title: "downloads from a server that misbehaves",
  goal: 5000,
  weight: 0.4,
  limitMs: 120_000,
  open,
};

async function open(dir: string): Promise<Open> {
  const plots = new Map<string, Plot>();
  const server: RawServer = await startRaw((request) => reply(plots, request, server.origin));
  return {
    attempt: (seed) => attempt(seed, dir, server, plots),
    close: () => server.close(),
  };
}

function reply(plots: ReadonlyMap<string, Plot>, request: RawRequest, origin: string): readonly Step[] {
  const plot = plots.get(request.path.split("?")[0]!);
  if (plot === undefined) return [];
  const { random, clock, versions, answers } = plot;
  if (random.int(2) === 0) plot.now = random.int(versions.length);
  const { name, steps } = answer({ random, clock, request, origin, version: versions[plot.now]! });
  answers.push(name);
  return steps;
}

async function attempt(
  seed: number,
  dir: string,
  server: RawServer,
  plots: Map<string, Plot>,
): Promise<Finding> {
  const faults: string[] = [];
  for (let file = 0; file < FILES; file++) {
    const random = Random.of(seed).split("download", file);
    const path = `/${seed}/${file}.bin`;
    const plot = draw(random);
    plots.set(path, plot);
    const url = `${server.origin}${path}?token=${SECRET}`;
    const out = join(dir, `${seed}-${file}`);
    const found = random.int(3) === 0 ? await viaLink(plot, url, out) : await viaDownload(plot, url, out);
    if (plot.clock.now() > LONGEST_MS) found.push(`Expected an end within a day, got ${plot.clock.now()} ms`);
    faults.push(...found.map((text) => `${text}, after ${plot.answers.join("; ")} (file ${file})`));
    plots.delete(path);
    rmSync(out, { recursive: true, force: true });
  }
  if (seed % COMMANDS === 0) faults.push(...(await viaCommand(seed, dir)));
  server.asked.length = 0;
  return { faults, tried: FILES };
}

function draw(random: Random): Plot {
  const kind = random.pick(["strong", "weak", "date", "none"] as const);
  const lengths = [random.int(2) === 0 ? 1 + random.int(40) : random.int(1200)];
  while (lengths.length < 5 && random.int(4) > 0)
    lengths.push(random.int(4) === 0 ? random.int(1200) : lengths[0]!);
  const known = random.pick(["nothing", "nothing", "hash", "size", "both"] as const);
  // With a known hash, even a server that gives two versions one strong name may not win.
  const lies = (known === "hash" || known === "both") && random.int(4) === 0;
  const versions = lengths.map((length, i): Version => {
    const bytes = Buffer.from(Uint8Array.from({ length }, () => random.int(256)));
    const strong = kind === "strong" ? `"v${lies ? 0 : i}"` : undefined;
    const date = "last-modified: Tue, 02 Sep 2025 10:00:00 GMT";
    const names = { strong: [`etag: ${strong}`, date], weak: ['etag: W/"v"', date], date: [date], none: [] }[
      kind
    ];
    return { bytes, names, strong };
  });
  const { bytes } = versions.at(-1)!;
  return {
    ...{ random, clock: startClock(), versions, answers: [], now: 0 },
    known: {
      sha256: known === "hash" || known === "both" ? sha256(bytes) : undefined,
      sizeBytes: known === "size" || known === "both" ? bytes.length : undefined,
    },
  };
}

/** Options that let no time pass but the clock's. */
function patient({ clock, random }: Plot): DownloadOptions {
  const onWait = (ms: number) => void setImmediate(() => clock.pass(ms));
  return { clock, onWait, retries: random.int(6), waitMs: random.int(2) };
}

/** One download, or one that is stopped and two that continue what it left. */
async function viaDownload(plot: Plot, url: string, out: string): Promise<string[]> {
  const { random, versions, known } = plot;
  const path = join(out, "file.bin");
  const disk = random.int(5) === 0 ? random.int(1500) : 1e9;
  const partBytes = () => (existsSync(`${path}.part`) ? statSync(`${path}.part`).size : 0);
  const most = Math.max(...versions.map(({ bytes }) => bytes.length));
  for (let run = 0; run < 3; run++) {
    const stop = new AbortController();
    const at = random.int(4) === 0 && run < 2 ? random.int(3) : -1;
    let chunks = 0;
    const onProgress = () => {
      if (chunks++ === at) stop.abort();
    };
    const freeBytes = async () => disk + SPARE - partBytes();
    const options = { ...patient(plot), ...known, onProgress, freeBytes, signal: stop.signal };
    const result = await ended(() => download(url, path, options));
    const left = partBytes();
    // "drops" is the one that sends bytes of no version: a dozen.
    if (left > Math.max(most, 12) + 4) return [`Expected a part of at most ${most} bytes, got ${left}`];
    if (left > disk) return [`Expected a part within ${disk} free bytes, got ${left}`];
    if (!("value" in result)) {
      const found = judgeFault(result.error, existsSync(path));
      if (found.length > 0) return found;
      continue;
    }
    const others = readdirSync(out).filter((name) => name !== "file.bin");
    if (others.length > 0) return [`Expected the file alone, got ${others.join(", ")} beside it`];
    return judgeFile(readFileSync(path), result.value.sha256, plot);
  }
  return [];
}

async function viaLink(plot: Plot, url: string, out: string): Promise<string[]> {
  const { sha256: wanted } = plot.known;
  // A fetch reports its pauses: "waiting 2 s: ...".
  const onStep = (text: string) => {
    const seconds = Number(/^waiting (\d+) s/.exec(text)?.[1] ?? 0);
    setImmediate(() => plot.clock.pass(seconds * 1000));
  };
  const result = await ended(() => fetchLink(url, out, { ...patient(plot), onStep, sha256: wanted }));
  const record = join(out, "fetched.json");
  if (existsSync(record) && readFileSync(record, "utf8").includes(SECRET))
    return ["Expected no secret in fetched.json"];
  const [name] = existsSync(out) ? readdirSync(out).filter((each) => /^\d+\.bin$/.test(each)) : [];
  if (!("value" in result)) return judgeFault(result.error, name !== undefined);
  if (name === undefined) return ["Expected a file, got none"];
  const sizeBytes = undefined; // a link states none
  return judgeFile(readFileSync(join(out, name)), result.value.files[0]!.sha256, {
    ...plot,
    known: { sha256: wanted, sizeBytes },
  });
}

/** What came of it, or that nothing did within a time that no download needs. */
async function ended<T>(work: () => Promise<T>): Promise<{ value: T } | { error: unknown }> {
  let timer: NodeJS.Timeout | undefined;
  const stuck = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("Expected an end, got none")), STUCK_MS);
  });
  try {
    return { value: await Promise.race([work(), stuck]) };
  } catch (error) {
    return { error };
  } finally {
    clearTimeout(timer);
  }
}

function judgeFault(error: unknown, there: boolean): string[] {
  if (there) return ["Expected nothing under the final name after a fault, got a file"];
  if (error instanceof Interrupted) return [];
  if (!(error instanceof AppError))
    return [`Expected an AppError, got ${error instanceof Error ? error.stack : String(error)}`];
  const { kind, code, message, hint, stack, cause } = error;
  const text = [message, hint, stack, String(cause), JSON.stringify(cause)].join(" ");
  if (text.includes(SECRET)) return [`Expected no secret in ${code}, got ${message}`];
  const known = kind === "remote" ? /^REMOTE_[A-Z_]+$/.test(code) : code === "DISK_FULL";
  if (!known || !/^Expected .*, got ./.test(message))
    return [`Expected a fault of the server, got ${code}: ${message}`];
  return [];
}

function judgeFile(bytes: Buffer, hash: string, { versions, known }: Plot): string[] {
  const found: string[] = [];
  if (!versions.some((version) => version.bytes.equals(bytes)))
    found.push(`Expected one of ${versions.length} versions, got ${bytes.length} other bytes`);
  if (hash !== sha256(bytes)) found.push("Expected the hash of what is there, got another");
  if (known.sha256 !== undefined && known.sha256 !== hash) found.push("Expected the known hash, got another");
  if (known.sizeBytes !== undefined && known.sizeBytes !== bytes.length)
    found.push("Expected the known size, got another");
  return found;
}

/** Faults that are reported at once, as the command line prints them. */
async function viaCommand(seed: number, dir: string): Promise<string[]> {
  const random = Random.of(seed).split("command");
  const at = random.pick([
    `http://me:${SECRET}@127.0.0.1:9/a.bin`,
    `http://127.0.0.1:9/con?token=${SECRET}`,
    `http://127.0.0.1:9/?token=${SECRET}`,
    `http://[?token=${SECRET}`,
    `ftp://127.0.0.1/a?sig=${SECRET}`,
    `http://127.0.0.1:9/fetched.json?sig=${SECRET}`,
    `http://127.0.0.1:9/a.part?X-Amz-Signature=${SECRET}`,
  ]);
  const main = fileURLToPath(new URL("../bin/facehand.js", import.meta.url));
  const argv = [main, "data", "fetch", at, "--out", join(dir, "command")];
  const { status, stdout, stderr } = spawnSync(process.execPath, argv, {
    encoding: "utf8",
    timeout: STUCK_MS,
  });
  const codes: readonly (number | null)[] = [EXIT_CODES.input, EXIT_CODES.data, EXIT_CODES.remote];
  const found: string[] = [];
  if (!codes.includes(status)) found.push(`Expected exit code 2, 3 or 4 of ${at}, got ${status}: ${stderr}`);
  if (`${stdout}${stderr}`.includes(SECRET))
    found.push(`Expected no secret of ${at}, got ${stdout}${stderr}`);
  return found;
}
