// ◇ Browser-safe. Residual networks with basic blocks (18, 34) and bottlenecks (50), with the stride in the 3x3
// convolution. Papers: He et al., arXiv 1512.03385; zero start of each branch's last norm: Goyal et al., 1706.02677.
// Names, initialisation and recipes as timm's models/resnet.py (1.0.29).
import type { Value } from "../../engine/graph.ts";
import * as ops from "../../engine/ops.ts";
import { maxPool } from "../../engine/ops-layers.ts";
import type { Scope } from "../../engine/params.ts";
import { type Backbone, type BackboneOptions, refuseOptions } from "../model.ts";
import { type ConvStyle, convBnAct, dropout, dropPath } from "./blocks.ts";
import { type Recipes, recipe, recipes } from "./recipes.ts";

/** Width of each stage before expansion. */
const WIDTHS = [64, 128, 256, 512] as const;

interface Architecture {
  readonly name: string;
  readonly depths: readonly number[];
  /** Output of a block over its width: 4 makes it a bottleneck. */
  readonly expansion: 1 | 4;
}

interface BlockSpec {
  readonly name: string;
  readonly width: number;
  readonly stride: number;
  readonly expansion: 1 | 4;
  readonly dropPathRate: number;
}

function placeBlocks({ depths, expansion }: Architecture, dropPathRate: number): BlockSpec[] {
  const last = depths.reduce((a, b) => a + b) - 1;
  let index = 0;
  return depths.flatMap((depth, stage) =>
    Array.from({ length: depth }, (_, block) => ({
      name: `layer${stage + 1}.${block}`,
      width: WIDTHS[stage]!,
      stride: block === 0 && stage > 0 ? 2 : 1,
      expansion,
      dropPathRate: (dropPathRate * index++) / last,
    })),
  );
}

function residual(scope: Scope, name: string, x: Value, block: BlockSpec, style: ConvStyle): Value {
  const { width, stride, expansion } = block;
  const out = width * expansion;
  const unit = (i: number) => ({ conv: `${name}.conv${i}`, bn: `${name}.bn${i}` });
  // The last norm starts at 0, so that the branch adds nothing at first.
  const end = { linear: true, gain: 0 };
  let y: Value;
  if (expansion === 1) {
    y = convBnAct(scope, unit(1), x, { out, kernel: 3, stride }, style);
    y = convBnAct(scope, unit(2), y, { out, kernel: 3, stride: 1, ...end }, style);
  } else {
    y = convBnAct(scope, unit(1), x, { out: width, kernel: 1, stride: 1 }, style);
    y = convBnAct(scope, unit(2), y, { out: width, kernel: 3, stride }, style);
    y = convBnAct(scope, unit(3), y, { out, kernel: 1, stride: 1, ...end }, style);
  }
  const branch = dropPath(scope, `${name}.drop_path`, y, block.dropPathRate);
  const down = { conv: `${name}.downsample.0`, bn: `${name}.downsample.1` };
  const fits = stride === 1 && x.shape[1] === out;
  const shortcut = fits ? x : convBnAct(scope, down, x, { out, kernel: 1, stride, linear: true }, style);
  return ops.activation("relu", ops.add(branch, shortcut));
}

function build(
  arch: Architecture,
  scope: Scope,
  prefix: string,
  pixels: Value,
  options: BackboneOptions,
): Value {
  refuseOptions(arch.name, options, ["padding", "globalPool"]);
  const style: ConvStyle = {
    padding: "symmetric",
    norm: { eps: options.bnEps ?? 1e-5, momentum: options.bnMomentum ?? 0.1 },
    activation: "relu",
  };
  const stem = { conv: `${prefix}conv1`, bn: `${prefix}bn1` };
  let x = convBnAct(scope, stem, pixels, { out: 64, kernel: 7, stride: 2 }, style);
  x = maxPool(x, { kernel: [3, 3], stride: [2, 2], padding: [1, 1, 1, 1] });
  for (const block of placeBlocks(arch, options.dropPathRate ?? 0)) {
    x = residual(scope, `${prefix}${block.name}`, x, block, style);
  }
  return dropout(scope, `${prefix}drop`, ops.globalAveragePool(x), options.dropRate ?? 0);
}

function resnet(
  name: string,
  depths: readonly number[],
  expansion: Architecture["expansion"],
  pretrained: Recipes,
): Backbone {
  const arch: Architecture = { name, depths, expansion };
  return {
    name,
    features: WIDTHS[3] * expansion,
    stages: [["conv1", "bn1"], ...depths.map((_, i) => [`layer${i + 1}`])],
    pretrained,
    build: (scope, prefix, pixels, options = {}) => build(arch, scope, prefix, pixels, options),
  };
}

const bicubic = recipe("imagenet", 224);
const bilinear = recipe("imagenet", 224, "bilinear");
/** What all sizes have: torchvision's and gluon's weights, and those of "ResNet strikes back". */
const COMMON: Recipes = {
  ...recipes(["a1_in1k", "a2_in1k", "gluon_in1k"], bicubic),
  a3_in1k: recipe("imagenet", 160),
  tv_in1k: bilinear,
};
const UNLABELLED = recipes(["fb_ssl_yfcc100m_ft_in1k", "fb_swsl_ig1b_ft_in1k"], bilinear);
const RESNET50 = ["b1k", "b2k", "c1", "c2", "d", "ram", "am", "ra", "bt"].map((tag) => `${tag}_in1k`);

/** Every network of the family that is offered, by timm's name. */
export const RESNETS: readonly Backbone[] = [
  resnet("resnet18", [2, 2, 2, 2], 1, { ...COMMON, ...UNLABELLED }),
  resnet("resnet34", [3, 4, 6, 3], 1, {
    ...COMMON,
    bt_in1k: bicubic,
    ra4_e3600_r224_in1k: recipe("inception", 224),
  }),
  resnet("resnet50", [3, 4, 6, 3], 4, {
    ...COMMON,
    ...UNLABELLED,
    ...recipes(RESNET50, bicubic),
    a1h_in1k: recipe("imagenet", 176),
    tv2_in1k: recipe("imagenet", 176, "bilinear"),
  }),
];
