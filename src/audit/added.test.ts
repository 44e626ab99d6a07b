// What is new to a log: lines that are sent again are there, others under their id are refused.
import { describe, expect, it } from "vitest";
import { BLIND, judgement } from "../../test/annotations.ts";
import { addedTo } from "./added.ts";

const code = (run: () => unknown): unknown => {
  try {
    return run();
  } catch (error) {
    return (error as { code: string }).code;
  }
};

describe("judgements that are sent again", () => {
  it("are there, also twice in one answer and with their fields in another order", () => {
    const one = judgement("1");
    const turned = Object.fromEntries(Object.entries(one).toReversed()) as unknown as typeof one;
    expect(addedTo([one], [turned, judgement("2", { image_id: "p2" }), turned]).map(({ id }) => id)).toEqual([
      "2",
    ]);
    expect(addedTo([], [one, one])).toHaveLength(1);
  });

  it("are another's if they say something else", () => {
    const other = judgement("1", { choice: "unsure" });
    expect(code(() => addedTo([judgement("1")], [other]))).toBe("ANNOTATION_ID");
    expect(code(() => addedTo([], [judgement("1"), other]))).toBe("ANNOTATION_ID");
  });

  it("are the same whatever is recorded by now, if nobody saw it", () => {
    const blind = judgement("1", { seen: BLIND, choice: "relabel", to: { gender: "male" } });
    expect(addedTo([blind], [{ ...blind, recorded: {} }])).toEqual([]);
    expect(code(() => addedTo([judgement("1")], [judgement("1", { recorded: { gender: "male" } })]))).toBe(
      "ANNOTATION_ID",
    );
  });
});

it("what takes back a line of somebody else is refused before it is written", () => {
  const back = judgement("2", { annotator: "ben", choice: undefined, reverts: "1" });
  expect(code(() => addedTo([judgement("1")], [back]))).toBe("ANNOTATION_REVERTS");
  expect(code(() => addedTo([judgement("1")], [judgement("3", { user_id: "s2" })]))).toBe(
    "ANNOTATION_SUBJECT",
  );
});
