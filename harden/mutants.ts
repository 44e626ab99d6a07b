// Campaign: changed and invented files of every format through its reader, in a process that is watched.
// Bounds: a file of N bytes ends within 2 s and 50 ms a MB of processor time and 200 MB and 3 N of memory, with a value or an
// AppError of at most 2 KB that is not reported as our own fault; the process lives on.
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Campaign, Finding, Open } from "./campaign.ts";
import type { Order } from "./mutants-child.ts";

/** Files of one attempt. */
const EACH = 250;
const MB = 1 << 20;
const WATCH_MS = 50;
/** Clock time is the machine's to spend; it only finds what never ends. */
const CLOCK_FACTOR = 15;

const limitMs = (bytes: number) => 2000 + (50 * bytes) / MB;
const limitMb = (bytes: number) => 200 + (3 * bytes) / MB;

/** Hostile files, see above. */
export const mutants: Campaign = {
  name: "mutants",
  title: "changed and invented files of every format",
  goal: 200_000,
  weight: 1.8,
  unavailable: async () =>
    existsSync("/proc/self/stat") ? undefined : "no /proc shows what a process takes",
  open: async (dir) => new Mutants(dir),
};

/** The file being read, and what the process had taken before. */
interface Reading {
  readonly number: number;
  readonly what: string;
  readonly bytes: number;
  readonly since: number;
  readonly cpuMs: number;
  readonly mb: number;
}

/** A process, and how it ends. */
interface Watchable {
  readonly child: ChildProcess;
  readonly ended: Promise<string>;
}

/** Has files read in a process, attempt by attempt. */
export class Mutants implements Open {
  readonly #dir: string;
  readonly #entry: URL;
  #child: Watchable | undefined;

  /** @param entry - module of the process; see mutants-child.ts for its messages */
  constructor(dir: string, entry: URL = new URL("./mutants-child.ts", import.meta.url)) {
    this.#entry = entry;
    this.#dir = join(dir, "files");
    mkdirSync(this.#dir, { recursive: true });
  }

  async attempt(seed: number): Promise<Finding> {
    const faults: string[] = [];
    let peakMb = 0;
    for (let from = 0; from < EACH; ) {
      const child = this.#child ?? (await this.#start());
      const watched = await watch(child, { seed, from, to: EACH });
      faults.push(...watched.faults.map((fault) => `seed ${seed}, file ${fault}`));
      peakMb = Math.max(peakMb, watched.peakMb);
      from = watched.next;
      if (watched.ended) this.#child = undefined;
    }
    return { faults, peakMb, tried: EACH };
  }

  async #start(): Promise<Watchable> {
    const child = fork(fileURLToPath(this.#entry), [this.#dir], {
      execArgv: [...(this.#entry.href.endsWith(".ts") ? ["--import", "tsx"] : []), "--expose-gc"],
      stdio: ["ignore", "pipe", "inherit", "ipc"],
    });
    const ended = once(child, "exit").then(([code, signal]) => String(signal ?? `code ${code}`));
    const lines = createInterface({ input: child.stdout! });
    const ready = await Promise.race([once(lines, "line"), ended]);
    if (ready[0] !== "ready") throw new Error(`the reading process did not start: ${String(ready)}`);
    lines.close();
    this.#child = { child, ended };
    return this.#child;
  }

  async close(): Promise<void> {
    this.#child?.child.kill("SIGKILL");
    await this.#child?.ended;
    this.#child = undefined;
  }
}

/** What came of some files. */
interface Watched {
  readonly faults: readonly string[];
  readonly peakMb: number;
  /** The first that was not read. */
  readonly next: number;
  readonly ended: boolean;
}

/** Has files read, and ends the process at the first that passes a bound. */
async function watch({ child, ended }: Watchable, order: Order): Promise<Watched> {
  const faults: string[] = [];
  let reading: Reading | undefined;
  let [peakMb, done, killed] = [0, false, ""];
  const measure = () => {
    if (reading === undefined || killed !== "") return;
    const { cpuMs, mb } = taken(child.pid!);
    const more = mb - reading.mb;
    peakMb = Math.max(peakMb, more);
    const spent = cpuMs - reading.cpuMs;
    const late = performance.now() - reading.since > CLOCK_FACTOR * limitMs(reading.bytes);
    if (more > limitMb(reading.bytes)) killed = `${Math.round(more)} MB`;
    else if (spent > limitMs(reading.bytes) || late) killed = `no end after ${Math.round(spent)} ms`;
    if (killed !== "") child.kill("SIGKILL");
  };
  const lines = createInterface({ input: child.stdout! });
  const finished = new Promise<void>((resolve) => {
    lines.on("line", (line) => {
      measure();
      const [kind, number, what, bytes] = line.split(" ", 4);
      if (kind === "fault") faults.push(line.slice("fault ".length));
      if (kind === "read") {
        const before = taken(child.pid!);
        const since = performance.now();
        reading = { number: Number(number), what: what!, bytes: Number(bytes), since, ...before };
      }
      if (kind !== "done") return;
      done = true;
      resolve();
    });
  });
  const timer = setInterval(measure, WATCH_MS);
  child.send(order, () => undefined);
  try {
    const end = await Promise.race([finished, ended]);
    if (done) return { faults, peakMb, next: order.to, ended: false };
    const at =
      reading === undefined ? "before the first" : `${reading.number} ${reading.what} ${reading.bytes}`;
    const known = killed === "" && faults.some((fault) => fault.startsWith(`${reading?.number} `));
    if (!known) faults.push(`${at}: ${killed === "" ? `the process ended with ${end}` : killed}`);
    return { faults, peakMb, next: (reading?.number ?? order.from) + 1, ended: true };
  } finally {
    clearInterval(timer);
    lines.close();
  }
}

/** Processor time and resident memory of a process so far; nothing of one that is gone. */
function taken(pid: number): { cpuMs: number; mb: number } {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const [user, system, pages] = [11, 12, 21].map((index) => Number(fields[index]));
    return { cpuMs: (user! + system!) * 10, mb: (pages! * 4096) / MB };
  } catch {
    return { cpuMs: 0, mb: 0 };
  }
}
