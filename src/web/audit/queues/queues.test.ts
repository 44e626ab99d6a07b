// What is put before an annotator: draws by seed, conflicts, nearness, contradictions, second passes, disputes; and progress.
import { describe, expect, it } from "vitest";
import { judgement } from "../../../../test/annotations.ts";
import { readCsvTable } from "../../table/read-csv.ts";
import { contradictionItems } from "./contradictions.ts";
import { type AuditPair, type Item, pairsOfTable } from "./pairs.ts";
import { planOf } from "./plan.ts";
import { nextOpen, progressOf } from "./progress.ts";
import { conflictQueue, controlQueue, disputeQueue, nearOf, nearQueue, secondPassQueue } from "./queues.ts";

const pair = (id: string, user: string, gender: "female" | "male" = "female"): AuditPair => ({
  ...{
    id,
    user,
    hand: `H_${id}.jpg`,
    face: `F_${id}.jpg`,
    labels: { gender },
  },
});
const many = Array.from({ length: 50 }, (_, i) => pair(`p${i}`, `s${i % 20}`));
const ids = (items: readonly Item[]) => items.map(({ image, user }) => image ?? user);

describe("a control sample", () => {
  it("follows from seed and ids: not from the table's order, and a larger one has all of a smaller one", () => {
    const sample = ids(controlQueue(many, 20, 3));
    expect(ids(controlQueue(many.toReversed(), 20, 3))).toEqual(sample);
    expect(ids(controlQueue(many, 30, 3)).slice(0, 20)).toEqual(sample);
    expect(ids(controlQueue(many, 20, 4))).not.toEqual(sample);
    expect(new Set(sample).size).toBe(20);
  });

  it("draws each pair as often as any other", () => {
    const drawn = new Map<string, number>();
    for (let seed = 0; seed < 400; seed++)
      for (const id of ids(controlQueue(many, 10, seed))) drawn.set(id, (drawn.get(id) ?? 0) + 1);
    const counts = many.map(({ id }) => drawn.get(id) ?? 0); // expected 80, sd 8
    expect(Math.min(...counts)).toBeGreaterThan(48);
    expect(Math.max(...counts)).toBeLessThan(112);
  });
});

it("conflicting subjects come with all their pairs, those of two genders first", () => {
  const pairs = [pair("a", "s1"), pair("b", "s1", "male"), pair("c", "s2"), pair("d", "s3"), pair("e", "s2")];
  const items = conflictQueue(
    pairs,
    new Map([
      ["s2", 0.6],
      ["s3", 1],
    ]),
    1,
  );
  expect(items.map(({ user, pairs: own, recorded }) => [user, own.length, recorded.gender])).toEqual([
    ["s1", 2, undefined],
    ["s2", 2, "female"],
  ]);
});

it("what lies nearest to a threshold comes first", () => {
  const near = [9, 4.9, 5.5].map((value, i) => ({ pair: many[i]!, value, threshold: 5 }));
  expect(ids(nearQueue(near, "blur"))).toEqual(["p1", "p2", "p0"]);
});

it("pairs are contradicted by both pictures, where the record is still the same", () => {
  const row = (id: string, probability: number, target: 0 | 1 = 0) => {
    const modality = id.endsWith("hand") ? ("hand" as const) : ("face" as const);
    return {
      id,
      source: "pairs",
      subject: "pairs:s1",
      modality,
      target,
      probability,
      age: "",
      race: "",
      gesture: "palm",
    };
  };
  const rows = [
    ...[row("p1/hand", 0.9), row("p1/face", 0.8)],
    ...[row("p2/hand", 0.9), row("p2/face", 0.2)],
    ...[row("p3/hand", 0.1, 1), row("p3/face", 0.1, 1)], // recorded as male then
    ...[row("q9/hand", 0.9), row("q9/face", 0.9)],
  ];
  expect(ids(contradictionItems(many, rows))).toEqual(["p1"]);
});

it("a second pass has what others judged and did not take back", () => {
  const other = (id: string, image_id: string, more = {}) => ({
    id,
    image_id,
    user_id: "s1",
    judged: true,
    ...more,
  });
  const lines = [
    other("1", "p1"),
    other("2", "p2"),
    other("3", "p2", { judged: false, reverts: "2" }),
    other("4", "gone"),
  ];
  expect(ids(secondPassQueue(many, lines, 0))).toEqual(["p1"]);
});

it("disputes are what people said otherwise", () => {
  const lines = [
    judgement("1", { image_id: "p1" }),
    judgement("2", { image_id: "p1", annotator: "ben", choice: "unsure" }),
    judgement("3", { image_id: "p2" }),
  ];
  expect(disputeQueue(many, lines)).toMatchObject([{ image: "p1", why: "1 of 2 unsure" }]);
});

describe("progress", () => {
  const items = controlQueue(many, 3, 0);
  const [first, second, third] = items as [Item, Item, Item];
  const said = (item: Item, more = {}) =>
    judgement(`l${item.image}`, { image_id: item.image, user_id: item.user, queue: "control", ...more });

  it("counts what was judged, what was skipped, and the median time", () => {
    const lines = [
      said(first, { ms: 1000 }),
      said(second, { ms: 3000 }),
      said(third, { choice: "skip", ms: 9 }),
    ];
    const progress = progressOf(items, lines, "control");
    expect(progress).toMatchObject({ done: 2, skipped: 1, medianMs: 2000 });
    expect(nextOpen(items, progress, 0, false)).toBe(-1);
    expect(nextOpen(items, progress, 0, true)).toBe(2);
  });

  it("of the control sample takes no judgement of another queue", () => {
    const lines = [said(first, { queue: "filter" })];
    expect(progressOf(items, lines, "control").done).toBe(0);
    expect(progressOf(items, lines, "filter").done).toBe(1);
  });
});

it("an address that says nothing, or nothing sensible, means the usual", () => {
  expect(planOf({})).toMatchObject({ asked: "gender", blind: false, size: 60, seed: 0 });
  expect(planOf({ queue: ["second-pass"] }).blind).toBe(true);
  expect(planOf({ queue: ["contradictions"], blind: ["yes"] }).blind).toBe(false);
  expect(planOf({ queue: ["nothing"], size: ["-1"], seed: ["x"], ask: ["height"] })).toMatchObject({
    queue: undefined,
    size: 60,
    seed: 0,
    asked: "gender",
  });
});

describe("pairs of a table", () => {
  it("have the words of the vocabulary, whatever a cell looks like", () => {
    const head = "id,user_id,age,gender,race,labels,hand_image_name,face_image_name\n";
    const text = `${head}a,S1,20-29,Male,"east asian",palm,H_x.jpg,F_x.jpg\n`;
    const [one] = pairsOfTable(asTable(readCsvTable([{ name: "val.csv", split: "val", text }]))).all;
    expect([one!.id, one!.user, one!.hand, one!.face]).toEqual(["a", "S1", "H_x.jpg", "F_x.jpg"]);
    expect(one!.labels).toEqual({ gender: "male", age: "20-29", race: "East Asian" });
  });

  it("of a ledger are its kept rows, with the names that derivation gives to crops", () => {
    const text = "image_id,user_id,status,reason,gender\na,s1,removed,no_face,\nb,s2,kept,,female\n";
    const { all, isPair } = pairsOfTable(asTable(readCsvTable([{ name: "ledger.csv", text }])));
    expect(all.map(({ id, hand, labels }) => [id, hand, labels.gender])).toEqual([
      ["b", "H_b.jpg", "female"],
    ]);
    expect([isPair(0), isPair(1)]).toEqual([false, true]);
    const near = nearOf({ isPair, at: () => all[0]! }, Float64Array.of(4, 6), 5);
    expect(ids(nearQueue(near, "blur"))).toEqual(["b"]);
  });
});

const asTable = ({ rows, columns }: ReturnType<typeof readCsvTable>) => ({ rows, columns });
