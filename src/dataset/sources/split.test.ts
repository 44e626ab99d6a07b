import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Sex } from "../../core/vocabulary.ts";
import type { Sample, Split } from "../../core/words.ts";
import type { Source } from "./sources.ts";
import { dealSubjects, splitSamples } from "./split.ts";

const people = (n: number, stratum: string) =>
  Array.from({ length: n }, (_, i) => ({ id: `${stratum}${i}`, stratum }));

function count(splits: Map<string, Split>, prefix = ""): Record<Split, number> {
  const out = { train: 0, val: 0, test: 0 };
  for (const [id, split] of splits) if (id.startsWith(prefix)) out[split]++;
  return out;
}

function sample(id: string, subject: string, sex: Sex = "male", source = "utkface"): Sample {
  const groups = { age: "", race: "", gesture: "" };
  return { id, subject, modality: "face", sex, path: `/${source}/${id}`, source, groups };
}

function source(samples: readonly Sample[], split?: ReadonlyMap<string, Split>): Source {
  const base = { kind: "utkface", dir: "/", samples, dropped: {}, manifestHash: "" } as const;
  return split === undefined ? base : { ...base, split };
}

describe("dealSubjects", () => {
  it("puts every fifth subject into validation by default", () => {
    expect(count(dealSubjects(people(100, "m"), { seed: 1 }))).toEqual({ train: 80, val: 20, test: 0 });
  });

  it("keeps the shares in each stratum", () => {
    const subjects = [...people(60, "f"), ...people(30, "m"), ...people(7, "x")];
    const splits = dealSubjects(subjects, { seed: 3, fractions: { val: 0.1, test: 0.2 } });
    expect(count(splits, "f")).toEqual({ train: 42, val: 6, test: 12 });
    expect(count(splits, "m")).toEqual({ train: 21, val: 3, test: 6 });
    expect(count(splits)).toEqual({ train: 69, val: 9, test: 19 });
  });

  it("depends on the seed and on the set of subjects only", () => {
    const subjects = [...people(20, "f"), ...people(20, "m")];
    const once = dealSubjects(subjects, { seed: 5 });
    const sorted = (splits: Map<string, Split>) => [...splits].sort();
    expect(sorted(dealSubjects(subjects.toReversed(), { seed: 5 }))).toEqual(sorted(once));
    expect(sorted(dealSubjects(subjects, { seed: 6 }))).not.toEqual(sorted(once));
  });

  it.each([
    { val: -0.1, test: 0 },
    { val: 0.5, test: 0.5 },
    { val: Number.NaN, test: 0 },
  ])("refuses the fractions %j", (fractions) => {
    expect(() => dealSubjects([], { seed: 1, fractions })).toThrow(
      "Expected val >= 0, test >= 0 and val + test < 1 for split fractions",
    );
  });
});

describe("splitSamples", () => {
  it("never divides a subject, loses no sample and comes close to the fractions", () => {
    const samples = fc.array(fc.tuple(fc.integer({ min: 0, max: 40 }), fc.boolean()), {
      minLength: 1,
      maxLength: 200,
    });
    const fractions = fc.record({
      val: fc.double({ min: 0, max: 0.49, noNaN: true }),
      test: fc.constant(0.3),
    });
    fc.assert(
      fc.property(samples, fractions, fc.integer(), (rows, fractions, seed) => {
        const all = rows.map(([user, male], i) => sample(`i${i}`, `s:${user}`, male ? "male" : "female"));
        const subjects = new Set(all.map((s) => s.subject)).size;
        const out = splitSamples([source(all)], { seed, fractions });
        const where = new Map<string, string>();
        for (const [split, list] of Object.entries(out)) {
          for (const { subject } of list) {
            expect(where.get(subject) ?? split).toBe(split);
            where.set(subject, split);
          }
        }
        expect(Object.values(out).flat()).toHaveLength(all.length);
        const vals = [...where.values()].filter((split) => split === "val").length;
        expect(vals).toBe(Math.floor(subjects * fractions.val + 1e-9));
      }),
      { numRuns: 300 },
    );
  });

  it("keeps a source's own split", () => {
    const own = new Map<string, Split>([
      ["a", "test"],
      ["b", "train"],
    ]);
    const out = splitSamples([source([sample("a", "u1"), sample("b", "u2")], own)], { seed: 1 });
    expect(out.test.map((s) => s.id)).toEqual(["a"]);
    expect(out.train.map((s) => s.id)).toEqual(["b"]);
  });

  it("deals two folders of one kind together", () => {
    const one = Array.from({ length: 10 }, (_, i) => sample(`a${i}`, `u${i}`));
    const two = Array.from({ length: 10 }, (_, i) => sample(`b${i}`, `u${i}`));
    const { val } = splitSamples([source(one), source(two)], { seed: 1 });
    expect(val).toHaveLength(4);
    expect(val[0]!.subject).toBe(val[2]!.subject);
  });

  it("refuses sources that disagree on a subject, and a folder given twice", () => {
    const train = source([sample("a", "u1")], new Map([["a", "train"]]));
    const val = source([sample("b", "u1")], new Map([["b", "val"]]));
    expect(() => splitSamples([train, val], { seed: 1 })).toThrow(
      'Expected split train, where another source has this subject, for subject u1, got "val" (/utkface/b)',
    );
    expect(() => splitSamples([train, train], { seed: 1 })).toThrow(
      'Expected each image once for --data, got "a" (/utkface/a)',
    );
  });

  it("refuses to leave nothing to train on", () => {
    expect(() => splitSamples([source([])], { seed: 1 })).toThrow(
      "Expected samples to train on, got train 0, val 0, test 0",
    );
  });
});
