// ◇ Browser-safe. Constructors of pooling and layer normalisation, each with its shape rule.
// Source of the rules: torch.nn.functional.max_pool2d and layer_norm; channels are axis 1, on maps and on rows.
import { graphError, makeNode, type PoolAttrs, type Value } from "./graph.ts";
import { convSize } from "./ops.ts";

/**
 * Largest value of each window; of equal ones the first, row by row, gets the gradient.
 * @param x - [N, C, H, W]; rows and columns that no whole window reaches are not read (torch's floor mode)
 */
export function maxPool(x: Value, attrs: PoolAttrs): Value {
  const { kernel, stride, padding: p } = attrs;
  const [n, c, h, w] = x.shape as [number, number, number, number];
  const half = p.every((side, i) => side * 2 <= kernel[i % 2]!);
  if (x.shape.length !== 4 || !half)
    throw graphError("maxPool", "[N, C, H, W] and padding of at most half the kernel", [x.shape, p]);
  const size = [
    convSize(h, kernel[0], stride[0], p[0], p[2]),
    convSize(w, kernel[1], stride[1], p[1], p[3]),
  ] as const;
  if (size[0] < 1 || size[1] < 1)
    throw graphError("maxPool", "an input no smaller than the kernel", [x.shape, kernel]);
  return makeNode("maxPool", [x], attrs, [[n, c, ...size]]).outputs[0]!;
}

/**
 * Layer normalisation over channels (axis 1), at each row or each position of a map by itself.
 * @param x - [N, C] or [N, C, H, W]
 * @param weight - [C], and so is `bias`
 */
export function layerNorm(x: Value, weight: Value, bias: Value, eps: number): Value {
  const fits = [weight, bias].every((v) => v.shape.length === 1 && v.shape[0] === x.shape[1]);
  if (!fits || (x.shape.length !== 2 && x.shape.length !== 4))
    throw graphError("layerNorm", "[N, C] or [N, C, H, W], and vectors [C]", [
      x.shape,
      weight.shape,
      bias.shape,
    ]);
  return makeNode("layerNorm", [x, weight, bias], { eps }, [x.shape]).outputs[0]!;
}
