// ◇ Browser-safe. MobileNetV3: the blocks of the EfficientNet family with hard-swish, a head after pooling, and
// squeeze-and-excite that is relative to the expanded width, with ReLU and a hard gate.
// Paper: Howard et al., arXiv 1905.02244. Names, rounding and recipes as timm's models/mobilenetv3.py (1.0.29).

import { type Backbone, refuseOptions } from "../model.ts";
import { makeDivisible } from "./blocks.ts";
import { type Architecture, efficientnet } from "./efficientnet.ts";
import { type Recipes, recipe, recipes } from "./recipes.ts";

const SMALL = [
  "ds_r1_k3_s2_e1_c16_se0.25_nre",
  "ir_r1_k3_s2_e4.5_c24_nre ir_r1_k3_s1_e3.67_c24_nre",
  "ir_r1_k5_s2_e4_c40_se0.25 ir_r2_k5_s1_e6_c40_se0.25",
  "ir_r2_k5_s1_e3_c48_se0.25",
  "ir_r3_k5_s2_e6_c96_se0.25",
  "cn_r1_k1_s1_c576",
];
const LARGE = [
  "ds_r1_k3_s1_e1_c16_nre",
  "ir_r1_k3_s2_e4_c24_nre ir_r1_k3_s1_e3_c24_nre",
  "ir_r3_k5_s2_e3_c40_se0.25_nre",
  "ir_r1_k3_s2_e6_c80 ir_r1_k3_s1_e2.5_c80 ir_r2_k3_s1_e2.3_c80",
  "ir_r2_k3_s1_e6_c112_se0.25",
  "ir_r3_k5_s2_e6_c160_se0.25",
  "cn_r1_k1_s1_c960",
];

function variant(name: string, stages: readonly string[], width: number, pretrained: Recipes): Backbone {
  const arch: Architecture = {
    stages,
    width,
    depth: 1,
    stem: 16,
    head: stages === SMALL ? 1024 : 1280,
    activation: "hardSwish",
    padding: "symmetric",
    bnEps: 1e-5,
    roundLimit: 0.9,
    // Narrow networks keep the stem's width.
    fixEnds: width < 0.75,
    squeeze: {
      gate: "hardSigmoid",
      activation: "relu",
      width: (channels, { squeeze }) => makeDivisible(channels * squeeze),
    },
    headAfterPool: true,
  };
  return {
    name,
    features: arch.head,
    stages: [["conv_stem", "bn1"], ...stages.map((_, i) => [`blocks.${i}`]), ["conv_head"]],
    pretrained,
    padding: arch.padding,
    build: (scope, prefix, pixels, options = {}) => {
      refuseOptions(name, options, ["globalPool"]);
      return efficientnet(scope, prefix, pixels, arch, options);
    },
  };
}

const lamb: Recipes = { lamb_in1k: recipe("imagenet", 224) };

/** Every network of the family that is offered, by timm's name. */
export const MOBILENETV3S: readonly Backbone[] = [
  variant("mobilenetv3_small_050", SMALL, 0.5, lamb),
  variant("mobilenetv3_small_100", SMALL, 1, lamb),
  variant("mobilenetv3_large_100", LARGE, 1, {
    ra_in1k: recipe("imagenet", 224),
    ra4_e3600_r224_in1k: recipe("inception", 224),
    ...recipes(["miil_in21k_ft_in1k", "miil_in21k"], recipe("raw", 224, "bilinear")),
  }),
];
