// Campaign: random interleavings of opening, running, misusing and closing whatever has native memory, and processes and
// threads that end while a model runs in them.
// Invariant: a process that dies of a signal is a fault; the interleaving that it was at is reported.
import { type ChildProcess, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Random } from "../src/core/random.ts";
import { entryFile } from "../src/machine/child.ts";
import type { Campaign, Finding, Open } from "./campaign.ts";
import type { News, Order } from "./handles-child.ts";

/** Interleavings of one attempt. */
export const EACH = 500;
/** One in so many opens real detectors, finders and threads. */
const REAL_EVERY = 601;
/** Interleavings after which a process is replaced: what it leaks would add up, and so would what it is spared. */
const A_PROCESS = 20 * EACH;

const WAYS = ["terminate", "exit", "throw", "reject", "interrupt", "unref"] as const;
const EXPECTED: Readonly<Record<(typeof WAYS)[number], string>> = {
  ...{ terminate: "0", exit: "0", unref: "0", throw: "1", reject: "1" },
  interrupt: "SIGINT",
};

/** Native handles, see above. */
export const handles: Campaign = {
  name: "handles",
  title: "random interleavings of native handles",
  goal: 100_000,
  weight: 1.2,
  open: async (dir) => new Handles(dir),
};

class Handles implements Open {
  readonly #place: string;
  #child: ChildProcess | undefined;
  #made = 0;

  constructor(dir: string) {
    this.#place = join(dir, "seed");
  }

  async attempt(seed: number): Promise<Finding> {
    const [made, ended] = [await this.#interleave(seed), await endProcess(seed)];
    return { ...made, faults: [...made.faults, ...ended], tried: EACH + 1 };
  }

  async #interleave(seed: number): Promise<Finding> {
    if (this.#made >= A_PROCESS) await this.close();
    const child = this.#child ?? this.#start();
    this.#made += EACH;
    const ended = once(child, "exit");
    child.send({ from: seed * EACH, to: (seed + 1) * EACH, realEvery: REAL_EVERY } satisfies Order);
    const news = await Promise.race([once(child, "message"), ended.then(() => undefined)]);
    if (news !== undefined) return news[0] as News;
    this.#child = undefined;
    const [code, signal] = await ended;
    const at = (await readFile(this.#place, "utf8")).trim();
    return { faults: [`interleaving ${at}: the process ended with ${signal ?? `code ${code}`}`] };
  }

  #start(): ChildProcess {
    this.#made = 0;
    const { file, isSource } = entryFile(new URL("./handles-child", import.meta.url));
    this.#child = fork(fileURLToPath(file), [this.#place], { execArgv: isSource ? ["--import", "tsx"] : [] });
    return this.#child;
  }

  async close(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null) return;
    const ended = once(child, "exit");
    child.disconnect();
    await ended;
  }
}

/** Ends a process or a thread while a model runs in it. */
async function endProcess(seed: number): Promise<string[]> {
  const random = Random.of(seed).split("ending");
  const way = WAYS[random.int(WAYS.length)]!;
  const args = [way, String(random.int(12)), String(1 + random.int(2))];
  const entry = fileURLToPath(new URL("./ending.mjs", import.meta.url));
  const child = spawn(process.execPath, [entry, ...args], { stdio: ["ignore", "ignore", "pipe"] });
  let errors = "";
  child.stderr.on("data", (text) => {
    errors += text;
  });
  const [code, signal] = await once(child, "close");
  const got = String(signal ?? code);
  const words = errors.trim().split("\n").slice(0, 3).join(" | ");
  return got === EXPECTED[way]
    ? []
    : [`ending ${args.join(" ")}: expected ${EXPECTED[way]}, got ${got}: ${words}`];
}
