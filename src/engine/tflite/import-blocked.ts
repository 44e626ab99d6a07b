// ◇ Browser-safe. Rewrites imported graphs so that ONNX Runtime keeps their maps in blocks of channels (NCHWc) from end
// to end. Its own optimiser takes convolutions, pooling, Add, Relu and Concat into blocks; anything else between them
// costs two reorders of the map and keeps Add and Relu out of the convolution before.
// Source: onnxruntime core/optimizer/nchwc_transformer.cc. Invariants: the graph computes what it computed up to the
// order of additions; what does not match stays as it is; nodes stay in topological order, values keep their names.
import type { OnnxGraph, OnnxModel, OnnxNode, OnnxTensor } from "../../formats/onnx.ts";
import { intsOf, made, Rewrite, sliceRows, valuesOf } from "./onnx-rewrite.ts";

/**
 * Rewrites a graph for kernels that work on blocks of channels.
 *
 * @param model - images are NCHW; weights are float32 constants
 * @param block - channels in a block, as probeBlock finds; undefined if there are no such kernels
 * @returns a model with the same ends; the same object if there is nothing to rewrite
 * @example encodeModel(forBlockedKernels(importTflite(readTflite(bytes)), await probeBlock()))
 */
export function forBlockedKernels(model: OnnxModel, block: number | undefined): OnnxModel {
  if (block === undefined) return model;
  const passes = [splitResiduals, resizeLast, unfoldPRelus];
  const graph = passes.reduce((done, pass) => pass(done, block), model.graph);
  return graph === model.graph ? model : { ...model, graph };
}

const groupOf = ({ attributes }: OnnxNode) => (attributes["group"] as { int: number } | undefined)?.int ?? 1;

/** Weights and bias of a convolution, if they are constants. */
function kernelOf(rewrite: Rewrite, conv: OnnxNode | undefined) {
  const weight = rewrite.constant(conv?.inputs[1]);
  const bias = rewrite.constant(conv?.inputs[2]);
  const known = conv?.op === "Conv" && weight?.dtype === "float32" && weight.dims.length === 4;
  return known && (bias !== undefined || conv.inputs.length === 2) ? { conv, weight, bias } : undefined;
}

/**
 * conv(h) + Pad(x), the pad adding channels of zeros, becomes Concat(conv(h) + x, conv(h)) over the output channels:
 * a padded map leaves its blocks. An activation goes into both parts, to be fused with their convolutions.
 */
function splitResiduals(graph: OnnxGraph, block: number): OnnxGraph {
  const rewrite = new Rewrite(graph);
  for (const add of graph.nodes.filter(({ op }) => op === "Add")) {
    for (const side of [0, 1]) {
      const pad = soleMaker(rewrite, add, "Pad", side);
      const kernel = kernelOf(rewrite, soleMaker(rewrite, add, "Conv", 1 - side));
      if (pad === undefined || kernel === undefined || groupOf(kernel.conv) !== 1) continue;
      const first = kernel.weight.dims[0]! - (channelsAdded(rewrite, pad) ?? 0);
      const last = kernel.weight.dims[0]! - first;
      if ([first, last].every((part) => part > 0 && part % block === 0))
        splitResidual(rewrite, add, pad, kernel, first);
    }
  }
  return rewrite.finish();
}

/** What makes an input of a node and is read by that node alone. */
function soleMaker(rewrite: Rewrite, node: OnnxNode, op: string, input: number): OnnxNode | undefined {
  const maker = rewrite.maker(node.inputs[input]);
  return maker?.op === op && rewrite.onlyReader(maker.outputs[0]!) === node ? maker : undefined;
}

/** Channels of zeros that a Pad adds at the end, undefined if it does anything else. */
function channelsAdded(rewrite: Rewrite, pad: OnnxNode): number | undefined {
  const pads = rewrite.constant(pad.inputs[1]);
  if (pads?.dtype !== "int64" || pads.dims[0] !== 8) return undefined;
  if (pad.inputs.length > 2 || "mode" in pad.attributes) return undefined;
  const amounts = intsOf(pads);
  return amounts.every((amount, i) => i === 5 || amount === 0) && amounts[5]! > 0 ? amounts[5] : undefined;
}

type Kernel = NonNullable<ReturnType<typeof kernelOf>>;

function splitResidual(rewrite: Rewrite, add: OnnxNode, pad: OnnxNode, kernel: Kernel, first: number): void {
  const { conv, weight, bias } = kernel;
  const sum = add.outputs[0]!;
  const relu = rewrite.onlyReader(sum);
  const active = relu?.op === "Relu" ? relu : undefined;
  const nodes: OnnxNode[] = [];
  const parts = [0, 1].map((part) => {
    const name = `${sum}/part${part}`;
    const rows = part === 0 ? [0, first] : [first, weight.dims[0]!];
    const constants = [weight, ...(bias === undefined ? [] : [bias])].map((tensor, i) =>
      sliceRows(rewrite, tensor, rows, `${name}/${i === 0 ? "weight" : "bias"}`),
    );
    nodes.push(made("Conv", [conv.inputs[0]!, ...constants], `${name}/conv`, conv.attributes));
    if (part === 0) nodes.push(made("Add", [`${name}/conv`, pad.inputs[0]!], `${name}/sum`));
    if (active !== undefined) nodes.push(made("Relu", [nodes.at(-1)!.outputs[0]!], `${name}/relu`));
    return nodes.at(-1)!.outputs[0]!;
  });
  nodes.push(made("Concat", parts, (active ?? add).outputs[0]!, { axis: { int: 1 } }));
  rewrite.place(add, ...nodes);
  for (const gone of [conv, pad, ...(active === undefined ? [] : [active])]) rewrite.place(gone);
}

/**
 * A convolution of one tap after a resize goes before it: it mixes channels, the resize pixels, with weights whose sum
 * is 1. Shapes are not known here; resizes are taken to enlarge, as they do in detectors, so that fewer pixels are read.
 */
function resizeLast(graph: OnnxGraph): OnnxGraph {
  const rewrite = new Rewrite(graph);
  for (const resize of graph.nodes) {
    const conv = rewrite.onlyReader(resize.outputs[0]!);
    const kernel = kernelOf(rewrite, conv);
    if (resize.op !== "Resize" || kernel === undefined || !isPointwise(kernel)) continue;
    const given = sizesGiven(rewrite, resize);
    const outs = kernel.weight.dims[0]!;
    if (given === undefined || given[1] !== channelsOf(rewrite, resize.inputs[0]!) || outs > given[1]!)
      continue;
    const output = kernel.conv.outputs[0]!;
    const small = `${output}/small`;
    const sizes = rewrite.ints(`${output}/sizes`, given.with(1, outs));
    rewrite.place(resize, {
      ...kernel.conv,
      inputs: [resize.inputs[0]!, ...kernel.conv.inputs.slice(1)],
      outputs: [small],
    });
    rewrite.place(kernel.conv, { ...resize, inputs: [small, "", "", sizes], outputs: [output] });
  }
  return rewrite.finish();
}

function isPointwise({ conv, weight }: Kernel): boolean {
  const { strides, pads } = conv.attributes as Readonly<
    Record<string, { ints: readonly number[] } | undefined>
  >;
  const still = (strides?.ints ?? []).every((n) => n === 1) && (pads?.ints ?? []).every((n) => n === 0);
  return still && groupOf(conv) === 1 && weight.dims[2] === 1 && weight.dims[3] === 1;
}

/** Channels of a value, where the node that made it determines them. */
function channelsOf(rewrite: Rewrite, name: string): number | undefined {
  const maker = rewrite.maker(name);
  if (maker?.op === "Relu" || maker?.op === "Clip") return channelsOf(rewrite, maker.inputs[0]!);
  if (maker?.op === "PRelu") return slopeOf(rewrite, maker)?.dims[1];
  return kernelOf(rewrite, maker)?.weight.dims[0];
}

/** The sizes that a linear resize is asked for, [N, C, H, W]. */
function sizesGiven(rewrite: Rewrite, { inputs, attributes }: OnnxNode): number[] | undefined {
  const sizes = rewrite.constant(inputs[3]);
  const linear = (attributes["mode"] as { string: string } | undefined)?.string === "linear";
  const region = inputs[1] !== ""; // pixels outside of it are constants
  return linear && !region && sizes?.dtype === "int64" && sizes.dims[0] === 4 ? intsOf(sizes) : undefined;
}

/** Operators whose results are in blocks. */
const BLOCKED: readonly string[] = ["Conv", "Add", "Concat", "Relu", "MaxPool", "Resize"];

/**
 * PRelu, with a slope s a channel, becomes relu(x) - s relu(-x): both products are depthwise convolutions of one tap,
 * which take the negative part and the sum along. Exact, as one of the terms is 0. The operator itself goes value by value.
 */
function unfoldPRelus(graph: OnnxGraph, block: number): OnnxGraph {
  const rewrite = new Rewrite(graph);
  for (const node of graph.nodes) {
    const slope = slopeOf(rewrite, node);
    if (slope === undefined || slope.dims[1]! % block !== 0) continue;
    if (!BLOCKED.includes(rewrite.maker(node.inputs[0])?.op ?? "")) continue;
    rewrite.place(node, ...unfoldPRelu(rewrite, node, valuesOf(slope)));
  }
  return rewrite.finish();
}

/** The constant slopes of a PRelu, if it has one a channel, [1, C, 1, 1]. */
function slopeOf(rewrite: Rewrite, { op, inputs }: OnnxNode): OnnxTensor | undefined {
  const slope = op === "PRelu" ? rewrite.constant(inputs[1]) : undefined;
  if (slope?.dtype !== "float32" || slope.dims.length !== 4 || slope.dims[1] === 1) return undefined;
  return slope.dims.every((n, axis) => axis === 1 || n === 1) ? slope : undefined;
}

function unfoldPRelu(rewrite: Rewrite, node: OnnxNode, slope: Float32Array): readonly OnnxNode[] {
  const [x, y] = [node.inputs[0]!, node.outputs[0]!];
  const channels = slope.length;
  const dims = [channels, 1, 1, 1];
  const minus = rewrite.floats(`${y}/minus`, dims, new Float32Array(channels).fill(-1));
  const down = rewrite.floats(
    `${y}/slope`,
    dims,
    slope.map((s) => -s),
  );
  const each = { kernel_shape: { ints: [1, 1] }, group: { int: channels } };
  return [
    made("Relu", [x], `${y}/above`),
    made("Conv", [x, minus], `${y}/turned`, each),
    made("Relu", [`${y}/turned`], `${y}/below`),
    made("Conv", [`${y}/below`, down], `${y}/sloped`, each),
    made("Add", [`${y}/sloped`, `${y}/above`], y),
  ];
}
