// ◇ Browser-safe. Bookkeeping of the NCHWc lowering: which values exist in rows of channels (plain, NCHW), which in
// blocks of channels (blocked, [N, C/b, H, W, b], named with its logical dims [N, Cp, H, W]), and the conversions
// between. Channels are padded with zeros to Cp, a multiple of the block b; what a padded channel holds is never read.
import { isNode, type Node, type Value } from "../../graph.ts";
import { type Attrs, NCHWC, type Writer } from "../writer.ts";

/** Result of a blocked rule, per output: the name and whether its data are in blocks. */
export interface Placed {
  readonly name: string;
  readonly blocked: boolean;
}

/** A result in blocks. */
export const inBlocks = (name: string): Placed => ({ name, blocked: true });

/** A result in rows of channels, or with fewer axes. */
export const inRows = (name: string): Placed => ({ name, blocked: false });

/** True for maps that are worth taking into blocks: those that are there already. */
export const stays = (b: Blocks, x: Value): boolean => b.isBlocked(x) && b.fits(x);

/** True if nothing but a norm and its gradient reads a value. */
export function onlyNormalised(b: Blocks, value: Value): boolean {
  const readers = b.readers(value);
  const norms = readers.filter((reader) => isNode(reader, "batchNorm")).length === 1;
  return norms && readers.every((reader) => isNode(reader, "batchNorm") || isNode(reader, "batchNormGrad"));
}

export interface BlockedConv {
  readonly kernel: readonly [number, number];
  readonly stride?: readonly [number, number] | undefined;
  readonly dilation?: readonly [number, number] | undefined;
  /** Top, left, bottom, right; negative crops. */
  readonly pads?: readonly number[] | undefined;
  readonly groups?: number | undefined;
  readonly bias?: string | undefined;
  /** Added to the result, same shape. */
  readonly sum?: string | undefined;
  /** Applied last, in the same pass: clips to this range, or takes away the sign. */
  readonly clip?: readonly [low: number, high: number] | "absolute" | undefined;
}

/** A norm's map less (about) its batch mean, what is left of the mean in it, [Cp], nothing if 0; and y = map factor + shift, [Cp]. */
export interface Normed {
  readonly map: string;
  readonly rest?: string | undefined;
  readonly y: Value;
  readonly factor: string;
  readonly shift: string;
}

/** Operators of our own, which the compiler of the machine that trains has made. */
export const KERNELS = ["native"] as const;
export type Kernels = (typeof KERNELS)[number];

/** Names of values while a graph is lowered to NCHWc operators. */
export class Blocks {
  readonly w: Writer;
  /** Block size b: 16 with AVX-512, 8 with AVX2. */
  readonly size: number;
  /** Operators of our own that may be used. */
  readonly kernels: Kernels | undefined;
  readonly #plain = new Map<Value, string>();
  readonly #blocked = new Map<Value, string>();
  readonly #vectors = new Map<Value, string>();
  readonly #weights = new Map<string, string>();
  /** What batchNorm made, by the value of its mean; its gradient uses it again. */
  readonly centred = new Map<Value, Normed>();
  /** x normalised over channels, by x: made by layerNorm, used again by its gradient. */
  readonly normalised = new Map<Value, { unit: string; inverse: string; eps: number }>();

  /** Convolutions that were written without their mean, by the convolution's output: the batch mean, [C]. */
  readonly meanless = new Map<Value, string>();
  /** Values that were clipped as they were made, because everything that reads them does that first. */
  readonly clipped = new Set<Value>();
  readonly #readers: ReadonlyMap<Value, readonly Node[]>;

  /** @param readers - the nodes that read a value, which has none more if it is no output of the graph */
  constructor(
    writer: Writer,
    size: number,
    readers: ReadonlyMap<Value, readonly Node[]>,
    kernels?: Kernels | undefined,
  ) {
    this.w = writer;
    this.size = size;
    this.kernels = kernels;
    this.#readers = readers;
  }

  /** The nodes that read a value; none for outputs of the graph, which are read elsewhere. */
  readers(value: Value): readonly Node[] {
    return this.#readers.get(value) ?? [];
  }

  /** Channels padded to whole blocks. */
  up(channels: number): number {
    return Math.ceil(channels / this.size) * this.size;
  }

  /** Maps whose channels ONNX Runtime can reorder. */
  fits({ shape }: Value): boolean {
    return shape.length === 4 && shape[1]! % 4 === 0;
  }

  isBlocked(value: Value): boolean {
    return this.#blocked.has(value);
  }

  set(value: Value, { name, blocked }: Placed): void {
    (blocked ? this.#blocked : this.#plain).set(value, name);
  }

  /** The value in NCHW. */
  plain(value: Value): string {
    return memo(this.#plain, value, () =>
      this.w.op("ReorderOutput", [this.#blocked.get(value)!], { channels: value.shape[1]! }, NCHWC),
    );
  }

  /** The value in blocks; only where `fits`. */
  blocked(value: Value): string {
    return memo(this.#blocked, value, () => this.w.op("ReorderInput", [this.#plain.get(value)!], {}, NCHWC));
  }

  /** A vector [C] padded with zeros to [Cp]. */
  vector(value: Value): string {
    const length = value.shape[0]!;
    return memo(this.#vectors, value, () =>
      this.w.pad(this.#plain.get(value)!, [0, this.up(length) - length]),
    );
  }

  /** The first C entries of a padded vector [Cp]. */
  trim(vector: string, channels: number): string {
    return this.up(channels) === channels ? vector : this.w.slice(vector, [0], [0], [channels]);
  }

  /** Something derived from a weight, made once. */
  weight(value: Value, form: string, make: (plain: string) => string): string {
    const plain = this.plain(value);
    return memo(this.#weights, `${form} ${plain}`, () => make(plain));
  }

  conv(x: string, weight: string, conv: BlockedConv): string {
    const {
      kernel,
      stride = [1, 1],
      dilation = [1, 1],
      pads = [0, 0, 0, 0],
      groups = 1,
      bias,
      sum,
      clip,
    } = conv;
    const inputs = [x, weight];
    if (bias !== undefined || sum !== undefined) inputs.push(bias ?? "");
    if (sum !== undefined) inputs.push(sum);
    const attrs = { kernel_shape: kernel, strides: stride, dilations: dilation, pads, group: groups };
    return this.w.op("Conv", inputs, { ...attrs, ...(clip && clipAttributes(clip)) }, NCHWC);
  }

  /** x * scale + bias (+ sum) per channel; `scale` and `bias` are [groups]. */
  affine(
    x: string,
    scale: string,
    groups: number,
    more: Pick<BlockedConv, "bias" | "sum" | "clip"> = {},
  ): string {
    return this.conv(x, this.w.reshape(scale, [groups, 1, 1, 1]), { kernel: [1, 1], groups, ...more });
  }

  /** Sum over H and W of x * y: [N, Cp]. The maps of y serve as kernels of the size of x. */
  dot(x: string, y: string, [n, c, h, width]: readonly number[]): string {
    const channels = n! * this.up(c!);
    const image = this.w.reshape(x, [1, channels, h!, width!]);
    const kernels = this.w.reshape(y, [channels, 1, h!, width!]);
    const sums = this.conv(image, kernels, { kernel: [h!, width!], groups: channels });
    return this.w.reshape(sums, [n!, this.up(c!)]);
  }

  /** Mean over H and W: [N, Cp]. */
  spatialMean(x: string, [n, c]: readonly number[]): string {
    return this.w.reshape(this.w.op("GlobalAveragePool", [x], {}, NCHWC), [n!, this.up(c!)]);
  }
}

function clipAttributes(clip: NonNullable<BlockedConv["clip"]>): Attrs {
  // A leaky ReLU whose slope below 0 is -1.
  if (clip === "absolute")
    return { activation: { string: "LeakyRelu" }, activation_params: { floats: [-1] } };
  const [low, high] = clip;
  if (low === 0 && high === Number.POSITIVE_INFINITY) return { activation: { string: "Relu" } };
  return { activation: { string: "Clip" }, activation_params: { floats: [low, high] } };
}

function memo<K>(map: Map<K, string>, key: K, make: () => string): string {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}
