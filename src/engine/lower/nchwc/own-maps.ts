// ◇ Browser-safe. What reads maps in one pass by operators of our own (engine/kernels), where training asked for them; ONNX
// Runtime's take several. Each is undefined where there is none.
import type { Node, PoolAttrs, Shape, Value } from "../../graph.ts";
import { COMPILED } from "../writer.ts";
import { type Blocks, inRows, type Placed } from "./blocked.ts";

/** Sides of the largest window, and its steps. */
const MOST_WINDOW = 16;

/** Attributes that say how large a map is; undefined where operators of our own are not asked for. */
function sizesOf(b: Blocks, { shape }: Value) {
  if (b.kernels === undefined) return undefined;
  const [n, c, h, w] = shape as [number, number, number, number];
  return { n, c, h, w };
}

/** The gradient of SiLU, towards the map that it reads. */
export function ownSiluGrad(b: Blocks, x: Value, dy: Value): string | undefined {
  const sizes = sizesOf(b, x);
  return sizes && b.w.op("SiluGrad", [b.blocked(x), b.blocked(dy)], sizes, COMPILED);
}

/** dy where 0 < x < high, 0 elsewhere. @param high - an integer, or infinity */
export function ownClipGrad(b: Blocks, x: Value, dy: Value, high: number): string | undefined {
  const sizes = sizesOf(b, x);
  const attributes = { ...sizes, high: highOf(high) };
  return sizes && b.w.op("ClipGrad", [b.blocked(x), b.blocked(dy)], attributes, COMPILED);
}

/** Where a gradient passes: where 0 < map factor + shift < high by channel. */
export interface Gate {
  /** [Cp] */
  readonly factor: string;
  readonly shift: string;
  /** An integer, or infinity. */
  readonly high: number;
}

const highOf = (high: number | undefined) => (Number.isFinite(high) ? high! : 0);

/**
 * Sums by channel, over samples and pixels.
 *
 * @param map - in blocks, as large as `y`
 * @param gate - of `map`: what of y it lets pass
 * @returns names of the sum of y and of that of map y, [Cp]
 */
export function ownSums(
  b: Blocks,
  size: Value,
  [map, y]: readonly [map: string, y: string],
  gate?: Gate | undefined,
): readonly [sum: string, products: string] | undefined {
  const sizes = sizesOf(b, size);
  const inputs = [map, y, ...(gate === undefined ? [] : [gate.factor, gate.shift])];
  const attributes = { ...sizes, high: highOf(gate?.high) };
  return sizes && (b.w.many("ChannelSums", inputs, 2, attributes, COMPILED) as [string, string]);
}

/** x a + y b + c of maps in blocks, with a, b, c of [Cp], and of x what the gate of y lets pass. */
export function ownAffineSum(
  b: Blocks,
  size: Value,
  inputs: readonly [x: string, a: string, y: string, b: string, c: string],
  gate?: Gate | undefined,
): string | undefined {
  const sizes = sizesOf(b, size);
  const all = gate === undefined ? inputs : [...inputs, gate.factor, gate.shift];
  return sizes && b.w.op("AffineSum", all, { ...sizes, high: highOf(gate?.high) }, COMPILED);
}

/**
 * Attributes of a square window with as much padding above as on the left; undefined for others.
 *
 * @param maps - what the window reads and what it makes, [N, C, H, W]; where less lies below or on the right, `y` is smaller
 */
export function squareWindow(
  { x, y }: { readonly x: Shape; readonly y: Shape },
  { kernel, stride, padding }: PoolAttrs,
): Readonly<Record<string, number>> | undefined {
  const [[k], [s], [p]] = [kernel, stride, padding];
  const [n, c, h, w] = x as [number, number, number, number];
  const [, , ho, wo] = y as [number, number, number, number];
  const alike = kernel[1] === k && stride[1] === s && padding[1] === p;
  return alike && Math.max(k, s) <= MOST_WINDOW && p < k ? { n, c, h, w, ho, wo, k, s, p } : undefined;
}

/** The gradient of max-pool. */
export function ownMaxPoolGrad(b: Blocks, { inputs, attrs }: Node<"maxPoolGrad">): string | undefined {
  const [x, y, dy] = inputs;
  const sizes = b.kernels && squareWindow({ x: x.shape, y: y.shape }, attrs);
  return sizes && b.w.op("MaxPoolGrad", [b.blocked(x), b.blocked(y), b.blocked(dy)], sizes, COMPILED);
}

/** AdamW, in the formulation of the plain rule: p (1 - lr decay) - (lr c2 / c1) m / (sqrt(v) + eps c2). */
export function ownAdamW(b: Blocks, node: Node<"adamw">): readonly Placed[] | undefined {
  if (b.kernels === undefined) return undefined;
  const { w } = b;
  const [p, g, m, v, scale, lr, decay, correction1, correction2] = node.inputs.map((x) => b.plain(x));
  const { beta1, beta2, eps } = node.attrs;
  const mul = (x: string, y: string) => w.op("Mul", [x, y]);
  const keep = w.op("Sub", [w.float(1), mul(lr!, decay!)]);
  const rate = w.op("Div", [mul(lr!, correction2!), correction1!]);
  const floor = mul(correction2!, w.float(eps));
  const attributes = { length: node.inputs[0].shape[0]!, beta1: { float: beta1 }, beta2: { float: beta2 } };
  return w.many("AdamW", [p!, g!, m!, v!, keep, rate, scale!, floor], 3, attributes, COMPILED).map(inRows);
}
