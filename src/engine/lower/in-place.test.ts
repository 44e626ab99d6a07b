import { expect, it } from "vitest";
import type { OnnxNode } from "../../formats/onnx.ts";
import { overwriting } from "./in-place.ts";

const node = (op: string, inputs: string, output: string): OnnxNode => ({
  name: output,
  op,
  domain: "",
  inputs: inputs.split(" "),
  outputs: [output],
  attributes: {},
});

const pairs = { next: "state" };

it("lets a new value overwrite what only its own making reads", () => {
  const nodes = [
    node("Mul", "state x", "y"),
    node("ReduceSum", "y", "norm"),
    node("Sub", "state norm", "next"),
  ];
  expect([...overwriting(nodes, pairs)]).toEqual(["next"]);
});

it("refuses while something else may still read the old value, by a view too", () => {
  const late = [node("Neg", "x", "next"), node("Abs", "state", "y")];
  expect(overwriting(late, pairs).size).toBe(0);
  const view = [node("Reshape", "state shape", "v"), node("Neg", "x", "next"), node("Abs", "v", "y")];
  expect(overwriting(view, pairs).size).toBe(0);
});

it("refuses operators that read after they have written, and views", () => {
  expect(overwriting([node("Concat", "x state", "next")], pairs).size).toBe(0);
  expect(overwriting([node("Identity", "state", "next")], pairs).size).toBe(0);
  expect(overwriting([node("Neg", "x", "other")], pairs).size).toBe(0);
});
