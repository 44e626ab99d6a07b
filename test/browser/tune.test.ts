// Tune in a real browser: a head trained in the page is the one that `train` makes, nothing is asked of the server meanwhile, a reload
// in the middle loses nothing, and what is saved is a checkpoint that Node predicts with.
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import { MODALITIES } from "../../src/core/words.ts";
import { derive } from "../../src/derive/run/pipeline.ts";
import { writeCheckpoint } from "../../src/engine/checkpoint-file.ts";
import { initialise } from "../../src/engine/params.ts";
import { readSplits } from "../../src/evaluate/stored/prediction-folder.ts";
import { writeSafetensors } from "../../src/formats/safetensors-file.ts";
import { float32Tensor } from "../../src/formats/tensor.ts";
import { writeJson } from "../../src/machine/files.ts";
import { modelGraph } from "../../src/models/facts.ts";
import { openWeights, predictSamples } from "../../src/predict/infer.ts";
import { loadModel } from "../../src/predict/model-file.ts";
import { runPaths } from "../../src/predict/run-folder.ts";
import { factsOf, parseTrainConfig, type TrainConfig } from "../../src/train/config.ts";
import { openData, plainBatches } from "../../src/train/data.ts";
import { headConfig } from "../../src/train/head/plan.ts";
import { train } from "../../src/train/loop.ts";
import { formatEpoch } from "../../src/train/runlog.ts";
import { declaredSpecs } from "../../src/train/step/graph.ts";
import { laySample } from "../sample.ts";
import { violations } from "./axe.ts";
import { CHROMIUM, windows } from "./browser.ts";

/** As in the page's address. */
const CHOICES = { seed: 5, epochs: 12, batch: 8, lr: 0.05 } as const;
const QUERY = "batch=8&epochs=12&lr=0.05&seed=5";

let root: string;
const at = (name: string) => join(root, name);
let right: Awaited<ReturnType<typeof train>>;
let images: { readonly train: number; readonly val: number };

describe.skipIf(CHROMIUM === undefined)("Tune", () => {
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "facehand-tune-"));
    await laySample(at("raw"), { subjects: 16, framesPerSubject: 3, seed: 42 });
    await derive({
      ...{ hagridDir: at("raw"), gestures: "all" as const, seed: 1, outDir: at("served/pairs") },
      faceLandmarksFile: at("raw/face_landmarks.json"),
      fractions: { train: 0.55, val: 0.4, test: 0.05 },
    });
    right = await trainBoth();
  }, 120_000);
  afterAll(() => rm(root, { recursive: true, force: true }));
  const { open } = windows(() => [at("served")]);

  /** Opens the view on the only dataset. */
  async function tune(query = QUERY, window: Parameters<typeof open>[1] = {}) {
    const opened = await open("#/tune", window);
    const href = await opened.page.getAttribute("main .things a", "href");
    await opened.page.evaluate((to) => {
      location.hash = to;
    }, `${href}?${query}`);
    await opened.page.waitForSelector(`text=${images.train} images of`);
    return opened;
  }
  const start = (page: Page) => page.click("text=Start");
  const trained = (page: Page) => page.waitForSelector("text=Trained.", { timeout: 60_000 });

  it("trains the head that `train` trains, which Node predicts with", { timeout: 120_000 }, async () => {
    const { page } = await tune();
    await start(page);
    await trained(page);
    const shown = formatEpoch({ ...right.epochs.at(-1)!, seconds: 0 }, CHOICES.epochs);
    const untimed = (text: string | null) => text!.replace(/\d+\.\d s( {2}best)?$/, "");
    const [own, wanted] = [untimed(await page.textContent(".tune-epoch")), untimed(shown)];
    const figure = (text: string) => Number(/balanced accuracy (\d\.\d+)/.exec(text)![1]);
    expect(Math.abs(figure(own) - figure(wanted))).toBeLessThan(0.01);
    expect(own).toBe(wanted);
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.click("text=Save the checkpoint"),
    ]);
    await download.saveAs(at("tuned.safetensors"));
    const { facts, weights } = await loadModel(at("tuned.safetensors"));
    expect(facts.trainedOn.map(({ images: n }) => n)).toEqual([images.train + images.val]);
    const data = await openData(nodeConfig());
    const predictor = await openWeights(facts, weights, { batch: 8, threads: 1 });
    const batches = plainBatches(data.samples.val, facts.pixels.sizePx, { workers: 1, batch: 8 });
    const rows = await predictSamples(predictor, batches, "val");
    await batches.close();
    await predictor.close();
    const stored = (await readSplits(runPaths(at("node")).predictions)).filter(
      ({ split }) => split === "val",
    );
    expect(rows.map(({ id }) => id)).toEqual(stored.map(({ id }) => id));
    rows.forEach(({ probability }, i) => {
      expect(Math.abs(probability - stored[i]!.probability)).toBeLessThan(1e-5);
    });
    const [card] = await Promise.all([page.waitForEvent("download"), page.click("text=Save its card")]);
    await card.saveAs(at("card.md"));
    expect(await readFile(at("card.md"), "utf8")).toContain(`--tag ${facts.tag} --seed 5 --epochs 12`);
  });

  it("asks for nothing while it trains, and trains offline", { timeout: 120_000 }, async () => {
    const { page, context, asked } = await tune();
    const network = await context.newCDPSession(page);
    await network.send("Network.enable");
    const requests: string[] = [];
    network.on("Network.requestWillBeSent", ({ request }) => void requests.push(request.url));
    await start(page);
    await trained(page);
    expect(asked.some((path) => path.includes("best.safetensors"))).toBe(true);
    const before = asked.length;
    requests.length = 0;
    await context.setOffline(true);
    try {
      await page.fill("text=Seed", "6");
      await start(page);
      await page.waitForSelector("text=The head learns");
      await trained(page);
    } finally {
      await context.setOffline(false);
    }
    // Chromium asks for the icon of a page whose address has changed; a choice stands there.
    const byPage = (url: string) => !/\/assets\/icon-[\w-]+\.svg$/.test(url);
    expect([...asked.slice(before), ...requests].filter(byPage)).toEqual([]);
  });

  it("continues after a reload, with the features that it has", { timeout: 120_000 }, async () => {
    const { page } = await tune(QUERY.replace("epochs=12", "epochs=200"));
    await start(page);
    await page.waitForSelector(".tune-epoch");
    await page.click("text=Stop");
    await page.waitForSelector("text=Start continues where it was");
    const stopped = Number(/epoch (\d+)\/200/.exec((await page.textContent(".tune-epoch"))!)![1]);
    await page.reload();
    await page.waitForSelector(`text=${images.train} images of`);
    await start(page);
    const all = images.train + images.val;
    await page.waitForSelector(`text=Features: 0 computed, ${all} stored before, of ${all}`);
    const first = await page.waitForSelector(".tune-epoch");
    expect(Number(/epoch (\d+)\/200/.exec((await first.textContent())!)![1])).toBeGreaterThanOrEqual(stopped);
    await trained(page);
    expect(await page.textContent(".tune-epoch")).toContain("epoch 200/200");
    await page.click("text=Forget stored features");
    await page.waitForSelector("text=Forgotten.");
    expect(await page.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name))).toEqual(
      [],
    );
  });

  it("takes the selection of Pairs, and says what cannot be trained", { timeout: 60_000 }, async () => {
    const { page } = await open("#/pairs");
    await page.click("main .things a");
    await page.waitForSelector(".pairs-total strong");
    await page.keyboard.press("h");
    await page.waitForSelector("h1:has-text('Tune on')");
    await page.evaluate(() => {
      location.hash = `${location.hash.split("?")[0]}?gender=male&lr=0`;
    });
    await page.waitForSelector("text=Pairs by gender");
    await start(page);
    expect(await page.textContent("[role=alert]")).toContain("--lr");
  });

  it("learns from a folder of one's own, by its table of labels", { timeout: 60_000 }, async () => {
    const { samples } = await openData(nodeConfig());
    const rows = [...samples.train, ...samples.val].map(({ path, sex, modality, subject, groups }, i) => ({
      ...{ path, file: `${modality}s/${i}.jpg`, sex, modality, age: groups.age },
      subject: subject.slice("pairs:".length),
    }));
    const own = at("own pictures");
    for (const modality of MODALITIES) await mkdir(join(own, `${modality}s`), { recursive: true });
    for (const row of rows) await cp(row.path, join(own, row.file));
    const table = (columns: readonly ("file" | "sex" | "modality" | "subject" | "age")[]) =>
      [columns.join().replace("sex", "gender"), ...rows.map((row) => columns.map((c) => row[c]).join())].join(
        "\n",
      );
    await writeFile(join(own, "labels.csv"), table(["file", "sex", "modality", "subject", "age"]));
    const { page } = await open("#/tune");
    await page.setInputFiles("input[type=file]", own);
    await page.waitForSelector(`text=${rows.length} labelled pictures`);
    const people = new Set(rows.map(({ subject }) => subject)).size;
    const dealt = /images of (\d+) subjects? .* images of (\d+) other/.exec(
      (await page.textContent("p[role=status]"))!,
    )!;
    expect(Number(dealt[1]) + Number(dealt[2])).toBe(people);
    expect(await violations(page)).toEqual([]);
    await page.fill("text=Images a step", "8");
    await page.fill("text=Epochs", "2");
    await start(page);
    await trained(page);
    expect(await page.textContent(".tune-course h2")).toBe("Training on own pictures");
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.click("text=Save the checkpoint"),
    ]);
    await download.saveAs(at("own.safetensors"));
    const { facts } = await loadModel(at("own.safetensors"));
    expect(facts.trainedOn).toMatchObject([{ kind: "folder", images: rows.length }]);

    await page.click("text=Others");
    await writeFile(join(own, "labels.csv"), `${table(["file", "sex", "modality"])}\nnone.jpg,male,face`);
    await page.setInputFiles("input[type=file]", own);
    await page.waitForSelector("[role=alert]:has-text('none.jpg')");
    await writeFile(join(own, "labels.csv"), `file,gender,modality,subject\n${rows[0]!.file},male,hand,`);
    await page.setInputFiles("input[type=file]", own);
    await page.waitForSelector("[role=alert]:has-text('the person')");
    await writeFile(join(own, "labels.csv"), table(["file", "sex", "modality"]));
    await page.setInputFiles("input[type=file]", own);
    await page.waitForSelector("text=each picture counts as a person of its own");
  });

  it.each([{ width: 1400 }, { width: 390, dark: true }])("has nothing that axe finds: %o", async (window) => {
    const { page } = await tune(QUERY, window);
    expect(await violations(page)).toEqual([]);
    await start(page);
    await trained(page);
    await page.waitForSelector(".tune-course figure svg");
    expect(await violations(page)).toEqual([]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
  });
});

const base = () =>
  parseTrainConfig({
    ...{ arch: "umcc", tag: "test_efficientnet.none_F1_Af_Lb_Z0", padding: "symmetric", imageSize: 32 },
    data: [`pairs:${at("served/pairs")}`],
  });

/** What `train` takes for the same head: the backbone comes from a file with timm's names. */
function nodeConfig(): TrainConfig {
  const { data: _, ...rest } = headConfig(factsOf(base(), []), CHOICES);
  return parseTrainConfig({ ...rest, data: base().data, weights: at("backbone.safetensors") });
}

/** Lays a run whose checkpoint has a backbone, and trains a head on it in Node. */
async function trainBoth() {
  const config = base();
  const facts = factsOf(config, []);
  const specs = declaredSpecs(modelGraph(facts), 32);
  const weights = initialise(specs, Random.of(3));
  // Drawn networks fade: without this every picture would have nearly the same features.
  for (const [name, values] of weights) if (name.endsWith(".running_var")) values.fill(0.65);
  const paths = runPaths(at("served/base"));
  await mkdir(at("served/base/checkpoints"), { recursive: true });
  await writeJson(paths.config, config);
  await writeCheckpoint(paths.best, specs, { weights }, facts);
  const tensors = specs
    .filter(({ name }) => name.startsWith("backbone."))
    .map(({ name, shape }) => float32Tensor(name.slice("backbone.".length), shape, weights.get(name)!));
  await writeSafetensors(at("backbone.safetensors"), tensors, {});
  const { samples } = await openData(nodeConfig());
  images = { train: samples.train.length, val: samples.val.length };
  return await train(nodeConfig(), { dir: at("node"), threads: 1, workers: 1 });
}
