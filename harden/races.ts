// Campaign `races`: two or three processes on one folder, together or one after the other, one of them perhaps killed.
// Allowed is that one of them makes it, whole, and that the others get that error: exit code 2 as the folder is locked or
// taken, or 0 where they find it done. In the end the folder is what one of them makes alone, and nothing lies beside it.
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Random } from "../src/core/random.ts";
import type { Campaign, Finding, Open } from "./campaign.ts";
import { loadCli } from "./cli.ts";
import { waitForOrphans } from "./orphans.ts";
import { differences, readTree, type Tree } from "./trees.ts";
import { VERBS, type Verb } from "./verbs.ts";
import { type Blow, type End, type Extent, start } from "./victim.ts";
import { openWorld, type World } from "./world.ts";

/** Verbs that make the folder `out` or refuse one that is not theirs: any two of them may meet there. */
const MAKERS = [
  ...["derive", "derive", "derive --shard", "derive merge", "data sample", "data export --parquet", "train"],
  ...["data export --imagefolder", "data import, parquet", "release bundle", "predict --pictures --csv"],
];
/** Verbs that change what lies there, or add to it: they meet their like. */
const CHANGERS = [
  ...["data repair --apply", "derive --decisions, erasing", "data fetch, a folder", "data fetch, a server"],
  ...["data fetch, unpacked", "model fetch", "study run"],
];
/** How often verbs of one kind meet, rather than any two. */
const ALIKE = 0.6;

/** The loser's error (machine/lock, machine/folder, derive/run/stage, train/run, studies/run/runner). */
const REFUSALS =
  /to be free, got process|with files in it|Expected a new folder for the sample|got other files|got a dataset of another|got that of another|appeared meanwhile|Expected study |as an earlier fetch left it|was taken/;

export const races: Campaign = {
  name: "races",
  title: "two and three processes on one folder",
  goal: 200,
  weight: 1.6,
  open,
};

/** What a verb leaves when nobody is in its way. */
interface Alone extends Extent {
  readonly tree: Tree;
}

interface Site {
  readonly world: World;
  readonly dir: string;
  readonly alone: Map<Verb, Promise<Alone>>;
}

async function open(dir: string): Promise<Open> {
  const cli = await loadCli();
  const world = await openWorld(join(dir, "world"), cli);
  const site: Site = { world, dir: join(dir, "attempt"), alone: new Map() };
  return { attempt: (seed) => attempt(site, seed), close: world.close };
}

const verbNamed = (name: string): Verb => VERBS.find((verb) => verb.name === name)!;

/** Who meets. */
function drawField(random: Random): Verb[] {
  const count = random.next() < 0.25 ? 3 : 2;
  const first = verbNamed(random.next() < 0.35 ? random.pick(CHANGERS) : random.pick(MAKERS));
  const alike = CHANGERS.includes(first.name) || random.next() < ALIKE;
  return Array.from({ length: count }, (_, i) => (i === 0 || alike ? first : verbNamed(random.pick(MAKERS))));
}

async function attempt(site: Site, seed: number): Promise<Finding> {
  const random = Random.of(seed).split("races");
  const field = drawField(random.split("field"));
  const { world, dir } = site;
  const alone: Alone[] = [];
  for (const verb of field) alone.push(await aloneOf(site, verb));
  await lay(site, field[0]!);
  const at = (name: string) => join(dir, name);
  const commands = await Promise.all(field.map((verb) => verb.argv(at, world)));
  const longest = Math.max(...alone.map(({ ms }) => ms));
  const killed = random.split("killed").next() < 0.3 ? random.split("who").int(field.length) : -1;
  const stagger = random.split("stagger");
  const waits = field.map((_, i) => (i === 0 || stagger.next() < 0.5 ? 0 : stagger.next() * longest));
  const blow: Blow = { by: "time", ms: random.split("when").next() * longest, signal: "SIGKILL" };
  const ends = await Promise.all(
    commands.map(async (argv, i) => {
      await sleep(waits[i]!);
      return start(world.cli.bundle, argv, i === killed ? blow : undefined).ended;
    }),
  );
  await waitForOrphans(dir);
  const faults = [...judge(ends), ...(await judgeFolder(site, { field, alone, ends, commands }))];
  faults.push(
    ...(await world.changed()).map((path) => `Expected its input unchanged, got other bytes in ${path}`),
  );
  const story = field.map(({ name }, i) => {
    const how = i === killed ? `, killed after ${blow.by === "time" ? blow.ms.toFixed(0) : 0} ms` : "";
    return `${name} (+${waits[i]!.toFixed(0)} ms${how}: ${ends[i]!.signal ?? ends[i]!.code})`;
  });
  const peakMb = Math.max(...ends.map((end) => end.peakMb));
  return {
    faults: faults.map((fault) => `${story.join(" | ")}: ${fault}`),
    ...(peakMb > 0 ? { peakMb } : {}),
  };
}

async function lay({ world, dir }: Site, verb: Verb): Promise<void> {
  await rm(dir, { recursive: true, force: true });
  await mkdir(dir, { recursive: true });
  await verb.prepare?.((name) => join(dir, name), world);
}

function aloneOf(site: Site, verb: Verb): Promise<Alone> {
  const known = site.alone.get(verb);
  if (known !== undefined) return known;
  const making = (async (): Promise<Alone> => {
    await lay(site, verb);
    const argv = await verb.argv((name) => join(site.dir, name), site.world);
    const begin = performance.now();
    await site.world.cli.must(...argv);
    const tree = await readTree(site.dir);
    return { tree, calls: 0, files: tree.size, ms: performance.now() - begin };
  })();
  site.alone.set(verb, making);
  return making;
}

const isKilled = ({ signal, hung }: End) => signal === "SIGKILL" && !hung;

/** One wins, and the others get an error. */
function judge(ends: readonly End[]): string[] {
  const faults = ends.flatMap((end) => {
    const { code, signal, stderr, hung } = end;
    if (code === 0 || isKilled(end) || (code === 2 && REFUSALS.test(stderr))) return [];
    const got = hung ? "no end" : (signal ?? `exit code ${code}`);
    return [`Expected exit code 0, or 2 as the folder is taken, got ${got}: ${stderr.slice(-700)}`];
  });
  if (!ends.some((end) => end.code === 0 || isKilled(end)))
    faults.push(`Expected one of them to make it, got exit codes ${ends.map(({ code }) => code).join(", ")}`);
  return faults;
}

interface Result {
  readonly field: readonly Verb[];
  readonly alone: readonly Alone[];
  readonly ends: readonly End[];
  readonly commands: readonly (readonly string[])[];
}

/** The folder is what one of those that succeeded makes; if none did, the command that was killed makes it now. */
async function judgeFolder(site: Site, { field, alone, ends, commands }: Result): Promise<string[]> {
  const { cli } = site.world;
  const winners = ends.flatMap(({ code }, i) => (code === 0 ? [i] : []));
  const killed = ends.findIndex(isKilled);
  if (winners.length === 0) {
    if (killed === -1) return [];
    const { code, stderr } = await cli.run([...commands[killed]!, ...(field[killed]!.again ?? [])]);
    if (code !== 0)
      return [
        `Expected the killed one to succeed when it is run again, got exit code ${code}: ${stderr.slice(-700)}`,
      ];
    winners.push(killed);
  }
  const unlike = async () => {
    const now = await readTree(site.dir);
    return winners
      .map((i) => differences(alone[i]!.tree, now))
      .reduce((a, b) => (b.length < a.length ? b : a));
  };
  let lines = await unlike();
  if (lines.length > 0 && killed !== -1) {
    await cli.run(commands[winners[0]!]!); // the next process clears away what a kill left
    lines = await unlike();
  }
  return lines.length === 0 ? [] : [`Expected what one of them leaves alone, got: ${lines.join("; ")}`];
}
