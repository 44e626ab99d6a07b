import { describe, expect, it } from "vitest";
import { BLIND, judgement } from "../../test/annotations.ts";
import { answer, parseAnnotation } from "./annotation.ts";
import { standing } from "./standing.ts";
import { verdictOf } from "./verdict.ts";

const ids = (...lines: Parameters<typeof standing>[0]) => standing(lines).judgements.map(({ id }) => id);

describe("a line", () => {
  it.each([
    [{ choice: undefined }, "choice"],
    [{ choice: "relabel" }, "to"],
    [{ to: { gender: "male" } }, "to"],
    [{ choice: "relabel", to: { age: "20-29" } }, "to"],
    [{ choice: "remove" }, "reason"],
    [{ reason: "a wall" }, "reason"],
    [{ seen: BLIND }, "choice"],
    [{ recorded: {} }, "choice"],
    [{ annotator: " anna" }, "annotator"],
    [{ user_id: "" }, "user_id"],
    [{ when: "yesterday" }, "when"],
    [{ ms: -1 }, "ms"],
    [{ mood: "good" }, "a judgement"],
    [{ recorded: { gender: "woman" } }, "recorded.gender"],
  ] as const)("is refused with %j", (more, field) => {
    const line = { ...judgement("1"), ...more };
    expect(() => parseAnnotation(line, "a.jsonl:3")).toThrow(field);
    expect(() => parseAnnotation(line, "a.jsonl:3")).toThrow("(a.jsonl:3)");
  });

  it("takes labels as tables write them", () => {
    const line = {
      ...judgement("1"),
      recorded: { gender: "Female" },
      choice: "relabel",
      to: { gender: "Male" },
    };
    expect(parseAnnotation(line, "x")).toMatchObject({
      recorded: { gender: "female" },
      to: { gender: "male" },
    });
  });

  it("answers what it was asked", () => {
    expect(answer(judgement("1"), "gender")).toBe("female");
    expect(answer(judgement("1"), "age")).toBeUndefined();
    expect(answer(judgement("1", { choice: "relabel", to: { gender: "male" } }), "gender")).toBe("male");
    expect(answer(judgement("1", { choice: "unsure" }), "keep")).toBeUndefined();
    const removed = judgement("1", { choice: "remove", reason: "no hand" });
    expect([answer(removed, "keep"), answer(removed, "gender")]).toEqual(["remove", undefined]);
  });
});

describe("what stands", () => {
  const undo = (id: string, reverts: string) => judgement(id, { choice: undefined, reverts });

  it("is not what was taken back, and again what was taken back by mistake", () => {
    expect(ids(judgement("1"), undo("2", "1"))).toEqual([]);
    expect(ids(judgement("1"), undo("2", "1"), undo("3", "2"))).toEqual(["1"]);
    const better = judgement("2", { choice: "unsure", reverts: "1" });
    expect(ids(judgement("1"), better)).toEqual(["2"]);
    expect(ids(judgement("1"), better, undo("3", "2"))).toEqual(["1"]);
  });

  it("is the last of each person about each thing, whatever the case of its id", () => {
    const log = standing([
      judgement("1"),
      judgement("2", { annotator: "ben" }),
      judgement("3", { image_id: "P1", choice: "unsure" }),
    ]);
    expect(log.judgements.map(({ id }) => id)).toEqual(["2", "3"]);
    expect(log).toMatchObject({ replaced: 1, reverted: 0, annotators: ["anna", "ben"] });
  });

  it("refuses what cannot be of one log", () => {
    expect(() => standing([judgement("1"), judgement("1")], "a.jsonl")).toThrow("(a.jsonl:2)");
    expect(() => standing([judgement("1"), { ...undo("2", "1"), annotator: "ben" }])).toThrow(
      "earlier line of ben",
    );
    expect(() => standing([undo("2", "1")])).toThrow("reverts");
    expect(() => standing([judgement("1"), judgement("2", { user_id: "s2" })])).toThrow("user_id");
  });
});

describe("a verdict", () => {
  const ben = (more: Parameters<typeof judgement>[1]) => judgement("b", { annotator: "ben", ...more });
  const male = { choice: "relabel", to: { gender: "male" } } as const;

  it("is what all say who answered", () => {
    expect(
      verdictOf([judgement("a"), ben({ seen: BLIND, choice: "relabel", to: { gender: "female" } })]),
    ).toMatchObject({
      state: "agreed",
      labels: { gender: "female" },
    });
    expect(verdictOf([judgement("a", male), ben({ choice: "skip" })])).toMatchObject({
      labels: { gender: "male" },
    });
    expect(verdictOf([ben({ choice: "unsure" })])).toEqual({ state: "open" });
  });

  it("is a dispute where they differ or one is not sure", () => {
    expect(verdictOf([judgement("a"), ben(male)])).toMatchObject({
      state: "disputed",
      why: "gender: female or male",
    });
    expect(verdictOf([judgement("a"), ben({ choice: "unsure" })])).toMatchObject({ state: "disputed" });
    expect(verdictOf([judgement("a"), ben({ choice: "remove", reason: "x" })])).toMatchObject({
      state: "disputed",
    });
  });

  it("is that of whoever settles it", () => {
    const settled = judgement("c", { annotator: "cleo", settles: true, ...male });
    expect(verdictOf([judgement("a"), ben({ choice: "unsure" }), settled])).toMatchObject({
      state: "agreed",
      labels: { gender: "male" },
      by: [{ annotator: "cleo" }],
    });
  });
});
