// Does a device learn what the CPU learns, and does it do all of a step itself? Losses of the same steps on both, each of
// another batch, and where the operators of a step ran, by ONNX Runtime's profile.
// Usage: node --import tsx bench/gpu/check.ts WORK_JSON (CheckWork). Prints one line of JSON (Checked).
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Random } from "../../src/core/random.ts";
import { initialise } from "../../src/engine/params.ts";
import type { Device } from "../../src/engine/runtime/device.ts";
import { createSession } from "../../src/engine/runtime/open-session.ts";
import type { StepBatch } from "../../src/train/step/batch.ts";
import { localStepRuntime } from "../../src/train/step/local.ts";
import { openStepOn } from "../../src/train/step/step.ts";
import { tinyModel } from "../../test/browser/in-page/tiny-network.ts";
import { stepConfig } from "../step-runner.ts";
import { type GpuWork, settingsOf } from "./settings.ts";

export interface CheckWork extends GpuWork {
  readonly steps: number;
}

/** Operators of one step by the provider that ran them: how many of each. */
export type Placed = Readonly<Record<string, Readonly<Record<string, number>>>>;

export interface Checked {
  readonly losses: { readonly cpu: readonly number[]; readonly device: readonly number[] };
  readonly placed: Placed;
}

const work = JSON.parse(process.argv[2]!) as CheckWork;
// A device that compiles its kernels has them as long as a session is: the second step need not wait for them again.
const provider = work.device;
const kept = await createSession(tinyModel(provider), { threads: 1, providers: [provider, "cpu"] });
const cpu = await lossesOn("cpu", work.steps);
const device = await lossesOn(work.device, work.steps);
const checked: Checked = { losses: { cpu, device }, placed: await placedOn() };
await kept.release();
process.stdout.write(`${JSON.stringify(checked)}\n`);

async function lossesOn(on: Device, steps: number, profilePrefix?: string): Promise<number[]> {
  const { threads } = work;
  const own = on === "cpu" ? {} : ({ lowering: "plain", providerOptions: settingsOf(work) } as const);
  const runtime = await localStepRuntime({ device: on, threads, profilePrefix, ...own });
  const step = await openStepOn(stepConfig(work), runtime);
  step.load(initialise(step.specs, Random.of(0)));
  const losses: number[] = [];
  const schedule = { lr: 1e-4, decay: 0.01, clipNorm: Number.POSITIVE_INFINITY, focal: 0, seed: 0 };
  for (let i = 1; i <= steps; i++) losses.push((await step.run(batchOf(i), { ...schedule, step: i })).loss);
  await step.close();
  return losses;
}

function batchOf(seed: number): StepBatch {
  const { batch: n, sizePx } = work;
  const random = Random.of(seed);
  return {
    images: Uint8Array.from({ length: n * sizePx * sizePx * 3 }, () => random.int(256)),
    labels: Float32Array.from({ length: n }, () => random.int(2)),
    flag: Float32Array.from({ length: 2 * n }, (_, i) => i % 2),
    weights: new Float32Array(n).fill(1 / n),
    modalityWeights: new Float32Array(n),
  };
}

async function placedOn(): Promise<Checked["placed"]> {
  const folder = await mkdtemp(join(tmpdir(), "facehand-bench-gpu-"));
  try {
    await lossesOn(work.device, 1, join(folder, "step"));
    const placed: Record<string, Record<string, number>> = {};
    for (const name of await readdir(folder)) {
      type Event = { readonly args?: { readonly provider?: string; readonly op_name?: string } };
      for (const { args } of JSON.parse(await readFile(join(folder, name), "utf8")) as Event[]) {
        const { provider, op_name: op = "?" } = args ?? {};
        if (provider === undefined) continue;
        placed[provider] ??= {};
        placed[provider][op] = (placed[provider][op] ?? 0) + 1;
      }
    }
    return placed;
  } finally {
    await rm(folder, { recursive: true });
  }
}
