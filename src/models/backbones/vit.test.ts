// What the goldens (test/parity/models.test.ts) do not show: initialisation, rates, refusals, resampling.
import { describe, expect, it } from "vitest";
import { input } from "../../engine/ops.ts";
import { Declarations } from "../../engine/params.ts";
import { type BackboneOptions, freezeStages } from "../model.ts";
import { resampleGrid } from "./positions.ts";
import { backbone } from "./registry.ts";

function declare(options: BackboneOptions = {}, height = 32, width = height) {
  const scope = new Declarations({ mode: "train" });
  backbone("vit_tiny_patch16_224").build(scope, "", input("pixels", [2, 3, height, width]), options);
  return scope;
}

describe("vit", () => {
  it("initialises as timm, and decays neither tokens nor positions", () => {
    const { specs } = declare();
    expect(specs.get("cls_token")).toMatchObject({ init: { kind: "normal", std: 1e-6 }, decay: false });
    expect(specs.get("pos_embed")).toMatchObject({ init: { kind: "normal", std: 0.02 }, decay: false });
    const bound = 1 / Math.sqrt(3 * 16 * 16);
    expect(specs.get("patch_embed.proj.weight")!.init).toEqual({ kind: "uniform", bound });
    expect(specs.get("patch_embed.proj.bias")!.init).toEqual({ kind: "uniform", bound });
    expect(specs.get("blocks.3.attn.qkv.weight")).toMatchObject({ init: { std: 0.02 }, decay: true });
    expect(specs.get("blocks.3.norm2.weight")).toMatchObject({ init: { value: 1 }, decay: false });
  });

  it("drops both paths of a block at a rate that grows linearly with depth", () => {
    const { noises } = declare({ dropPathRate: 0.11 });
    expect(noises).toHaveLength(22);
    expect(noises[0]).toEqual({ name: "blocks.1.drop_path1", shape: [2], keep: 0.99 });
    expect(noises[21]!.name).toBe("blocks.11.drop_path2");
    expect(noises[21]!.keep).toBeCloseTo(0.89, 12);
  });

  it("names its last norm as timm does by what is pooled, and has no other", () => {
    const norms = (options: BackboneOptions) =>
      [...declare(options).specs.keys()].filter((name) => /^(fc_)?norm/.test(name));
    expect(norms({})).toEqual(["norm.weight", "norm.bias"]);
    expect(norms({ globalPool: "token" })).toEqual(["norm.weight", "norm.bias"]);
    expect(norms({ globalPool: "avg" })).toEqual(["fc_norm.weight", "fc_norm.bias"]);
    const last = freezeStages(backbone("vit_tiny_patch16_224"), 14);
    expect(last("backbone.fc_norm.weight")).toBe(true);
  });

  it.each(["resnet18", "convnext_atto", "mobilenetv2_100", "mobilenetv3_small_050", "tf_efficientnetv2_s"])(
    "%s has no tokens to pool",
    (name) => {
      const scope = new Declarations({ mode: "train" });
      const build = () =>
        backbone(name).build(scope, "", input("pixels", [2, 3, 64, 64]), { globalPool: "avg" });
      expect(build).toThrow(`Expected nothing for --global-pool of ${name}, got "avg"`);
    },
  );

  it("freezes the class token and the positions with the first stage", () => {
    const frozen = freezeStages(backbone("vit_tiny_patch16_224"), 1);
    for (const name of ["cls_token", "pos_embed", "patch_embed.proj.bias"])
      expect(frozen(`backbone.${name}`), name).toBe(true);
    expect(frozen("backbone.blocks.0.norm1.weight")).toBe(false);
  });

  it("refuses images that are no whole patches, and options of other families", () => {
    expect(() => declare({}, 224, 100)).toThrow(
      'Expected multiples of 16 px for the images of vit_tiny_patch16_224, got "100 x 224"',
    );
    expect(() => declare({ bnMomentum: 0.1 })).toThrow(
      "Expected nothing for bnMomentum of vit_tiny_patch16_224, got 0.1",
    );
  });
});

describe("resampleGrid", () => {
  /** The product of the matrix with a grid. */
  const apply = (from: readonly [number, number], to: readonly [number, number], grid: readonly number[]) => {
    const matrix = resampleGrid(from, to);
    return Array.from({ length: to[0] * to[1] }, (_, i) =>
      grid.reduce((sum, v, j) => sum + v * matrix[i * grid.length + j]!, 0),
    );
  };

  it("changes nothing at the same size", () => {
    const grid = [3, 1, 4, 1, 5, 9];
    apply([2, 3], [2, 3], grid).forEach((v, i) => {
      expect(v).toBeCloseTo(grid[i]!, 6);
    });
  });

  it("gives torch's values, rows and columns each their own", () => {
    const grid = Array.from({ length: 20 }, (_, i) => (i * i) % 7);
    const check = (to: readonly [number, number], expected: readonly number[]) =>
      apply([4, 5], to, grid).forEach((v, i) => {
        expect(v).toBeCloseTo(expected[i]!, 5);
      });
    check([2, 3], TORCH_DOWN);
    check([5, 6], TORCH_UP);
  });
});

// torch 1.13: F.interpolate(grid[None, None].double(), (2, 3), mode="bicubic", antialias=True), and to (5, 6).
const TORCH_DOWN = [1.597076, 1.728426, 2.125111, 2.305658, 2.410379, 1.856325];
const TORCH_UP = [
  -0.2163784, 0.5223136, 3.125616, 3.560312, 1.868211, 1.90867, 3.097063, 1.397927, 0.7364444, 0.8830755,
  1.851924, 3.813883, 3.384018, 1.769561, 1.649577, 1.463397, 1.027672, 1.911913, 1.537859, 2.323896,
  3.517816, 2.855037, 1.014738, 0.8212611, 0.841201, 3.542976, 2.924176, 1.703021, 2.523671, 4.251694,
];
