// ◇ Browser-safe. Predictions of held-out images by heads that learn, over features that are made once.
import { MODALITIES, type Sample } from "../../core/words.ts";
import type { Batches } from "../../dataset/loader/order.ts";
import type { Weights } from "../../engine/params.ts";
import type { Prediction } from "../../evaluate/stored/prediction-row.ts";
import type { ModelFacts } from "../../models/facts.ts";
import { askedOf } from "../../predict/predictor.ts";
import { predictionRow } from "../../predict/row.ts";
import type { SplitPredictor } from "../../predict/split-predictor.ts";
import type { FeatureStore } from "./features.ts";

/** Images, what their features are made by, and where those are. */
export interface HeldRows {
  readonly predictor: SplitPredictor;
  readonly store: Pick<FeatureStore, "has" | "read" | "write">;
  readonly batches: Pick<Batches, "epoch">;
  readonly facts: ModelFacts;
}

/** One row an image, in order; a model that takes the modality is given the recorded one. @param heads - weights of the heads */
export async function predictRows(
  { predictor, store, batches, facts }: HeldRows,
  heads: Weights,
): Promise<Prediction[]> {
  const needed = (some: readonly Sample[]) => !store.has(some);
  const rows: Prediction[] = [];
  for await (const batch of batches.epoch(0, { needed })) {
    if (needed(batch.samples))
      store.write(batch.samples, await predictor.features(batch.images, batch.samples.length));
    const modalities = [...batch.modality].map((index) => askedOf(facts, MODALITIES[index]!));
    const results = await predictor.predict(store.read(batch.samples), heads, modalities);
    batch.samples.forEach((sample, i) => {
      rows.push(predictionRow(sample, results[i]!, "val"));
    });
  }
  return rows;
}
