// What the goldens (test/parity/models.test.ts) do not show: initialisation, rates, refusals.
import { describe, expect, it } from "vitest";
import { input } from "../../engine/ops.ts";
import { Declarations } from "../../engine/params.ts";
import type { BackboneOptions } from "../model.ts";
import { backbone } from "./registry.ts";

function declare(options: BackboneOptions = {}, sizePx = 64) {
  const scope = new Declarations({ mode: "train" });
  backbone("convnext_atto").build(scope, "", input("pixels", [2, 3, sizePx, sizePx]), options);
  return scope;
}

describe("convnext", () => {
  it("starts with branches that add next to nothing, and decays matrices only", () => {
    const { specs } = declare();
    expect(specs.get("stages.1.blocks.0.gamma")!.init).toEqual({ kind: "constant", value: 1e-6 });
    expect(specs.get("stem.0.weight")!.init).toEqual({ kind: "normal", std: 0.02 });
    for (const { name, decay } of specs.values())
      expect(decay, name).toBe(/(stem\.0|downsample\.1|conv_dw|fc\d)\.weight$/.test(name));
  });

  it("drops paths at rates that grow linearly from the first block to the last", () => {
    const { noises } = declare({ dropPathRate: 0.11 });
    expect(noises).toHaveLength(11);
    expect(noises[0]).toEqual({ name: "stages.0.blocks.1.drop_path", shape: [2], keep: 0.99 });
    expect(noises[10]!.keep).toBeCloseTo(0.89, 12);
  });

  it("refuses options of other families, and images of which nothing would be left", () => {
    expect(() => declare({ bnEps: 1e-3 })).toThrow(
      "Expected nothing for --bn-eps of convnext_atto, got 0.001",
    );
    expect(() => declare({ padding: "symmetric" })).toThrow(
      "Expected nothing for --padding of convnext_atto",
    );
    expect(() => declare({}, 31)).toThrow("Expected at least 32 px for the images of convnext_atto, got 31");
    expect(() => declare({}, 32)).not.toThrow();
  });
});
