import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AppError } from "../../core/errors.ts";
import type { Sex } from "../../core/vocabulary.ts";
import type { Derivation } from "../../dataset/manifest.ts";
import { hashHex } from "../../pixels/phash.ts";
import type { FrameResult } from "../run/journal.ts";
import { type RuleChoice, ruleSettings } from "./clean.ts";
import { openCourt } from "./decide.ts";
import { type Decision, readDecisions } from "./decisions.ts";

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "facehand-court-"));
});
afterAll(() => rm(dir, { recursive: true }));

/** A hash that differs from that of another frame in about half of its bits, but for the given ones. */
function lookOf(id: string, flips: readonly number[] = []): string {
  const hash = Uint16Array.from(
    { length: 16 },
    (_, i) => (id.charCodeAt(0) * 7919 * (i + 3) + i * 104729) & 0xffff,
  );
  for (const bit of flips) hash[bit >> 4]! ^= 1 << (bit & 15);
  return hashHex(hash);
}

const good = (imageId: string, userId: string, gender: Sex = "female", more: Partial<FrameResult> = {}) =>
  ({
    ...{ imageId, gesture: "palm", split: "train", userId, sha256: imageId, look: lookOf(imageId) },
    meta: { age: [24], gender: [gender], race: ["White"] },
    ...{ faceScore: 0.9, measures: { face_sharpness: 50, hand_sharpness: 60 }, crops: ["hand", "face"] },
    ...more,
  }) as FrameResult;

async function decide(
  frames: readonly FrameResult[],
  decisions: readonly Decision[] = [],
  choices: readonly RuleChoice[] = [],
) {
  const journal = join(dir, "journal.jsonl");
  await writeFile(journal, frames.map((frame) => `${JSON.stringify(frame)}\n`).join(""));
  const derivation = {
    rules: ruleSettings(choices),
    labels: { ageEdges: [0, 18, 65] },
    source: { annotations: {}, decisions: JSON.parse(JSON.stringify(decisions)) },
  } as unknown as Derivation;
  const out = [];
  for await (const frame of (await openCourt(journal, derivation)).frames()) out.push(frame);
  return out;
}
const reasons = (frames: Awaited<ReturnType<typeof decide>>) => frames.map(({ verdict }) => verdict?.reason);
const by = (what: Decision["what"], more: Partial<Decision>): Decision => ({
  ...{ who: "me", when: "2026-03-31", why: "checked by eye", what },
  ...more,
});

describe("frames beside each other", () => {
  it("keep the first of equal bytes that no other rule removes", async () => {
    const frames = [
      good("a", "u", "female", { sha256: "same", measures: { face_sharpness: 1 } }),
      good("b", "u", "female", { sha256: "same" }),
      good("c", "u", "female", { sha256: "same", look: lookOf("b") }),
    ];
    const decided = await decide(frames);
    expect(reasons(decided)).toEqual(["blurred", undefined, "duplicate_image"]);
    expect(decided[2]?.verdict?.detail).toBe("same bytes as b");
    expect(reasons(await decide(frames, [], [{ name: "duplicate", threshold: null }]))[2]).toBe(
      "near_duplicate",
    );
  });

  it("keep the first of frames with similar looks; a chain does not fall with it", async () => {
    const frames = [
      good("a", "u"),
      good("b", "u", "female", { look: lookOf("a", [0, 17, 40, 90, 91, 92, 93, 94]) }), // 8 bits from a
      good("c", "v", "female", {
        look: lookOf("a", [0, 17, 40, 90, 91, 92, 93, 94, 200, 201, 202, 203, 204]),
      }),
    ];
    const decided = await decide(frames);
    expect(reasons(decided)).toEqual([undefined, "near_duplicate", undefined]); // c: 13 bits from a, 5 from b
    expect(decided[1]?.verdict?.detail).toBe("8 bits from a");
    expect(reasons(await decide(frames, [], [{ name: "near_duplicate", threshold: 5 }]))).toEqual([
      ...[undefined, undefined, undefined],
    ]);
    expect(reasons(await decide(frames, [], [{ name: "near_duplicate", threshold: null }]))).not.toContain(
      "near_duplicate",
    );
  });
});

describe("labels of subjects", () => {
  const votes = [
    good("a", "u", "male"),
    good("b", "u", "male"),
    good("c", "u"),
    good("d", "w"),
    good("e", "w", "male"),
  ];

  it("remove a tie, and a majority that is too small for the rule", async () => {
    const decided = await decide(votes);
    expect(reasons(decided)).toEqual([undefined, undefined, undefined, "label_conflict", "label_conflict"]);
    expect(decided[2]?.pair).toMatchObject({ gender: "male", age: "18-64", race: "White" });
    expect(decided[3]?.verdict?.detail).toBe("votes female 1, male 1");
    const strict = await decide(votes, [], [{ name: "agreement", threshold: 0.75 }]);
    expect(strict[0]?.verdict?.detail).toBe("agreement 0.6667 below 0.75, votes female 1, male 2");
  });

  it("are settled by a relabelled frame, as one vote, or by a relabelled subject", async () => {
    const one = await decide(votes, [by("relabel", { image_id: "e", gender: "female" })]);
    expect(one[3]?.pair).toMatchObject({ gender: "female" });
    expect(one[4]).toMatchObject({ label: { agreement: 1 }, decision: { what: "relabel" } });
    const all = await decide(votes, [
      by("relabel", { user_id: "u", gender: "female", age: "65+", race: "Black" }),
    ]);
    expect(all[0]).toMatchObject({
      pair: { gender: "female", age: "65+", race: "Black" },
      label: { female: 1, male: 2 },
    });
    expect(all[0]?.label.agreement).toBeCloseTo(1 / 3, 12);
  });

  it("replace a missing label", async () => {
    const bare = good("a", "u", "female", { meta: { age: [], gender: [], race: [] } });
    expect(reasons(await decide([bare]))).toEqual(["missing_label"]);
    const [decided] = await decide([bare], [by("relabel", { image_id: "a", gender: "male" })]);
    expect(decided?.pair).toMatchObject({ gender: "male", age: "", race: "" });
  });
});

describe("decisions about frames", () => {
  const blurred = good("a", "u", "female", { measures: { face_sharpness: 1 } });

  it("remove, and restore against a rule", async () => {
    const [removed] = await decide([good("a", "u")], [by("remove", { user_id: "u" })]);
    expect(removed).toMatchObject({ verdict: { reason: "removed_by_decision", detail: "checked by eye" } });
    const [restored] = await decide([blurred], [by("restore", { image_id: "a" })]);
    expect(restored).toMatchObject({ pair: { id: "a" }, overruled: { reason: "blurred" } });
    const both = [by("restore", { image_id: "a" }), by("remove", { image_id: "a" })];
    await expect(decide([blurred], both)).rejects.toMatchObject({ code: "DECISION_CONFLICT" });
  });

  it("about an image count in any case, as erasures of it do, and disagree in any", async () => {
    const [removed] = await decide([good("a-1f", "u")], [by("remove", { image_id: "A-1F" })]);
    expect(removed).toMatchObject({ verdict: { reason: "removed_by_decision" } });
    const both = [by("restore", { image_id: "a-1f" }), by("remove", { image_id: "A-1F" })];
    await expect(decide([blurred], both)).rejects.toMatchObject({ code: "DECISION_CONFLICT" });
  });

  it("put what is decided of an image before what is decided of its subject", async () => {
    const decisions = [by("restore", { image_id: "a" }), by("remove", { user_id: "u" })];
    expect(reasons(await decide([blurred, good("b", "u")], decisions))).toEqual([
      undefined,
      "removed_by_decision",
    ]);
  });

  it("cannot make a pair without both crops or without a gender", async () => {
    const faceless = good("a", "u", "female", { reason: "no_face", crops: ["hand"] });
    const tie = [good("b", "w"), good("c", "w", "male")];
    const decisions = ["a", "b"].map((id) => by("restore", { image_id: id }));
    const decided = await decide([faceless, ...tie], decisions);
    expect(reasons(decided)).toEqual(["no_face", "label_conflict", "label_conflict"]);
    expect(decided[0]?.decision?.what).toBe("restore"); // the ledger shows that it was asked for
  });
});

describe("readDecisions", () => {
  const read = async (name: string, text: string) => {
    await writeFile(join(dir, name), text);
    return readDecisions(join(dir, name));
  };

  it("reads CSV and JSON lines alike", async () => {
    const csv = await read(
      "d.csv",
      "who,when,what,why,user_id,gender\nme,2026-03-31T10:00Z,relabel,asked,u,male\n",
    );
    const json = {
      who: "me",
      when: "2026-03-31T10:00Z",
      what: "relabel",
      why: "asked",
      user_id: "u",
      gender: "male",
    };
    expect(csv).toEqual([json]);
    expect(await read("d.jsonl", `\n${JSON.stringify(json)}\n`)).toEqual([json]);
  });

  it("takes labels in any case and ids by their key", async () => {
    const hex = "00AB".repeat(16);
    const text = `who,when,what,why,user_id,gender,age,race\nme,2026-03-31,relabel,x,${hex},Male,70+,east_asian\n`;
    expect(await read("d.csv", text)).toMatchObject([
      { user_id: hex.toLowerCase(), gender: "male", age: "70+", race: "East Asian" },
    ]);
  });

  it.each([
    ["image_id,gender", "a,Male", "a,female", "male", "gender of image a", '"female"'],
    ["image_id,age", "a,20-29", "a,30-39", "20-29", "age of image a", '"30-39"'],
    ["user_id,race", "u,tan", "u,Dark", "tan", "race of subject u", '"dark"'],
  ])(
    "refuses two that disagree about %s, with both lines",
    async (columns, one, other, before, name, got) => {
      const rows = [one, one, "b,", other].map(
        (cells, i) => `me,2026-03-31,${i === 2 ? "remove" : "relabel"},x,${cells}`,
      );
      await expect(read("d.csv", `who,when,what,why,${columns}\n${rows.join("\n")}\n`)).rejects.toMatchObject(
        {
          code: "DECISION_CONFLICT",
          message: `Expected ${before} as at ${dir}/d.csv:2 for ${name}, got ${got} (${dir}/d.csv:5)`,
          hint: "two decisions disagree: take out the one that no longer holds",
        },
      );
    },
  );

  it("refuses an age that is no bucket of the derivation", async () => {
    const text = "who,when,what,why,user_id,age\nme,2026-03-31,relabel,x,u,20-29\n";
    expect(await read("d.csv", text)).toHaveLength(1);
    await expect(readDecisions(join(dir, "d.csv"), ["0-17", "18+"])).rejects.toThrow(
      `Expected one of 0-17, 18+ for age of a decision, got "20-29" (${dir}/d.csv:2)`,
    );
  });

  it("refuses remove beside restore of one image or subject, but not of an image and its subject", async () => {
    const rows = (...lines: string[]) => `who,when,what,why,image_id,user_id\n${lines.join("\n")}\n`;
    const line = (what: string, ids: string) => `me,2026-03-31,${what},x,${ids}`;
    expect(await read("d.csv", rows(line("remove", ",u"), line("restore", "a,")))).toHaveLength(2);
    const key = "AB".repeat(16);
    await expect(
      read("d.csv", rows(line("remove", `,${key}`), line("restore", `,${key.toLowerCase()}`))),
    ).rejects.toThrow(
      `Expected remove as at ${dir}/d.csv:2 for what of subject ${key.toLowerCase()}, got "restore" (${dir}/d.csv:3)`,
    );
    await expect(read("d.csv", rows(line("remove", ",7"), line("remove", ",007")))).rejects.toThrow(
      `Expected one spelling of a subject ("7" is at ${dir}/d.csv:2) for user_id of a decision, got "007" (${dir}/d.csv:3)`,
    );
  });

  it("refuses what nobody could have meant, with file and row", async () => {
    const line = (more: object) =>
      JSON.stringify({ who: "me", when: "2026-03-31", what: "remove", why: "x", image_id: "a", ...more });
    for (const [text, message] of [
      [line({ user_id: "u" }), /^Expected image_id or user_id for a decision/],
      [line({ what: "relabel" }), /^Expected gender, age or race for relabel/],
      [line({ gender: "male" }), /^Expected gender, age or race for relabel, and for nothing else/],
      [
        line({ what: "delete" }),
        /^Expected remove, .* for what of a decision, got "delete" \(.*bad.jsonl:2\)\nTry: there are remove/,
      ],
      [line({ what: "Remove" }), /got "Remove" .*\nTry: the nearest is remove$/],
      [line({ who: " " }), /^Expected some text for who of a decision, got " "/],
      [line({ gesture: "palm" }), /^Expected a known key for a decision, got "gesture"/],
      [line({ what: "relabel", gender: "m" }), /^Expected Male or Female for gender of a decision, got "m"/],
      [
        line({ what: "relabel", age: "Oct-19" }),
        / for age of a decision, got "Oct-19".*\nTry: .*read 10-19 as a date/,
      ],
      [
        line({ what: "relabel", race: "lihgt" }),
        / for race of a decision, got "lihgt".*\nTry: the nearest is light/,
      ],
      [line({ image_id: "a\u200b" }), / for image_id of a decision.*\nTry: take out U\+200B/],
      [line({ image_id: "", user_id: "u " }), /no blanks around.* for user_id of a decision, got "u "/],
      ["{", /^Expected complete JSON in .*bad.jsonl:2/],
    ] as const) {
      const error: unknown = await read("bad.jsonl", `${line({})}\n${text}\n`).catch((fault) => fault);
      expect((error as AppError).describe()).toMatch(message);
    }
    await expect(readDecisions(join(dir, "none.csv"))).rejects.toMatchObject({ code: "FILE_MISSING" });
  });
});
