// ◇ Browser-safe. Building blocks of backbones: padding, convolution, the norms, squeeze-and-excite, dropout.
// Source: torch.nn.BatchNorm2d (running statistics), timm layers/padding, models/_efficientnet_blocks.
// Invariant: parameters are declared in the order of timm's state dictionary.
import { unexpected } from "../../core/errors.ts";
import { type Activation, type Padding, type Size, sizeOf, type Value } from "../../engine/graph.ts";
import * as ops from "../../engine/ops.ts";
import { layerNorm as normalise } from "../../engine/ops-layers.ts";
import type { Scope } from "../../engine/params.ts";

export interface NormStyle {
  readonly eps: number;
  /** Share of the batch's statistics in the new running statistics, as torch (TensorFlow's is 1 minus this). */
  readonly momentum: number;
}

export interface ConvStyle {
  readonly padding: "same" | "symmetric";
  readonly norm: NormStyle;
  readonly activation: Activation;
}

export interface ConvShape {
  /** Output channels. */
  readonly out: number;
  readonly kernel: number;
  readonly stride: number;
  readonly depthwise?: boolean | undefined;
}

/**
 * Padding of a square convolution.
 *
 * @param mode - `same`: TensorFlow's, the odd px after, output ceil(size / stride); `symmetric`: torch's default in timm
 * @param size - height and width of the input, px
 * @returns px on the four sides
 * @source timm get_same_padding, get_padding
 * @example convPadding("same", [224, 224], 3, 2) // [0, 0, 1, 1]
 */
export function convPadding(mode: "same" | "symmetric", size: Size, kernel: number, stride: number): Padding {
  if (mode === "symmetric") {
    const p = Math.floor((stride - 1 + kernel - 1) / 2);
    return [p, p, p, p];
  }
  const total = (n: number) => Math.max((Math.ceil(n / stride) - 1) * stride + kernel - n, 0);
  const [height, width] = [total(size[0]), total(size[1])];
  const [top, left] = [Math.floor(height / 2), Math.floor(width / 2)];
  return [top, left, height - top, width - left];
}

/** Convolution without bias; initialised as in TensorFlow's EfficientNet: normal, variance 2 / fan-out. */
export function conv(
  scope: Scope,
  name: string,
  x: Value,
  shape: ConvShape,
  padding: "same" | "symmetric",
): Value {
  const { out, kernel, stride, depthwise = false } = shape;
  const [, channels, height, width] = x.shape as [number, number, number, number];
  const groups = depthwise ? channels : 1;
  const fanOut = (kernel * kernel * out) / groups;
  const weight = scope.param(`${name}.weight`, [out, channels / groups, kernel, kernel], {
    kind: "normal",
    std: Math.sqrt(2 / fanOut),
  });
  return ops.conv2d(x, weight, {
    stride: [stride, stride],
    padding: convPadding(padding, [height, width], kernel, stride),
    groups,
  });
}

/**
 * torch's BatchNorm2d. In training it uses the batch's statistics and leaves new running ones in the scope;
 * in evaluation, and where frozen, it uses the running ones and leaves them alone.
 *
 * @param gain - initial weight
 * @throws AppError("input", "BATCH_TOO_SMALL") in training on one value a channel, whose variance is undefined
 */
export function batchNorm(
  scope: Scope,
  name: string,
  x: Value,
  { eps, momentum }: NormStyle,
  gain = 1,
): Value {
  const channels = x.shape[1]!;
  const weight = scope.param(`${name}.weight`, [channels], { kind: "constant", value: gain });
  const bias = scope.param(`${name}.bias`, [channels], { kind: "constant", value: 0 });
  const mean = scope.buffer(`${name}.running_mean`, [channels], 0);
  const variance = scope.buffer(`${name}.running_var`, [channels], 1);
  if (scope.mode === "eval" || scope.frozen(name)) {
    return ops.batchNormEval(x, weight, bias, mean, variance, eps);
  }
  const count = sizeOf(x.shape) / channels;
  if (count < 2) throw tooSmall(name, x);
  const batch = ops.batchNorm(x, weight, bias, eps, mean);
  scope.track(`${name}.running_mean`, batch.mean, momentum);
  // torch normalises with the biased variance but keeps the unbiased one.
  scope.track(`${name}.running_var`, ops.scale(batch.variance, count / (count - 1)), momentum);
  return batch.y;
}

function tooSmall(name: string, x: Value) {
  return unexpected("input", {
    code: "BATCH_TOO_SMALL",
    expected: "at least two values a channel",
    name: `training of ${name}`,
    got: `[${x.shape}]`,
    hint: "use a larger batch or a larger image size",
  });
}

/** torch's LayerNorm over channels: of rows [N, C], or of a map at each position (timm's LayerNorm2d). */
export function layerNorm(scope: Scope, name: string, x: Value, eps: number): Value {
  const channels = x.shape[1]!;
  const weight = scope.param(`${name}.weight`, [channels], { kind: "constant", value: 1 });
  const bias = scope.param(`${name}.bias`, [channels], { kind: "constant", value: 0 });
  return normalise(x, weight, bias, eps);
}

/** Convolution, BatchNorm and, unless `linear`, the activation: the unit that all backbones here are made of. */
export function convBnAct(
  scope: Scope,
  names: { readonly conv: string; readonly bn: string },
  x: Value,
  shape: ConvShape & { readonly linear?: boolean | undefined; readonly gain?: number | undefined },
  style: ConvStyle,
): Value {
  const convolved = conv(scope, names.conv, x, shape, style.padding);
  const y = batchNorm(scope, names.bn, convolved, style.norm, shape.gain);
  return shape.linear === true ? y : ops.activation(style.activation, y);
}

/**
 * Squeeze-and-excite (Hu et al., arXiv 1709.01507) with timm's names and 1x1 convolutions, done on [N, C].
 * @param reduced - width of the bottleneck
 */
export function squeezeExcite(
  scope: Scope,
  name: string,
  x: Value,
  reduced: number,
  { activation, gate }: { readonly activation: Activation; readonly gate: Activation },
): Value {
  const channels = x.shape[1]!;
  const squeezed = ops.globalAveragePool(x); // [N, C]
  const hidden = ops.activation(activation, pointwise(scope, `${name}.conv_reduce`, squeezed, reduced));
  const scores = pointwise(scope, `${name}.conv_expand`, hidden, channels);
  return ops.gateChannels(x, ops.activation(gate, scores));
}

/** A 1x1 convolution with bias on a 1x1 map, as rows [N, C]. */
export function pointwise(scope: Scope, name: string, x: Value, to: number): Value {
  const from = x.shape[1]!;
  const std = Math.sqrt(2 / to);
  const weight = scope.param(`${name}.weight`, [to, from, 1, 1], { kind: "normal", std });
  const bias = scope.param(`${name}.bias`, [to], { kind: "constant", value: 0 });
  return ops.linear(x, ops.reshape(weight, [to, from]), bias);
}

/** torch's Linear with torch's default initialisation: uniform within 1 / sqrt(fan-in), bias too. */
export function linear(scope: Scope, name: string, x: Value, out: number): Value {
  const fanIn = x.shape[1]!;
  const init = { kind: "uniform", bound: 1 / Math.sqrt(fanIn) } as const;
  const weight = scope.param(`${name}.weight`, [out, fanIn], init);
  const bias = scope.param(`${name}.bias`, [out], init);
  return ops.linear(x, weight, bias);
}

/** Inverted dropout of single values; nothing in evaluation or at rate 0. */
export function dropout(scope: Scope, name: string, x: Value, rate: number): Value {
  if (scope.mode === "eval" || rate === 0) return x;
  return ops.mul(x, scope.noise(name, x.shape, 1 - rate));
}

/** Stochastic depth (Huang et al., arXiv 1603.09382): drops a residual branch for whole samples. */
export function dropPath(scope: Scope, name: string, x: Value, rate: number): Value {
  if (scope.mode === "eval" || rate === 0) return x;
  return ops.scaleSamples(x, scope.noise(name, [x.shape[0]!], 1 - rate));
}

/**
 * The multiple of `divisor` nearest to `value` that is not below `roundLimit` of it.
 * @source timm make_divisible
 * @example makeDivisible(33.6) // 32
 */
export function makeDivisible(value: number, divisor = 8, roundLimit = 0.9): number {
  const rounded = Math.max(divisor, Math.floor((value + divisor / 2) / divisor) * divisor);
  return rounded < roundLimit * value ? rounded + divisor : rounded;
}
