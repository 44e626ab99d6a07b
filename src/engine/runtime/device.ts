// Which device computes: the CPU, or an execution provider of the installed ONNX Runtime that really runs here.
// A provider can be listed and still have no library, no driver or no adapter: it counts once a small model ran.
import { type AppError, unexpected } from "../../core/errors.ts";
import { encodeModel } from "../../formats/onnx.ts";
import { createSession } from "./open-session.ts";
import { type Backend, cudaInstall, listBackends } from "./ort-node.ts";
import { type Session, Tensor } from "./session.ts";

export const DEVICES = ["cpu", "cuda", "webgpu", "coreml", "dml"] as const;
export type Device = (typeof DEVICES)[number];

/** Whether a device runs here, and if not, why and what to do. */
export type DeviceState =
  | { readonly device: Device; readonly runs: true }
  | { readonly device: Device; readonly runs: false; readonly reason: string; readonly hint: string };

/** What is asked of ONNX Runtime; tests bring their own answers. */
export interface DeviceSource {
  readonly backends: () => readonly Backend[];
  readonly open: (device: Device) => Promise<Session>;
}

const INSTALLED: DeviceSource = {
  backends: listBackends,
  open: (device) => createSession(probeModel(), { threads: 1, providers: [device, "cpu"] }),
};

/**
 * Tries a device.
 *
 * @example await probeDevice("cpu") // { device: "cpu", runs: true }
 */
export async function probeDevice(device: Device, source: DeviceSource = INSTALLED): Promise<DeviceState> {
  if (device === "cpu") return { device, runs: true };
  const known = source.backends();
  const backend = known.find(({ name }) => name === device);
  if (backend === undefined) {
    const names = known
      .map(({ name }) => name)
      .filter((name) => (DEVICES as readonly string[]).includes(name));
    const reason = `ONNX Runtime for ${process.platform}/${process.arch} offers ${names.join(", ")}`;
    return { device, runs: false, reason, hint: "use --device cpu" };
  }
  if (!backend.installed) {
    const hint = device === "cuda" ? `${cudaInstall()} (needs CUDA 12 and cuDNN 9)` : "use --device cpu";
    return { device, runs: false, reason: `the libraries of ${device} are not installed`, hint };
  }
  try {
    await runProbe(await source.open(device));
    return { device, runs: true };
  } catch (error) {
    const hint = `check the driver of the ${device} device, or use --device cpu`;
    return { device, runs: false, reason: firstReason(error), hint };
  }
}

/**
 * The device to compute on.
 *
 * @param asked - `auto` takes the first of cuda, dml, coreml and webgpu that runs, else the CPU
 * @throws AppError("input", "DEVICE") for a device that does not run here, with what to do
 */
export async function chooseDevice(
  asked: Device | "auto",
  source: DeviceSource = INSTALLED,
): Promise<Device> {
  if (asked !== "auto") {
    const state = await probeDevice(asked, source);
    if (!state.runs) throw refused(state.device, state.reason, state.hint);
    return asked;
  }
  for (const device of ["cuda", "dml", "coreml", "webgpu"] as const) {
    if ((await probeDevice(device, source)).runs) return device;
  }
  return "cpu";
}

function refused(device: Device, reason: string, hint: string): AppError {
  return unexpected("input", {
    code: "DEVICE",
    expected: "a device that runs here",
    name: "--device",
    got: device,
    where: reason,
    hint,
  });
}

const VALUES = [-1, 0, 2.5, -3];

async function runProbe(session: Session): Promise<void> {
  try {
    const { y } = await session.run({ x: new Tensor("float32", Float32Array.from(VALUES), [1, 4]) });
    const got = [...(y!.data as Float32Array)];
    if (got.some((value, i) => value !== Math.max(0, VALUES[i]!))) throw new Error(`wrong results ${got}`);
  } finally {
    await session.release();
  }
}

/** One Relu. */
function probeModel(): Uint8Array {
  const node = { name: "probe", op: "Relu", domain: "", inputs: ["x"], outputs: ["y"], attributes: {} };
  return encodeModel({
    irVersion: 8,
    producer: "facehand",
    opsets: [{ domain: "", version: 17 }],
    metadata: {},
    graph: {
      name: "probe",
      nodes: [node],
      initializers: [],
      inputs: [{ name: "x", dtype: "float32", dims: [1, 4] }],
      outputs: [{ name: "y", dtype: "float32", dims: [1, 4] }],
    },
  });
}

/** ONNX Runtime's messages begin with file, line and function; the last sentence states what was wrong. */
function firstReason(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text
    .split(/was false\. |got /)
    .at(-1)!
    .replace(/(\\n|\s)+$/, "") // Dawn ends its messages with an escaped line feed
    .trim()
    .slice(0, 160);
}
