// State that stays on a device between runs of a session in Node, as page-session has it for pages.
// Source: our own; the C interface copies nothing to and from devices by itself, so that a graph that changes nothing does.
import { encodeModel } from "../../formats/onnx.ts";
import type { Device } from "./device.ts";
import { DeviceTensor } from "./device-tensor.ts";
import { nativeCall } from "./gate.ts";
import { createSession } from "./open-session.ts";
import { KEEPING } from "./ort-direct.ts";
import { openLibrary } from "./ort-library.ts";
import type { DeviceMemory } from "./session.ts";

/**
 * What stays on a device, of outputs that `onDevice` of createSession names.
 *
 * @returns undefined for the CPU, for devices whose sessions keep nothing (coreml, dml), and where the C interface of ONNX
 *   Runtime cannot be called: results then lie in this process's memory
 */
export async function deviceMemory(device: Device): Promise<DeviceMemory | undefined> {
  if (!KEEPING.has(device) || (await openLibrary()) === undefined) return undefined;
  return {
    has: (tensor) => tensor instanceof DeviceTensor,
    read: async (tensor) => {
      const session = await createSession(copyModel(), { threads: 1, providers: [device, "cpu"] });
      try {
        return (await session.run({ x: tensor }))["y"]!.data as Float32Array;
      } finally {
        await session.release();
      }
    },
    free: (tensor) => void nativeCall(() => (tensor as DeviceTensor).free()),
  };
}

/** y = x, a vector. */
function copyModel(): Uint8Array {
  const end = (name: string) => ({ name, dtype: "float32" as const, dims: ["n"] });
  const node = { name: "copy", op: "Identity", domain: "", inputs: ["x"], outputs: ["y"], attributes: {} };
  return encodeModel({
    irVersion: 8,
    producer: "facehand",
    opsets: [{ domain: "", version: 17 }],
    metadata: {},
    graph: { name: "copy", nodes: [node], initializers: [], inputs: [end("x")], outputs: [end("y")] },
  });
}
