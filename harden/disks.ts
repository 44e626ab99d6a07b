// Campaign `disks`: every verb that writes, on disks and in places that refuse: a small one that fills up, one without room
// for another file, one that becomes read-only, a file or a loop of links in the folder's place, names beyond 255
// bytes, a folder of another user, few open files, output that is full or that nobody reads. The outcome must be
// documented: exit code 2, 3, 4 or 130 with a path and what to do, or 0 with every byte there. Then the place is
// mended, and the same command must succeed.
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { Random } from "../src/core/random.ts";
import type { Campaign, Open } from "./campaign.ts";
import { loadCli } from "./cli.ts";
import { differences, readTree, TEMPORARY, type Tree, tornness } from "./trees.ts";
import { VERBS, type Verb } from "./verbs.ts";
import { openWorld, type World } from "./world.ts";

const execute = promisify(execFile);
const ROOM_KB = 64 << 10;

export const disks: Campaign = {
  name: "disks",
  title: "full, read-only and odd disks, and output that goes away",
  goal: 500,
  weight: 1.2,
  limitMs: 600_000,
  unavailable: async () => {
    if (process.platform !== "linux" || process.getuid?.() !== 0)
      return "small disks are mounted by root, on Linux";
    const probe = await execute("unshare", ["-m", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]).then(
      () => undefined,
      () => "this system lets nobody mount a disk",
    );
    return probe;
  },
  open,
};

interface Site {
  readonly world: World;
  /** A disk of its own. */
  readonly dir: string;
  /** What bin/facehand.js is for the bundle. */
  readonly main: string;
  readonly references: Map<Verb, Promise<Tree>>;
}

async function open(dir: string): Promise<Open> {
  const cli = await loadCli();
  const world = await openWorld(join(dir, "world"), cli);
  const place = join(dir, "disk");
  await mkdir(place, { recursive: true });
  for (const each of [dir, dirname(dir)]) await chmod(each, 0o711); // another user runs it, too
  const main = join(dir, "main.mjs");
  const bin = await readFile(new URL("../bin/facehand.js", import.meta.url), "utf8");
  await writeFile(
    main,
    bin
      .replace(/new URL\(.*\);/, 'new URL("file://" + process.argv[2]);')
      .replace("process.argv.slice(2)", "process.argv.slice(3)"),
  );
  const site: Site = { world, dir: place, main, references: new Map() };
  return {
    attempt: (seed) => attempt(site, seed),
    async close() {
      await unmount(place);
      await world.close();
    },
  };
}

const unmount = (dir: string) => execute("umount", ["-l", dir]).catch(() => undefined);
const remount = (dir: string, options: string) => execute("mount", ["-o", `remount,${options}`, dir]);

/** Long ones are drawn by the other campaigns. */
const OFTEN = VERBS.filter(({ weight = 1, spawns = false }) => weight >= 0.3 && !spawns);

/** What a run came to. */
interface End {
  readonly code: number | null;
  readonly stderr: string;
}

/** A place that refuses. */
interface Place {
  readonly name: string;
  /** Spoils the disk before the command runs; gives back what mends it. */
  readonly spoil: (site: Site, random: Random) => Promise<() => Promise<unknown>>;
  /** How the command runs, if not in this process: words of bash before "$@". */
  readonly shell?: string | undefined;
  /** True where a message need not name a path: it is about a stream, or nobody reads it. */
  readonly silent?: boolean | undefined;
}

const mendRoom = (dir: string) => () => remount(dir, `rw,size=${ROOM_KB}k,nr_inodes=0`);

const PLACES: readonly Place[] = [
  {
    name: "a disk that fills up",
    spoil: async ({ dir }, random) => {
      const kb = 4 + random.int(random.next() < 0.5 ? 60 : 1500);
      const { stdout } = await execute("du", ["-sk", dir]);
      await remount(dir, `size=${Number.parseInt(stdout, 10) + kb}k`);
      return mendRoom(dir);
    },
  },
  {
    name: "a disk without room for another file",
    spoil: async ({ dir }, random) => {
      const { stdout } = await execute("df", ["--output=iused", dir]);
      await remount(dir, `nr_inodes=${Number.parseInt(stdout.split("\n")[1]!, 10) + 1 + random.int(24)}`);
      return mendRoom(dir);
    },
  },
  {
    name: "a read-only disk",
    spoil: async ({ dir }) => {
      await remount(dir, "ro");
      return mendRoom(dir);
    },
  },
  ...["", ".partial"].map(
    (ending): Place => ({
      name: `a file at out${ending}`,
      spoil: async ({ dir }) => {
        const path = join(dir, `out${ending}`);
        await rm(path, { recursive: true, force: true });
        await writeFile(path, "of somebody");
        return () => rm(path);
      },
    }),
  ),
  {
    name: "a loop of links at out",
    spoil: async ({ dir }) => {
      const path = join(dir, "out");
      await rm(path, { recursive: true, force: true });
      await symlink("out", path);
      return () => rm(path);
    },
  },
  ...["out.md", "out.parquet", "out.onnx", "out.pt", "out.json", "out.html", "out.csv", "table.csv"].map(
    (name): Place => ({
      name: `a folder at ${name}`,
      spoil: async ({ dir }) => {
        await mkdir(join(dir, name, "of somebody"), { recursive: true });
        return () => rm(join(dir, name), { recursive: true });
      },
    }),
  ),
  {
    name: "few open files",
    shell: "ulimit -n $((18 + RANDOM_N % 14));",
    spoil: async () => async () => undefined,
  },
  {
    name: "a place of another user",
    shell: "exec setpriv --reuid 65534 --regid 65534 --clear-groups",
    spoil: async () => async () => undefined,
  },
  { name: "full output", shell: "exec >/dev/full;", silent: true, spoil: async () => async () => undefined },
  { name: "closed output", shell: "exec >&- 2>&-;", silent: true, spoil: async () => async () => undefined },
];

async function attempt(site: Site, seed: number) {
  const random = Random.of(seed).split("disks");
  const place = PLACES[random.int(PLACES.length)]!;
  const verb = OFTEN[random.int(OFTEN.length)]!;
  const { world, dir } = site;
  const known = site.references.get(verb) ?? undisturbed(site, verb);
  site.references.set(verb, known);
  const reference = await known;
  const argv = await lay(site, verb);
  const before = await readTree(dir);
  const mend = await place.spoil(site, random.split("place"));
  let end = await execution(site, place, argv, random.int(1000));
  const faults = wrongEnd(end, place, dir);
  if (end.code !== 0) faults.push(...(await halfWritten(site, verb, before, reference)));
  await mend().catch((error: Error) =>
    faults.push(`Expected what is somebody's left alone, got ${error.message}`),
  );
  const isRoot = place.shell?.includes("setpriv") !== true;
  if (place.name === "full output") end = { ...end, code: 0 }; // the work is done
  if (end.code !== 0 && isRoot && faults.length === 0) faults.push(...(await finish(site, verb, argv)));
  const whole = end.code === 0 || (isRoot && faults.length === 0);
  const unlike = whole ? differences(reference, withoutStrangers(await readTree(dir))) : [];
  if (unlike.length > 0) faults.push(`Expected what it leaves elsewhere, got: ${unlike.join("; ")}`);
  faults.push(
    ...(await world.changed()).map((path) => `Expected its input unchanged, got other bytes in ${path}`),
  );
  return { faults: faults.map((fault) => `${verb.name}, ${place.name}: ${fault}`) };
}

/** Mounts an empty disk and lays what the verb begins with. */
async function lay({ world, dir }: Site, verb: Verb): Promise<readonly string[]> {
  await unmount(dir);
  await execute("mount", ["-t", "tmpfs", "-o", `size=${ROOM_KB}k,mode=755`, "tmpfs", dir]);
  const at = (name: string) => join(dir, name);
  await verb.prepare?.(at, world);
  return verb.argv(at, world);
}

async function undisturbed(site: Site, verb: Verb): Promise<Tree> {
  const argv = await lay(site, verb);
  await site.world.cli.must(...argv);
  return withoutStrangers(await readTree(site.dir));
}

/** Without folders that a place put there, and locks. */
const withoutStrangers = (tree: Tree): Tree =>
  new Map([...tree].filter(([name]) => !TEMPORARY.test(name) && !name.includes("of somebody")));

async function execution(
  { world, main }: Site,
  { shell }: Place,
  argv: readonly string[],
  n: number,
): Promise<End> {
  if (shell === undefined) return world.cli.run(argv);
  const words = `RANDOM_N=${n}; ${shell} "$@"`;
  const args = ["-c", words, "bash", process.execPath, main, world.cli.bundle, ...argv];
  const child = spawn("bash", args, { stdio: ["ignore", "ignore", "pipe"] });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const [exit] = (await once(child, "close")) as [number | null];
  return { code: exit, stderr };
}

/** What its end should not have been. */
function wrongEnd({ code, stderr }: End, { name, silent = false }: Place, dir: string): string[] {
  const end = stderr.slice(-600);
  if (/fault of facehand|^\s+at .*:\d+:\d+\)?$/m.test(stderr))
    return [`Expected no fault of ours, got ${end}`];
  if (name === "full output") return code === 3 ? [] : [`Expected exit code 3, got ${code}: ${end}`];
  if (code === 0) return [];
  if (![2, 3, 4, 130].includes(code ?? -1)) return [`Expected a documented exit code, got ${code}: ${end}`];
  if (silent) return [];
  if (!/^Try: /m.test(stderr)) return [`Expected what to do, got ${end}`];
  if (/few open files|another user/.test(name) || stderr.includes(dir)) return [];
  return [`Expected the path that was refused, got ${end}`];
}

/** What stands under a final name and is neither what was there nor what has to be. */
async function halfWritten({ dir }: Site, verb: Verb, before: Tree, after: Tree): Promise<string[]> {
  const faults: string[] = [];
  for (const [name, hash] of withoutStrangers(await readTree(dir).catch(() => new Map()))) {
    if (hash === after.get(name) || hash === before.get(name) || hash === "/") continue;
    const torn =
      verb.grows?.test(name) === true ? tornness(name, await readFile(join(dir, name))) : "other bytes";
    if (torn !== undefined && !/^(out|[^/]*\.(md|csv))$/.test(name))
      faults.push(`Expected ${name} whole, got ${torn}`);
  }
  return faults;
}

/** The same command where nothing refuses any more. */
async function finish({ world }: Site, { again = [] }: Verb, argv: readonly string[]): Promise<string[]> {
  const first = await world.cli.run([...argv, ...again]);
  const { code, stderr } = first.code === 2 && again.length > 0 ? await world.cli.run(argv) : first;
  return code === 0 ? [] : [`Expected success once the place is mended, got ${code}: ${stderr.slice(-600)}`];
}
