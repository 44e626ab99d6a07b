// `npm run bench -- gpu`: a training step on a graphics card beside PyTorch, in a table, in a few minutes.
// For each device that runs here: losses beside the CPU's, where the operators of a step ran, what a step copies, step time and
// memory of the card, and whether the loader keeps up. One side after the other, unlike the other benchmarks: several do not
// fit into a card's memory, and a card's speed drifts less than a processor's. With --rehearse the processor takes the card's place
// on both sides, so that every line of this runs where there is no card; nothing of it is recorded.
import { spawnSync } from "node:child_process";
import { appendFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { AppError, unexpected } from "../../src/core/errors.ts";
import { DEVICES, type Device, type DeviceState, probeDevice } from "../../src/engine/runtime/device.ts";
import { entryArgs, type Side, start } from "../child.ts";
import { loaderEpochs } from "../loader.ts";
import { checkout, machine } from "../machine.ts";
import { parseOptions } from "../options.ts";
import { findPython } from "../peer.ts";
import type { Measured } from "../side.ts";
import { spread } from "../statistics.ts";
import { cardMemoryMb, cardName } from "./card.ts";
import type { Checked } from "./check.ts";
import type { GpuWork } from "./settings.ts";
import type { GpuMeasured } from "./side.ts";
import { type CheckRow, type GpuRow, gpuTable, type StepRow } from "./table.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const RESULTS = fileURLToPath(new URL("../results.jsonl", import.meta.url));

const OPTIONS = {
  devices: { type: "string", default: "cuda,webgpu" },
  work: {
    type: "string",
    default:
      "tf_efficientnetv2_s:32x224,resnet18:32x128,mobilenetv2_100:32x128,tf_efficientnetv2_s:8x224,tf_efficientnetv2_s:128x224",
  },
  steps: { type: "string", default: "20" },
  warmup: { type: "string", default: "5" },
  minutes: { type: "string", default: "8" },
  pictures: { type: "string", default: "512" },
  python: { type: "string" },
  rehearse: { type: "boolean", default: false },
  "no-record": { type: "boolean", default: false },
} as const;

type Flags = ReturnType<typeof parse>;
const parse = (argv: readonly string[]) => parseOptions(argv, OPTIONS).values;
type Network = Pick<GpuWork, "model" | "batch" | "sizePx">;
/** A side that is measured: a device of ours with its precision, or PyTorch's. */
type Setup =
  | Pick<GpuWork, "device" | "tf32">
  | { readonly torch: "fp32" | "tf32" | "bf16"; readonly on: "cuda" | "cpu" };

/** PyTorch's. */
const PRECISIONS = ["fp32", "tf32", "bf16"] as const;

/**
 * Measures and prints; rows go into results.jsonl.
 *
 * @throws AppError("input", "NO_CARD") with the reason of each device, where none runs
 */
export async function gpu(argv: readonly string[]): Promise<void> {
  const flags = parse(argv);
  const end = performance.now() + number("minutes", flags) * 60_000;
  const networks = flags.work.split(",").map(networkOf);
  for (const flag of ["steps", "warmup", "pictures"] as const) number(flag, flags);
  const asked = flags.rehearse ? (["cpu"] as const) : flags.devices.split(",").map(deviceOf);
  const states = await Promise.all(asked.map((device) => probeDevice(device)));
  const devices = states.filter(({ runs }) => runs).map(({ device }) => device);
  if (devices.length === 0) throw noCard(states);
  for (const state of states) if (!state.runs) console.log(`${state.device}: ${state.reason}; ${state.hint}`);
  const on = devices.find((device) => device === "cuda" || device === "cpu");
  const python = on === undefined ? { missing: "PyTorch runs on cuda" } : findPython(flags.python);
  if ("missing" in python) console.log(`No peer (${python.missing}).`);
  const setups: Setup[] = [
    ...devices.flatMap((device) =>
      (device === "cuda" ? [true, false] : [true]).map((tf32) => ({ device, tf32 })),
    ),
    ...("path" in python && on !== undefined ? PRECISIONS.map((torch) => ({ torch, on })) : []),
  ];
  const common = { ...checkout(), machine: { ...machine(), card: cardName() } };
  const rows: GpuRow[] = [];
  const left: string[] = [];
  const seen = new Set<string>();
  const loaded = new Map<number, number>();
  for (const network of networks) {
    const { model, sizePx } = network;
    const name = `${model} ${network.batch} x ${sizePx} px`;
    if (!loaded.has(sizePx)) loaded.set(sizePx, await loaderSpeed(network, flags));
    if (!seen.has(model)) {
      seen.add(model);
      for (const device of devices) {
        if (performance.now() > end) left.push(`${name}: losses on ${device}`);
        else rows.push({ ...checkOf(network, device, flags), ...common, time: new Date().toISOString() });
      }
    }
    for (const setup of setups) {
      if (performance.now() > end) {
        left.push(`${name}: ${titleOf(setup)}`);
        continue;
      }
      const measured = await measure(network, setup, { flags, python: "path" in python ? python.path : "" });
      const loader = loaded.get(sizePx)!;
      const row = { ...measured, side: titleOf(setup), loader, ...common, time: new Date().toISOString() };
      console.log(`${name}, ${row.side}: ${row.failed ?? `${row.ms!.median.toFixed(1)} ms`}`);
      rows.push(row);
    }
  }
  console.log(`\n${gpuTable(rows)}`);
  for (const what of left) console.log(`not measured within --minutes ${flags.minutes}: ${what}`);
  if (!flags["no-record"] && !flags.rehearse)
    appendFileSync(RESULTS, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
}

function noCard(states: readonly DeviceState[]): AppError {
  const reasons = states.map((state) => (state.runs ? "" : `${state.device}: ${state.reason}`));
  const hint = states.map((state) => (state.runs ? "" : `${state.device}: ${state.hint}`)).join("; ");
  const e = { code: "NO_CARD", expected: "a graphics card", name: "the benchmark", got: undefined };
  return unexpected("input", { ...e, where: reasons.join("; "), hint });
}

function deviceOf(name: string): Device {
  const cards = DEVICES.filter((device) => device !== "cpu");
  const found = cards.find((device) => device === name);
  if (found !== undefined) return found;
  const expected = `some of ${cards.join(", ")}`;
  throw unexpected("input", { code: "BENCH_DEVICE", expected, name: "--devices", got: name });
}

function networkOf(text: string): Network {
  const [, model, batch, sizePx] = /^([a-z0-9_]+):(\d+)x(\d+)$/.exec(text) ?? [];
  if (model !== undefined) return { model, batch: Number(batch), sizePx: Number(sizePx) };
  const e = {
    code: "BENCH_WORK",
    expected: "MODEL:BATCHxPX, several with commas,",
    name: "--work",
    got: text,
  };
  throw unexpected("input", e);
}

function number(flag: "steps" | "warmup" | "minutes" | "pictures", flags: Flags): number {
  const value = Number(flags[flag]);
  if (Number.isInteger(value) && value >= 1) return value;
  const e = { code: "BENCH_NUMBER", expected: "an integer from 1 on", name: `--${flag}`, got: flags[flag] };
  throw unexpected("input", e);
}

const titleOf = (setup: Setup): string => {
  if ("torch" in setup) return `PyTorch ${setup.torch === "bf16" ? "bf16, compiled" : setup.torch}`;
  return setup.device === "cuda" ? `cuda ${setup.tf32 ? "tf32" : "fp32"}` : setup.device;
};

const workOf = (network: Network, setup: Pick<GpuWork, "device" | "tf32">): GpuWork => {
  const threads = availableParallelism();
  return { ...network, ...setup, threads, lowering: "plain" };
};

/** Losses of the same steps on the CPU and the device, and where operators ran; float32 on both, for that is what is compared. */
function checkOf(network: Network, device: Device, flags: Flags): Omit<CheckRow, keyof Common> {
  const steps = number("steps", flags);
  const small = { ...network, batch: Math.min(network.batch, 8) };
  const work = { ...workOf(small, { device, tf32: false }), steps };
  const args = entryArgs("gpu/check", work);
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: ROOT, encoding: "utf8" });
  const what = { benchmark: "gpu-check", ...small, device, steps } as const;
  if (status !== 0) return { ...what, failed: lastLine(stderr) };
  const { losses, placed } = JSON.parse(stdout) as Checked;
  const apart = losses.cpu.map((loss, i) => Math.abs(losses.device[i]! / loss - 1));
  return { ...what, first: apart[0]!, apart: Math.max(...apart), placed };
}

type Common = Pick<StepRow, "commit" | "modified" | "machine" | "time">;
type Context = { readonly flags: Flags; readonly python: string };

/** Steps of one side, in a process of its own; what failed, such as for want of memory, is reported in its place. */
async function measure(
  network: Network,
  setup: Setup,
  { flags, python }: Context,
): Promise<Omit<StepRow, keyof Common | "side" | "loader">> {
  const what = { benchmark: "gpu", ...network } as const;
  const before = cardMemoryMb();
  let side: Side | undefined;
  try {
    side = await startSide(network, setup, python);
    const { openMs = 0, versions } = side;
    const first = await side.step();
    for (let i = 1; i < number("warmup", flags); i++) await side.step();
    const steps: Measured[] = [];
    for (let i = 0; i < number("steps", flags); i++) steps.push(await side.step());
    const after = cardMemoryMb();
    const { peakMb, toDevice, fromDevice } = steps.at(-1) as GpuMeasured;
    return {
      ...what,
      ms: spread(steps.map(({ ms }) => ms)),
      firstStepMs: Math.round(openMs + first.ms),
      cardMb: before === undefined || after === undefined ? null : after - before,
      processMb: Math.round(peakMb),
      ...(toDevice === undefined ? {} : { toDevice, fromDevice }),
      versions,
    };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { ...what, failed: lastLine(error.message) };
  } finally {
    await side?.close().catch(() => undefined);
  }
}

function startSide(network: Network, setup: Setup, python: string): Promise<Side> {
  if (!("torch" in setup))
    return start(process.execPath, entryArgs("gpu/side", workOf(network, setup)), ROOT);
  const script = fileURLToPath(new URL("../peer/gpu.py", import.meta.url));
  return start(python, [script, JSON.stringify(network), setup.torch, setup.on], ROOT);
}

const lastLine = (text: string) => text.trim().split("\n").at(-1)!.slice(0, 160);

/** Images a second that our loader decodes and augments, with every core. */
async function loaderSpeed({ batch, sizePx, model }: Network, flags: Flags): Promise<number> {
  const pictures = number("pictures", flags);
  const work = { model, batch: Math.min(batch, pictures), sizePx, threads: availableParallelism() };
  const { step, close } = await loaderEpochs({ ...work, lowering: "plain" }, 0, pictures);
  await step(); // threads start
  const start = performance.now();
  await step();
  const speed = pictures / ((performance.now() - start) / 1000);
  await close();
  return Math.round(speed);
}
