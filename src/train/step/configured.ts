// ◇ Browser-safe. The training step that a run's configuration asks for.
import { adamw } from "../../engine/optim.ts";
import { type ModelFacts, modelGraph } from "../../models/facts.ts";
import { parseTag } from "../../models/tags.ts";
import { frozenOf, rateOf, type TrainConfig } from "../config.ts";
import type { StepConfig } from "./graph.ts";

/** Model, optimizer, and what is frozen. */
export function stepConfigOf(config: TrainConfig, facts: ModelFacts): StepConfig {
  const { dropRate, dropPathRate, batch, imageSize, decayAll, labelSmoothing, ema, accumulate = 1 } = config;
  const softLabels = config.mixup !== undefined;
  return {
    model: modelGraph(facts, { dropPathRate, dropRate }),
    batchSize: batch,
    accumulate,
    sizePx: imageSize,
    mean: facts.pixels.mean,
    std: facts.pixels.std,
    optimizer: adamw(),
    decayAll,
    labelSmoothing,
    softLabels,
    ema,
    rateOf: rateOf(config),
    frozen: frozenOf(parseTag(config.tag)),
  };
}
