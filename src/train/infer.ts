// Predictions of a checkpoint on samples: the rows that every figure of a run is computed from.
import type { Batches } from "../data/batches.ts";
import { MODALITIES, type Sample, type Split, sexIndex } from "../data/record.ts";
import { createSession } from "../engine/ort-node.ts";
import type { Weights } from "../engine/params.ts";
import type { Prediction } from "../evaluate/prediction-row.ts";
import type { ModelFacts } from "../models/facts.ts";
import { type ImagePrediction, openPredictor, type Predictor } from "../models/predictor.ts";

/** A predictor on this machine's CPU. */
export function openLocalPredictor(
  facts: ModelFacts,
  weights: Weights,
  { batch, threads }: { batch: number; threads?: number },
): Promise<Predictor> {
  const options = threads === undefined ? {} : { threads };
  return openPredictor({
    facts,
    weights,
    batchSize: batch,
    createSession: (model) => createSession(model, options),
  });
}

/** One row per sample, in order; the model is told each sample's recorded modality. */
export async function predictSamples(
  predictor: Predictor,
  batches: Batches,
  split: Split,
  onImages: (count: number) => void = () => undefined,
): Promise<Prediction[]> {
  const rows: Prediction[] = [];
  for await (const batch of batches.epoch(0)) {
    const modalities = [...batch.modality].map((index) => MODALITIES[index]!);
    const results = await predictor.predictPixels(batch.images, modalities);
    batch.samples.forEach((sample, i) => {
      rows.push(predictionRow(sample, results[i]!, split));
    });
    onImages(batch.samples.length);
  }
  return rows;
}

function predictionRow(sample: Sample, result: ImagePrediction, split: Split): Prediction {
  const { id, source, subject, modality, sex, groups } = sample;
  const { probability, modalityUsed, gateHand, logit } = result;
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
  };
}
