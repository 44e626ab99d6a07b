import { describe, expect, it } from "vitest";
import { input } from "../../engine/ops.ts";
import { Declarations } from "../../engine/params.ts";
import { decodeBlock } from "./efficientnet.ts";
import { backbone } from "./registry.ts";

describe("decodeBlock", () => {
  it("reads tokens in any order and fills in defaults", () => {
    expect(decodeBlock("ir_se0.25_c24_k5_s2_r3_e6")).toEqual({
      type: "ir",
      repeats: 3,
      kernel: 5,
      stride: 2,
      expand: 6,
      channels: 24,
      squeeze: 0.25,
      skip: true,
    });
    expect(decodeBlock("cn_r1_k3_s1_c16")).toMatchObject({ expand: 1, squeeze: 0, skip: false });
    expect(decodeBlock("cn_r1_k3_s1_c16_skip").skip).toBe(true);
    expect(decodeBlock("ds_r1_k3_s1_c16_noskip").skip).toBe(false);
    expect(decodeBlock("ir_r1_k3_s2_e4.5_c24_nre")).toMatchObject({ expand: 4.5, activation: "relu" });
  });

  it.each(["xx_r1_k3_s1_c16", "ir_r1_k3_s1_c16_q4", "ir_r1_k3_s1", "ir_r1_k3_s1_c"])("refuses %s", (text) => {
    expect(() => decodeBlock(text)).toThrow(/^Expected a block string, got .+ in /);
  });
});

describe("efficientnet", () => {
  it("drops paths at rates that grow linearly with depth, where there is a skip", () => {
    const scope = new Declarations({ mode: "train" });
    backbone("mobilenetv2_100").build(scope, "backbone.", input("pixels", [2, 3, 64, 64]), {
      dropPathRate: 0.17,
      dropRate: 0.2,
    });
    const { noises } = scope;
    // 17 blocks, of which 10 keep their shape; block i of 17 drops at 0.17 * i / 17.
    expect(noises).toHaveLength(11);
    expect(noises[0]).toEqual({ name: "backbone.blocks.1.1.drop_path", shape: [2], keep: 1 - 0.02 });
    expect(noises[9]!.keep).toBeCloseTo(1 - 0.15, 12);
    expect(noises[10]).toEqual({ name: "backbone.drop", shape: [2, 1280], keep: 0.8 });
  });

  it("halves the map five times, rounding up", () => {
    for (const name of ["tf_efficientnetv2_s", "mobilenetv2_100"]) {
      const scope = new Declarations({ mode: "eval" });
      const features = backbone(name).build(scope, "", input("pixels", [1, 3, 70, 33]));
      const { shape } = (features.node.inputs as [{ shape: readonly number[] }])[0];
      expect(shape.slice(2)).toEqual([3, 2]);
    }
  });
});
