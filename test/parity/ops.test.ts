// Every semantic operation, forward and backward, against PyTorch in float64 (goldens/ops.json by ops.py).
import { describe, expect, it } from "vitest";
import { GRADIENTS, gradients } from "../../src/engine/gradients.ts";
import type { Value } from "../../src/engine/graph.ts";
import * as ops from "../../src/engine/ops.ts";
import { difference, LOWERINGS, runGraph } from "../run-graph.ts";
import { type Built, build, fill, GOLDENS, type GoldenCase } from "./op-cases.ts";

/** Relative to the largest value of a tensor; float32 has 6e-8. */
const TOLERANCE = 3e-6;

/** No loss passes through these: sources, pixels, steps of optimizers, and what only gradients are made of. */
const NOT_DIFFERENTIATED = [
  "activationGrad",
  "adamw",
  "batchNormGrad",
  "channelDot",
  "channelSum",
  "constant",
  "convInputGrad",
  "convWeightGrad",
  "imageToTensor",
  "layerNormGrad",
  "maxPoolGrad",
  "minimum",
  "sgd",
  "spatialDot",
];

/** Names of gradient outputs; inputs own their plain names. */
const gradName = (input: string) => `grad:${input}`;

function withGradients(c: GoldenCase, { inputs, outputs, feeds }: Built) {
  const wanted: Record<string, Value> = Object.fromEntries(outputs.map((v, i) => [`out:${i}`, v]));
  const names = Object.keys(c.grads);
  if (c.projection === undefined) return { wanted, feeds };
  const projection = ops.input("p", c.projection.shape);
  const loss = ops.sumAll(ops.mul(outputs[0]!, projection));
  const found = gradients(
    loss,
    names.map((name) => inputs[name]!),
  );
  found.forEach((value, i) => {
    wanted[gradName(names[i]!)] = value;
  });
  return { wanted, feeds: { ...feeds, p: fill(c.projection) } };
}

it("has a case for every operation of the engine", () => {
  const covered = new Set(GOLDENS.cases.map((c) => c.op));
  expect(Object.keys(GRADIENTS).filter((op) => !covered.has(op))).toEqual([]);
});

it("compares gradients wherever the engine has a rule for one", () => {
  const compared = new Set(GOLDENS.cases.filter((c) => Object.keys(c.grads).length > 0).map((c) => c.op));
  const others = Object.entries(GRADIENTS).filter(([op]) => !compared.has(op));
  expect(others.map(([op]) => op).sort()).toEqual(NOT_DIFFERENTIATED);
  for (const [op, rule] of others) {
    if (op === "imageToTensor") continue; // pixels are no parameters: its gradient is zero
    expect(() => rule({ op } as never, ops.scalar(1), []), op).toThrow("Expected a differentiable operation");
  }
});

for (const op of new Set(GOLDENS.cases.map((c) => c.op))) {
  const cases = GOLDENS.cases.filter((c) => c.op === op);
  describe(op, () => {
    it.each(cases.map((c) => [c.name, c] as const))("%s", async (_name, c) => {
      const built = build(c);
      expect(built.outputs.map((v) => v.shape)).toEqual(c.outputs.map((o) => o.shape));
      const { wanted, feeds } = withGradients(c, built);
      for (const lowering of LOWERINGS) {
        const results = await runGraph(wanted, feeds, lowering);
        const tolerance = c.tolerance ?? TOLERANCE;
        c.outputs.forEach(({ data }, i) => {
          expect(difference(results[`out:${i}`]!, data), `output ${i} on ${lowering}`).toBeLessThan(
            tolerance,
          );
        });
        for (const [name, data] of Object.entries(c.grads)) {
          const far = difference(results[gradName(name)]!, data);
          expect(far, `gradient of ${name} on ${lowering}`).toBeLessThan(tolerance);
        }
      }
    });
  });
}
