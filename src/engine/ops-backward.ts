// ◇ Browser-safe. Constructors of the operations that only gradients and training steps are made of.
import {
  type Activation,
  type ConvAttrs,
  makeNode,
  type OpTable,
  type PoolAttrs,
  type Size,
  type Value,
} from "./graph.ts";

/** Gradient of conv2d towards its input, of height and width `inputSize`. */
export function convInputGrad(dy: Value, weight: Value, attrs: ConvAttrs & { inputSize: Size }): Value {
  const channels = weight.shape[1]! * attrs.groups;
  return makeNode("convInputGrad", [dy, weight], attrs, [[dy.shape[0]!, channels, ...attrs.inputSize]])
    .outputs[0]!;
}

/** Gradient of conv2d towards its weight, with height and width `kernel`. */
export function convWeightGrad(x: Value, dy: Value, attrs: ConvAttrs & { kernel: Size }): Value {
  const shape = [dy.shape[1]!, x.shape[1]! / attrs.groups, ...attrs.kernel];
  return makeNode("convWeightGrad", [x, dy], attrs, [shape]).outputs[0]!;
}

/** Gradients of batchNorm towards x, weight and bias. */
export function batchNormGrad(
  x: Value,
  dy: Value,
  weight: Value,
  mean: Value,
  variance: Value,
  eps: number,
): readonly Value[] {
  const shapes = [x.shape, weight.shape, weight.shape];
  return makeNode("batchNormGrad", [x, dy, weight, mean, variance], { eps }, shapes).outputs;
}

/** Gradients of layerNorm towards x, weight and bias. */
export function layerNormGrad(x: Value, dy: Value, weight: Value, eps: number): readonly Value[] {
  return makeNode("layerNormGrad", [x, dy, weight], { eps }, [x.shape, weight.shape, weight.shape]).outputs;
}

/** Gradient of maxPool, whose output was y, towards its input x. */
export function maxPoolGrad(x: Value, y: Value, dy: Value, attrs: PoolAttrs): Value {
  return makeNode("maxPoolGrad", [x, y, dy], attrs, [x.shape]).outputs[0]!;
}

/** dy times the derivative of the activation at x. */
export function activationGrad(kind: Activation, x: Value, dy: Value): Value {
  return makeNode("activationGrad", [x, dy], { kind }, [x.shape]).outputs[0]!;
}

/**
 * One AdamW step on 1-D state (torch's AdamW: decoupled decay, bias-corrected moments).
 * @param inputs - param, grad, m, v: [n]; gradScale, lr, decay, 1 - beta1^t, sqrt(1 - beta2^t): scalars
 * @returns the new param, m and v
 */
export function adamw(
  inputs: OpTable["adamw"]["inputs"],
  attrs: OpTable["adamw"]["attrs"],
): readonly Value[] {
  const { shape } = inputs[0];
  return makeNode("adamw", inputs, attrs, [shape, shape, shape]).outputs;
}

/**
 * One SGD step on 1-D state (torch's SGD: momentum without dampening, coupled decay).
 * @param inputs - param, grad, momentum: [n]; gradScale, lr, decay: scalars
 * @returns the new param and momentum
 */
export function sgd(inputs: OpTable["sgd"]["inputs"], attrs: OpTable["sgd"]["attrs"]): readonly Value[] {
  const { shape } = inputs[0];
  return makeNode("sgd", inputs, attrs, [shape, shape]).outputs;
}
