// One process of the command line, and what is done to it: a signal at a drawn moment, by time, by the files that it has
// made, or by itself at its n-th call that changes files.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Random } from "../src/core/random.ts";

const CHILD = fileURLToPath(new URL("child.mjs", import.meta.url));
/** Between reads of a folder that is watched, ms. */
const WATCH_MS = 2;
/** A process that was asked to stop, or that was left alone, ends within so many ms. */
const LIMIT_MS = 90_000;
const KEPT_CHARACTERS = 1200;

/** Signals, more often the one that nothing can answer. */
const SIGNALS = [
  "SIGKILL",
  "SIGKILL",
  "SIGKILL",
  "SIGTERM",
  "SIGHUP",
  "SIGINT",
  "SIGINT",
  "SIGSTOP",
] as const;
const WHENS = ["before", "after", "torn"] as const;
export type Signal = (typeof SIGNALS)[number];

/** What is done to a process, and when. */
export type Blow =
  | {
      readonly by: "call";
      readonly at: number;
      readonly when: (typeof WHENS)[number];
      readonly signal: Signal;
    }
  | {
      readonly by: "time";
      readonly ms: number;
      readonly signal: Signal;
      readonly twiceAfterMs?: number | undefined;
    }
  | { readonly by: "files"; readonly n: number; readonly dir: string; readonly signal: Signal };

/** How a process ended. */
export interface End {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** True if it was signalled before it ended. */
  readonly struck: boolean;
  /** True if it did not end by itself. */
  readonly hung: boolean;
  /** The end of its standard error. */
  readonly stderr: string;
  /** Calls that change files, and the time of the command without the start of Node; of one that ran to its end. */
  readonly calls: number;
  readonly ms: number;
  /** Largest resident memory, MB; of one that ran to its end. */
  readonly peakMb: number;
}

/** What an undisturbed process took. */
export interface Extent {
  readonly calls: number;
  readonly ms: number;
  /** Files and folders at its end. */
  readonly files: number;
}

/** Draws a blow for a process of this extent that works in a folder. */
export function drawBlow(random: Random, { calls, ms, files }: Extent, dir: string): Blow {
  const signal = random.pick(SIGNALS);
  const by = signal === "SIGSTOP" ? "time" : random.pick(["call", "call", "call", "time", "files"] as const);
  if (by === "call") {
    const when = signal === "SIGKILL" ? random.pick(WHENS) : random.pick(["before", "after"] as const);
    return { by, at: 1 + random.int(Math.max(1, calls)), when, signal };
  }
  if (by === "files") return { by, n: 1 + random.int(Math.max(1, files)), dir, signal };
  const twiceAfterMs = signal === "SIGINT" && random.next() < 0.5 ? random.int(60) : undefined;
  return { by, ms: random.next() ** 1.5 * ms * 1.1, signal, twiceAfterMs };
}

/** A blow in words. */
export function describeBlow(blow: Blow): string {
  if (blow.by === "call") return `${blow.signal} ${blow.when} call ${blow.at}`;
  if (blow.by === "files") return `${blow.signal} at ${blow.n} files`;
  const twice = blow.twiceAfterMs === undefined ? "" : `, again after ${blow.twiceAfterMs} ms`;
  return `${blow.signal} after ${blow.ms.toFixed(0)} ms${twice}`;
}

/** A process that runs. */
export interface Victim {
  readonly pid: number;
  readonly ended: Promise<End>;
}

/**
 * Starts the command line.
 *
 * @param bundle - as bundleCli makes it
 */
export function start(bundle: string, argv: readonly string[], blow?: Blow): Victim {
  const own = blow?.by === "call" ? { at: blow.at, when: blow.when, signal: blow.signal } : undefined;
  const child = spawn(process.execPath, [CHILD, JSON.stringify({ bundle, argv, blow: own })], {
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  return { pid: child.pid!, ended: watch(child, blow) };
}

interface News {
  readonly kind: "begun" | "struck" | "ended";
  readonly calls?: number;
  readonly ms?: number;
  readonly peakMb?: number;
}

async function watch(child: ChildProcess, blow: Blow | undefined): Promise<End> {
  let stderr = "";
  child.stderr!.setEncoding("utf8").on("data", (text: string) => {
    stderr = (stderr + text).slice(-KEPT_CHARACTERS);
  });
  child.on("error", () => undefined);
  const over = new AbortController();
  const state = { struck: false, calls: 0, ms: 0, peakMb: 0, hung: false };
  const gone = once(child, "exit") as Promise<[number | null, NodeJS.Signals | null]>;
  child.on("message", ({ kind, calls = 0, ms = 0, peakMb = 0 }: News) => {
    if (kind === "struck") state.struck = true;
    if (kind === "ended") Object.assign(state, { calls, ms, peakMb });
    if (kind === "begun" && blow !== undefined && blow.by !== "call")
      strike(child, blow, {
        over: over.signal,
        onStruck: () => Object.assign(state, { struck: true }),
      }).catch(
        () => undefined, // it ended before
      );
  });
  const late = setTimeout(() => {
    state.hung = true;
    child.kill("SIGKILL");
  }, LIMIT_MS);
  const [code, signal] = await gone;
  clearTimeout(late);
  over.abort();
  return { ...state, code, signal, stderr, struck: state.struck || (signal !== null && !state.hung) };
}

/** Waits for the moment of a blow, and strikes a process that is still there. */
async function strike(
  child: ChildProcess,
  blow: Exclude<Blow, { by: "call" }>,
  { over, onStruck }: { readonly over: AbortSignal; readonly onStruck: () => void },
): Promise<void> {
  if (blow.by === "time") await sleep(blow.ms, undefined, { signal: over });
  else while (countFiles(blow.dir) < blow.n) await sleep(WATCH_MS, undefined, { signal: over });
  if (child.exitCode === null && child.kill(blow.signal)) onStruck();
  if (blow.signal === "SIGSTOP") {
    await sleep(5 + (blow.by === "time" ? blow.ms % 50 : 0));
    child.kill("SIGCONT");
  }
  if (blow.by === "time" && blow.twiceAfterMs !== undefined) {
    await sleep(blow.twiceAfterMs, undefined, { signal: over });
    child.kill(blow.signal);
  }
}

function countFiles(dir: string): number {
  try {
    return readdirSync(dir, { recursive: true }).length;
  } catch {
    return 0; // it changes while it is read
  }
}

/** What a process that was struck may end with; what it did instead, if it did. */
export function misbehaviour(end: End, blow: Blow | undefined): string | undefined {
  const { code, signal, hung, stderr } = end;
  const got = `${hung ? `no end within ${LIMIT_MS / 1000} s` : (signal ?? `exit code ${code}`)}\n${stderr}`;
  if (hung) return `Expected an end, got ${got}`;
  if (/fault of facehand/.test(stderr)) return `Expected no fault of ours, got ${got}`;
  if (code === 0) return undefined;
  const name = blow?.signal;
  if (name === undefined || name === "SIGSTOP" || !end.struck) return `Expected exit code 0, got ${got}`;
  if (name === signal) return undefined;
  if (code === 130 || code === 143 || code === 129) return undefined;
  return `Expected an end by ${name} or exit code 130, got ${got}`;
}
