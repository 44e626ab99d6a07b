import { describe, expect, it } from "vitest";
import { decodeModel } from "../../formats/onnx.ts";
import { gradients } from "../gradients.ts";
import * as ops from "../ops.ts";
import { createSession } from "../runtime/open-session.ts";
import { Tensor } from "../runtime/session.ts";
import { emitGraph } from "./emit.ts";
import { training } from "./training.ts";

function graph() {
  const x = ops.input("x", [2, 3]);
  const unused = ops.input("unused", [1]);
  const y = ops.activation("silu", ops.matmul(x, ops.input("w", [3, 2])));
  const [dx] = gradients(ops.sumAll(y), [x]);
  return { y, dx: dx!, unused };
}

describe("emitGraph", () => {
  it("gives the same bytes for the same graph", () => {
    const [a, b] = [graph(), graph()];
    const bytes = (g: typeof a) => emitGraph({ outputs: { y: g.y, dx: g.dx }, lowering: training() }).model;
    expect(Buffer.from(bytes(a)).equals(bytes(b))).toBe(true);
  });

  it("lists what the outputs need, in order of use, and nothing else", () => {
    const { inputs, outputs } = emitGraph({ outputs: { y: graph().y } });
    expect(inputs.map(({ name, shape }) => [name, shape])).toEqual([
      ["x", [2, 3]],
      ["w", [3, 2]],
    ]);
    expect(outputs).toEqual([{ name: "y", shape: [2, 2] }]);
  });

  it("emits ONNX Runtime's own operators only for providers that have them", () => {
    const { y, dx } = graph();
    const domains = (provider: "cpu" | "webgpu") => {
      const model = decodeModel(emitGraph({ outputs: { y, dx }, provider, lowering: training() }).model);
      return [...new Set(model.graph.nodes.map((node) => node.domain))].sort();
    };
    expect(domains("cpu")).toEqual(["", "com.microsoft"]);
    expect(domains("webgpu")).toEqual([""]);
  });

  it("has no rules of training unless it is given them", () => {
    const { y, dx } = graph();
    expect(() => emitGraph({ outputs: { y, dx } })).toThrow(
      "A rule is missing for the operation activationGrad",
    );
  });

  it("stores metadata", () => {
    const { model } = emitGraph({ outputs: { y: graph().y }, metadata: { recipe: "half" } });
    expect(decodeModel(model).metadata).toEqual({ recipe: "half" });
  });

  it("lets one value leave under two names, and an input pass through", async () => {
    const x = ops.input("x", [2]);
    const { model } = emitGraph({ outputs: { a: x, b: x } });
    const session = await createSession(model, { threads: 1 });
    const out = await session.run({ x: new Tensor("float32", Float32Array.of(1, 2), [2]) });
    expect([out["a"]!.data, out["b"]!.data]).toEqual([Float32Array.of(1, 2), Float32Array.of(1, 2)]);
    await session.release();
  });
});
