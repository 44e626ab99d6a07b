// Metrics count targets 0 and 1, records have female and male: they must agree.
import { expect, test } from "vitest";
import { sexIndex } from "../src/core/words.ts";
import { evaluateBinary } from "../src/evaluate/metrics/metrics.ts";

test("the class of a target is that of the records", () => {
  expect(evaluateBinary([sexIndex("female")], [0.1]).nFemale).toBe(1);
  expect(evaluateBinary([sexIndex("male")], [0.1]).nMale).toBe(1);
});
