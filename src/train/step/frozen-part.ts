// The part of a training step that does not learn, compiled as prediction is: frozen weights are constants, norms
// fold into convolutions, and ONNX Runtime lays it all out. In a step they would be inputs that may change.

import { sizeOf, type Value } from "../../engine/graph.ts";
import { cutBelow } from "../../engine/lower/cut.ts";
import { emitGraph } from "../../engine/lower/emit.ts";
import type { Weights } from "../../engine/params.ts";
import { type Session, Tensor, type Tensors } from "../../engine/runtime/session.ts";
import { createStepSession } from "./compile.ts";
import type { StepConfig, StepGraph } from "./graph.ts";

/**
 * Finds the part that nothing learns in.
 *
 * @param outputs - of the step, or of one of its parts
 * @returns undefined if nothing below what learns is frozen
 */
export function cutFrozen(
  { device = "cpu", threads }: StepConfig,
  outputs: readonly Value[],
  { images, fixed }: Pick<StepGraph, "images" | "fixed">,
): FrozenPart | undefined {
  const features = cutBelow(outputs, new Set([images]), new Set(fixed.values()));
  if (features.length === 0) return undefined;
  const open = (weights: Weights): Promise<Session> => {
    const constants = [...fixed].map(([name, value]) => [value, weights.get(name)!] as const);
    const { model } = emitGraph({
      outputs: Object.fromEntries(features.map((value, i) => [nameOf(i), value])),
      provider: device,
      sources: new Map(constants),
    });
    return createStepSession(model, device, threads === undefined ? {} : { threads });
  };
  return new FrozenPart(features, open);
}

/** Input of the step, and output of its frozen part. */
const nameOf = (index: number) => `features:${index}`;

/** The features of images; see cutFrozen. */
export class FrozenPart {
  /** What the rest of the step takes in place of images: values by input name. */
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
    this.close().catch(() => undefined); // of a session that could not be made `run` has told
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
    await (await session)?.release();
  }
}
