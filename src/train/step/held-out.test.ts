// Validation in two parts: the predictor's figures, and images that are read once.
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Random } from "../../core/random.ts";
import { initialise, type Weights } from "../../engine/params.ts";
import type { Prediction } from "../../evaluate/stored/prediction-row.ts";
import { modelGraph } from "../../models/facts.ts";
import { encodeJpeg } from "../../pixels/image.ts";
import { openWeights } from "../../predict/infer.ts";
import { predictSamples } from "../../predict/row.ts";
import { factsOf, parseTrainConfig } from "../config.ts";
import { openData, plainBatches } from "../data.ts";
import { declaredSpecs } from "./graph.ts";
import { openHeldOut } from "./held-out.ts";

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "facehand-heldout-"));
  await mkdir(join(root, "faces"));
  for (let i = 0; i < 60; i++) {
    const random = Random.of(i);
    const data = Uint8Array.from({ length: 32 * 32 * 3 }, () => random.int(256));
    const name = `${20 + i}_${i % 2}_${i % 3}_2017010900${String(i).padStart(4, "0")}.jpg.chip.jpg`;
    await writeFile(join(root, "faces", name), await encodeJpeg({ width: 32, height: 32, data }));
  }
});
afterAll(() => rm(root, { recursive: true, force: true }));

const MODELS = {
  "UMCC with the flag": { arch: "umcc", tag: "test_efficientnet.none_F1_An_Lb_Z2" },
  "MAG with targets": {
    arch: "mag",
    tag: "test_efficientnet.none_F0_Af_Lb_Z2_gating=soft",
    targets: ["gender", "age", "race"],
  },
} as const;

async function setUp(model: object, name: string) {
  const config = parseTrainConfig({
    ...{ data: [`utkface:${join(root, "faces")}`], imageSize: 32, batch: 8 },
    ...model,
  });
  const data = await openData(config);
  const facts = factsOf(config, data.facts, data.targets);
  const dir = join(root, name);
  await mkdir(dir, { recursive: true });
  const paths = { features: join(dir, "f.bin"), featuresKey: join(dir, "f.json") };
  const specs = declaredSpecs(modelGraph(facts), 32);
  const weights = initialise(specs, Random.of(1));
  const later = new Map([...weights, ...heads(initialise(specs, Random.of(2)))]);
  const open = () => plainBatches(data.samples.val, 32, { workers: 1, batch: 8 });
  return { config, data, facts, paths, weights, later, open, options: { threads: 1 } };
}

const heads = (weights: Weights) => [...weights].filter(([name]) => !name.startsWith("backbone."));

/** Every number of the predictions. */
const numbers = (rows: readonly Prediction[]) =>
  rows.flatMap(({ logit, gateHand, ageProbabilities = {}, raceProbabilities = {} }) => [
    ...[logit, gateHand ?? 0, ...Object.values(ageProbabilities), ...Object.values(raceProbabilities)],
  ]);

describe("held-out images of a run with a frozen backbone", () => {
  it.each(Object.entries(MODELS))("get the predictor's figures, epoch by epoch: %s", async (name, model) => {
    const { config, data, facts, paths, weights, later, open, options } = await setUp(model, name);
    const validation = open();
    const heldOut = (await openHeldOut({ config, facts, validation, data, options, paths }, weights))!;
    for (const epoch of [weights, later]) {
      const predictor = await openWeights(facts, epoch, { batch: 8, threads: 1 });
      const wanted = await predictSamples(predictor, validation, "val");
      const got = await heldOut.predict(epoch);
      expect(got.map(({ id }) => id)).toEqual(wanted.map(({ id }) => id));
      numbers(wanted).forEach((value, i) => {
        expect(numbers(got)[i]).toBeCloseTo(value, 5);
      });
      expect(got).toHaveLength(data.samples.val.length);
      await predictor.close();
    }
    expect(numbers(await heldOut.predict(weights))).not.toEqual(numbers(await heldOut.predict(later)));
    await Promise.all([heldOut.close(), validation.close()]);
  });

  it("are predicted whole where the backbone learns", async () => {
    const { config, data, facts, paths, weights, open, options } = await setUp(
      { arch: "umcc", tag: "test_efficientnet.none_F1_An_Lb_Z1" },
      "learns",
    );
    const validation = open();
    expect(await openHeldOut({ config, facts, validation, data, options, paths }, weights)).toBeUndefined();
    await validation.close();
  });

  it("are read once, also by a run that resumes", async () => {
    const { config, data, facts, paths, weights, later, open, options } = await setUp(
      MODELS["UMCC with the flag"],
      "once",
    );
    const first = open();
    const before = (await openHeldOut({ config, facts, validation: first, data, options, paths }, weights))!;
    const wanted = await before.predict(later);
    await Promise.all([before.close(), first.close()]);
    for (const { path } of data.samples.val) await writeFile(path, "no picture any more");
    const validation = open();
    const after = (await openHeldOut({ config, facts, validation, data, options, paths }, weights))!;
    expect(await after.predict(later)).toEqual(wanted);
    await after.close();
    // Of another backbone they would have to be read again.
    const other = new Map([...weights].map(([name, values]) => [name, values.map((value) => value + 1)]));
    const again = (await openHeldOut({ config, facts, validation, data, options, paths }, other))!;
    await expect(again.predict(later)).rejects.toThrow("Expected");
    await Promise.all([again.close(), validation.close()]);
  });
});
