// ◇ Browser-safe. Parameters of a model: declared by name while its graph is built, initialised from a seed,
// and packed into few flat vectors for training (a step over hundreds of small tensors is all overhead).
import { AppError } from "../core/errors.ts";
import type { Random } from "../core/random.ts";
import { type Shape, sizeOf, type Value } from "./graph.ts";
import { add, concat, input, reshape, scale, slice } from "./ops.ts";

export type Init =
  | { readonly kind: "constant"; readonly value: number }
  | { readonly kind: "normal"; readonly std: number }
  | { readonly kind: "truncatedNormal"; readonly std: number }
  | { readonly kind: "uniform"; readonly bound: number };

/** A learnt parameter, or a buffer (running statistics) that the forward pass updates. */
export interface ParamSpec {
  /** timm's or torch's state-dict name, e.g. `backbone.blocks.0.0.bn1.weight`. */
  readonly name: string;
  readonly shape: Shape;
  readonly kind: "parameter" | "buffer";
  /** Whether weight decay applies (not on biases and norms). */
  readonly decay: boolean;
  readonly init: Init;
}

/** Random factors that a training graph takes as an input, drawn outside so that a resumed run repeats them. */
export interface NoiseSpec {
  readonly name: string;
  readonly shape: Shape;
  /** Probability that an entry is not zero; such entries are 1 / keep. */
  readonly keep: number;
}

export type Mode = "train" | "eval";

/** What a model's building function gets: where to take parameters from and where to leave new statistics. */
export interface Scope {
  readonly mode: Mode;
  /** A learnt parameter. `decay` defaults to: more than one axis. */
  param(name: string, shape: Shape, init: Init, options?: { decay?: boolean | undefined }): Value;
  buffer(name: string, shape: Shape, value: number): Value;
  /** Moves a buffer towards `current` after this step: (1 - share) of what it was, and `share` of that. */
  track(name: string, current: Value, share: number): void;
  /** Inverted-dropout factors; only in train mode. */
  noise(name: string, shape: Shape, keep: number): Value;
  /** True if the parameters under this prefix do not learn; their norms then use running statistics. */
  frozen(prefix: string): boolean;
}

export interface ScopeOptions {
  readonly mode: Mode;
  /** Where a declared parameter's or buffer's value comes from; default: a graph input of its name. */
  readonly resolve?: ((spec: ParamSpec) => Value) | undefined;
  readonly frozen?: ((prefix: string) => boolean) | undefined;
}

interface Tracked {
  readonly current: Value;
  readonly share: number;
}

function moved(value: Value, { current, share }: Tracked): Value {
  return add(scale(value, 1 - share), scale(current, share));
}

/** A scope that also remembers everything that was declared through it, in order. */
export class Declarations implements Scope {
  readonly mode: Mode;
  readonly specs = new Map<string, ParamSpec>();
  readonly noises: NoiseSpec[] = [];
  /** Next values of buffers, by name. */
  readonly updates = new Map<string, Value>();
  /** What they are made of. */
  readonly #tracked = new Map<string, Tracked>();
  readonly #values = new Map<string, Value>();
  readonly #resolve: (spec: ParamSpec) => Value;
  readonly #frozen: (prefix: string) => boolean;

  constructor(options: ScopeOptions) {
    this.mode = options.mode;
    this.#resolve = options.resolve ?? ((spec) => input(spec.name, spec.shape));
    this.#frozen = options.frozen ?? (() => false);
  }

  param(name: string, shape: Shape, init: Init, options: { decay?: boolean | undefined } = {}): Value {
    return this.#declare({ name, shape, kind: "parameter", decay: options.decay ?? shape.length > 1, init });
  }

  buffer(name: string, shape: Shape, value: number): Value {
    return this.#declare({ name, shape, kind: "buffer", decay: false, init: { kind: "constant", value } });
  }

  track(name: string, current: Value, share: number): void {
    this.#tracked.set(name, { current, share });
    this.updates.set(name, moved(this.#values.get(name)!, { current, share }));
  }

  /**
   * The flat value of a pack of buffers after this step; one operation over all of them where they move by one share.
   *
   * @returns undefined if nothing in it moves
   */
  nextPack(flat: Value, pack: Pack): Value | undefined {
    const names = pack.members.map(({ spec }) => spec.name);
    if (!names.some((name) => this.#tracked.has(name))) return undefined;
    const tracked = names.flatMap((name) => this.#tracked.get(name) ?? []);
    const share = tracked[0]!.share;
    if (tracked.length < names.length || tracked.some((other) => other.share !== share))
      return packValues(new Map([...this.#values, ...this.updates]), pack);
    const current = new Map(names.map((name, i) => [name, tracked[i]!.current]));
    return moved(flat, { current: packValues(current, pack), share });
  }

  noise(name: string, shape: Shape, keep: number): Value {
    this.noises.push({ name, shape, keep });
    return input(name, shape);
  }

  frozen(prefix: string): boolean {
    return this.#frozen(prefix);
  }

  #declare(spec: ParamSpec): Value {
    const known = this.#values.get(spec.name);
    if (known !== undefined) {
      throw new AppError("internal", "PARAM_TWICE", `Expected one declaration of ${spec.name}, got two`);
    }
    const value = this.#resolve(spec);
    this.specs.set(spec.name, spec);
    this.#values.set(spec.name, value);
    return value;
  }
}

/** Values of all parameters and buffers by name: what a checkpoint stores. */
export type Weights = Map<string, Float32Array>;

/** Draws initial values; each tensor's stream depends on its name only, not on the order of declaration. */
export function initialise(specs: Iterable<ParamSpec>, random: Random): Weights {
  const weights: Weights = new Map();
  for (const spec of specs) weights.set(spec.name, draw(spec, random.split("init", spec.name)));
  return weights;
}

function draw({ shape, init }: ParamSpec, random: Random): Float32Array {
  const data = new Float32Array(sizeOf(shape));
  switch (init.kind) {
    case "constant":
      return data.fill(init.value);
    case "normal":
      return data.map(() => init.std * random.normal());
    case "uniform":
      return data.map(() => random.uniform(-init.bound, init.bound));
    case "truncatedNormal":
      return data.map(() => init.std * truncated(random));
  }
}

/** Standard normal within two standard deviations. */
function truncated(random: Random): number {
  let x = random.normal();
  while (Math.abs(x) > 2) x = random.normal();
  return x;
}

/** A flat vector of the packed state: one large parameter, or many small ones of a kind end to end. */
export interface Pack {
  readonly name: string;
  readonly length: number;
  readonly decay: boolean;
  /** Factor on the learning rate. */
  readonly rate: number;
  readonly members: readonly { readonly spec: ParamSpec; readonly offset: number }[];
}

/** Tensors of at least this many elements get a vector of their own. */
const LARGE = 1 << 14;

/**
 * Groups specs into packs; the grouping depends on the specs and their rates only.
 *
 * @param rateOf - factor on a parameter's learning rate; 1 for all if left out
 */
export function packParams(
  specs: Iterable<ParamSpec>,
  prefix: string,
  rateOf: (name: string) => number = () => 1,
): Pack[] {
  const packs: Pack[] = [];
  const small = new Map<string, ParamSpec[]>([
    ["", []],
    ["-decay", []],
  ]);
  for (const spec of specs) {
    const rate = rateOf(spec.name);
    const kind = `${spec.decay ? "-decay" : ""}${rate === 1 ? "" : `-x${rate}`}`;
    if (sizeOf(spec.shape) >= LARGE) packs.push(pack(`${prefix}:${spec.name}`, [spec], rate));
    else if (small.has(kind)) small.get(kind)!.push(spec);
    else small.set(kind, [spec]);
  }
  for (const [kind, members] of small) {
    if (members.length > 0) packs.push(pack(`${prefix}:small${kind}`, members, rateOf(members[0]!.name)));
  }
  return packs;
}

/** Specs of one kind, end to end. */
function pack(name: string, specs: readonly ParamSpec[], rate: number): Pack {
  let length = 0;
  const members = specs.map((spec) => {
    const offset = length;
    length += sizeOf(spec.shape);
    return { spec, offset };
  });
  return { name, length, decay: specs[0]!.decay, rate, members };
}

/** Graph values of every member of a pack, cut out of its flat value. */
export function unpackValues(flat: Value, { members }: Pack): Map<string, Value> {
  return new Map(
    members.map(({ spec, offset }) => [
      spec.name,
      reshape(slice(flat, 0, offset, offset + sizeOf(spec.shape)), spec.shape),
    ]),
  );
}

/** The flat value of a pack from the values of its members. */
export function packValues(values: ReadonlyMap<string, Value>, { members }: Pack): Value {
  return concat(
    members.map(({ spec }) => reshape(values.get(spec.name)!, [sizeOf(spec.shape)])),
    0,
  );
}

/** The flat vector of a pack from named weights. */
export function packWeights(weights: Weights, { length, members }: Pack): Float32Array {
  const flat = new Float32Array(length);
  for (const { spec, offset } of members) {
    const data = weights.get(spec.name);
    if (data === undefined || data.length !== sizeOf(spec.shape)) {
      throw new AppError(
        "internal",
        "PACK",
        `Expected ${sizeOf(spec.shape)} values for ${spec.name}, got ${data?.length}`,
      );
    }
    flat.set(data, offset);
  }
  return flat;
}

/** Copies the members of a flat vector into named weights. */
export function unpackWeights(flat: Float32Array, { members }: Pack, into: Weights): void {
  for (const { spec, offset } of members)
    into.set(spec.name, flat.slice(offset, offset + sizeOf(spec.shape)));
}
