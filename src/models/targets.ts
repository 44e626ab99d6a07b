// ◇ Browser-safe. Further targets beside the sex: one linear head each, over the features that the sex's head sees.
// Invariant: a model without them is the same graph as before there were any; their classes are facts of a checkpoint.

import type { Value } from "../engine/graph.ts";
import type { Scope } from "../engine/params.ts";
import * as shape from "../formats/shape.ts";
import { linear } from "./backbones/blocks.ts";

/** What a model may predict beside the sex, as recorded in the groups of the same names. */
export const CLASS_TARGETS = ["age", "race"] as const;
/** The name of a further target. */
export type ClassTarget = (typeof CLASS_TARGETS)[number];

/** One further target of a model, as in its facts. */
export interface TargetFacts {
  name: ClassTarget;
  /** In the order of the head's outputs. */
  classes: string[];
}
export const targetFactsShape = shape.object<TargetFacts>({
  name: shape.oneOf(...CLASS_TARGETS),
  classes: shape.list(
    shape.text(shape.longer(1)),
    shape.longer(2),
    shape.that(
      (names: readonly string[]) => new Set(names).size === names.length,
      "expected each class once",
    ),
  ),
});

/** Scores (log-odds up to a constant) of classes, [N, K], by target. */
export type TargetScores = Readonly<Partial<Record<ClassTarget, Value>>>;

/**
 * Linear heads of further targets; parameters `<target>_head.weight` [K, F] and `<target>_head.bias` [K].
 *
 * @param features - [N, F]
 * @returns scores by target, to be spread into a model's outputs; nothing if there are none
 */
export function targetHeads(
  scope: Scope,
  features: Value,
  targets: readonly TargetFacts[] = [],
): { readonly targets?: TargetScores | undefined } {
  if (targets.length === 0) return {};
  const heads = targets.map(
    ({ name, classes }) => [name, linear(scope, headName(name), features, classes.length)] as const,
  );
  return { targets: Object.fromEntries(heads) };
}

/** Prefix of a head's parameters. */
export const headName = (target: ClassTarget) => `${target}_head`;

/** Name prefixes of all heads of further targets. */
export const TARGET_HEADS: readonly string[] = CLASS_TARGETS.map((target) => `${headName(target)}.`);
