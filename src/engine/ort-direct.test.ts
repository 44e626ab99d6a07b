import { describe, expect, it } from "vitest";
import { encodeModel } from "../formats/onnx.ts";
import { createDirectSession } from "./ort-direct.ts";
import { runtimeVersion } from "./ort-node.ts";
import { type Session, Tensor } from "./session.ts";

const vector = (...values: number[]) => new Tensor("float32", Float32Array.from(values), [values.length]);

/** y = op(x), z = -x, of any length. */
async function open(op: string): Promise<Session> {
  const value = (name: string) => ({ name, dtype: "float32", dims: ["n"] }) as const;
  const node = (type: string, output: string) =>
    ({ name: output, op: type, domain: "", inputs: ["x"], outputs: [output], attributes: {} }) as const;
  const model = encodeModel({
    irVersion: 8,
    producer: "facehand",
    opsets: [{ domain: "", version: 17 }],
    metadata: {},
    graph: {
      name: "g",
      nodes: [node(op, "y"), node("Neg", "z")],
      initializers: [],
      inputs: [value("x")],
      outputs: [value("y"), value("z")],
    },
  });
  const session = await createDirectSession(model, { threads: 1, optimization: "disabled" });
  if (session === undefined) throw new Error("the library cannot be called here");
  return session;
}

describe("createDirectSession", () => {
  it("knows the layout of the release that is installed: update VERSION, and check its table, with the package", () => {
    expect(runtimeVersion()).toBe("1.30.0");
  });

  it("names its ends and writes into the tensors given", async () => {
    const session = await open("Abs");
    expect([session.inputNames, session.outputNames]).toEqual([["x"], ["y", "z"]]);
    const [y, z] = [vector(0, 0), vector(0, 0)];
    const out = await session.run({ x: vector(1, -2) }, { y, z });
    expect(out["y"]).toBe(y);
    expect([...(y.data as Float32Array), ...(z.data as Float32Array)]).toEqual([1, 2, -1, 2]);
    await session.release();
  });

  it("writes over its own input, and runs again", async () => {
    const session = await open("Sqrt");
    const x = vector(256, 81);
    for (let i = 0; i < 2; i++) await session.run({ x }, { y: x });
    expect([...(x.data as Float32Array)]).toEqual([4, 3]);
    await session.release();
  });

  it("takes denormals as zero, as other sessions do", async () => {
    const session = await open("Sqrt");
    const y = vector(...new Array<number>(16).fill(7));
    await session.run({ x: vector(...new Array<number>(16).fill(1e-40)) }, { y });
    expect(y.data).toEqual(new Float32Array(16)); // exact: 1e-20
    await session.release();
  });

  it("passes on what the library says of a bad model and a bad call", async () => {
    await expect(createDirectSession(Uint8Array.of(1, 2, 3))).rejects.toMatchObject({
      code: "MODEL_REFUSED",
    });
    const session = await open("Abs");
    await expect(session.run({ x: vector(1, 2) }, { y: vector(0) })).rejects.toMatchObject({
      code: "RUN_FAILED",
    });
    await expect(session.run({ w: vector(1) }, { y: vector(0) })).rejects.toThrow("no input or output w");
    await expect(session.run({ x: vector(1) }, ["y"])).rejects.toMatchObject({ code: "FETCHES" });
    await session.release();
  });

  it("refuses a configuration key that the library refuses", async () => {
    const config = { "session.intra_op_thread_affinities": "nonsense" };
    const model = encodeModel({
      irVersion: 8,
      producer: "facehand",
      opsets: [{ domain: "", version: 17 }],
      metadata: {},
      graph: { name: "g", nodes: [], initializers: [], inputs: [], outputs: [] },
    });
    await expect(createDirectSession(model, { threads: 2, config })).rejects.toMatchObject({
      code: "MODEL_REFUSED",
    });
  });
});
