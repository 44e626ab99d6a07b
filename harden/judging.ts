// People judge while the server is killed: nothing that the page showed as saved is lost, and nothing is there twice.
import { mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import { judgeThroughKills } from "../test/audit-kills.ts";
import { aPair, layPairs } from "../test/dataset.ts";
import type { Campaign } from "./campaign.ts";

/** Kills of one attempt. */
const KILLS = 10;

/** Kills of `facehand serve` in an audit. */
export const judging: Campaign = {
  name: "judging",
  title: "kills of the server while people judge",
  goal: 20,
  weight: 0.2,
  limitMs: 300_000,
  open: async (dir) => ({
    async attempt(seed) {
      const root = await mkdtemp(join(dir, "audit-"));
      const set = join(root, "set");
      await layPairs(set, { train: [aPair("p0", "s0")], val: [], test: [] });
      const { faults, kills } = await judgeThroughKills(root, set, KILLS, seed);
      return { faults, tried: kills };
    },
    close: async () => undefined,
  }),
};
