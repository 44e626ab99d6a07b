import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { writeSplits } from "../../evaluate/stored/prediction-folder.ts";
import type { Prediction } from "../../evaluate/stored/prediction-row.ts";
import type { SourceFacts } from "../../models/facts.ts";
import { runPaths } from "../../predict/run-folder.ts";
import { checkRecipes, evaluationRows } from "./evaluation.ts";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "facehand-evaluation-"));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const source = (recipeHash?: string): SourceFacts => ({
  kind: "pairs",
  manifestHash: "m",
  images: 2,
  recipeHash,
});

it("refuses crops of another alignment recipe than the model was trained on", () => {
  expect(() => checkRecipes([source("aaaa")], [source("bbbb")])).toThrow(
    /recipe aaaa as in training, got bbbb/,
  );
});

it("takes crops of a recipe it was trained on, and sources without a recipe", () => {
  checkRecipes([source("aaaa"), source("cccc")], [source("cccc"), source()]);
  checkRecipes([source()], [source("bbbb")]); // the model knows of no recipe to compare with
});

const row = (id: string, split: "val" | "test"): Prediction => ({
  id,
  source: "pairs",
  subject: `pairs:${id}`,
  modality: "hand",
  split,
  target: 1,
  probability: 0.5,
  modalityUsed: null,
  gateHand: null,
  logit: 0,
  age: "",
  race: "",
  gesture: "palm",
});

it("gives the stored rows of one split", async () => {
  await writeSplits(runPaths(dir).predictions, [row("a", "val"), row("b", "test")]);
  const rows = await evaluationRows(dir, { split: "test", workers: 1 });
  expect(rows.map(({ id }) => id)).toEqual(["b"]);
});

it("names the splits that have predictions", async () => {
  await writeSplits(runPaths(dir).predictions, [row("a", "val")]);
  const asked = evaluationRows(dir, { split: "test", workers: 1 });
  await expect(asked).rejects.toThrow(/stored predictions \(val\) for --split, got "test"/);
});

it("reports that an unfinished run has none", async () => {
  await expect(evaluationRows(dir, { split: "test", workers: 1 })).rejects.toMatchObject({
    code: "FILE_MISSING",
  });
});
