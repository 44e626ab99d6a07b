// Folders of predictions: one file a split, whole or not at all; files of before; what is refused.
import { mkdtempSync } from "node:fs";
import { mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { inventedPredictions } from "../../../test/run-fixture.ts";
import { predictionFiles, readSplits, sweepSplits, writeSplits } from "./prediction-folder.ts";
import type { Prediction } from "./prediction-row.ts";
import { readPredictions, writePredictions } from "./predictions.ts";

const root = mkdtempSync(join(tmpdir(), "facehand-splits-"));
afterAll(() => rm(root, { recursive: true }));
const at = (name: string) => join(root, name);
const rows = inventedPredictions(12).map(
  (row, i): Prediction => ({ ...row, split: i % 3 === 0 ? "val" : "test" }),
);

it("holds one file a split, which reads back as written, and replaces what was there", async () => {
  await writePredictions(at("run.parquet"), rows);
  await writeSplits(at("run"), rows.slice(0, 3));
  await writeSplits(at("run"), rows);
  expect((await readdir(root)).sort()).toEqual(["run"]);
  expect((await readdir(at("run"))).sort()).toEqual(["test.parquet", "val.parquet"]);
  expect(await readPredictions(join(at("run"), "val.parquet"))).toEqual(
    rows.filter(({ split }) => split === "val"),
  );
  expect(await readSplits(at("run"))).toEqual([
    ...rows.filter(({ split }) => split === "val"),
    ...rows.filter(({ split }) => split === "test"),
  ]);
});

it("clears away what a kill left beside whole predictions: its lock, and a staging folder that is ours", async () => {
  const own = at("left");
  await writeSplits(own, rows);
  await mkdir(`${own}.partial`);
  await writeFile(join(`${own}.partial`, ".facehand-partial"), "");
  const ticket = at(".left.facehand-lock-0123456789abcdef");
  await writeFile(`${ticket}.n`, "1\nheld\n");
  await sweepSplits(own);
  expect((await readdir(root)).filter((name) => name.includes("left"))).toEqual(["left"]);
  await mkdir(`${own}.partial`);
  await writeFile(join(`${own}.partial`, "mine"), "");
  await sweepSplits(own);
  expect(await readdir(`${own}.partial`)).toEqual(["mine"]);
  await Promise.all([own, `${own}.partial`].map((path) => rm(path, { recursive: true })));
});

it("reads the one file of runs of before, whatever it is called", async () => {
  await writePredictions(at("test.parquet"), rows);
  expect(await predictionFiles(at("test"))).toEqual([{ path: at("test.parquet"), split: null }]);
  expect(await readSplits(at("test"))).toEqual(rows);
});

it("refuses nothing, a file of another split, and a folder that holds something else", async () => {
  await expect(writeSplits(at("none"), [])).rejects.toMatchObject({ code: "PREDICTION_NONE" });
  expect(await predictionFiles(at("none"))).toEqual([]);
  await expect(readSplits(at("none"))).rejects.toThrowError(
    `Expected stored predictions at ${at("none")}, got no such file`,
  );
  await writeSplits(at("mixed"), rows);
  await rename(join(at("mixed"), "val.parquet"), join(at("mixed"), "train.parquet"));
  await expect(readSplits(at("mixed"))).rejects.toThrowError(
    `Expected train, as the file is named for column split, got "val" (${join(at("mixed"), "train.parquet")}:1)`,
  );
  await mkdir(at("other"));
  await expect(readSplits(at("other"))).rejects.toMatchObject({ code: "PREDICTION_FILES" });
  await writeFile(join(at("other"), "vall.parquet"), "");
  await expect(readSplits(at("other"))).rejects.toThrowError(
    `Expected one or more of train.parquet, val.parquet, test.parquet and nothing else for ${at("other")}, got "vall.parquet"`,
  );
});

it("says to finish the run only where there is one", async () => {
  await mkdir(at("begun"));
  await writeFile(join(at("begun"), "config.json"), "{}");
  await expect(readSplits(join(at("begun"), "predictions"))).rejects.toMatchObject({
    code: "FILE_MISSING",
    hint: "finish the run first: train ... --resume",
  });
  await writeFile(at("rows.jsonl"), "");
  for (const place of ["rows.jsonl", "dataset"])
    await expect(readSplits(join(at(place), "predictions"))).rejects.toMatchObject({
      code: "FILE_MISSING",
      hint: "give a run folder, a folder of seeds, or a table of predictions, .csv or .parquet",
    });
});
