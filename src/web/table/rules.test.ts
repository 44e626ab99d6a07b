import { describe, expect, it } from "vitest";
import { LEDGER_COLUMNS } from "../../dataset/ledger-columns.ts";
import { ruleSettings } from "../../derive/judge/clean.ts";
import { factsOfRow, judgeAll } from "../../derive/judge/judge.ts";
import { REASONS } from "../../derive/judge/reasons.ts";
import { type Column, fill, type Table } from "./column.ts";
import { findCopies, findVotes } from "./derived.ts";
import { kindOf } from "./ledger.ts";
import { brokenBy, changes, RuleValues } from "./rules.ts";

type Row = Partial<Record<(typeof LEDGER_COLUMNS)[number], string | number>>;

function tableOf(rows: readonly Row[]): Table {
  const columns = new Map<string, Column>();
  for (const name of LEDGER_COLUMNS) {
    const filling = fill(kindOf(name), rows.length);
    for (const [i, row] of rows.entries()) filling.put(i, row[name] ?? null);
    columns.set(name, filling.done());
  }
  return { rows: rows.length, columns };
}

const BASE = ruleSettings();
const FINE = { gender_entries: 1, gender_agreement: 1, gender_votes: 3, face_px: 80, face_score: 0.9 };
/** What a ledger would say of a frame. */
function judged(row: Row): Row {
  const text = Object.fromEntries(
    Object.entries({ ...FINE, ...row }).map(([key, value]) => [key, String(value)]),
  );
  const verdict = judgeAll(factsOfRow(text, false), BASE, undefined);
  return {
    ...FINE,
    status: verdict === undefined ? "kept" : "removed",
    ...(verdict && { reason: verdict.reason }),
    ...row,
  };
}

describe("changes", () => {
  it("are what the rules themselves say of every row", () => {
    const measures = [2, 4.999, 5, 8, 30].flatMap((face_sharpness) =>
      [20, 27.9, 28, 50].map((face_px) => ({ face_sharpness, hand_sharpness: 100, face_px })),
    );
    const rows = measures.map(judged);
    const table = tableOf(rows);
    const moved = ruleSettings([
      { name: "blur", threshold: 8 },
      { name: "face_size", threshold: 25 },
    ]);
    const expected = rows.map((row) => {
      const text = Object.fromEntries(Object.entries(row).map(([key, value]) => [key, String(value)]));
      const isKept = judgeAll(factsOfRow(text, false), moved, undefined) === undefined;
      return (row.status === "kept") === isKept ? 0 : isKept ? 2 : 1;
    });
    expect([...changes(table, new RuleValues(table), BASE, moved)]).toEqual(expected);
    expect(new Set(expected)).toEqual(new Set([0, 1, 2]));
  });

  it("leave what a person decided, and frames that no rule removed", () => {
    const table = tableOf([
      judged({ face_px: 40, decision: "restore" }),
      { ...judged({ face_px: 10 }), reason: "removed_by_decision", decision: "remove" },
      { ...FINE, status: "removed", reason: "no_face" },
      { ...FINE, status: "kept", face_px: 40, overruled: "face_hidden" },
    ]);
    const moved = ruleSettings([{ name: "face_size", threshold: 60 }]);
    expect([...changes(table, new RuleValues(table), BASE, moved)]).toEqual([0, 0, 0, 0]);
    const off = ruleSettings([{ name: "face_size", threshold: null }]);
    expect([...changes(table, new RuleValues(table), BASE, off)]).toEqual([0, 0, 0, 0]);
  });

  it("do not count votes of subjects that a decision settled", () => {
    const table = tableOf([
      judged({ user_id: "p1", gender_agreement: 0.6 }),
      judged({ user_id: "p2", gender_agreement: 0.6 }),
    ]);
    const moved = ruleSettings([{ name: "agreement", threshold: 0.8 }]);
    expect([...changes(table, new RuleValues(table, new Set(["p2"])), BASE, moved)]).toEqual([1, 0]);
  });
});

describe("brokenBy", () => {
  it("tells the value beside the threshold of every reason that a rule gives", () => {
    const table = tableOf([
      judged({ face_px: 20 }),
      judged({ face_sharpness: 3, hand_sharpness: 40 }),
      judged({ twin: "a", twin_bits: 4 }),
      judged({ twin: "a" }),
      judged({}),
    ]);
    const values = new RuleValues(table);
    const told = [0, 1, 2, 3, 4].map((row) => brokenBy(table, values, BASE, row));
    expect(told.map((one) => one && [one.rule, one.value, one.removes, one.threshold])).toEqual([
      ["face_size", 20, "below", 28],
      ["blur", 3, "below", 5],
      ["near_duplicate", 4, "below", 13],
      ["duplicate", 1, "above", 0],
      undefined,
    ]);
    expect(REASONS).toContain("near_duplicate");
  });
});

describe("derived columns", () => {
  it("put copies of copies into the group of the first frame", () => {
    const table = tableOf([
      { image_id: "a" },
      { image_id: "b", twin: "a", twin_bits: 3 },
      { image_id: "c" },
      { image_id: "d", twin: "b" },
      { image_id: "e", twin: "not here" },
    ]);
    const found = findCopies(table)!;
    expect([...found.groups]).toEqual([0, 0, 2, 0, 4]);
    expect(Array.from(found.column.codes, (code) => found.column.words[code])).toEqual([
      "has later copies",
      "has later copies",
      "",
      "the same bytes as an earlier frame",
      "the same bytes as an earlier frame",
    ]);
  });

  it("tell subjects with two recorded genders, by votes or by rows", () => {
    const words = (table: Table) => {
      const { codes, words: all } = findVotes(table)!;
      return Array.from(codes, (code) => all[code]);
    };
    expect(words(tableOf([{ gender_agreement: 1 }, { gender_agreement: 0.75 }, {}]))).toEqual([
      "agree",
      "differ",
      "",
    ]);
    const pairs = tableOf([
      { user_id: "p", gender: "male" },
      { user_id: "q", gender: "male" },
      { user_id: "p", gender: "female" },
    ]);
    const { gender_agreement: _, ...rest } = Object.fromEntries(pairs.columns);
    expect(words({ rows: 3, columns: new Map(Object.entries(rest)) })).toEqual(["differ", "agree", "differ"]);
  });
});
