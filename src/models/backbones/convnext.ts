// ◇ Browser-safe. ConvNeXt: depthwise 7x7 convolutions, layer normalisation over channels, GELU, layer scale.
// Paper: Liu et al., arXiv 2201.03545. Names, initialisation and recipes as timm's models/convnext.py (1.0.29).
// timm's two forms of a block (1x1 convolutions, or linear layers on channels last) differ in shapes of weights only.
import { unexpected } from "../../core/errors.ts";
import type { Padding, Value } from "../../engine/graph.ts";
import * as ops from "../../engine/ops.ts";
import type { Init, Scope } from "../../engine/params.ts";
import { type Backbone, type BackboneOptions, refuseOptions } from "../model.ts";
import { dropout, dropPath, layerNorm } from "./blocks.ts";
import { type Recipes, recipe, recipes } from "./recipes.ts";

interface Architecture {
  readonly name: string;
  readonly depths: readonly number[];
  readonly widths: readonly number[];
  /** Whether the weights of the two layers of a block are those of convolutions. */
  readonly convMlp: boolean;
}

const EPS = 1e-6;
/** The whole network divides the sides of an image by this. */
const REDUCTION = 32;
/** timm truncates at 2, a hundred deviations away. */
const INIT: Init = { kind: "normal", std: 0.02 };

interface ConvShape {
  readonly out: number;
  readonly kernel: number;
  readonly stride: number;
  readonly pad?: number | undefined;
  readonly depthwise?: boolean | undefined;
}

function conv(scope: Scope, name: string, x: Value, shape: ConvShape): Value {
  const { out, kernel, stride, pad = 0, depthwise = false } = shape;
  const groups = depthwise ? out : 1;
  const weight = scope.param(`${name}.weight`, [out, x.shape[1]! / groups, kernel, kernel], INIT);
  const padding: Padding = [pad, pad, pad, pad];
  return biased(scope, name, ops.conv2d(x, weight, { stride: [stride, stride], padding, groups }));
}

function biased(scope: Scope, name: string, x: Value): Value {
  return ops.channelBias(x, scope.param(`${name}.bias`, [x.shape[1]!], { kind: "constant", value: 0 }));
}

/** A linear layer at each position of a map. */
function pointwise(scope: Scope, name: string, x: Value, out: number, convMlp: boolean): Value {
  const shape = [out, x.shape[1]!, 1, 1] as const;
  const weight = scope.param(`${name}.weight`, convMlp ? shape : shape.slice(0, 2), INIT);
  const plain = { stride: [1, 1], padding: [0, 0, 0, 0], groups: 1 } as const;
  return biased(scope, name, ops.conv2d(x, ops.reshape(weight, shape), plain));
}

function block(scope: Scope, name: string, x: Value, arch: Architecture, dropPathRate: number): Value {
  const width = x.shape[1]!;
  const gamma = scope.param(`${name}.gamma`, [width], { kind: "constant", value: 1e-6 });
  const deep = { out: width, kernel: 7, stride: 1, pad: 3, depthwise: true };
  let y = conv(scope, `${name}.conv_dw`, x, deep);
  y = layerNorm(scope, `${name}.norm`, y, EPS);
  y = ops.activation("gelu", pointwise(scope, `${name}.mlp.fc1`, y, 4 * width, arch.convMlp));
  y = ops.channelScale(pointwise(scope, `${name}.mlp.fc2`, y, width, arch.convMlp), gamma);
  return ops.add(dropPath(scope, `${name}.drop_path`, y, dropPathRate), x);
}

function build(
  arch: Architecture,
  scope: Scope,
  prefix: string,
  pixels: Value,
  options: BackboneOptions,
): Value {
  refuseOptions(arch.name, options, ["padding", "bnEps", "bnMomentum", "globalPool"]);
  refuseSmall(arch.name, pixels);
  const { depths, widths } = arch;
  let x = conv(scope, `${prefix}stem.0`, pixels, { out: widths[0]!, kernel: 4, stride: 4 });
  x = layerNorm(scope, `${prefix}stem.1`, x, EPS);
  const last = depths.reduce((a, b) => a + b) - 1;
  let index = 0;
  depths.forEach((depth, i) => {
    const stage = `${prefix}stages.${i}`;
    if (i > 0) {
      x = layerNorm(scope, `${stage}.downsample.0`, x, EPS);
      x = conv(scope, `${stage}.downsample.1`, x, { out: widths[i]!, kernel: 2, stride: 2 });
    }
    for (let k = 0; k < depth; k++) {
      const rate = ((options.dropPathRate ?? 0) * index++) / last;
      x = block(scope, `${stage}.blocks.${k}`, x, arch, rate);
    }
  });
  const features = layerNorm(scope, `${prefix}head.norm`, ops.globalAveragePool(x), EPS);
  return dropout(scope, `${prefix}drop`, features, options.dropRate ?? 0);
}

/** Without padding nothing would be left of a smaller image. */
function refuseSmall(name: string, { shape }: Value): void {
  const side = Math.min(shape[2]!, shape[3]!);
  if (side >= REDUCTION) return;
  throw unexpected("input", {
    code: "IMAGE_TOO_SMALL",
    expected: `at least ${REDUCTION} px`,
    name: `the images of ${name}`,
    got: side,
  });
}

function convnext(
  name: string,
  depths: readonly number[],
  width: number,
  convMlp: boolean,
  pretrained: Recipes,
): Backbone {
  const widths = depths.map((_, i) => width * 2 ** i);
  const arch: Architecture = { name, depths, widths, convMlp };
  return {
    name,
    features: widths.at(-1)!,
    stages: [["stem"], ...depths.map((_, i) => [`stages.${i}`]), ["head.norm"]],
    pretrained,
    build: (scope, prefix, pixels, options = {}) => build(arch, scope, prefix, pixels, options),
  };
}

const at224 = recipe("imagenet", 224);
const at384 = recipe("imagenet", 384);

/** Every network of the family that is offered, by timm's name. */
export const CONVNEXTS: readonly Backbone[] = [
  convnext("convnext_atto", [2, 2, 6, 2], 40, true, { d2_in1k: at224 }),
  convnext("convnext_nano", [2, 2, 8, 2], 80, true, {
    ...recipes(["in12k_ft_in1k", "d1h_in1k", "in12k"], at224),
    ...recipes(["r384_in12k_ft_in1k", "r384_in12k", "r384_ad_in12k"], at384),
  }),
  convnext("convnext_tiny", [3, 3, 9, 3], 96, false, {
    ...recipes(
      ["in12k_ft_in1k", "in12k", "fb_in22k_ft_in1k", "fb_in1k", "fb_in22k", "dinov3_lvd1689m"],
      at224,
    ),
    ...recipes(["in12k_ft_in1k_384", "fb_in22k_ft_in1k_384"], at384),
    eupe_lvd1689m: recipe("imagenet", 256),
  }),
];
