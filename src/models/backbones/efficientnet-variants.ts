// ◇ Browser-safe. The networks of the family by timm's names: block strings, scaling, and the pixel recipes of timm's
// weights. Source: timm models/efficientnet.py (1.0.29): the _gen_* functions, the registered variants, default_cfgs.
// Papers: MobileNetV2 (arXiv 1801.04381), EfficientNet (1905.11946), EfficientNetV2 (2104.00298).
// timm leaves BatchNorm's momentum at torch's 0.1 for all of them, those ported from TensorFlow too.
import type { Activation } from "../../engine/graph.ts";
import { type Backbone, refuseOptions } from "../model.ts";
import { type Architecture, efficientnet, scaleWidth } from "./efficientnet.ts";
import { type Recipes, recipe } from "./recipes.ts";

const MOBILENET_V2 = [
  "ds_r1_k3_s1_c16",
  "ir_r2_k3_s2_e6_c24",
  "ir_r3_k3_s2_e6_c32",
  "ir_r4_k3_s2_e6_c64",
  "ir_r3_k3_s1_e6_c96",
  "ir_r3_k3_s2_e6_c160",
  "ir_r1_k3_s1_e6_c320",
];
const LITE = [
  "ds_r1_k3_s1_e1_c16",
  "ir_r2_k3_s2_e6_c24",
  "ir_r2_k5_s2_e6_c40",
  "ir_r3_k3_s2_e6_c80",
  "ir_r3_k5_s1_e6_c112",
  "ir_r4_k5_s2_e6_c192",
  "ir_r1_k3_s1_e6_c320",
];
const EFFICIENTNET = LITE.map((stage) => `${stage}_se0.25`);
const V2_BASE = [
  "cn_r1_k3_s1_e1_c16_skip",
  "er_r2_k3_s2_e4_c32",
  "er_r2_k3_s2_e4_c48",
  "ir_r3_k3_s2_e4_c96_se0.25",
  "ir_r5_k3_s1_e6_c112_se0.25",
  "ir_r8_k3_s2_e6_c192_se0.25",
];
const V2_S = [
  "cn_r2_k3_s1_e1_c24_skip",
  "er_r4_k3_s2_e4_c48",
  "er_r4_k3_s2_e4_c64",
  "ir_r6_k3_s2_e4_c128_se0.25",
  "ir_r9_k3_s1_e6_c160_se0.25",
  "ir_r15_k3_s2_e6_c256_se0.25",
];
const V2_M = [
  "cn_r3_k3_s1_e1_c24_skip",
  "er_r5_k3_s2_e4_c48",
  "er_r5_k3_s2_e4_c80",
  "ir_r7_k3_s2_e4_c160_se0.25",
  "ir_r14_k3_s1_e6_c176_se0.25",
  "ir_r18_k3_s2_e6_c304_se0.25",
  "ir_r5_k3_s1_e6_c512_se0.25",
];
const TINY = [
  "cn_r1_k3_s1_e1_c16_skip",
  "er_r1_k3_s2_e4_c24",
  "er_r1_k3_s2_e4_c32",
  "ir_r1_k3_s2_e4_c48_se0.25",
  "ir_r1_k3_s2_e4_c64_se0.25",
];

/** Width and depth multipliers of EfficientNet b0 to b4 (and lite0 to lite4), and of V2 b0 to b3. */
const SCALES = [
  [1, 1],
  [1, 1.1],
  [1.1, 1.2],
  [1.2, 1.4],
  [1.4, 1.8],
] as const;

interface Family {
  readonly stages: readonly string[];
  readonly stem: number;
  readonly activation: Activation;
  readonly head: (width: number) => number;
  readonly roundLimit?: number | undefined;
  readonly fixEnds?: boolean | undefined;
}

const scaledHead = (channels: number, roundLimit: number) => (width: number) =>
  scaleWidth({ width, roundLimit }, channels);

const mobilenetV2: Family = {
  stages: MOBILENET_V2,
  stem: 32,
  activation: "relu6",
  head: (width) => Math.max(1280, scaleWidth({ width, roundLimit: 0.9 }, 1280)),
};
const mobilenetV2Fixed: Family = { ...mobilenetV2, head: () => 1280, fixEnds: true };
const lite: Family = { stages: LITE, stem: 32, activation: "relu6", head: () => 1280, fixEnds: true };
const classic: Family = { stages: EFFICIENTNET, stem: 32, activation: "silu", head: scaledHead(1280, 0.9) };
const v2Base: Family = {
  stages: V2_BASE,
  stem: 32,
  activation: "silu",
  head: scaledHead(1280, 0),
  roundLimit: 0,
};
const v2s: Family = { stages: V2_S, stem: 24, activation: "silu", head: () => 1280 };
const v2m: Family = { ...v2s, stages: V2_M };
const tiny: Family = { stages: TINY, stem: 24, activation: "silu", head: () => 256, roundLimit: 0 };

function variant(
  name: string,
  family: Family,
  scale: readonly [number, number],
  pretrained: Recipes,
): Backbone {
  const [width, depth] = scale;
  const ported = name.startsWith("tf_");
  const arch: Architecture = {
    stages: family.stages,
    width,
    depth,
    stem: family.stem,
    head: family.head(width),
    activation: family.activation,
    padding: ported ? "same" : "symmetric",
    bnEps: ported ? 1e-3 : 1e-5,
    roundLimit: family.roundLimit ?? 0.9,
    fixEnds: family.fixEnds ?? false,
  };
  return {
    name,
    features: arch.head,
    stages: [["conv_stem", "bn1"], ...arch.stages.map((_, i) => [`blocks.${i}`]), ["conv_head", "bn2"]],
    pretrained,
    padding: arch.padding,
    // Its blocks have no residual, but for the first, which always has one.
    neverDrops: family === tiny,
    build: (scope, prefix, pixels, options = {}) => {
      refuseOptions(name, options, ["globalPool"]);
      return efficientnet(scope, prefix, pixels, arch, options);
    },
  };
}

const imagenet224 = (tag: string): Recipes => ({ [tag]: recipe("imagenet", 224) });
const ported = (sizePx: number): Recipes => ({
  ns_jft_in1k: recipe("imagenet", sizePx),
  ap_in1k: recipe("inception", sizePx),
  aa_in1k: recipe("imagenet", sizePx),
  in1k: recipe("imagenet", sizePx),
});
const v2Large = (sizePx: number): Recipes => ({
  in21k_ft_in1k: recipe("inception", sizePx),
  in1k: recipe("inception", sizePx),
  in21k: recipe("inception", sizePx),
});
const CLASSIC_RECIPES: readonly Recipes[] = [
  { ra_in1k: recipe("imagenet", 224), ra4_e3600_r224_in1k: recipe("inception", 224) },
  { ra4_e3600_r240_in1k: recipe("inception", 240), ft_in1k: recipe("imagenet", 224) },
  { ra_in1k: recipe("imagenet", 256) },
  { ra2_in1k: recipe("imagenet", 288) },
  { ra2_in1k: recipe("imagenet", 320) },
];
const CLASSIC_SIZES = [224, 240, 260, 300, 380] as const;
const V2_BASE_RECIPES: readonly Recipes[] = [
  { in1k: recipe("imagenet", 192) },
  { in1k: recipe("imagenet", 192) },
  { in1k: recipe("imagenet", 208) },
  { in21k_ft_in1k: recipe("inception", 240), in1k: recipe("imagenet", 240), in21k: recipe("inception", 240) },
];

/** Every network of the family that is offered, by timm's name. */
export const EFFICIENTNETS: readonly Backbone[] = [
  variant("test_efficientnet", tiny, SCALES[0], { r160_in1k: recipe("imagenet", 160) }),
  variant("mobilenetv2_035", mobilenetV2, [0.35, 1], {}),
  variant("mobilenetv2_050", mobilenetV2, [0.5, 1], imagenet224("lamb_in1k")),
  variant("mobilenetv2_075", mobilenetV2, [0.75, 1], {}),
  variant("mobilenetv2_100", mobilenetV2, [1, 1], imagenet224("ra_in1k")),
  variant("mobilenetv2_140", mobilenetV2, [1.4, 1], imagenet224("ra_in1k")),
  variant("mobilenetv2_110d", mobilenetV2Fixed, [1.1, 1.2], imagenet224("ra_in1k")),
  variant("mobilenetv2_120d", mobilenetV2Fixed, [1.2, 1.4], imagenet224("ra_in1k")),
  ...SCALES.flatMap((scale, i) => [
    variant(`efficientnet_b${i}`, classic, scale, CLASSIC_RECIPES[i]!),
    variant(`tf_efficientnet_b${i}`, classic, scale, ported(CLASSIC_SIZES[i]!)),
    variant(`efficientnet_lite${i}`, lite, scale, i === 0 ? imagenet224("ra_in1k") : {}),
    variant(`tf_efficientnet_lite${i}`, lite, scale, {
      in1k: recipe("inception", CLASSIC_SIZES[i]!, i < 3 ? "bicubic" : "bilinear"),
    }),
  ]),
  ...V2_BASE_RECIPES.map((recipes, i) => variant(`tf_efficientnetv2_b${i}`, v2Base, SCALES[i]!, recipes)),
  variant("tf_efficientnetv2_s", v2s, SCALES[0], v2Large(300)),
  variant("tf_efficientnetv2_m", v2m, SCALES[0], v2Large(384)),
];
