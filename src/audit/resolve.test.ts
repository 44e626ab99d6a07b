import { expect, it } from "vitest";
import { BLIND, judgement } from "../../test/annotations.ts";
import { resolveAudit } from "./resolve.ts";
import { standing } from "./standing.ts";
import { summarizeAudit } from "./summary.ts";

const of = (thing: string, id: string, more: Parameters<typeof judgement>[1]) =>
  judgement(id, { image_id: thing, user_id: `u${thing}`, ...more });

it("makes decisions of what is agreed and differs from the record", () => {
  const male = { choice: "relabel", to: { gender: "male" } } as const;
  const found = resolveAudit(
    standing([
      of("1", "a1", male),
      of("1", "b1", { annotator: "ben", when: "2026-04-01T09:00:00+02:00", ...male }),
      of("2", "a2", {}),
      of("3", "a3", { choice: "remove", reason: "no hand", note: "a private note" }),
      of("4", "a4", { choice: "skip" }),
      judgement("a5", { image_id: undefined, user_id: "u5", ...male }),
    ]),
  );
  expect(found).toMatchObject({ alone: 2, confirmed: 1, open: 1 });
  const empty = { gender: "", age: "", race: "" };
  expect(found.decisions).toEqual([
    {
      ...{
        who: "anna; ben",
        when: "2026-04-01T09:00:00+02:00",
        what: "relabel",
        why: "seen in the picture by 2",
      },
      ...{ ...empty, image_id: "1", user_id: "", gender: "male" },
    },
    {
      ...{ who: "anna", when: "2026-03-31T12:00:00Z", what: "remove", why: "no hand" },
      ...{ ...empty, image_id: "3", user_id: "" },
    },
    {
      ...{ who: "anna", when: "2026-03-31T12:00:00Z", what: "relabel", why: "seen in the picture by 1" },
      ...{ ...empty, image_id: "", user_id: "u5", gender: "male" },
    },
  ]);
});

it("refuses disputes, by name, until they are settled", () => {
  const lines = [
    of("1", "a", {}),
    of("1", "b", { annotator: "ben", seen: BLIND, choice: "relabel", to: { gender: "male" } }),
  ];
  expect(() => resolveAudit(standing(lines))).toThrow(/1 disputes[\s\S]*pair 1: gender: female or male/);
  const settled = of("1", "c", { annotator: "cleo", settles: true });
  expect(resolveAudit(standing([...lines, settled]))).toMatchObject({ decisions: [], confirmed: 1 });
});

it("tells agreement by recorded group, and the error of labels from the control sample alone", () => {
  const lines = Array.from({ length: 40 }, (_, i) => {
    const recorded = { gender: i % 2 === 0 ? "female" : "male" } as const;
    const truth = { gender: i < 4 ? "male" : recorded.gender } as const; // two labels are wrong
    const queue = i < 30 ? "control" : "contradictions";
    const by = (annotator: string) =>
      of(String(i), `${annotator}${i}`, {
        annotator,
        recorded,
        queue,
        seen: BLIND,
        choice: "relabel",
        to: truth,
      });
    return [by("anna"), i === 39 ? { ...by("ben"), to: { gender: "female" as const } } : by("ben")];
  }).flat();
  const { rows, errors, perThing } = summarizeAudit(standing(lines), { replicates: 200 });
  expect(perThing).toBe(2);
  expect(rows[0]).toMatchObject({ question: "gender", things: 40, subjects: 40, blind: 40, small: false });
  expect(rows[0]!.percent.estimate).toBeCloseTo(39 / 40, 12);
  expect(rows.map(({ group }) => group?.value)).toEqual([
    undefined,
    "female",
    "male",
    undefined,
    "female",
    "male",
  ]);
  expect(rows[1]).toMatchObject({ things: 20, percent: { estimate: 1, method: "wilson" } });
  expect(errors).toMatchObject([{ label: "gender", things: 30, wrong: 2, open: 0, subjects: 30 }]);
  expect(errors[0]!.rate.estimate).toBeCloseTo(2 / 30, 12);
  expect(errors[0]!.rate.low!).toBeLessThan(2 / 30);
  expect(errors[0]!.rate.high!).toBeGreaterThan(2 / 30);
});
