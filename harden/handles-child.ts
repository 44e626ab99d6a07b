// Process of the campaign of native handles: makes the interleavings that it is asked for, many one after another, and
// records which one it is at, so that its parent knows it if the process dies.
import { closeSync, openSync, writeSync } from "node:fs";
import { peakBytes } from "../src/machine/peak-memory.ts";
import { interleave, QUICK } from "./interleave.ts";
import { REAL } from "./interleave-real.ts";

/** Its order: seeds from and to, and every how many real models are opened. */
export interface Order {
  readonly from: number;
  readonly to: number;
  readonly realEvery: number;
}

/** What it reports. */
export interface News {
  readonly faults: readonly string[];
  readonly peakMb: number;
}

const place = openSync(process.argv[2]!, "w");
process.on("disconnect", () => process.exit(0));
process.on("exit", () => closeSync(place));
process.on("message", (order: Order) => void make(order));

async function make({ from, to, realEvery }: Order): Promise<void> {
  const faults: string[] = [];
  for (let seed = from; seed < to; seed++) {
    writeSync(place, String(seed).padEnd(16), 0);
    const real = seed % realEvery === 0;
    const found = await interleave(seed, real ? REAL : QUICK).catch((error) => [
      String(error?.stack ?? error),
    ]);
    faults.push(...found.map((fault) => `interleaving ${seed}: ${fault}`));
  }
  process.send?.({ faults, peakMb: peakBytes() / 2 ** 20 } satisfies News);
}
