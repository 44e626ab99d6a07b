// Campaigns that go wrong in every way, for the test of what runs them.
import { spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import type { Campaign, Finding } from "../harden/campaign.ts";
import { Random } from "../src/core/random.ts";

const never = () => new Promise<never>(() => setInterval(() => undefined, 1 << 30));

function campaign(
  name: string,
  attempt: (seed: number) => Promise<Finding>,
  more: Partial<Campaign> = {},
): Campaign {
  const open = async () => ({ attempt, close: async () => undefined });
  return { name, title: `what ${name}`, goal: 10, open, ...more };
}

/** By name: what each does wrong. */
export const CAMPAIGNS: readonly Campaign[] = [
  campaign("holds", async (seed) => ({ faults: [], tried: 5, peakMb: 10 + seed })),
  campaign("breaks", async (seed) => {
    const drawn = Random.of(seed).int(1_000_000);
    return { faults: seed === 3 ? [`Expected \u001b[2J nothing, got ${drawn}`] : [] };
  }),
  campaign("dies", async (seed) => {
    if (seed !== 2) return { faults: [] };
    const child = spawn("sleep", ["1000"], { stdio: "ignore" });
    process.stderr.write(`left ${child.pid}\n`, () => process.kill(process.pid, "SIGKILL"));
    return await never();
  }),
  campaign("hangs", async (seed) => (seed === 1 ? await never() : { faults: [] }), { limitMs: 3000 }),
  campaign("throws", async () => {
    throw new Error("no such thing");
  }),
  campaign("waits", async (seed) => {
    await sleep(seed < 4 ? 1 : 50);
    return { faults: [] };
  }),
  campaign("shut", never, {
    open: async () => {
      throw new Error("no way in");
    },
  }),
  campaign("away", never, { unavailable: async () => "needs a moon" }),
];
