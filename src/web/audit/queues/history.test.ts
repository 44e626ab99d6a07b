// Undo and redo follow from the log: as many times as there are judgements, both ways, and across a reload.
import { describe, expect, it } from "vitest";
import { judgement } from "../../../../test/annotations.ts";
import type { Annotation } from "../../../audit/annotation.ts";
import { standing } from "../../../audit/standing.ts";
import { historyOf } from "./history.ts";
import { revertOf } from "./line.ts";

/** Does what the keys do, on a log. */
function play(log: Annotation[], keys: string): string {
  for (const key of keys) {
    const { undo, redo } = historyOf(log);
    const at = { id: `r${log.length}`, when: "2026-03-31T12:00:00Z" };
    const back = key === "z" ? undo : redo;
    if (back !== undefined) log.push(revertOf(back, at));
  }
  return standing(log)
    .judgements.map(({ id }) => id)
    .join("");
}
const three = () => ["a", "b", "c"].map((id) => judgement(id, { image_id: id }));

describe("undo", () => {
  it("takes back one judgement after the other, and no more than there are", () => {
    expect(play(three(), "z")).toBe("ab");
    expect(play(three(), "zzz")).toBe("");
    expect(play(three(), "zzzzz")).toBe("");
  });

  it("is undone in turn by redo, in the order of a stack", () => {
    expect(play(three(), "zzy")).toBe("ab");
    expect(play(three(), "zzzyyy")).toBe("abc");
    expect(play(three(), "zzyzzyyy")).toBe("abc");
    expect(play(three(), "yyy")).toBe("abc");
  });

  it("leaves nothing to redo once something new was said", () => {
    const log = three();
    play(log, "zz");
    log.push(judgement("d", { image_id: "d" }));
    expect(historyOf(log).redo).toBeUndefined();
    expect(play(log, "yz")).toBe("a");
    expect(play(log, "y")).toBe("ad");
  });

  it("restores what an earlier judgement of the same pair said", () => {
    const log = [judgement("a"), judgement("b", { choice: "unsure" })];
    expect(play(log, "z")).toBe("a");
    expect(play(log, "y")).toBe("b");
  });
});
