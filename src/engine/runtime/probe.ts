// Asks ONNX Runtime for the block size of its NCHWc operators, which depends on the processor.
import { encodeModel } from "../../formats/onnx.ts";
import { NCHWC } from "../lower/writer.ts";
import { createSession } from "./open-session.ts";
import { Tensor } from "./session.ts";

/** One ReorderInput of four channels: its output has as many channels as a block. */
function probeModel(): Uint8Array {
  const node = {
    name: "probe",
    op: "ReorderInput",
    domain: NCHWC,
    inputs: ["x"],
    outputs: ["y"],
    attributes: {},
  };
  return encodeModel({
    irVersion: 8,
    producer: "facehand",
    opsets: [
      { domain: "", version: 17 },
      { domain: NCHWC, version: 1 },
    ],
    metadata: {},
    graph: {
      name: "probe",
      nodes: [node],
      initializers: [],
      inputs: [{ name: "x", dtype: "float32", dims: [1, 4, 1, 1] }],
      outputs: [{ name: "y", dtype: "float32", dims: [1, "c", 1, 1] }],
    },
  });
}

let known: Promise<number | undefined> | undefined;

/** Block size on this machine, or undefined if the runtime has no NCHWc operators for it; probed once. */
export function probeBlock(): Promise<number | undefined> {
  known ??= probe().catch(() => undefined);
  return known;
}

async function probe(): Promise<number | undefined> {
  const session = await createSession(probeModel(), { threads: 1 });
  try {
    const { y } = await session.run({ x: new Tensor("float32", new Float32Array(4), [1, 4, 1, 1]) });
    const size = y!.dims[1]!;
    return size > 4 ? size : undefined;
  } finally {
    await session.release();
  }
}
