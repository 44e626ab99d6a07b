// ◇ Browser-safe. The rows that are stored of images' predictions.
import { MODALITIES, type Sample, type Split, sexIndex } from "../core/words.ts";
import type { Batches } from "../dataset/loader/order.ts";
import type { Prediction } from "../evaluate/stored/prediction-row.ts";
import { askedOf, type ImagePrediction, type Predictor } from "./predictor.ts";

/** What is stored of one image's prediction. */
export function predictionRow(sample: Sample, result: ImagePrediction, split: Split): Prediction {
  const { id, source, subject, modality, sex, groups, recipeHash } = sample;
  const { probability, modalityUsed, gateHand, logit, classes = {} } = result;
  const { age, race, gesture } = groups;
  const target = sexIndex(sex);
  return {
    id,
    source,
    subject,
    modality,
    split,
    target,
    probability,
    modalityUsed,
    gateHand,
    logit,
    age,
    race,
    gesture,
    recipe: recipeHash,
    ageProbabilities: classes.age,
    raceProbabilities: classes.race,
  };
}

/** One row per sample, in order; a model that takes the modality is given the recorded one. */
export async function predictSamples(
  predictor: Pick<Predictor, "facts" | "predictPixels">,
  batches: Pick<Batches, "epoch">,
  split: Split,
  onImages: (count: number) => void = () => undefined,
): Promise<Prediction[]> {
  const rows: Prediction[] = [];
  for await (const batch of batches.epoch(0)) {
    const modalities = [...batch.modality].map((index) => askedOf(predictor.facts, MODALITIES[index]!));
    const results = await predictor.predictPixels(batch.images, modalities);
    batch.samples.forEach((sample, i) => {
      rows.push(predictionRow(sample, results[i]!, split));
    });
    onImages(batch.samples.length);
  }
  return rows;
}
