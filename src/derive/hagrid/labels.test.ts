import { describe, expect, it } from "vitest";
import type { Sex } from "../../core/vocabulary.ts";
import { ageLabel, genderVote, raceLabel, subjectLabels } from "./labels.ts";

async function* frames(rows: readonly (readonly [string, readonly Sex[]])[]) {
  for (const [i, [userId, gender]] of rows.entries())
    yield { imageId: `${i}`, userId, meta: { age: [], gender, race: [] } };
}

describe("subjectLabels", () => {
  it("labels a subject by the majority of its frames and stores the agreement", async () => {
    const rows = [
      ["a", ["male"]],
      ["b", ["female"]],
      ["a", ["female"]],
      ["a", ["male"]],
      ["b", []],
    ] as const;
    const labels = await subjectLabels(frames(rows));
    expect(labels.get("a")).toEqual({ gender: "male", female: 1, male: 2, agreement: 2 / 3 });
    expect(labels.get("b")).toEqual({ gender: "female", female: 1, male: 0, agreement: 1 });
  });

  it("gives no label for a tie or without votes", async () => {
    const labels = await subjectLabels(
      frames([
        ["tie", ["male"]],
        ["tie", ["female"]],
        ["none", ["male", "female"]],
      ]),
    );
    expect(labels.get("tie")).toEqual({ gender: undefined, female: 1, male: 1, agreement: 0.5 });
    expect(labels.get("none")).toEqual({ gender: undefined, female: 0, male: 0, agreement: 0 });
  });
});

describe("labels of one frame", () => {
  it("votes by more than half of the entries", () => {
    expect(genderVote(["male", "female", "male"])).toBe("male");
    expect(genderVote(["female"])).toBe("female");
    expect(genderVote(["male", "female"])).toBeUndefined();
    expect(genderVote([])).toBeUndefined();
  });

  it("leaves age and race empty where the entries differ", () => {
    expect(ageLabel([24.41])).toBe("20-29");
    expect(ageLabel([24.41, 27])).toBe("20-29");
    expect(ageLabel([24.41, 50])).toBe("");
    expect(ageLabel([])).toBe("");
    expect(raceLabel(["White", "White"])).toBe("White");
    expect(raceLabel(["White", "Indian"])).toBe("");
  });
});
