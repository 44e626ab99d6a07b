import { mkdtemp, readdir, readFile, rm, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { inventedPredictions } from "../../../test/run-fixture.ts";
import { readParquet } from "../../formats/parquet/parquet.ts";
import { writeParquet } from "../../formats/parquet/write.ts";
import { PREDICTION_COLUMNS, PREDICTION_PARQUET, type Prediction } from "./prediction-row.ts";
import { readPredictions, writePredictions } from "./predictions.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "facehand-predictions-"));
});
afterAll(() => rm(folder, { recursive: true }));

const prediction: fc.Arbitrary<Prediction> = fc
  .record({
    source: fc.constantFrom("pairs", "utkface"),
    subject: fc.stringMatching(/^[g-zß-ÿ名前]{1,9}$/),
    modality: fc.constantFrom("hand", "face"),
    split: fc.constantFrom("train", "val", "test"),
    target: fc.constantFrom(0, 1, null),
    modalityUsed: fc.constantFrom("hand", "face", null),
    gateHand: fc.option(fc.double({ min: 0, max: 1, noNaN: true })),
    logit: fc.double({ min: -40, max: 40, noNaN: true }),
    age: fc.constantFrom("", "20-29"),
    race: fc.constantFrom("", "White", "Others"), // of both sources
    gesture: fc.constantFrom("", "palm"),
    classes: fc.constantFrom(
      {},
      { ageProbabilities: { "0-2": 0.25, "3-9": 0.75 } },
      { ageProbabilities: { "0-2": 1, "3-9": 0 }, raceProbabilities: { tan: 0.5, "é:x": 0.5 } },
    ),
  })
  .map(({ classes, ...row }) => ({
    id: "i",
    ...row,
    ...classes,
    probability: 1 / (1 + Math.exp(-row.logit)),
  }));

describe("predictions.parquet", () => {
  test("gives back what was written, bit for bit", async () => {
    const path = join(folder, "round.parquet");
    await fc.assert(
      fc.asyncProperty(fc.array(prediction, { minLength: 1, maxLength: 40 }), async (list) => {
        const rows = list.map((row, i) => ({ ...row, id: `i${i}` }));
        await writePredictions(path, rows);
        expect(await readPredictions(path)).toEqual(rows);
      }),
      { numRuns: 25 },
    );
  });

  test("reads them when another program has saved them again: zstd, int64, float32, an index, nulls only", async () => {
    const file = new URL("../../../test/parity/goldens/formats/peer-predictions.parquet", import.meta.url);
    const rows = await readPredictions(fileURLToPath(file));
    expect(rows.map(({ target }) => target)).toEqual(rows.map((_, i) => (i >> 1) % 2));
    expect(rows[39]).toEqual({
      id: "19/face",
      source: "pairs",
      subject: "pairs:19",
      modality: "face",
      split: "test",
      target: 1,
      probability: Math.fround(1 / (1 + Math.exp(-4.75))),
      modalityUsed: null,
      gateHand: null,
      logit: 4.75,
      age: "20-29",
      race: "light",
      gesture: "palm",
    });
  });

  test("has the columns of a row, in their order", () => {
    expect(Object.keys(PREDICTION_PARQUET)).toEqual(PREDICTION_COLUMNS);
  });

  test("without classes the bytes are those of versions before there were classes, which still read", async () => {
    const rows = fc.sample(prediction, { numRuns: 9, seed: 3 }).map((row, i) => {
      const { ageProbabilities: _, raceProbabilities: __, ...bare } = row;
      return { ...bare, id: `i${i}` };
    });
    const [now, before] = ["now", "before"].map((name) => join(folder, `${name}.parquet`));
    await writePredictions(now!, rows);
    const table = Object.fromEntries(PREDICTION_COLUMNS.map((c) => [c, rows.map((row) => row[c])]));
    await writeParquet(before!, PREDICTION_PARQUET, table as never);
    expect(await readFile(now!)).toEqual(await readFile(before!));
    expect(await readPredictions(before!)).toEqual(rows);
  });

  test("classes have a column each, for other programs", async () => {
    const path = join(folder, "classes.parquet");
    const [bare] = fc.sample(prediction, { numRuns: 1, seed: 4 });
    const rows = [{ ...bare!, raceProbabilities: { dark: 0.25, tan: 0.75 } }];
    await writePredictions(path, rows);
    const columns = { "race:dark": "double?", "race:tan": "double?" } as const;
    expect(await readParquet(path, columns)).toEqual({ "race:dark": [0.25], "race:tan": [0.75] });
  });

  test("a bad row is refused with file and row, reading and writing, and nothing is left behind", async () => {
    const good = fc.sample(prediction, { numRuns: 2, seed: 1 }).map((row, i) => ({ ...row, id: `i${i}` }));
    const path = join(folder, "bad.parquet");
    const bad = [good[0]!, { ...good[1]!, probability: 1.5 }];
    const message = `for column probability, got 1.5 (${path}:2)`;
    await expect(writePredictions(path, bad)).rejects.toThrowError(message);
    expect((await readdir(folder)).filter((name) => name.includes("bad"))).toEqual([]);
    const table = Object.fromEntries(PREDICTION_COLUMNS.map((c) => [c, bad.map((row) => row[c])]));
    await writeParquet(path, PREDICTION_PARQUET, table as never);
    await expect(readPredictions(path)).rejects.toThrowError(message);
  });

  test("a missing file, a missing column, no rows and a cut file are refused", async () => {
    const path = join(folder, "other.parquet");
    await expect(readPredictions(path)).rejects.toMatchObject({ kind: "data", code: "FILE_MISSING" });
    await writeParquet(path, { id: "string" }, { id: ["a"] });
    await expect(readPredictions(path)).rejects.toMatchObject({ kind: "data", code: "PARQUET_COLUMN" });
    await expect(writePredictions(path, [])).rejects.toThrowError(
      `Expected at least one prediction for ${path}, got 0`,
    );
    await writePredictions(path, fc.sample(prediction, { numRuns: 1, seed: 2 }));
    await truncate(path, 200);
    await expect(readPredictions(path)).rejects.toMatchObject({ kind: "data", code: "PARQUET_DAMAGED" });
    const empty = Object.fromEntries(PREDICTION_COLUMNS.map((c) => [c, []]));
    await writeParquet(path, PREDICTION_PARQUET, empty as never);
    await expect(readPredictions(path)).rejects.toMatchObject({ kind: "data", code: "PREDICTION_NONE" });
  });

  test("keeps the recipe of derived crops, in a column that only they bring", async () => {
    const path = join(folder, "recipe.parquet");
    const rows = inventedPredictions(3).map((row, i) =>
      i === 0 ? row : { ...row, recipe: "ab".repeat(32) },
    );
    await writePredictions(path, rows);
    expect(await readPredictions(path)).toEqual(rows);
    await writePredictions(path, inventedPredictions(3));
    expect((await readPredictions(path)).some(({ recipe }) => recipe !== undefined)).toBe(false);
    await expect(writePredictions(path, [{ ...rows[0]!, recipe: "ab" }])).rejects.toThrowError(
      "Expected 64 hex digits for column recipe",
    );
  });
});
