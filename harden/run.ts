// `npm run harden -- --minutes N`: attacks on the whole of facehand, by campaign and seed. The time is shared over the
// campaigns by weight, and over the cores; each core works on one campaign after the other, in a worker of its own.
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { checkout, machine } from "../bench/machine.ts";
import { AppError, EXIT_CODES, EXIT_INTERRUPTED } from "../src/core/errors.ts";
import { takeLock } from "../src/machine/lock.ts";
import { Book } from "./book.ts";
import type { Campaign } from "./campaign.ts";
import { Died, startWorker, type Worker } from "./crew.ts";
import { chosen, type Flags, parseFlags, USAGE } from "./flags.ts";
import { showProgress } from "./progress.ts";
import { dealShares, type Share } from "./shares.ts";
import { codeHash, type Fault, forget, type RunFacts } from "./state.ts";
import { type Row, repeatCommand, summaryText, writeTable } from "./table.ts";

/** Longest time of one attempt, if the campaign sets no other, ms. */
const LIMIT_MS = 300_000;
/** Minutes after which every campaign has its turn again. */
const ROUND_MINUTES = 20;
const TEMPORARY = "facehand-harden-";

/** What all cores share. */
interface Site {
  readonly flags: Flags;
  readonly book: Book;
  readonly dir: string;
  readonly stop: AbortSignal;
  /** Campaigns that could not be opened. */
  readonly shut: Set<string>;
  /** Attempts that may still be begun, by campaign. */
  readonly left: Map<string, number>;
}

async function main(argv: readonly string[]): Promise<number> {
  const flags = parseFlags(argv);
  if (flags.help) {
    console.log(USAGE.trimEnd());
    return 0;
  }
  const { CAMPAIGNS } = (await import(pathToFileURL(resolve(flags.campaigns)).href)) as {
    CAMPAIGNS: readonly Campaign[];
  };
  if (flags.table) {
    writeTable(flags.state, CAMPAIGNS);
    return 0;
  }
  const campaigns = chosen(CAMPAIGNS, flags.only);
  if (flags.seed !== undefined) return repeat(flags, campaigns[0]!, flags.seed);
  const lock = await takeLock(resolve(flags.state), `what was tried, in ${flags.state},`);
  try {
    return await work(flags, campaigns);
  } finally {
    await lock.release();
  }
}

/** One attempt, as it was reported. */
async function repeat(flags: Flags, campaign: Campaign, seed: number): Promise<number> {
  const reason = await campaign.unavailable?.();
  if (reason !== undefined)
    throw new AppError(
      "input",
      "HARDEN_UNAVAILABLE",
      `Expected ${campaign.name} to run here, got: ${reason}`,
    );
  const dir = makeFolder();
  try {
    const worker = await startWorker(postOf(flags, campaign, join(dir, "0")));
    const { faults, peakMb } = await worker.attempt(seed).finally(() => worker.close());
    for (const fault of faults) console.log(fault);
    const peak = peakMb === undefined ? "" : `, peak ${Math.round(peakMb)} MB`;
    console.log(`${campaign.name}, seed ${seed}: ${faults.length} faults${peak}`);
    return faults.length === 0 ? 0 : EXIT_CODES.internal;
  } catch (error) {
    if (!(error instanceof Died)) throw error;
    console.log(`${campaign.name}, seed ${seed}: ${error.message}`);
    return EXIT_CODES.internal;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

async function work(flags: Flags, campaigns: readonly Campaign[]): Promise<number> {
  const code = codeHash();
  if (flags.fresh)
    await forget(
      flags.state,
      code,
      campaigns.map(({ name }) => name),
    );
  const reasons = new Map<string, string>();
  for (const { name, unavailable } of campaigns) {
    const reason = await unavailable?.();
    if (reason !== undefined) reasons.set(name, reason);
  }
  const able = campaigns.filter(({ name }) => !reasons.has(name));
  const book = new Book(flags.state, runFacts(code), tellFault);
  const dir = makeFolder();
  const stop = stopOnSignal();
  const left = new Map(able.map(({ name }) => [name, flags.attempts]));
  const site: Site = { flags, book, dir, stop, shut: new Set(), left };
  const line = showProgress(able, book, flags.minutes);
  try {
    await runRounds(site, able);
  } finally {
    line.done();
    book.close();
    rmSync(dir, { recursive: true, force: true });
  }
  const rows = campaigns.map(
    (one): Row => ({ campaign: one, ...book.tally(one.name), skipped: reasons.get(one.name) }),
  );
  console.log(summaryText(rows));
  if (rows.some(({ faults }) => faults.length > 0)) return EXIT_CODES.internal;
  return stop.aborted ? EXIT_INTERRUPTED : 0;
}

async function runRounds(site: Site, campaigns: readonly Campaign[]): Promise<void> {
  const { minutes, jobs } = site.flags;
  const rounds = Math.max(1, Math.round(minutes / ROUND_MINUTES));
  const begin = performance.now();
  for (let round = 1; round <= rounds && !site.stop.aborted; round++) {
    const end = begin + (minutes * 60_000 * round) / rounds;
    const shares = dealShares(campaigns, jobs);
    await Promise.all(shares.map((list, core) => runShares(site, list, end, `${round}-${core}`)));
  }
}

/** The campaigns of one core, one after the other; what one leaves of its time is the others'. */
async function runShares(
  site: Site,
  shares: readonly Share<Campaign>[],
  end: number,
  id: string,
): Promise<void> {
  for (const [i, { campaign, weight }] of shares.entries()) {
    const rest = shares.slice(i).reduce((sum, share) => sum + share.weight, 0);
    const now = performance.now();
    await runCampaign(site, campaign, now + ((end - now) * weight) / rest, `${campaign.name}-${id}`);
  }
}

/** At least one attempt, and more while there is time. */
async function runCampaign(site: Site, campaign: Campaign, until: number, id: string): Promise<void> {
  const { book, stop, shut, left } = site;
  const { name } = campaign;
  let worker: Worker | undefined;
  for (let n = 0; (n === 0 || performance.now() < until) && !stop.aborted && !shut.has(name); n++) {
    const more = left.get(name)!;
    if (more === 0) break;
    left.set(name, more - 1);
    worker ??= await open(site, campaign, `${id}-${n}`);
    if (worker === undefined) break;
    const seed = book.take(name);
    const begin = performance.now();
    try {
      const finding = await worker.attempt(seed);
      book.record(name, seed, finding, performance.now() - begin);
    } catch (error) {
      if (!(error instanceof Died)) throw error;
      book.record(
        name,
        seed,
        { faults: [`Expected the attempt to end, got: ${error.message}`] },
        performance.now() - begin,
      );
      await worker.close();
      worker = undefined;
    }
  }
  await worker?.close();
}

async function open(
  { flags, book, dir, shut }: Site,
  campaign: Campaign,
  id: string,
): Promise<Worker | undefined> {
  try {
    return await startWorker(postOf(flags, campaign, join(dir, id)));
  } catch (error) {
    if (!(error instanceof Died)) throw error;
    if (shut.has(campaign.name)) return undefined; // another core has reported it
    shut.add(campaign.name);
    book.record(campaign.name, null, { faults: [`Expected the campaign to open, got: ${error.message}`] }, 0);
    return undefined;
  }
}

const postOf = ({ campaigns }: Flags, { name, limitMs = LIMIT_MS }: Campaign, dir: string) => ({
  ...{ campaigns: resolve(campaigns), name, dir, limitMs },
});

function runFacts(code: string): RunFacts {
  return { code, ...checkout(), ...machine(), node: process.version, at: new Date().toISOString() };
}

function tellFault(campaign: string, { seed, text }: Fault): void {
  process.stderr.write(`\r\x1b[2K`.repeat(process.stderr.isTTY ? 1 : 0));
  console.log(
    `${campaign}${seed === null ? "" : `, seed ${seed}`}: ${text}\n  ${repeatCommand(campaign, seed)}`,
  );
}

/** Aborted by the first Ctrl-C; a second one does not wait. */
function stopOnSignal(): AbortSignal {
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.on(signal, () => {
      if (stop.signal.aborted) process.exit(EXIT_INTERRUPTED); // workers end with this process
      process.stderr.write("\nStopping after the attempts under way; press Ctrl-C again to stop at once.\n");
      stop.abort();
    });
  return stop.signal;
}

/** A folder for everything; those that killed runs left are cleared away. */
function makeFolder(): string {
  for (const name of readdirSync(tmpdir())) {
    const pid = Number(new RegExp(`^${TEMPORARY}(\\d+)-`).exec(name)?.[1]);
    if (pid > 0 && !isAlive(pid)) rmSync(join(tmpdir(), name), { recursive: true, force: true });
  }
  return mkdtempSync(join(tmpdir(), `${TEMPORARY}${process.pid}-`));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    console.error(error instanceof AppError ? error.describe() : error);
    process.exitCode = error instanceof AppError ? EXIT_CODES[error.kind] : EXIT_CODES.internal;
  },
);
