import { describe, expect, it } from "vitest";
import type { OnnxNode, OnnxTensor } from "../../formats/onnx.ts";
import { foldBatchNorms } from "./fold.ts";

const tensor = (name: string, dims: number[], ...values: number[]): OnnxTensor => ({
  name,
  dtype: "float32",
  dims,
  data: new Uint8Array(Float32Array.from(values).buffer),
});
const node = (op: string, inputs: string[], output: string): OnnxNode => ({
  name: `${op}_${output}`,
  op,
  domain: "",
  inputs,
  outputs: [output],
  attributes: op === "BatchNormalization" ? { epsilon: { float: 1 } } : { group: { int: 1 } },
});
const NORM = ["g", "b", "m", "v"];
const initializers = [
  tensor("w", [2, 1, 1, 2], 1, 2, 3, 4),
  tensor("g", [2], 2, 10),
  tensor("b", [2], 5, 6),
  tensor("m", [2], 1, -1),
  tensor("v", [2], 3, 24),
];
const values = (t: OnnxTensor | undefined) => [...new Float32Array(t!.data.buffer as ArrayBuffer)];

describe("foldBatchNorms", () => {
  it("scales weights by channel and makes a bias", () => {
    const nodes = [node("Conv", ["x", "w"], "y"), node("BatchNormalization", ["y", ...NORM], "z")];
    const folded = foldBatchNorms({ nodes, initializers }, ["z"]);
    expect(folded.nodes).toMatchObject([{ op: "Conv", outputs: ["z"], attributes: { group: { int: 1 } } }]);
    const [x, weight, bias] = folded.nodes[0]!.inputs;
    expect(x).toBe("x");
    const find = (name: string | undefined) => folded.initializers.find((t) => t.name === name);
    // factors: 2 / sqrt(3 + 1) = 1 and 10 / sqrt(24 + 1) = 2
    expect(values(find(weight))).toEqual([1, 2, 6, 8]);
    expect(values(find(bias))).toEqual([4, 8]);
    expect(folded.initializers).toHaveLength(2);
  });

  it.each([
    ["the map is read twice", [node("Conv", ["x", "w"], "y"), node("Relu", ["y"], "r")], ["z", "r"]],
    ["the map leaves the graph", [node("Conv", ["x", "w"], "y")], ["z", "y"]],
    ["the weights are computed", [node("Relu", ["u"], "k"), node("Conv", ["x", "k"], "y")], ["z"]],
    ["there is a bias", [node("Conv", ["x", "w", "b"], "y")], ["z"]],
    ["it follows no convolution", [node("Relu", ["x"], "y")], ["z"]],
  ])("leaves the norm where %s", (_, before, outputs) => {
    const nodes = [...before, node("BatchNormalization", ["y", ...NORM], "z")];
    expect(foldBatchNorms({ nodes, initializers }, outputs).nodes).toEqual(nodes);
  });

  it("folds one kernel under two norms twice", () => {
    const both = ["1", "2"].flatMap((i) => [
      node("Conv", ["x", "w"], `y${i}`),
      node("BatchNormalization", [`y${i}`, ...NORM], `z${i}`),
    ]);
    const folded = foldBatchNorms({ nodes: both, initializers }, ["z1", "z2"]);
    expect(folded.nodes.map(({ op }) => op)).toEqual(["Conv", "Conv"]);
    expect(new Set(folded.initializers.map(({ name }) => name)).size).toBe(4);
  });
});
