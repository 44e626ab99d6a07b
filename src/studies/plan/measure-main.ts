// Some steps of a training in a process of its own, for its time and memory. One argument: a `MeasureOrder` as JSON.
import { pathToFileURL } from "node:url";
import { Interrupted } from "../../core/errors.ts";
import { peakBytes } from "../../machine/peak-memory.ts";
import { parseTrainConfig } from "../../train/config.ts";
import { train } from "../../train/loop.ts";
import type { Cost } from "./measure.ts";

interface MeasureOrder {
  readonly config: unknown;
  /** A folder that is thrown away. */
  readonly dir: string;
}

const STEPS = 6;

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const { config, dir } = JSON.parse(process.argv[2] ?? "{}") as MeasureOrder;
  process.stdout.write(JSON.stringify(await measure(config, dir)));
}

async function measure(config: unknown, dir: string): Promise<Cost> {
  const stop = new AbortController();
  const times: number[] = [];
  const onStep = (_result: unknown, _position: unknown, stepsPerEpoch: number) => {
    times.push(performance.now() / 1000);
    if (times.length >= Math.min(STEPS, stepsPerEpoch)) stop.abort();
  };
  try {
    await train(parseTrainConfig(config), { dir, signal: stop.signal, onStep });
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
  }
  const steps = times
    .slice(1)
    .map((time, i) => time - times[i]!)
    .sort((a, b) => a - b);
  const first = times[0]!; // performance.now() counts from the start of the process
  const stepSeconds = steps[Math.floor(steps.length / 2)] ?? first;
  return { startSeconds: first, stepSeconds, peakBytes: peakBytes() };
}
