// ◇ Browser-safe. MAG, the modality-aware gated network: a small gate guesses the modality and mixes a hand head and a
// face head. Source: upstream's src/ugnet/models/mag.py. Upstream's MAG has no dropout.
import * as ops from "../engine/ops.ts";
import { linear } from "./backbones/blocks.ts";
import type { Backbone, BackboneOptions, ModelGraph } from "./model.ts";
import { type TargetFacts, targetHeads } from "./targets.ts";

/** soft: softmax weights mix the two logits; hard: the likelier modality's logit alone. */
export const GATINGS = ["soft", "hard"] as const;
export type Gating = (typeof GATINGS)[number];

const GATE_WIDTH = 64;

export interface MagConfig {
  readonly backbone: Backbone;
  readonly gating: Gating;
  /** Further targets; none by default. Their heads see all features: the gate mixes the sex alone. */
  readonly targets?: readonly TargetFacts[] | undefined;
  readonly options?: BackboneOptions | undefined;
}

/**
 * Graph of a MAG model; parameters `backbone.*`, `gate.0.*`, `gate.2.*`, `hand_head.*`, `face_head.*`, and those of
 * further targets.
 * With hard gating no gradient of the logits reaches the gate: the modality term alone teaches it.
 *
 * @returns builder of logits [N], gate logits [N, 2], gate [N, 2] and heads [N, 2], hand first
 */
export function mag({ backbone, gating, targets, options = {} }: MagConfig): ModelGraph {
  return (scope, { pixels }) => {
    const features = backbone.build(scope, "backbone.", pixels, options); // [N, F]
    const hidden = ops.activation("relu", linear(scope, "gate.0", features, GATE_WIDTH)); // [N, 64]
    const gateLogits = linear(scope, "gate.2", hidden, 2); // [N, 2]
    const hand = linear(scope, "hand_head", features, 1); // [N, 1]
    const face = linear(scope, "face_head", features, 1); // [N, 1]
    const gate = gating === "soft" ? ops.softmax(gateLogits) : ops.oneHotMax(gateLogits); // [N, 2]
    const heads = ops.concat([hand, face], 1); // [N, 2]
    const logits = ops.sumLast(ops.mul(gate, heads)); // [N]
    return { logits, gateLogits, gate, heads, ...targetHeads(scope, features, targets) };
  };
}
