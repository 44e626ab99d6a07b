import { describe, expect, it } from "vitest";
import { encodeModel } from "../formats/onnx.ts";
import { createSession } from "./ort-node.ts";
import { Tensor } from "./session.ts";

function model(op: string): Uint8Array {
  const value = (name: string) => ({ name, dtype: "float32", dims: ["n"] }) as const;
  return encodeModel({
    irVersion: 8,
    producer: "facehand",
    opsets: [{ domain: "", version: 17 }],
    metadata: {},
    graph: {
      name: "g",
      nodes: [
        { name: "a", op, domain: "", inputs: ["x"], outputs: ["y"], attributes: {} },
        { name: "b", op: "Neg", domain: "", inputs: ["x"], outputs: ["z"], attributes: {} },
      ],
      initializers: [],
      inputs: [value("x")],
      outputs: [value("y"), value("z")],
    },
  });
}

const x = new Tensor("float32", Float32Array.of(1, -2), [2]);

describe("createSession", () => {
  it("runs a model and names its ends", async () => {
    const session = await createSession(model("Abs"), { threads: 1, optimization: "basic" });
    expect(session.inputNames).toEqual(["x"]);
    expect(session.outputNames).toEqual(["y", "z"]);
    const out = await session.run({ x });
    expect(Object.keys(out).sort()).toEqual(["y", "z"]);
    expect(out["y"]?.data).toEqual(Float32Array.of(1, 2));
    expect(out["z"]?.data).toEqual(Float32Array.of(-1, 2));
    await session.release();
  });

  it("computes only the outputs asked for, and into given memory", async () => {
    const session = await createSession(model("Abs"), { threads: 1 });
    expect(Object.keys(await session.run({ x }, ["z"]))).toEqual(["z"]);
    const y = new Tensor("float32", new Float32Array(2), [2]);
    await session.run({ x }, { y });
    expect(y.data).toEqual(Float32Array.of(1, 2));
    await session.release();
  });

  it("takes denormals as zero", async () => {
    const session = await createSession(model("Sqrt"), { threads: 1 });
    const tiny = new Tensor("float32", new Float32Array(16).fill(1e-40), [16]);
    const { y } = await session.run({ x: tiny });
    expect(y?.data).toEqual(new Float32Array(16)); // exact: 1e-20
    await session.release();
  });

  it("passes configuration keys on", async () => {
    const config = { "session.intra_op_thread_affinities": "nonsense" };
    await expect(createSession(model("Abs"), { threads: 2, config })).rejects.toThrow(/affinit/i);
  });

  it("says what ONNX Runtime refused, and whose file it was", async () => {
    await expect(createSession(model("NoSuchOp"))).rejects.toMatchObject({
      kind: "internal",
      code: "MODEL_REFUSED",
      message: expect.stringMatching(/^Expected a model that ONNX Runtime accepts, got .*NoSuchOp/s),
    });
    const bytes = Uint8Array.of(1, 2, 3);
    await expect(createSession(bytes, { where: "face.onnx" })).rejects.toMatchObject({
      kind: "data",
      message: expect.stringMatching(/^Expected a model that ONNX Runtime accepts in face\.onnx, got /),
    });
  });

  it("wraps faults of a run", async () => {
    const session = await createSession(model("Abs"), { threads: 1 });
    await expect(session.run({})).rejects.toMatchObject({ kind: "internal", code: "RUN_FAILED" });
    await session.release();
  });
});
