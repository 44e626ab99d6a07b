// Means over seeds: log-odds of the sex, log-probabilities of classes, weights of the gate.
import { describe, expect, it } from "vitest";
import { meanPrediction } from "./ensemble.ts";

const answer = (logit: number, more: object = {}) => ({
  ...{ logit, probability: 1 / (1 + Math.exp(-logit)), modalityUsed: "hand" as const, gateHand: null },
  ...more,
});

describe("meanPrediction", () => {
  it("averages log-odds, not probabilities", () => {
    const { logit, probability, members } = meanPrediction([answer(4), answer(-1)]);
    expect(logit).toBe(1.5);
    expect(probability).toBeCloseTo(0.817574, 6);
    expect(members).toEqual([answer(4).probability, answer(-1).probability]);
  });

  it("takes the modality from the mean gate, unless a head was asked for", () => {
    const gate = (gateHand: number, head: "gated" | "hand") => answer(0, { gateHand, head });
    const auto = meanPrediction([gate(0.9, "gated"), gate(0.2, "gated"), gate(0.1, "gated")]);
    expect([auto.modalityUsed, auto.gateHand]).toEqual(["face", expect.closeTo(0.4, 12)]);
    const asked = meanPrediction([gate(0.1, "hand"), gate(0.2, "hand")]);
    expect([asked.modalityUsed, asked.head]).toEqual(["hand", "hand"]);
  });

  it("gives classes the geometric mean, made to sum to 1", () => {
    const of = (a: number, b: number) => answer(0, { classes: { race: { a, b } } });
    const { race } = meanPrediction([of(0.9, 0.1), of(0.2, 0.8)]).classes!;
    const [a, b] = [Math.sqrt(0.9 * 0.2), Math.sqrt(0.1 * 0.8)];
    expect([race!["a"], race!["b"]]).toEqual([
      expect.closeTo(a / (a + b), 12),
      expect.closeTo(b / (a + b), 12),
    ]);
  });
});
