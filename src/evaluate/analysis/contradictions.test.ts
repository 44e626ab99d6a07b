import { expect, it } from "vitest";
import type { Prediction } from "../stored/prediction-row.ts";
import { findContradictions } from "./contradictions.ts";

const row = (
  pair: string,
  modality: "hand" | "face",
  target: 0 | 1 | null,
  probability: number,
): Prediction => ({
  id: `${pair}/${modality}`,
  source: "pairs",
  subject: `pairs:${pair[0]}`,
  modality,
  split: "test",
  target,
  probability,
  modalityUsed: null,
  gateHand: null,
  logit: Math.log(probability / (1 - probability)),
  age: "",
  race: "",
  gesture: "palm",
});
const both = (pair: string, target: 0 | 1, hand: number, face: number) => [
  row(pair, "hand", target, hand),
  row(pair, "face", target, face),
];

const ROWS = [
  ...both("a1", 1, 0.1, 0.2), // recorded male, both say female: less sure 0.8
  ...both("a2", 1, 0.6, 0.1), // the hand agrees
  ...both("b1", 0, 0.95, 0.9), // recorded female, both say male: 0.9
  ...both("b2", 0, 0.55, 0.99), // 0.55
  ...both("c1", 0, 0.2, 0.3),
  row("d1", "hand", 1, 0.01), // no face
  row("e1", "face", null, 0.5),
  { ...row("f1", "face", 1, 0.01), source: "utkface" },
];

it("lists pairs whose hand and face both contradict the record, the surest first", () => {
  const { pairs, passedOver, listed } = findContradictions(ROWS, 0.5);
  expect([pairs, passedOver]).toEqual([5, 3]);
  expect(listed.map(({ id }) => id)).toEqual(["b1", "a1", "b2"]);
  expect(listed[0]).toMatchObject({
    subject: "pairs:b",
    recorded: 0,
    hand: 0.95,
    face: 0.9,
    confidence: 0.9,
  });
  expect(listed.map((one) => [one.subjectListed, one.subjectPairs])).toEqual([
    [2, 2],
    [1, 2],
    [2, 2],
  ]);
});

it("takes the mean of several rows of an image, and a limit", () => {
  const more = [...ROWS, row("a1", "hand", 1, 0.7), row("a1", "hand", 1, 0.1)]; // mean 0.3
  expect(findContradictions(more, 0.5).listed.find(({ id }) => id === "a1")?.confidence).toBeCloseTo(0.7, 12);
  expect(findContradictions(more, 0.75).listed.map(({ id }) => id)).toEqual(["b1"]);
  expect(findContradictions([], 0.5)).toEqual({ pairs: 0, passedOver: 0, listed: [] });
});
