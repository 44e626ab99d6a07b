// Judgements on their way: kept, sent in order, tried again, refused; never lost, never shown as saved before they are.
import { describe, expect, it } from "vitest";
import { judgement } from "../../../../test/annotations.ts";
import { startClock } from "../../../../test/clock.ts";
import type { Annotation } from "../../../audit/annotation.ts";
import { AppError } from "../../../core/errors.ts";
import { type Keeping, Outbox } from "./outbox.ts";

const keepIn = (map: Map<string, string>): Keeping => ({
  keys: () => [...map.keys()],
  get: (key) => map.get(key) ?? null,
  set: (key, value) => void map.set(key, value),
  remove: (key) => void map.delete(key),
});
/** After all promises that wait for nothing else. */
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));
const ids = (lines: readonly Annotation[]) => lines.map(({ id }) => id);

function open(
  send?: (lines: readonly Annotation[]) => Promise<readonly string[]>,
  map = new Map<string, string>(),
) {
  const clock = startClock();
  const box = new Outbox({ name: "set.anna", keeping: keepIn(map), send, clock, changed: () => undefined });
  return { box, clock, map };
}

describe("a judgement", () => {
  it("is kept before it is sent, and saved only when the server says so", async () => {
    let answer: (ids: readonly string[]) => void = () => undefined;
    const { box, map } = open(() => new Promise((resolve) => (answer = resolve)));
    box.add(judgement("1"));
    expect([ids(box.state.waiting), box.state.saved, map.size]).toEqual([["1"], [], 1]);
    answer(["1"]);
    await settled();
    expect([box.state.waiting, ids(box.state.saved), map.size]).toEqual([[], ["1"], 0]);
  });

  it("that fails is tried again in order, with longer and longer waits", async () => {
    const sent: string[][] = [];
    let works = false;
    const { box, clock } = open(async (lines) => {
      sent.push(ids(lines));
      if (!works) throw new TypeError("Failed to fetch");
      return ids(lines);
    });
    box.add(judgement("1"));
    await settled();
    expect(box.state.trouble?.code).toBe("SERVER_GONE");
    clock.pass(500);
    await settled();
    clock.pass(500);
    await settled();
    expect(sent).toEqual([["1"], ["1"]]); // the second wait is longer
    works = true;
    box.add(judgement("2"));
    await settled();
    expect(sent.at(-1)).toEqual(["1", "2"]);
    expect([box.state.waiting, box.state.trouble]).toEqual([[], undefined]);
  });

  it("is sent by the next page, if this one was closed", async () => {
    const map = new Map<string, string>();
    const first = open(() => new Promise(() => undefined), map);
    first.box.add(judgement("1"));
    first.box.add(judgement("2"));
    first.box.close();
    const { box } = open(async (lines) => ids(lines), map);
    await settled();
    expect([ids(box.state.saved), map.size]).toEqual([["1", "2"], 0]);
  });

  it("that is refused is shown and stays, and the others are still sent", async () => {
    const send = async (lines: readonly Annotation[]) => {
      if (lines.some(({ id }) => id === "2"))
        throw new AppError("remote", "ANNOTATION_ID", "Expected an id that no other line has, got 2");
      return ids(lines);
    };
    const map = new Map<string, string>();
    open(undefined, map).box.close();
    const before = open(() => new Promise(() => undefined), map).box;
    for (const id of ["1", "2", "3"]) before.add(judgement(id));
    before.close();
    const { box } = open(send, map);
    await settled();
    expect(ids(box.state.saved)).toEqual(["1", "3"]);
    expect(box.state.refused).toMatchObject([{ line: { id: "2" }, message: /no other line/ }]);
    expect(map.size).toBe(1);
  });

  it("stays here in a folder of static files, and where nothing can be kept that is said", () => {
    const { box } = open();
    box.add(judgement("1"));
    expect([ids(box.state.waiting), box.state.kept]).toEqual([["1"], true]);
    const full: Keeping = {
      ...keepIn(new Map()),
      set: () => {
        throw new Error("QuotaExceededError");
      },
    };
    const other = new Outbox({ name: "x", keeping: full, clock: startClock(), changed: () => undefined });
    other.add(judgement("1"));
    expect([ids(other.state.waiting), other.state.kept]).toEqual([["1"], false]);
  });
});
