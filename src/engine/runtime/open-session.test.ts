import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { shared, WHY_SKIPPED } from "../../../test/shared.ts";
import { decodeModel, encodeModel, type OnnxModel } from "../../formats/onnx.ts";
import { createSession, ownSession } from "./open-session.ts";
import { openDirect } from "./ort-direct.ts";
import { openBinding, runtimeVersion } from "./ort-node.ts";
import { Tensor, type Tensors } from "./session.ts";

/** y = op(x), and with `more` z = -x. */
function model(
  op: string,
  dtype: "float32" | "float16" | "int64" | "int32" | "uint8" | "bool" | "double" = "float32",
  dims: readonly (string | number)[] = ["n"],
  more: readonly string[] = ["z"],
): Uint8Array {
  const value = (name: string) => ({ name, dtype, dims: [...dims] });
  const node = (type: string, output: string) =>
    ({ name: output, op: type, domain: "", inputs: ["x"], outputs: [output], attributes: {} }) as const;
  return encodeModel({
    irVersion: 8,
    producer: "facehand",
    opsets: [{ domain: "", version: 17 }],
    metadata: {},
    graph: {
      name: "g",
      nodes: [node(op, "y"), ...more.map((name) => node("Neg", name))],
      initializers: [],
      inputs: [value("x")],
      outputs: ["y", ...more].map(value),
    },
  });
}

const vector = (...values: number[]) => new Tensor("float32", Float32Array.from(values), [values.length]);
const x = vector(1, -2);

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

  it("reports what ONNX Runtime refused, and whose file it was", async () => {
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

  it("refuses what is no model and no option", async () => {
    const abs = model("Abs");
    const shared = new Uint8Array(new SharedArrayBuffer(abs.length));
    shared.set(abs);
    for (const wrong of ["x", null, [...abs], shared, new Float32Array(4), abs.buffer])
      await expect(createSession(wrong as Uint8Array)).rejects.toMatchObject({
        kind: "input",
        code: "MODEL_BYTES",
        message: expect.stringMatching(
          /^Expected a Uint8Array that no other thread shares for the model, got /,
        ),
      });
    const options = [
      [{ threads: Number.NaN }, "Expected an integer from 0 to 4096 for threads, got NaN"],
      [{ threads: 1e9 }, "Expected an integer from 0 to 4096 for threads, got 1000000000"],
      [{ optimization: "most" }, 'Expected disabled, basic, extended, all for optimization, got "most"'],
      [{ config: { a: 1 } }, "Expected text for config a, got 1"],
      [
        { config: { "session.use_ort_model_bytes_directly": "1" } },
        'Expected 0 for config session.use_ort_model_bytes_directly, got "1"',
      ],
    ] as const;
    for (const [wrong, message] of options)
      await expect(createSession(abs, wrong as never)).rejects.toMatchObject({
        kind: "input",
        code: "SESSION_OPTION",
        message,
      });
  });
});

/** The two ways to the library; what owns a session is the same. */
const WAYS = [
  ["the C interface", openDirect],
  ["the binding", openBinding],
] as const;

describe.each(WAYS)("a session by %s", (_, openWay) => {
  const open = async (bytes: Uint8Array) => ownSession((await openWay(bytes, { threads: 1 }))!);

  it("writes over its own input, and runs again", async () => {
    const session = await open(model("Sqrt"));
    const both = vector(256, 81);
    for (let i = 0; i < 2; i++) await session.run({ x: both }, { y: both });
    expect(both.data).toEqual(Float32Array.of(4, 3));
    await session.release();
  });

  it("answers what was asked before its release, refuses what is asked after, and is released once", async () => {
    const session = await open(model("Abs"));
    const asked = Array.from({ length: 20 }, () => session.run({ x }));
    const releases = [session.release(), session.release()];
    const late = session.run({ x });
    await expect(late).rejects.toMatchObject({
      kind: "input",
      code: "RELEASED",
      message: "Expected an open session, got one that is closed",
      hint: "open another, and close it after its last use",
    });
    for (const { y } of await Promise.all(asked)) expect(y?.data).toEqual(Float32Array.of(1, 2));
    await Promise.all(releases);
    await session.release();
    await expect(session.run({ x })).rejects.toMatchObject({ code: "RELEASED" });
  });

  it.each(["int64", "int32", "uint8", "bool", "double", "float32"] as const)(
    "gives values of %s, and none of none",
    async (dtype) => {
      const [type, array] = {
        int64: ["int64", BigInt64Array.of(3n, -4n, 0n, 1n)],
        int32: ["int32", Int32Array.of(3, -4, 0, 1)],
        uint8: ["uint8", Uint8Array.of(3, 4, 0, 1)],
        bool: ["bool", Uint8Array.of(1, 0, 0, 1)],
        double: ["float64", Float64Array.of(3, -4, 0.1, 1)],
        float32: ["float32", Float32Array.of(3, -4, 0.5, 1)],
      }[dtype] as ["float32", Float32Array];
      const session = await open(model("Identity", dtype, ["n", "m"], []));
      const out = await session.run({ x: new Tensor(type, array, [2, 2]) });
      expect([out["y"]?.type, out["y"]?.dims, out["y"]?.data]).toEqual([type, [2, 2], array]);
      const none = await session.run({ x: new Tensor(type, array.subarray(0, 0), [2, 0]) });
      expect([none["y"]?.dims, none["y"]?.data.length]).toEqual([[2, 0], 0]);
      await session.release();
    },
  );

  it("refuses tensors that do not fit, by name, type, shape and memory", async () => {
    const session = await open(model("Abs", "float32", ["n", 2]));
    const two = (data: unknown, dims: unknown = [1, 2], type = "float32") => ({ x: { type, dims, data } });
    const values = new Float32Array(2);
    const gone = new Float32Array(2);
    structuredClone(gone.buffer, { transfer: [gone.buffer] });
    const wrong: [unknown, string][] = [
      [{}, "Expected x for the model's inputs, got []"],
      [null, "Expected x for the model's inputs, got null"],
      [{ ...two(values), w: x }, 'Expected x for the model\'s inputs, got ["x","w"]'],
      [{ x: null }, "Expected a tensor for the tensor x, got null"],
      [two(values, [1, 2], "uint8"), 'Expected float32 for the tensor x, got "uint8"'],
      [two(values, [2]), 'Expected the shape [any, 2] for the tensor x, got "[2]"'],
      [two(values, [2, 1]), 'Expected the shape [any, 2] for the tensor x, got "[2, 1]"'],
      [two(values, [-1, 2]), "Expected a shape of whole numbers for the tensor x, got [-1,2]"],
      [two(values, [Number.NaN, 2]), "Expected a shape of whole numbers for the tensor x, got [null,2]"],
      [two(values, "12"), 'Expected a shape of whole numbers for the tensor x, got "12"'],
      [two(values, [3, 2]), "Expected 6 values (shape [3, 2]) for the tensor x, got 2"],
      [two(gone), "Expected 2 values (shape [1, 2]) for the tensor x, got 0"],
      [two(Uint8Array.of(1, 2)), 'Expected a Float32Array for the tensor x, got "Uint8Array"'],
      [two([1, 2]), 'Expected a Float32Array for the tensor x, got "Array"'],
      [two(undefined), 'Expected a Float32Array for the tensor x, got "Undefined"'],
      [
        two(new Float32Array(new SharedArrayBuffer(8))),
        'Expected memory that no other thread shares for the tensor x, got "SharedArrayBuffer"',
      ],
    ];
    for (const [feeds, message] of wrong)
      await expect(session.run(feeds as Tensors)).rejects.toMatchObject({ kind: "input", message });
    const good = two(values) as unknown as Tensors;
    const outputs: [unknown, string][] = [
      [[], "Expected y, z for the model's outputs, got []"],
      [["y", "w"], 'Expected y, z for the model\'s outputs, got ["y","w"]'],
      [{}, "Expected y, z for the model's outputs, got {}"],
      [{ y: x }, 'Expected the shape [any, 2] for the tensor y, got "[2]"'],
    ];
    for (const [fetches, message] of outputs)
      await expect(session.run(good, fetches as Tensors)).rejects.toMatchObject({ kind: "input", message });
    await expect(session.run({ x: new Tensor("float32", values, [1, 2]) })).resolves.toHaveProperty("y");
    await session.release();
  });

  it("notices memory that is given away between the call and its turn", async () => {
    const session = await open(model("Abs"));
    const lent = vector(1, 2);
    const run = session.run({ x: lent });
    structuredClone(lent.data, { transfer: [(lent.data as Float32Array).buffer as ArrayBuffer] });
    await expect(run).rejects.toMatchObject({ code: "TENSOR" });
    await session.release();
  });

  it("reports a run that the library refuses", async () => {
    const session = await open(model("Abs"));
    const given = { y: vector(0) }; // as long as the model allows, not as long as its result
    const run = session.run({ x }, given);
    const fault = {
      kind: "internal",
      code: "RUN_FAILED",
      message: expect.stringMatching(/^Expected the model to run, got /),
    };
    if (openWay === openDirect) await expect(run).rejects.toMatchObject(fault);
    else await run.catch((error) => expect(error).toMatchObject(fault));
    await expect(session.run({ x })).resolves.toHaveProperty("y");
    await session.release();
  });
});

describe("the C interface", () => {
  it("knows the layout of the release that is installed: update VERSION, and check its table, with the package", () => {
    expect(runtimeVersion()).toBe("1.30.0");
  });

  it("is taken on the CPU, and leaves types that it has no arrays for to the binding", async () => {
    expect(await openDirect(model("Abs"), { threads: 1 })).toBeDefined();
    const half = model("Identity", "float16", ["n"], []);
    expect(await openDirect(half, { threads: 1 })).toBeUndefined();
    const session = await createSession(half, { threads: 1 });
    expect(session.inputNames).toEqual(["x"]);
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
    const { y } = await session.run({ x: new Tensor("float32", Float32Array.of(1, 1, 1, 0, 1, 0), [2, 3]) });
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
