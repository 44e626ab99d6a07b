// Further targets: their classes, their part of a batch, and runs that learn them beside the sex.
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Interrupted } from "../core/errors.ts";
import { Random } from "../core/random.ts";
import type { Sample } from "../core/words.ts";
import { adamw } from "../engine/optim.ts";
import { initialise } from "../engine/params.ts";
import { predictionFiles, readSplits } from "../evaluate/stored/prediction-folder.ts";
import { sha256File } from "../machine/files.ts";
import { type ModelFacts, modelGraph } from "../models/facts.ts";
import { encodeJpeg } from "../pixels/image.ts";
import { loadModel } from "../predict/model-file.ts";
import { runPaths } from "../predict/run-folder.ts";
import { factsOf, parseTrainConfig, type TrainConfig } from "./config.ts";
import { train } from "./loop.ts";
import { readLog } from "./run.ts";
import { buildStep, declaredSpecs, layOut } from "./step/graph.ts";
import { targetBatch, targetClasses } from "./targets.ts";

const sample = (age: string, race = ""): Sample => ({
  id: `${age}${race}`,
  subject: "s",
  modality: "face",
  sex: "male",
  path: "x",
  source: "pairs",
  groups: { age, race, gesture: "" },
});
const asked = { targets: ["gender", "age", "race"] as const };
const both = { targets: [...asked.targets] };

describe("targetClasses", () => {
  const classesOf = (...ages: string[]) =>
    targetClasses(
      { targets: ["gender", "age"] },
      ages.map((age) => sample(age)),
    )[0]?.classes;

  it("are all of FairFace's buckets where only such are recorded, so that neighbours are neighbours", () => {
    expect(classesOf("70+", "20-29", "")).toEqual(
      "0-2 3-9 10-19 20-29 30-39 40-49 50-59 60-69 70+".split(" "),
    );
  });

  it("are the recorded ones otherwise, ages by number and races by name, unrecorded ones left out", () => {
    expect(classesOf("70-99", "", "8-12", "100+", "20-29")).toEqual(["8-12", "20-29", "70-99", "100+"]);
    const races = targetClasses(both, [sample("0-2", "tan"), sample("3-9", "dark"), sample("", "")])[1];
    expect(races).toEqual({ name: "race", classes: ["dark", "tan"] });
    expect(targetClasses({}, [sample("")])).toEqual([]);
    expect(targetClasses({ targets: ["gender"] }, [sample("")])).toEqual([]);
  });

  it.each([
    [
      ["20-29", ""],
      'Expected two or more recorded classes for --targets age in the training images, got "20-29"',
    ],
    [[""], "for --targets age in the training images, got nothing"],
    [
      ["20-29", "25-39"],
      'Expected age buckets that share no year for --targets age in the training images, got "20-29, 25-39"',
    ],
    [["70+", "75"], "Expected age buckets that share no year for --targets age"],
    [
      ["10-19", "Oct-19"],
      'Expected age buckets such as 20-29 or 70+ for --targets age in the training images, got "Oct-19"',
    ],
  ])("refuses %j", (ages, message) => {
    expect(() => classesOf(...ages)).toThrow(message);
  });
});

describe("targetBatch", () => {
  it("masks images without a record; the others share the weight", () => {
    const target = { name: "age", classes: ["a", "b", "c"] } as const;
    const samples = [sample("b"), sample(""), sample("c"), sample("c"), sample("b")];
    const { labels, weights } = targetBatch(
      samples,
      { ...target, classes: [...target.classes] },
      { ageWeight: 0.5 },
    );
    expect([...labels]).toEqual([0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 1, 0]);
    expect([...weights]).toEqual([0.125, 0, 0.125, 0.125, 0.125]);
    const none = targetBatch([sample("")], { ...target, classes: [...target.classes] }, {});
    expect([[...none.labels], [...none.weights]]).toEqual([[0, 0, 0], [0]]);
  });
});

const TAG = "test_efficientnet.none_F1_Af_Lb_Z0";
const MAG_TAG = "test_efficientnet.none_F0_Af_Lb_Z0_gating=soft";

describe("a model with further targets", () => {
  it.each([
    ["umcc", TAG],
    ["mag", MAG_TAG],
  ] as const)("%s begins with the weights and noise of one without, and its heads are last", (arch, tag) => {
    const config = parseTrainConfig({ arch, tag, data: ["utkface:x"], imageSize: 32 });
    const more = [{ name: "age" as const, classes: ["a", "b", "c"] }];
    const build = (facts: ModelFacts) => {
      const model = modelGraph(facts);
      const specs = declaredSpecs(model, 32);
      const setup = { model, batchSize: 4, sizePx: 32, mean: [0, 0, 0], std: [1, 1, 1], optimizer: adamw() };
      return { specs, noises: buildStep(setup, layOut(setup)).noises };
    };
    const [without, withAge] = [build(factsOf(config, [])), build(factsOf(config, [], more))];
    expect(withAge.noises).toEqual(without.noises);
    const extra = withAge.specs.slice(without.specs.length);
    const features = arch === "umcc" ? 258 : 256;
    expect(extra.map(({ name, shape }) => [name, shape])).toEqual([
      ["age_head.weight", [3, features]],
      ["age_head.bias", [3]],
    ]);
    const drawn = initialise(withAge.specs, Random.of(1));
    for (const [name, values] of initialise(without.specs, Random.of(1)))
      expect(drawn.get(name)).toEqual(values);
  });
});

let root: string;
let config: TrainConfig;
const options = (name: string) => ({ dir: join(root, name), threads: 1, workers: 1 });
const digests = async (name: string) => {
  const { last, best, predictions } = runPaths(join(root, name));
  const stored = (await predictionFiles(predictions)).map(({ path }) => path);
  expect(stored).not.toEqual([]);
  return Promise.all([last, best, ...stored].map(sha256File));
};

describe("train --targets", () => {
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "facehand-targets-"));
    await mkdir(join(root, "faces"));
    for (let i = 0; i < 48; i++) {
      const random = Random.of(i).split("picture");
      // The red shows the age, the green the race: something to learn.
      const [red, green] = [i % 3, (i >> 2) % 2];
      const level = (k: number) => (k === 0 ? 40 + red * 80 : k === 1 ? 60 + green * 120 : 90);
      const data = Uint8Array.from({ length: 32 * 32 * 3 }, (_, at) => level(at % 3) + random.int(30));
      const name = `${[5, 25, 65][red]}_${i % 2}_${green}_201701090000${String(i).padStart(4, "0")}.jpg`;
      await writeFile(join(root, "faces", name), await encodeJpeg({ width: 32, height: 32, data }));
    }
    config = parseTrainConfig({
      arch: "umcc",
      tag: TAG,
      data: [`utkface:${join(root, "faces")}`],
      warmupEpochs: 0.5,
      imageSize: 32,
      epochs: 16,
      batch: 8,
      lr: 3e-3,
      targets: ["gender", "age", "race"],
      ageWeight: 1,
    });
  });
  afterAll(() => rm(root, { recursive: true, force: true }));

  it("learns them, and keeps classes, figures and predictions", { timeout: 60_000 }, async () => {
    const { facts } = await train(config, options("all"));
    expect(facts.targets).toEqual([
      { name: "age", classes: "0-2 3-9 10-19 20-29 30-39 40-49 50-59 60-69 70+".split(" ") },
      { name: "race", classes: ["Black", "White"] },
    ]);
    expect((await loadModel(join(root, "all"))).facts.targets).toEqual(facts.targets);
    const rows = await readSplits(runPaths(join(root, "all")).predictions);
    for (const row of rows) {
      expect(Object.keys(row.ageProbabilities!)).toEqual(facts.targets![0]!.classes);
      expect(row.raceProbabilities!["Black"]! + row.raceProbabilities!["White"]!).toBeCloseTo(1, 6);
    }
    const last = (await readLog(join(root, "all"))).at(-1)!.val.targets!;
    expect(last.map(({ name, n }) => [name, n])).toEqual([
      ["age", rows.length],
      ["race", rows.length],
    ]);
    expect(last[0]!.balancedAccuracy).toBeGreaterThan(0.6); // a third is chance
  });

  it("resumes to the same bytes, also in two parts a step", { timeout: 60_000 }, async () => {
    const short = { ...config, epochs: 1, batch: 4, accumulate: 2 };
    await train(short, options("whole"));
    const controller = new AbortController();
    const onStep = (_: unknown, { step }: { step: number }) => {
      if (step === 2) controller.abort();
    };
    const stopped = train(short, { ...options("stopped"), signal: controller.signal, onStep });
    await expect(stopped).rejects.toThrow(Interrupted);
    await train(short, { ...options("stopped"), resume: true });
    expect(await digests("stopped")).toEqual(await digests("whole"));
  });

  it("the sex alone gives the files of a run that was asked for nothing", { timeout: 60_000 }, async () => {
    const { targets: _, ageWeight: __, ...plain } = { ...config, epochs: 1 };
    await train(plain, options("plain"));
    await train({ ...plain, targets: ["gender"] }, options("gender"));
    expect(await digests("gender")).toEqual(await digests("plain"));
    const { facts } = await loadModel(join(root, "plain"));
    expect(facts).not.toHaveProperty("targets");
    expect(await readFile(runPaths(join(root, "plain")).log, "utf8")).not.toContain("targets");
  });
});

describe("parseTrainConfig with targets", () => {
  const base = { arch: "umcc", tag: TAG, data: ["utkface:x"] };
  it.each([
    [
      { targets: ["age"] },
      'Expected gender and what else is to be learnt, each once for --targets, got "age"',
    ],
    [{ targets: ["gender", "age", "age"] }, 'for --targets, got "gender,age,age"'],
    [{ targets: ["gender", "colour"] }, 'for --targets, got "colour"'],
    [{ targets: ["gender"], ageWeight: 1 }, "Expected --targets with age for --age-weight, got 1"],
    [{ raceWeight: 0.5 }, "Expected --targets with race for --race-weight, got 0.5"],
    [{ targets: ["gender", "age"], ageWeight: 0 }, "for --age-weight, got 0"],
  ])("refuses %j", (more, message) => {
    expect(() => parseTrainConfig({ ...base, ...more })).toThrow(message);
  });
});
