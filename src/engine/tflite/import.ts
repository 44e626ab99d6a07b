// ◇ Browser-safe. A TensorFlow Lite graph as an ONNX graph (opset 17) with the same tensor names at its ends.
// Images change from NHWC to NCHW: every rank-4 tensor, the graph's ends among them, has its axes (0, 3, 1, 2).
// Source of the semantics: tensorflow/lite/kernels; SAME padding puts the odd pixel at the end.
import type { OnnxModel } from "../../formats/onnx.ts";
import type { TfliteModel, TfliteOperator } from "../../formats/tflite.ts";
import type { KnownOp, OptionsOf, Padding } from "../../formats/tflite-schema.ts";
import { type Attributes, refused, TfliteGraph, TO_NCHW, transpose } from "./graph.ts";

type Operator<K extends KnownOp> = Extract<TfliteOperator, { op: K }>;
type Rule<K extends KnownOp> = (graph: TfliteGraph, operator: Operator<K>) => void;

/**
 * Translates a TensorFlow Lite model with float arithmetic (weights may be fp16) to ONNX.
 *
 * @param model - as readTflite gives it; shapes are static
 * @param where - file name for messages
 * @returns the model; inputs and outputs of rank 4 are NCHW, others as in the source
 * @throws AppError("data", "TFLITE_OPERATOR") naming an operator that has no rule
 * @source tensorflow/lite/kernels
 * @example encodeModel(importTflite(readTflite(bytes)))
 */
export function importTflite(model: TfliteModel, where = "model"): OnnxModel {
  const graph = new TfliteGraph(model, where);
  for (const operator of model.operators) {
    if (operator.op === "other") throw refused(where, operator.name);
    graph.tensor(operator.inputs[0] ?? -1); // without one, no operator means anything
    (RULES[operator.op] as (g: TfliteGraph, o: TfliteOperator) => void)(graph, operator);
  }
  return graph.finish();
}

interface Window {
  readonly padding: Padding;
  readonly strideH: number;
  readonly strideW: number;
  readonly dilationH?: number | undefined;
  readonly dilationW?: number | undefined;
}

/** Attributes of a sliding window over an image of shape [N, H, W, C]. */
function windowAttributes(
  g: TfliteGraph,
  o: Window,
  image: readonly number[],
  kernel: readonly [number, number],
): Attributes {
  const { dilationH = 1, dilationW = 1 } = o;
  const sizes = [...kernel, o.strideH, o.strideW, dilationH, dilationW];
  if (image.length !== 4 || Math.min(...sizes) < 1) throw refused(g.where, `a window of [${sizes}]`);
  const [top, bottom] = pads(o.padding, image[1]!, kernel[0], o.strideH, dilationH);
  const [left, right] = pads(o.padding, image[2]!, kernel[1], o.strideW, dilationW);
  return {
    kernel_shape: { ints: kernel },
    strides: { ints: [o.strideH, o.strideW] },
    pads: { ints: [top, left, bottom, right] },
    dilations: { ints: [dilationH, dilationW] },
  };
}

function pads(padding: Padding, size: number, kernel: number, stride: number, dilation: number) {
  if (padding === "valid") return [0, 0] as const;
  const span = (Math.ceil(size / stride) - 1) * stride + (kernel - 1) * dilation + 1;
  const total = Math.max(0, span - size);
  return [total >> 1, total - (total >> 1)] as const;
}

function convolve(g: TfliteGraph, o: Operator<"CONV_2D"> | Operator<"DEPTHWISE_CONV_2D">): void {
  const [x, w, b = -1] = o.inputs as [number, number, number?];
  const shape = g.shape(w); // conv [O, kH, kW, I], depthwise [1, kH, kW, O]
  const depthwise = o.op === "DEPTHWISE_CONV_2D";
  const axes = depthwise ? [3, 0, 1, 2] : TO_NCHW;
  const [values, dims] = transpose(g.needConstant(w, "weights", 4), shape, axes);
  const weights = g.floats(`${g.name(w)}/oihw`, dims, values);
  const group = depthwise ? g.shape(x)[3]! : 1;
  g.fused(
    "Conv",
    [g.value(x), weights, ...(b === -1 ? [] : [g.value(b)])],
    o.outputs[0]!,
    o.options.activation,
    {
      ...windowAttributes(g, o.options, g.shape(x), [shape[1]!, shape[2]!]),
      group: { int: group },
    },
  );
}

function pool(op: string, extra: Attributes): Rule<"MAX_POOL_2D"> & Rule<"AVERAGE_POOL_2D"> {
  return (
    g: TfliteGraph,
    o: { inputs: readonly number[]; outputs: readonly number[]; options: OptionsOf["MAX_POOL_2D"] },
  ) => {
    const { filterH, filterW, activation } = o.options;
    const { dilations, ...window } = windowAttributes(g, o.options, g.shape(o.inputs[0]!), [
      filterH,
      filterW,
    ]);
    g.fused(op, [g.value(o.inputs[0]!)], o.outputs[0]!, activation, { ...window, ...extra });
  };
}

function elementwise(op: string): Rule<"ADD"> & Rule<"MUL"> {
  return (g: TfliteGraph, o: Operator<"ADD"> | Operator<"MUL">) => {
    const rank = g.rank(o.outputs[0]!);
    for (const i of o.inputs) {
      if (rank === 4 && g.rank(i) !== 4 && g.constant(i) === undefined)
        throw refused(g.where, `${op} of mixed ranks`);
    }
    g.fused(
      op,
      o.inputs.map((i) => g.value(i, rank)),
      o.outputs[0]!,
      o.options.activation,
    );
  };
}

function simple(op: string): (g: TfliteGraph, o: TfliteOperator) => void {
  return (g, o) => {
    g.node(
      op,
      o.inputs.map((i) => g.value(i)),
      g.name(o.outputs[0]!),
    );
  };
}

/** Axis of the source as an axis of the ONNX tensor. */
function mapAxis(g: TfliteGraph, axis: number, rank: number): number {
  const positive = axis < 0 ? axis + rank : axis;
  if (!(positive >= 0 && positive < rank)) throw refused(g.where, `axis ${axis} of ${rank}`);
  return rank === 4 ? TO_NCHW.indexOf(positive as 0) : positive;
}

const RULES: { readonly [K in KnownOp]: Rule<K> } = {
  CONV_2D: convolve,
  DEPTHWISE_CONV_2D: convolve,
  MAX_POOL_2D: pool("MaxPool", {}),
  AVERAGE_POOL_2D: pool("AveragePool", { count_include_pad: { int: 0 } }),
  ADD: elementwise("Add"),
  MUL: elementwise("Mul"),
  RELU: simple("Relu"),
  LOGISTIC: simple("Sigmoid"),
  RELU6: (g, o) => {
    g.activate("relu6", g.value(o.inputs[0]!), g.name(o.outputs[0]!));
  },
  PRELU: (g, o) => {
    const [x, slope] = o.inputs as [number, number];
    g.node("PRelu", [g.value(x), g.value(slope, g.rank(x))], g.name(o.outputs[0]!));
  },
  PAD: (g, o) => {
    const [x, paddings] = o.inputs as [number, number];
    const amounts = g.needConstant(paddings, "padding"); // [rank, 2]
    const axes = g.rank(x) === 4 ? TO_NCHW : g.shape(x).map((_, axis) => axis);
    const ends = [0, 1].flatMap((end) => axes.map((axis) => amounts[2 * axis + end]!));
    const output = g.name(o.outputs[0]!);
    g.node("Pad", [g.value(x), g.ints(`${output}/pads`, ends)], output);
  },
  RESIZE_BILINEAR: (g, o) => {
    const [x] = o.inputs as [number];
    const output = g.name(o.outputs[0]!);
    const sizes = g.ints(
      `${output}/sizes`,
      TO_NCHW.map((axis) => g.shape(o.outputs[0]!)[axis]!),
    );
    const { alignCorners, halfPixelCenters } = o.options;
    const mode = alignCorners ? "align_corners" : halfPixelCenters ? "half_pixel" : "asymmetric";
    g.node("Resize", [g.value(x), "", "", sizes], output, {
      mode: { string: "linear" },
      coordinate_transformation_mode: { string: mode },
    });
  },
  CONCATENATION: (g, o) => {
    const rank = g.rank(o.outputs[0]!);
    const axis = { int: mapAxis(g, o.options.axis, rank) };
    g.fused(
      "Concat",
      o.inputs.map((i) => g.value(i)),
      o.outputs[0]!,
      o.options.activation,
      { axis },
    );
  },
  RESHAPE: (g, o) => {
    g.fromNhwc(g.nhwc(o.inputs[0]!), o.outputs[0]!);
  },
  MEAN: (g, o) => {
    const [x, axes] = o.inputs as [number, number];
    const reduced = g.whole(Array.from(g.needConstant(axes, "axes")), "axes");
    const mean = g.node("ReduceMean", [g.nhwc(x)], `${g.name(o.outputs[0]!)}/mean`, {
      axes: { ints: reduced },
      keepdims: { int: o.options.keepDims ? 1 : 0 },
    });
    g.fromNhwc(mean, o.outputs[0]!);
  },
  FULLY_CONNECTED: (g, o) => {
    const [x, w, b = -1] = o.inputs as [number, number, number?];
    const [units, width] = g.shape(w) as [number, number]; // [out, in]
    g.needConstant(w, "weights", 2);
    const output = g.name(o.outputs[0]!);
    const rows = g.node("Reshape", [g.nhwc(x), g.ints(`${output}/rows`, [-1, width])], `${output}/x`);
    const bias = b === -1 ? g.floats(`${output}/bias`, [units], new Float32Array(units)) : g.value(b);
    const linear = g.node("Gemm", [rows, g.value(w), bias], `${output}/gemm`, { transB: { int: 1 } });
    const { activation } = o.options;
    const done = activation === "none" ? linear : g.activate(activation, linear, `${output}/active`);
    g.fromNhwc(done, o.outputs[0]!);
  },
  DEQUANTIZE: (g, o) => {
    const { dtype } = g.tensor(o.inputs[0]!);
    if (dtype !== "float16") throw refused(g.where, `DEQUANTIZE of ${dtype}`);
    g.fold(o.outputs[0]!, g.needConstant(o.inputs[0]!, "fp16 values"));
  },
};
