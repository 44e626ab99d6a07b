// ◇ Browser-safe. The row that is stored of one image's prediction.
import { type Sample, type Split, sexIndex } from "../core/words.ts";
import type { Prediction } from "../evaluate/stored/prediction-row.ts";
import type { ImagePrediction } from "./predictor.ts";

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
