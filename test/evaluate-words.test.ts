// src/evaluate may not import src/data (layers), yet both speak of modalities and splits: the words must agree.
import { expect, test } from "vitest";
import { MODALITIES, SPLITS, sexIndex } from "../src/core/words.ts";
import { evaluateBinary } from "../src/evaluate/metrics/metrics.ts";
import { PREDICTION_MODALITIES, PREDICTION_SPLITS } from "../src/evaluate/stored/prediction-row.ts";

test("modalities, splits and the class of a target are those of the records", () => {
  expect(PREDICTION_MODALITIES).toEqual(MODALITIES);
  expect(PREDICTION_SPLITS).toEqual(SPLITS);
  expect(evaluateBinary([sexIndex("female")], [0.1]).nFemale).toBe(1);
  expect(evaluateBinary([sexIndex("male")], [0.1]).nMale).toBe(1);
});
