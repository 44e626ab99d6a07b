// What is said becomes a line that the log takes.
import { describe, expect, it } from "vitest";
import { parseAnnotation } from "../../../audit/annotation.ts";
import { keyOf, lineOf, revertOf, type Said, type Task } from "./line.ts";

const recorded = { gender: "female", age: "", race: "tan" } as const;
const pair = { image: "P1", user: "s1", recorded };
const seen = { label: true, predictions: false, judgements: false };
const task: Task = { annotator: "anna", queue: "control", asked: "gender", seen, settles: false };
const at = { id: "l1", when: "2026-03-31T12:00:00Z", ms: 1234.4 };
const line = (said: Said, more: Partial<Task> = {}, note = "") =>
  parseAnnotation(lineOf(pair, { ...task, ...more }, said, { ...at, note }), "a test");

describe("a line", () => {
  it("confirms the class that is shown, and names any other", () => {
    expect(line({ choice: "class", value: "female" })).toMatchObject({ choice: "confirm", ms: 1234 });
    expect(line({ choice: "class", value: "male" })).toMatchObject({
      choice: "relabel",
      to: { gender: "male" },
      recorded: { gender: "female", race: "tan" },
    });
  });

  it("of somebody blind names the class, whatever is recorded", () => {
    const blind = { seen: { ...seen, label: false } };
    expect(line({ choice: "class", value: "female" }, blind)).toMatchObject({ choice: "relabel" });
  });

  it("has a reason, a note and who settles, where there are any", () => {
    expect(line({ choice: "remove", reason: " blurred " }, { settles: true }, " see below ")).toMatchObject({
      choice: "remove",
      reason: "blurred",
      note: "see below",
      settles: true,
    });
    expect(line({ choice: "unsure" })).not.toHaveProperty("note");
    expect(line({ choice: "skip" })).not.toHaveProperty("settles");
  });

  it("takes back another about the same thing", () => {
    const first = line({ choice: "unsure" });
    const back = parseAnnotation(revertOf(first, { id: "l2", when: at.when }), "a test");
    expect(back).toMatchObject({ reverts: "l1", image_id: "P1", annotator: "anna" });
    expect(back.choice).toBeUndefined();
    expect(keyOf(pair)).toBe("pair p1");
    expect(keyOf({ user: "s1" })).toBe("subject s1");
  });
});
