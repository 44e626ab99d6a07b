// Judgements for tests, of invented people.
import type { Annotation } from "../src/audit/annotation.ts";

/** A judgement about a pair recorded as female: the annotator saw the label and confirms it, unless other fields are given. */
export function judgement(id: string, more: Partial<Annotation> = {}): Annotation {
  return {
    id,
    annotator: "anna",
    when: "2026-03-31T12:00:00Z",
    image_id: "p1",
    user_id: "s1",
    recorded: { gender: "female" },
    asked: ["gender"],
    seen: { label: true, predictions: false, judgements: false, pictures: ["hand", "face"] },
    choice: "confirm",
    ms: 1500,
    ...more,
  };
}

/** What a second annotator is shown: pictures alone. */
export const BLIND: Annotation["seen"] = {
  label: false,
  predictions: false,
  judgements: false,
  pictures: ["hand", "face"],
};
