// What the goldens (test/parity/models.test.ts) do not show: initialisation, rates, refusals.
import { describe, expect, it } from "vitest";
import { input } from "../../engine/ops.ts";
import { Declarations } from "../../engine/params.ts";
import type { BackboneOptions } from "../model.ts";
import { backbone } from "./registry.ts";

function declare(name: string, options: BackboneOptions = {}) {
  const scope = new Declarations({ mode: "train" });
  backbone(name).build(scope, "", input("pixels", [2, 3, 64, 64]), options);
  return scope;
}

describe("resnet", () => {
  it("starts the last norm of each branch at 0, and no other", () => {
    const zeros = (name: string) =>
      [...declare(name).specs.values()]
        .filter(({ name: tensor, init }) => tensor.endsWith("weight") && "value" in init && init.value === 0)
        .map((spec) => spec.name);
    expect(zeros("resnet18")).toHaveLength(8);
    expect(zeros("resnet18").every((name) => /^layer\d\.\d\.bn2\.weight$/.test(name))).toBe(true);
    expect(zeros("resnet50")).toHaveLength(16);
    expect(zeros("resnet50").every((name) => /^layer\d\.\d\.bn3\.weight$/.test(name))).toBe(true);
  });

  it("drops paths at rates that grow linearly from the first block to the last", () => {
    const { noises } = declare("resnet18", { dropPathRate: 0.14 });
    expect(noises.map((noise) => [noise.name, Math.round(1e6 * (1 - noise.keep)) / 1e6])).toEqual([
      ["layer1.1.drop_path", 0.02],
      ["layer2.0.drop_path", 0.04],
      ["layer2.1.drop_path", 0.06],
      ["layer3.0.drop_path", 0.08],
      ["layer3.1.drop_path", 0.1],
      ["layer4.0.drop_path", 0.12],
      ["layer4.1.drop_path", 0.14],
    ]);
  });

  it("refuses TensorFlow's padding, which no weights of it were trained with", () => {
    expect(() => declare("resnet18", { padding: "same" })).toThrow(
      'Expected nothing for --padding of resnet18, got "same"',
    );
  });
});
