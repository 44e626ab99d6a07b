// An invented run for tests of figures and reports: a log and predictions with known counts.
import { Random } from "../src/core/random.ts";
import { MODALITIES } from "../src/core/words.ts";
import type { Prediction } from "../src/evaluate/stored/prediction-row.ts";
import type { EpochLog } from "../src/train/runlog.ts";

/** A log in which figures get better up to the epoch before the last. */
export function inventedLog(epochs: number): EpochLog[] {
  return Array.from({ length: epochs }, (_, i) => {
    const part = {
      n: 40,
      subjects: { female: 20, male: 20 },
      loss: 0.7 - 0.02 * i,
      accuracy: 0.6,
      balancedAccuracy: 0.6 + 0.02 * i,
      rocAuc: 0.7,
    };
    return {
      epoch: i + 1,
      step: 10 * (i + 1),
      lr: 0.001,
      trainLoss: 0.8 - 0.03 * i,
      trainAccuracy: 0.6,
      gradNorm: 1,
      val: { all: part, hand: part, face: { ...part, balancedAccuracy: null } },
      best: i < epochs - 1,
      seconds: 1,
    };
  });
}

/** A hand and a face of each subject, as many of either label; the probabilities agree with it more often than not. */
export function inventedPredictions(subjects: number): Prediction[] {
  const random = Random.of(7);
  return Array.from({ length: subjects }, (_, i) =>
    MODALITIES.map((modality): Prediction => {
      const target = (i % 2) as 0 | 1;
      const logit = 2 * (target - 0.5) + 1.5 * random.normal();
      return {
        id: `${i}/${modality}`,
        source: "pairs",
        subject: `pairs:${i}`,
        modality,
        split: "test",
        target,
        probability: 1 / (1 + Math.exp(-logit)),
        modalityUsed: modality,
        gateHand: null,
        logit,
        age: i % 10 === 0 ? "70+" : "20-29",
        race: "light",
        gesture: "palm",
      };
    }),
  ).flat();
}
