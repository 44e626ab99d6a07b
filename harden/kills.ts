// Campaign `kills`: every verb that writes is signalled at drawn moments, once or several times, and run again. Nothing
// half-written may stand under a final name, what it reads may not change, and in the end every byte is that of a run that
// nobody disturbed. A process is struck; what runs again does so here, where it needs no start.
import { mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Random } from "../src/core/random.ts";
import type { Campaign, Finding, Open } from "./campaign.ts";
import { loadCli } from "./cli.ts";
import { waitForOrphans } from "./orphans.ts";
import { differences, readTree, TEMPORARY, type Tree, tornness } from "./trees.ts";
import { VERBS, type Verb } from "./verbs.ts";
import { type Blow, describeBlow, drawBlow, type Extent, misbehaviour, start } from "./victim.ts";
import { openWorld, type World } from "./world.ts";

/** Most kills of one attempt. */
const MOST_BLOWS = 4;
/** How often a lock of a process that is about to end is waited for. */
const PATIENCE = 40;

/** What an undisturbed run leaves. */
interface Reference extends Extent {
  readonly before: Tree;
  readonly after: Tree;
  readonly peakMb: number;
}

export const kills: Campaign = {
  name: "kills",
  title: "kills and signals over every writing verb",
  goal: 1000,
  weight: 4,
  limitMs: 600_000, // `demo` takes its time
  open,
};

async function open(dir: string): Promise<Open> {
  const site = await openSite(dir);
  return { attempt: (seed) => attempt(site, seed), close: site.world.close };
}

/** Opens a place for attempts; its world is to be closed. */
export async function openSite(dir: string): Promise<Site> {
  const world = await openWorld(join(dir, "world"), await loadCli());
  return { world, dir: join(dir, "attempt"), references: new Map() };
}

/** Where attempts are made. */
export interface Site {
  readonly world: World;
  /** Of the attempt: the same for all, as some results name it. */
  readonly dir: string;
  readonly references: Map<Verb, Promise<Reference>>;
}

/** One of the verbs, by their weights. */
function drawVerb(random: Random): Verb {
  let left = random.next() * VERBS.reduce((sum, { weight = 1 }) => sum + weight, 0);
  for (const verb of VERBS) {
    left -= verb.weight ?? 1;
    if (left < 0) return verb;
  }
  return VERBS[0]!;
}

function attempt(site: Site, seed: number): Promise<Finding> {
  const random = Random.of(seed).split("kills");
  return attack(site, drawVerb(random.split("verb")), (n, extent) => {
    if (n === MOST_BLOWS || (n > 0 && random.split("more", n).next() < 0.4)) return undefined;
    return drawBlow(random.split("blow", n), extent, site.dir);
  });
}

/**
 * Strikes a verb, runs it to its end, and compares.
 *
 * @param blowOf - the n-th blow, from 0; undefined for no more
 */
export async function attack(
  site: Site,
  verb: Verb,
  blowOf: (n: number, extent: Extent) => Blow | undefined,
): Promise<Finding> {
  const { world, dir } = site;
  const known = site.references.get(verb) ?? undisturbed(site, verb);
  site.references.set(verb, known);
  const reference = await known;
  const argv = await lay(site, verb);
  const faults: string[] = [];
  const blows: string[] = [];
  let done = false;
  let tried = 0;
  let peakMb = reference.peakMb;
  for (let n = 0; !done && faults.length === 0; n++) {
    const blow = blowOf(n, reference);
    if (blow === undefined) break;
    const end = await start(world.cli.bundle, n === 0 ? argv : againOf(verb, argv), blow).ended;
    if (verb.spawns === true) await waitForOrphans(dir);
    blows.push(describeBlow(blow));
    tried += end.struck ? 1 : 0;
    done = end.code === 0;
    peakMb = Math.max(peakMb, end.peakMb);
    const wrong = misbehaviour(end, blow);
    faults.push(...(wrong === undefined ? [] : [wrong]), ...(await halfWritten(site, verb, reference)));
    if (await isMade(site, verb, reference)) break; // from here on the command is refused
  }
  if (!done && faults.length === 0) faults.push(...(await finish(site, verb, { argv, reference })));
  const unlike = faults.length > 0 ? [] : differences(reference.after, await readTree(dir));
  if (unlike.length > 0) faults.push(`Expected what an undisturbed run leaves, got: ${unlike.join("; ")}`);
  faults.push(
    ...(await world.changed()).map((path) => `Expected its input unchanged, got other bytes in ${path}`),
  );
  return { faults: faults.map((fault) => `${verb.name}, ${blows.join(", then ")}: ${fault}`), tried, peakMb };
}

const againOf = ({ again = [] }: Verb, argv: readonly string[]) => [...argv, ...again];

/** Clears the folder of the attempt and lays what the verb begins with. */
async function lay({ world, dir }: Site, verb: Verb): Promise<readonly string[]> {
  await rm(dir, { recursive: true, force: true });
  await mkdir(dir, { recursive: true });
  const at = (name: string) => join(dir, name);
  await verb.prepare?.(at, world);
  return verb.argv(at, world);
}

async function undisturbed(site: Site, verb: Verb): Promise<Reference> {
  const argv = await lay(site, verb);
  const before = await readTree(site.dir);
  const { code, stderr, calls, ms, peakMb } = await start(site.world.cli.bundle, argv).ended;
  if (code !== 0) throw new Error(`facehand ${argv.join(" ")} ended with ${code}: ${stderr}`);
  const after = await readTree(site.dir);
  return { before, after, calls, ms, peakMb, files: after.size };
}

/** Runs the command again, to its end; what was made whole before it was struck may be refused. */
async function finish(
  { world, dir }: Site,
  verb: Verb,
  { argv, reference }: { readonly argv: readonly string[]; readonly reference: Reference },
): Promise<string[]> {
  const isWhole = await isMade({ dir }, verb, reference);
  for (let n = 0; ; n++) {
    const { code, stderr } = await world.cli.run(againOf(verb, argv));
    if (code === 0 || (code === 2 && isWhole && /with files in it/.test(stderr))) return [];
    if (n >= PATIENCE || !/ to be free, got process \d+/.test(stderr))
      return [
        `Expected the command to succeed when it is run again, got exit code ${code}: ${stderr.slice(-800)}`,
      ];
    await sleep(250);
  }
}

/** True if a folder that appears whole is there. */
async function isMade({ dir }: Pick<Site, "dir">, verb: Verb, { after }: Reference): Promise<boolean> {
  const now = await readTree(dir);
  return (verb.whole ?? []).some((folder) => now.has(folder) && isSame(now, after, folder));
}

/** What stands under a final name and is not what it should be. */
async function halfWritten({ dir }: Site, verb: Verb, { before, after }: Reference): Promise<string[]> {
  const now = await readTree(dir);
  const faults: string[] = [];
  for (const [name, hash] of now) {
    if (TEMPORARY.test(name) || hash === after.get(name) || hash === before.get(name)) continue;
    if (verb.grows?.test(name) !== true) {
      faults.push(
        `Expected nothing half-written, got ${after.has(name) ? "other bytes in" : "also"} ${name}`,
      );
      continue;
    }
    const torn = tornness(name, await readFile(join(dir, name)));
    if (torn !== undefined) faults.push(`Expected ${name} whole, got: ${torn}`);
  }
  for (const folder of verb.whole ?? []) {
    if (!now.has(folder) || isSame(now, before, folder) || isSame(now, after, folder)) continue;
    faults.push(
      `Expected ${folder} whole or absent, got: ${differences(part(after, folder), part(now, folder)).join("; ")}`,
    );
  }
  return faults;
}

const part = (tree: Tree, folder: string): Tree =>
  new Map([...tree].filter(([name]) => name === folder || name.startsWith(`${folder}/`)));

const isSame = (a: Tree, b: Tree, folder: string) =>
  differences(part(a, folder), part(b, folder)).length === 0;
