import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { shared, WHY_SKIPPED } from "../../test/shared.ts";
import { decodeModel, encodeModel, type OnnxModel } from "../formats/onnx.ts";
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

describe("encodeModel", () => {
  const floats = (name: string, dims: readonly number[], ...values: number[]) =>
    ({ name, dims, dtype: "float32", data: new Uint8Array(Float32Array.from(values).buffer) }) as const;

  it("writes attributes and constants as ONNX Runtime reads them", async () => {
    const linear: OnnxModel = {
      irVersion: 8,
      producer: "facehand",
      opsets: [{ domain: "", version: 17 }],
      metadata: {},
      graph: {
        name: "linear",
        nodes: [
          {
            name: "gemm",
            op: "Gemm",
            domain: "",
            inputs: ["x", "w", "b"],
            outputs: ["y"],
            attributes: { alpha: { float: 0.5 }, transB: { int: 1 }, transA: { int: 0 } },
          },
        ],
        initializers: [floats("w", [2, 3], 1, 2, 3, 4, 5, 6), floats("b", [2], 10, -10)],
        inputs: [{ name: "x", dtype: "float32", dims: ["batch", 3] }],
        outputs: [{ name: "y", dtype: "float32", dims: ["batch", 2] }],
      },
    };
    const session = await createSession(encodeModel(linear), { threads: 1 });
    const { y } = await session.run({ x: new Tensor("float32", [1, 1, 1, 0, 1, 0], [2, 3]) });
    expect(y?.dims).toEqual([2, 2]);
    expect(Array.from(y!.data as Float32Array)).toEqual([13, -2.5, 11, -7.5]);
    await session.release();
  });

  const yunet = shared("models", "yunet", "yunet_n_dynamic.onnx");
  it.skipIf(yunet === undefined)(`re-encodes a foreign model to equal outputs (${WHY_SKIPPED})`, async () => {
    const theirBytes = readFileSync(yunet!);
    const ours = await createSession(encodeModel(decodeModel(theirBytes)), { threads: 1 });
    const theirs = await createSession(theirBytes, { threads: 1 });
    const data = Float32Array.from({ length: 3 * 64 * 64 }, (_, i) => (i * 31) % 256);
    const feeds = { [theirs.inputNames[0]!]: new Tensor("float32", data, [1, 3, 64, 64]) };
    const [a, b] = [await ours.run(feeds), await theirs.run(feeds)];
    expect(theirs.outputNames).toHaveLength(12);
    for (const name of theirs.outputNames) expect(a[name]?.data).toEqual(b[name]?.data);
    await Promise.all([ours.release(), theirs.release()]);
  });
});
