import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { aPair, layPairs } from "../../test/dataset.ts";
import { formatShow, LABEL_NOTE, showDataset } from "./show.ts";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "facehand-show-"));
});
afterEach(() => rm(dir, { recursive: true }));

it("counts pairs, subjects, classes and gestures by split", async () => {
  await layPairs(dir, {
    train: [
      aPair("a", "u1", { gender: "female" }),
      aPair("b", "u1", { gesture: "stop", gender: "female" }),
      aPair("c", "u2", { gesture: "stop" }),
    ],
    val: [aPair("d", "u3")],
    test: [],
  });
  const summary = await showDataset(dir, 2);
  expect(summary.splits.train).toEqual({
    pairs: 3,
    subjects: 2,
    classes: { female: 2, male: 1 },
    gestures: { stop: 2, palm: 1 },
  });
  expect(summary.splits.test).toEqual({
    pairs: 0,
    subjects: 0,
    classes: { female: 0, male: 0 },
    gestures: {},
  });
  expect(summary.total).toEqual({
    pairs: 4,
    subjects: 3,
    classes: { female: 2, male: 2 },
    gestures: { palm: 2, stop: 2 },
  });
  expect(summary.head.map((pair) => pair.id)).toEqual(["a", "b"]);
  const aligned = join(dir, "images/content/aligned_dataset");
  expect(summary.first).toEqual({
    hand: join(aligned, "hands/H_a.jpg"),
    face: join(aligned, "faces/F_a.jpg"),
  });
  expect(JSON.parse(JSON.stringify(summary))).toEqual(summary);
});

it("renders it as text, with the label's meaning", async () => {
  const long = "0123456789abcdef0123456789abcdef";
  await layPairs(dir, {
    train: [aPair("a", "u1", { gender: "female" }), aPair(long, "u2", { gesture: "stop" })],
    val: [],
    test: [],
  });
  const text = formatShow(await showDataset(dir));
  const aligned = join(dir, "images/content/aligned_dataset");
  expect(text).toBe(`${dir}
2 training pairs

split  pairs  subjects  female  male  palm  stop
train  2      2         1       1     1     1
val    0      0         0       0     0     0
test   0      0         0       0     0     0
all    2      2         1       1     1     1

id                  user_id  age    gender  race  labels  hand_image_name     face_image_name
a                   u1       20-29  female  tan   palm    H_a.jpg             F_a.jpg
0123456789abcdef0…  u2       20-29  male    tan   stop    H_0123456789abcde…  F_0123456789abcde…

${join(aligned, "hands/H_a.jpg")}
${join(aligned, "faces/F_a.jpg")}

Note: ${LABEL_NOTE}.
`);
});

it("reports that there is nothing to train on, and groups thousands", async () => {
  await layPairs(dir, { train: [], val: [], test: [aPair("a", "u1")] });
  const summary = await showDataset(dir);
  expect(formatShow(summary)).toContain("no training pairs");
  const many = { ...summary.splits.train, pairs: 15064 };
  expect(formatShow({ ...summary, splits: { ...summary.splits, train: many } })).toContain(
    "15,064 training pairs",
  );
});
