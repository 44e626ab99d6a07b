// ◇ Browser-safe. Which convolutions run by operators of our own (engine/kernels), where training asked for them: of dense ones of
// kernel 1 or 3, padded alike on all sides, the gradients towards weights; and at 3x3 and stride 1, where Winograd's form takes a
// quarter of the products, all of them. Others stay ONNX Runtime's; so do all but training's.
import type { Node, Shape } from "../../graph.ts";
import { COMPILED } from "../writer.ts";
import { type Blocks, inRows, type Placed } from "./blocked.ts";
import { squareWindow } from "./own-maps.ts";

/** True for the kernel of a convolution that the operators take. @param shape - [O, C, KH, KW], C of one group */
export function isOwnKernel(shape: Shape): boolean {
  const [o, c, high, wide] = shape;
  return shape.length === 4 && (high === 1 || high === 3) && high === wide && o! % 4 === 0 && c! % 4 === 0;
}

/** Attributes of the operator; undefined where there is none for it. */
function attributes(
  b: Blocks,
  { attrs }: Node<"conv2d" | "convInputGrad" | "convWeightGrad">,
  { weight, x, y }: { readonly weight: Shape; readonly x: Shape; readonly y: Shape },
): Readonly<Record<string, number>> | undefined {
  if (b.kernels === undefined || attrs.groups !== 1 || !isOwnKernel(weight)) return undefined;
  const [o, , high, wide] = weight as [number, number, number, number];
  const window = squareWindow({ x, y }, { ...attrs, kernel: [high, wide] });
  return window === undefined || window["s"]! > 2 ? undefined : { ...window, o };
}

/** What Winograd's form F(4x4, 3x3) is of: a map as large as the one that it makes. */
const isWinograd = (sizes: Readonly<Record<string, number>>) => {
  const { k, s, p, h, ho, w, wo } = sizes;
  return k === 3 && s === 1 && p === 1 && h === ho && w === wo;
};

/**
 * The convolution, or its gradient towards x, in blocks.
 *
 * @param more - in blocks too: a bias, and a map that is added
 * @returns undefined where ONNX Runtime's operators have to do it
 */
export function ownConv(
  b: Blocks,
  node: Node<"conv2d" | "convInputGrad">,
  { bias, sum }: { readonly bias?: string | undefined; readonly sum?: string | undefined },
): string | undefined {
  const [map, weight] = node.inputs;
  const back = node.op === "convInputGrad";
  const [from, to] = [map.shape, node.outputs[0]!.shape];
  const [x, y] = back ? [to, from] : [from, to];
  const sizes = attributes(b, node, { weight: weight.shape, x, y });
  if (sizes === undefined || !isWinograd(sizes)) return undefined;
  const more = sum === undefined ? (bias === undefined ? [] : [bias]) : [bias ?? "", sum];
  const inputs = [b.blocked(map), b.plain(weight), ...more];
  return b.w.op("WinogradConv", inputs, { ...sizes, back: Number(back) }, COMPILED);
}

/** The gradient towards the weights; undefined where ONNX Runtime's operators have to do it. */
export function ownWeightGrad(b: Blocks, node: Node<"convWeightGrad">): readonly Placed[] | undefined {
  const [x, dy] = node.inputs;
  const weight = [dy.shape[1]!, x.shape[1]!, ...node.attrs.kernel];
  const sizes = attributes(b, node, { weight, x: x.shape, y: dy.shape });
  if (sizes === undefined) return undefined;
  const operator = isWinograd(sizes) ? "WinogradConvWeights" : "DirectConvWeights";
  return [inRows(b.w.op(operator, [b.blocked(x), b.blocked(dy)], { ...sizes, back: 0 }, COMPILED))];
}

/** The gradient towards the weights of a first convolution, of an image in planes; undefined as above. */
export function ownStemWeightGrad(b: Blocks, node: Node<"convWeightGrad">): readonly Placed[] | undefined {
  const [x, dy] = node.inputs;
  const { kernel, stride, padding } = node.attrs;
  const sizes = squareWindow({ x: x.shape, y: dy.shape }, { kernel, stride, padding });
  if (b.kernels === undefined || sizes === undefined) return undefined;
  const attributes = { ...sizes, o: dy.shape[1]! };
  return [inRows(b.w.op("StemConvWeights", [b.plain(x), b.blocked(dy)], attributes, COMPILED))];
}
