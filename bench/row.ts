// What a row of results.jsonl says of the steps of both sides, and what a person reads of it.
import type { Side } from "./child.ts";
import type { Measured } from "./side.ts";
import { pairedRatio, spread } from "./statistics.ts";

/** One side's steps. @param first - the first step of all: with opening, what one waits for at the start of training */
export function summary({ openMs, versions }: Side, steps: readonly Measured[], first: Measured) {
  const ms = spread(steps.map((m) => m.ms));
  const firstStepMs = openMs === undefined ? {} : { firstStepMs: Math.round(openMs + first.ms) };
  return { ms, ...firstStepMs, peakMb: Math.round(steps.at(-1)!.peakMb), versions };
}

/** Wall-clock times of steps, ms. */
export const times = (steps: readonly Measured[]) => steps.map((m) => m.ms);

/** The ratio by processor time, where both sides report it. */
export function cpuRatio(ours: readonly Measured[], theirs: readonly Measured[] | undefined) {
  const [mine, peer] = [ours, theirs ?? []].map((steps) => steps.flatMap(({ cpuMs }) => cpuMs ?? []));
  return mine!.length > 0 && mine!.length === peer!.length ? { cpuRatio: pairedRatio(mine!, peer!) } : {};
}

interface Reported {
  readonly ours: ReturnType<typeof summary>;
  readonly peer: ReturnType<typeof summary> | null;
  readonly ratio: ReturnType<typeof spread> | null;
  readonly cpuRatio?: ReturnType<typeof spread>;
}

/** Prints a row for people. */
export function report({ ours, peer, ratio, cpuRatio: byCpu }: Reported): void {
  const text = ({ ms, peakMb, firstStepMs }: ReturnType<typeof summary>) =>
    `median ${ms.median.toFixed(1)} ms (quartiles ${ms.p25.toFixed(1)} to ${ms.p75.toFixed(1)}), peak ${peakMb} MB${
      firstStepMs === undefined ? "" : `, first step done after ${firstStepMs} ms`
    }`;
  console.log(`ours   ${text(ours)}`);
  if (peer !== null) console.log(`peer   ${text(peer)} (${Object.values(peer.versions).join(", ")})`);
  if (ratio !== null)
    console.log(`ours / peer by pairs: median ${ratio.median} (quartiles ${ratio.p25} to ${ratio.p75})`);
  if (byCpu !== undefined)
    console.log(`by processor time: median ${byCpu.median} (quartiles ${byCpu.p25} to ${byCpu.p75})`);
}
