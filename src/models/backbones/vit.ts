// ◇ Browser-safe. Vision transformers with a class token and learnt positions; the features are the class token's last
// state, as their pretrained weights expect, or the mean of all other tokens, as upstream's `global_pool="avg"` makes
// of them. Papers: Dosovitskiy et al., arXiv 2010.11929; DeiT: Touvron et al., 2012.12877.
// Names, initialisation and recipes as timm's models/vision_transformer.py and deit.py (1.0.29); other image sizes
// than 224 px resample the positions inside the graph, as timm does with dynamic_img_size.
import { unexpected } from "../../core/errors.ts";
import type { Value } from "../../engine/graph.ts";
import * as ops from "../../engine/ops.ts";
import type { Init, Scope } from "../../engine/params.ts";
import { type Backbone, type BackboneOptions, refuseOptions } from "../model.ts";
import { dropout, dropPath, layerNorm } from "./blocks.ts";
import { resampleGrid } from "./positions.ts";
import { type Recipes, recipe, recipes } from "./recipes.ts";

interface Architecture {
  readonly name: string;
  readonly width: number;
  readonly heads: number;
}

const DEPTH = 12;
/** Side of a patch, px. */
const PATCH = 16;
/** Side of the grid of patches that the positions belong to: 224 px. */
const GRID = 14;
const EPS = 1e-6;
/** timm truncates at 2, a hundred deviations away. */
const INIT: Init = { kind: "normal", std: 0.02 };

/** Sequences as rows [N T, C]. */
interface Tokens {
  readonly rows: Value;
  readonly n: number;
  /** Tokens of a sample. */
  readonly length: number;
}

function dense(scope: Scope, name: string, x: Value, out: number): Value {
  const weight = scope.param(`${name}.weight`, [out, x.shape[1]!], INIT);
  return ops.linear(x, weight, scope.param(`${name}.bias`, [out], { kind: "constant", value: 0 }));
}

/** Patches through one linear layer, behind the class token, with positions added. */
function embed(scope: Scope, prefix: string, pixels: Value, { name, width: c }: Architecture): Tokens {
  const [n, channels, height, width] = pixels.shape as [number, number, number, number];
  if (height % PATCH !== 0 || width % PATCH !== 0) throw notPatches(name, height, width);
  const [rows, columns] = [height / PATCH, width / PATCH];
  const undecayed = { decay: false };
  const token = scope.param(`${prefix}cls_token`, [1, 1, c], { kind: "normal", std: 1e-6 }, undecayed);
  const positions = scope.param(`${prefix}pos_embed`, [1, GRID * GRID + 1, c], INIT, undecayed);
  const area = channels * PATCH * PATCH;
  const uniform = { kind: "uniform", bound: 1 / Math.sqrt(area) } as const;
  const weight = scope.param(`${prefix}patch_embed.proj.weight`, [c, channels, PATCH, PATCH], uniform);
  const bias = scope.param(`${prefix}patch_embed.proj.bias`, [c], uniform);

  const split = ops.reshape(pixels, [n, channels, rows, PATCH, columns, PATCH]);
  const patches = ops.reshape(ops.transpose(split, [0, 2, 4, 1, 3, 5]), [n * rows * columns, area]);
  const embedded = ops.linear(patches, ops.reshape(weight, [c, area]), bias); // [N T-1, C]
  const length = rows * columns + 1;
  const behind = ops.pad(ops.reshape(embedded, [n, length - 1, c]), 1, 1, 0); // [N, T, C]
  // Class token and positions are one vector for all samples.
  const first = ops.pad(ops.reshape(token, [c]), 0, 0, (length - 1) * c);
  const shared = ops.add(ops.reshape(positionsAt(positions, rows, columns), [length * c]), first);
  const all = ops.channelBias(ops.reshape(behind, [n, length * c]), shared);
  return { rows: ops.reshape(all, [n * length, c]), n, length };
}

function notPatches(name: string, height: number, width: number) {
  return unexpected("input", {
    code: "IMAGE_SIZE",
    expected: `multiples of ${PATCH} px`,
    name: `the images of ${name}`,
    got: `${width} x ${height}`,
    hint: "use the size of the weights, 224",
  });
}

/** Positions [1, 1 + 14 14, C] at another grid, [1 + rows columns, C]; the class token's stays. */
function positionsAt(positions: Value, rows: number, columns: number): Value {
  const c = positions.shape[2]!;
  const flat = ops.reshape(positions, [GRID * GRID + 1, c]);
  if (rows === GRID && columns === GRID) return flat;
  const matrix = resampleGrid([GRID, GRID], [rows, columns]);
  const grid = ops.slice(flat, 0, 1, GRID * GRID + 1);
  const moved = ops.matmul(ops.constant(matrix, [rows * columns, GRID * GRID]), grid);
  return ops.concat([ops.slice(flat, 0, 0, 1), moved], 0);
}

/** Self-attention with several heads; every token sees every token of its sample. */
function attend(scope: Scope, name: string, { rows, n, length }: Tokens, heads: number): Value {
  const c = rows.shape[1]!;
  const depth = c / heads;
  const joint = ops.reshape(dense(scope, `${name}.qkv`, rows, 3 * c), [n, length, 3, heads, depth]);
  const byHead = ops.transpose(joint, [2, 0, 3, 1, 4]); // [3, N, heads, T, C / heads]
  const [q, k, v] = [0, 1, 2].map((i) =>
    ops.reshape(ops.slice(byHead, 0, i, i + 1), [n * heads, length, depth]),
  ) as [Value, Value, Value];
  const scores = ops.matmul(ops.scale(q, depth ** -0.5), k, { transB: true }); // [N heads, T, T]
  const mixed = ops.reshape(ops.matmul(ops.softmax(scores), v), [n, heads, length, depth]);
  const joined = ops.reshape(ops.transpose(mixed, [0, 2, 1, 3]), [n * length, c]);
  return dense(scope, `${name}.proj`, joined, c);
}

function perceptron(scope: Scope, name: string, rows: Value): Value {
  const c = rows.shape[1]!;
  return dense(scope, `${name}.fc2`, ops.activation("gelu", dense(scope, `${name}.fc1`, rows, 4 * c)), c);
}

/** Adds a branch to the tokens, or not, for whole samples. */
function residual(scope: Scope, name: string, x: Tokens, branch: Value, rate: number): Tokens {
  const samples = ops.reshape(branch, [x.n, x.length * branch.shape[1]!]);
  const branchOut = ops.reshape(dropPath(scope, name, samples, rate), branch.shape);
  return { ...x, rows: ops.add(x.rows, branchOut) };
}

function block(scope: Scope, name: string, x: Tokens, heads: number, rate: number): Tokens {
  const first = { ...x, rows: layerNorm(scope, `${name}.norm1`, x.rows, EPS) };
  const seen = attend(scope, `${name}.attn`, first, heads);
  const between = residual(scope, `${name}.drop_path1`, x, seen, rate);
  const second = layerNorm(scope, `${name}.norm2`, between.rows, EPS);
  const thought = perceptron(scope, `${name}.mlp`, second);
  return residual(scope, `${name}.drop_path2`, between, thought, rate);
}

/** Mean of the tokens behind the class token, [N, T, C] to [N, C]. */
function meanOfPatches(tokens: Value): Value {
  const length = tokens.shape[1]!;
  const patches = ops.transpose(ops.slice(tokens, 1, 1, length), [0, 2, 1]); // [N, C, T - 1]
  return ops.scale(ops.sumLast(patches), 1 / (length - 1));
}

function build(
  arch: Architecture,
  scope: Scope,
  prefix: string,
  pixels: Value,
  options: BackboneOptions,
): Value {
  refuseOptions(arch.name, options, ["padding", "bnEps", "bnMomentum"]);
  let x = embed(scope, prefix, pixels, arch);
  for (let i = 0; i < DEPTH; i++) {
    const rate = ((options.dropPathRate ?? 0) * i) / (DEPTH - 1);
    x = block(scope, `${prefix}blocks.${i}`, x, arch.heads, rate);
  }
  const tokens = ops.reshape(x.rows, [x.n, x.length, arch.width]);
  const average = options.globalPool === "avg";
  const token = average ? meanOfPatches(tokens) : ops.reshape(ops.slice(tokens, 1, 0, 1), [x.n, arch.width]);
  // timm norms each token before it takes one, but the mean after it is taken, and names the norms so.
  const features = layerNorm(scope, `${prefix}${average ? "fc_norm" : "norm"}`, token, EPS);
  return dropout(scope, `${prefix}drop`, features, options.dropRate ?? 0);
}

function vit(name: string, width: number, heads: number, pretrained: Recipes): Backbone {
  const arch: Architecture = { name, width, heads };
  const blocks = Array.from({ length: DEPTH }, (_, i) => [`blocks.${i}`]);
  return {
    name,
    features: width,
    stages: [["cls_token", "pos_embed", "patch_embed"], ...blocks, ["norm", "fc_norm"]],
    pretrained,
    build: (scope, prefix, pixels, options = {}) => build(arch, scope, prefix, pixels, options),
  };
}

const half = recipe("inception", 224);
const imagenet = recipe("imagenet", 224);

/** Every network of the family that is offered, by timm's name. */
export const VITS: readonly Backbone[] = [
  vit("vit_tiny_patch16_224", 192, 3, recipes(["augreg_in21k_ft_in1k", "augreg_in21k"], half)),
  vit("vit_small_patch16_224", 384, 6, {
    ...recipes(["augreg_in21k_ft_in1k", "augreg_in1k", "augreg_in21k"], half),
    dino: imagenet,
  }),
  vit("deit_small_patch16_224", 384, 6, { fb_in1k: imagenet }),
];
