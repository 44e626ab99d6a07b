// ◇ Browser-safe. The mobile inverted-bottleneck family from block strings such as `ir_r2_k3_s2_e6_c24_se0.25`.
// Papers: MobileNetV2 (arXiv 1801.04381), EfficientNet (1905.11946), EfficientNetV2 (2104.00298),
// MobileDet for the fused block (2004.14525). Names, rounding and defaults as timm's
// models/_efficientnet_builder.py and models/efficientnet.py; the variants are in efficientnet-variants.ts.
import { AppError } from "../../core/errors.ts";
import type { Activation, Value } from "../../engine/graph.ts";
import * as ops from "../../engine/ops.ts";
import type { Scope } from "../../engine/params.ts";
import type { BackboneOptions } from "../model.ts";
import {
  type ConvStyle,
  convBnAct,
  dropout,
  dropPath,
  makeDivisible,
  pointwise,
  squeezeExcite,
} from "./blocks.ts";

/** ir: inverted residual, er: fused (edge) residual, ds: depthwise separable, cn: plain convolution. */
export const BLOCK_TYPES = ["ir", "er", "ds", "cn"] as const;
export type BlockType = (typeof BLOCK_TYPES)[number];

/** One block string, decoded. */
export interface BlockSpec {
  readonly type: BlockType;
  readonly repeats: number;
  readonly kernel: number;
  readonly stride: number;
  readonly expand: number;
  readonly channels: number;
  /** Width of squeeze-and-excite relative to the block's input; 0 for none. */
  readonly squeeze: number;
  /** Whether a skip connection is added where shapes allow. */
  readonly skip: boolean;
  /** In place of the network's. */
  readonly activation?: Activation | undefined;
}

/** What squeeze-and-excite is like in a network. */
export interface SqueezeStyle {
  readonly gate: Activation;
  /** After the reduction; the block's own if left out. */
  readonly activation?: Activation | undefined;
  /** Width of the reduction. */
  readonly width: (channels: number, block: Pick<BlockSpec, "squeeze" | "expand">) => number;
}

/** A whole network before scaling; see efficientnet-variants.ts and mobilenetv3.ts. */
export interface Architecture {
  /** One string a stage: block strings with spaces between. */
  readonly stages: readonly string[];
  readonly width: number;
  readonly depth: number;
  readonly stem: number;
  /** Width of the features. */
  readonly head: number;
  readonly activation: Activation;
  readonly padding: "same" | "symmetric";
  readonly bnEps: number;
  /** See makeDivisible; 0 lets widths shrink freely. */
  readonly roundLimit: number;
  /** Neither the stem's width nor the depths of the first and last stages are scaled. */
  readonly fixEnds: boolean;
  readonly squeeze?: SqueezeStyle | undefined;
  /** The head comes after pooling, with a bias in place of a norm. */
  readonly headAfterPool?: boolean | undefined;
}

const NUMBERS = {
  r: "repeats",
  k: "kernel",
  s: "stride",
  e: "expand",
  c: "channels",
  se: "squeeze",
} as const;

/**
 * Decodes a block string: type, then in any order r repeats, k kernel, s stride, e expansion, c channels,
 * se squeeze ratio, `skip` or `noskip`, `nre` for ReLU whatever the network has.
 *
 * @throws AppError("internal", "BLOCK_STRING") for an unknown type or token, or a missing r, k, s or c
 * @example decodeBlock("er_r4_k3_s2_e4_c48").expand // 4
 */
export function decodeBlock(text: string): BlockSpec {
  const [type, ...tokens] = text.split("_");
  if (!(BLOCK_TYPES as readonly (string | undefined)[]).includes(type)) throw bad(text, `type ${type}`);
  const found: Partial<Record<(typeof NUMBERS)[keyof typeof NUMBERS], number>> = {};
  // All blocks but plain convolutions skip by default.
  let skip = type !== "cn";
  let relu = false;
  for (const token of tokens) {
    const [, letters, digits] = /^([a-z]+)([0-9.]*)$/.exec(token) ?? [];
    if (token === "skip" || token === "noskip") skip = token === "skip";
    else if (token === "nre") relu = true;
    else if (letters !== undefined && letters in NUMBERS && digits !== "")
      found[NUMBERS[letters as keyof typeof NUMBERS]] = Number(digits);
    else throw bad(text, token);
  }
  const { repeats, kernel, stride, expand = 1, channels, squeeze = 0 } = found;
  if (repeats === undefined || kernel === undefined || stride === undefined || channels === undefined)
    throw bad(text, "no r, k, s or c");
  const spec = { type: type as BlockType, repeats, kernel, stride, expand, channels, squeeze, skip };
  return relu ? { ...spec, activation: "relu" } : spec;
}

function bad(text: string, got: string): AppError {
  return new AppError("internal", "BLOCK_STRING", `Expected a block string, got ${got} in ${text}`);
}

/** A block with its place in the scaled network. */
interface PlacedBlock extends BlockSpec {
  readonly name: string;
  readonly dropPathRate: number;
}

/** Scaled blocks from input to output; only the first block of a string has a stride. */
function placeBlocks(arch: Architecture, dropPathRate: number): PlacedBlock[] {
  const last = arch.stages.length - 1;
  const blocks = arch.stages.flatMap((text, i) => {
    const depth = arch.fixEnds && (i === 0 || i === last) ? 1 : arch.depth;
    const ofStage = text.split(" ").flatMap((string) => {
      const spec = decodeBlock(string);
      const channels = scaleWidth(arch, spec.channels);
      return Array.from({ length: Math.ceil(spec.repeats * depth) }, (_, k) => ({
        ...spec,
        channels,
        stride: k === 0 ? spec.stride : 1,
      }));
    });
    return ofStage.map((spec, block) => ({ ...spec, name: `blocks.${i}.${block}` }));
  });
  return blocks.map((spec, i) => ({ ...spec, dropPathRate: (dropPathRate * i) / blocks.length }));
}

/** Channels of a layer at the network's width. */
export function scaleWidth(
  { width, roundLimit }: Pick<Architecture, "width" | "roundLimit">,
  channels: number,
) {
  return makeDivisible(channels * width, 8, roundLimit);
}

/**
 * Features of a network of the family.
 *
 * @param prefix - of all parameter names, such as `backbone.`
 * @param pixels - [N, 3, H, W]
 * @returns pooled features after dropout, [N, head]
 */
export function efficientnet(
  scope: Scope,
  prefix: string,
  pixels: Value,
  arch: Architecture,
  options: BackboneOptions = {},
): Value {
  const style: BlockStyle = {
    squeeze: arch.squeeze ?? OF_INPUT,
    padding: options.padding ?? arch.padding,
    norm: { eps: options.bnEps ?? arch.bnEps, momentum: options.bnMomentum ?? 0.1 },
    activation: arch.activation,
  };
  const stem = arch.fixEnds ? arch.stem : scaleWidth(arch, arch.stem);
  const part = (conv: string, bn: string) => ({ conv: `${prefix}${conv}`, bn: `${prefix}${bn}` });
  let x = convBnAct(scope, part("conv_stem", "bn1"), pixels, { out: stem, kernel: 3, stride: 2 }, style);
  for (const block of placeBlocks(arch, options.dropPathRate ?? 0)) {
    x = buildBlock(scope, `${prefix}${block.name}`, x, block, style);
  }
  const wide = { out: arch.head, kernel: 1, stride: 1 };
  const features =
    arch.headAfterPool === true
      ? pointwise(scope, `${prefix}conv_head`, ops.globalAveragePool(x), arch.head)
      : ops.globalAveragePool(convBnAct(scope, part("conv_head", "bn2"), x, wide, style));
  const active = arch.headAfterPool === true ? ops.activation(arch.activation, features) : features;
  return dropout(scope, `${prefix}drop`, active, options.dropRate ?? 0);
}

interface BlockStyle extends ConvStyle {
  readonly squeeze: SqueezeStyle;
}

/** The ratio is relative to the block's input, so it is divided by the expansion. */
const OF_INPUT: SqueezeStyle = {
  gate: "sigmoid",
  width: (channels, { squeeze, expand }) => Math.round((channels * squeeze) / expand),
};

type Body = (scope: Scope, name: string, x: Value, block: BlockSpec, style: BlockStyle) => Value;

const BODIES: { readonly [T in BlockType]: Body } = {
  ir: invertedResidual,
  er: edgeResidual,
  ds: depthwiseSeparable,
  cn: (scope, name, x, { channels, kernel, stride }, style) =>
    convBnAct(scope, layer(name, "conv", "bn1"), x, { out: channels, kernel, stride }, style),
};

function buildBlock(scope: Scope, name: string, x: Value, block: PlacedBlock, style: BlockStyle): Value {
  const own = block.activation === undefined ? style : { ...style, activation: block.activation };
  const y = BODIES[block.type](scope, name, x, block, own);
  const fits = block.skip && block.stride === 1 && x.shape[1] === block.channels;
  return fits ? ops.add(dropPath(scope, `${name}.drop_path`, y, block.dropPathRate), x) : y;
}

const layer = (name: string, conv: string, bn: string) => ({ conv: `${name}.${conv}`, bn: `${name}.${bn}` });

/** Expand 1x1, depthwise, squeeze-and-excite, project 1x1 without activation. */
function invertedResidual(scope: Scope, name: string, x: Value, block: BlockSpec, style: BlockStyle): Value {
  const { kernel, stride, channels } = block;
  const width = makeDivisible(x.shape[1]! * block.expand);
  const wide = { out: width, kernel: 1, stride: 1 };
  let y = convBnAct(scope, layer(name, "conv_pw", "bn1"), x, wide, style);
  const deep = { out: width, kernel, stride, depthwise: true };
  y = convBnAct(scope, layer(name, "conv_dw", "bn2"), y, deep, style);
  y = squeeze(scope, name, y, block, style);
  const project = { out: channels, kernel: 1, stride: 1, linear: true };
  return convBnAct(scope, layer(name, "conv_pwl", "bn3"), y, project, style);
}

/** Expand with a full convolution in place of 1x1 and depthwise. */
function edgeResidual(scope: Scope, name: string, x: Value, block: BlockSpec, style: BlockStyle): Value {
  const { kernel, stride, channels } = block;
  const wide = { out: makeDivisible(x.shape[1]! * block.expand), kernel, stride };
  let y = convBnAct(scope, layer(name, "conv_exp", "bn1"), x, wide, style);
  y = squeeze(scope, name, y, block, style);
  const project = { out: channels, kernel: 1, stride: 1, linear: true };
  return convBnAct(scope, layer(name, "conv_pwl", "bn2"), y, project, style);
}

/** Depthwise, squeeze-and-excite, project: an inverted residual without expansion. */
function depthwiseSeparable(
  scope: Scope,
  name: string,
  x: Value,
  block: BlockSpec,
  style: BlockStyle,
): Value {
  const { kernel, stride, channels } = block;
  const deep = { out: x.shape[1]!, kernel, stride, depthwise: true };
  let y = convBnAct(scope, layer(name, "conv_dw", "bn1"), x, deep, style);
  y = squeeze(scope, name, y, { ...block, expand: 1 }, style);
  const project = { out: channels, kernel: 1, stride: 1, linear: true };
  return convBnAct(scope, layer(name, "conv_pw", "bn2"), y, project, style);
}

function squeeze(scope: Scope, name: string, x: Value, block: BlockSpec, style: BlockStyle): Value {
  if (block.squeeze === 0) return x;
  const { width, gate, activation = style.activation } = style.squeeze;
  return squeezeExcite(scope, `${name}.se`, x, width(x.shape[1]!, block), { activation, gate });
}
