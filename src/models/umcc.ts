// ◇ Browser-safe. UMCC, the unified modality-conditioned classifier: one linear head over features and, with the flag
// on, modality. Source: upstream's src/ugnet/models/umcc.py; dropout comes before the flag is appended.
import { AppError } from "../core/errors.ts";
import * as ops from "../engine/ops.ts";
import { linear } from "./backbones/blocks.ts";
import type { Backbone, BackboneOptions, ModelGraph } from "./model.ts";
import { type TargetFacts, targetHeads } from "./targets.ts";

/** Upstream's dropout on the pooled features of UMCC. */
export const UMCC_DROP_RATE = 0.2;

export interface UmccConfig {
  readonly backbone: Backbone;
  /** F1 (true) or F0 of the tag. */
  readonly flag: boolean;
  /** Further targets; none by default. */
  readonly targets?: readonly TargetFacts[] | undefined;
  readonly options?: BackboneOptions | undefined;
}

/**
 * Graph of a UMCC model; parameters `backbone.*`, `classifier.weight` [1, F or F + 2], `classifier.bias` [1], and those of
 * further targets.
 *
 * @param config - dropout is 0.2 by default
 * @returns builder of logits [N]
 * @throws AppError("internal", "FLAG_MISSING") when built with the flag on but without its input
 */
export function umcc({ backbone, flag, targets, options = {} }: UmccConfig): ModelGraph {
  return (scope, inputs) => {
    const dropRate = options.dropRate ?? UMCC_DROP_RATE;
    let features = backbone.build(scope, "backbone.", inputs.pixels, { ...options, dropRate }); // [N, F]
    if (flag) {
      if (inputs.flag === undefined)
        throw new AppError("internal", "FLAG_MISSING", "Expected a flag [N, 2] for UMCC F1, got nothing");
      features = ops.concat([features, inputs.flag], 1); // [N, F + 2]
    }
    const logits = linear(scope, "classifier", features, 1); // [N, 1]
    return { logits: ops.reshape(logits, [logits.shape[0]!]), ...targetHeads(scope, features, targets) };
  };
}
