// ◇ Browser-safe. The part of a graph that does not learn, as a model of its own: features of images, made once and
// given to the rest in their place. Training steps and predictions with a frozen backbone both have them from here.
// Frozen weights are constants, so that norms fold into convolutions and ONNX Runtime lays it all out.

import { sizeOf, type Value } from "../graph.ts";
import type { Weights } from "../params.ts";
import { type Session, Tensor, type Tensors } from "../runtime/session.ts";
import { cutBelow } from "./cut.ts";
import { emitGraph } from "./emit.ts";
import type { Provider } from "./writer.ts";

/** What is frozen of a graph, and what runs it. */
export interface FrozenOptions {
  /** The input of images. */
  readonly images: Value;
  /** Frozen parameters and statistics, by name. */
  readonly fixed: ReadonlyMap<string, Value>;
  readonly provider: Provider;
  readonly createSession: (model: Uint8Array) => Promise<Session>;
}

/**
 * Finds the part that nothing learns in.
 *
 * @param outputs - of the whole graph, or of one of its parts
 * @returns undefined if nothing below what learns is frozen
 */
export function cutFrozen(
  outputs: readonly Value[],
  { images, fixed, provider, createSession }: FrozenOptions,
): FrozenPart | undefined {
  const features = cutBelow(outputs, new Set([images]), new Set(fixed.values()));
  if (features.length === 0) return undefined;
  const open = (weights: Weights): Promise<Session> => {
    const constants = [...fixed].map(([name, value]) => [value, weights.get(name)!] as const);
    const { model } = emitGraph({
      outputs: Object.fromEntries(features.map((value, i) => [nameOf(i), value])),
      provider,
      sources: new Map(constants),
    });
    return createSession(model);
  };
  return new FrozenPart(features, open);
}

/** Input of the rest of the graph, and output of its frozen part. */
const nameOf = (index: number) => `features:${index}`;

/** The features of images; see cutFrozen. */
export class FrozenPart {
  /** What the rest of the graph takes in place of images: values by input name. */
  readonly sources: ReadonlyMap<Value, string>;
  readonly #open: (weights: Weights) => Promise<Session>;
  #weights: Weights = new Map();
  #session: Promise<Session> | undefined;

  constructor(features: readonly Value[], open: (weights: Weights) => Promise<Session>) {
    this.sources = new Map(features.map((value, i) => [value, nameOf(i)]));
    this.#open = open;
  }

  /** Floats an image, if all that it makes of one is a vector; undefined otherwise. */
  get width(): number | undefined {
    const shapes = [...this.sources.keys()].map(({ shape }) => shape);
    return shapes.length === 1 && shapes[0]!.length === 2 ? shapes[0]![1]! : undefined;
  }

  /** Features that are known already, as `run` would give them; f32 [N, width]. */
  known(features: Float32Array): Tensors {
    const [value, name] = [...this.sources][0]!;
    return { [name]: new Tensor("float32", features, [...value.shape]) };
  }

  /** Takes over the frozen weights; the session is made when it is first needed. */
  load(weights: Weights): void {
    this.close().catch(() => undefined);
    this.#weights = weights;
  }

  /**
   * @param images - u8 [N, S, S, 3]
   * @returns features in memory of their own, by input name
   */
  async run(images: Tensor): Promise<Tensors> {
    this.#session ??= this.#open(this.#weights);
    const session = await this.#session;
    const fetches = [...this.sources].map(
      ([{ shape }, name]) =>
        [name, new Tensor("float32", new Float32Array(sizeOf(shape)), [...shape])] as const,
    );
    return session.run({ images }, Object.fromEntries(fetches));
  }

  async close(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    await (await session?.catch(() => undefined))?.release(); // `run` has reported one that could not be made
  }
}
