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
import { initialise, type Weights } from "../../src/engine/params.ts";
import { readSplits } from "../../src/evaluate/stored/prediction-folder.ts";
import { writeSafetensors } from "../../src/formats/safetensors-file.ts";
import { float32Tensor } from "../../src/formats/tensor.ts";
import { writeJson } from "../../src/machine/files.ts";
import { type ModelFacts, modelGraph } from "../../src/models/facts.ts";
import { openWeights } from "../../src/predict/infer.ts";
import { loadModel } from "../../src/predict/model-file.ts";
import { predictSamples } from "../../src/predict/row.ts";
import { runPaths } from "../../src/predict/run-folder.ts";
import { factsOf, parseTrainConfig, type TrainConfig } from "../../src/train/config.ts";
import { openData, plainBatches } from "../../src/train/data.ts";
import { tuneConfig } from "../../src/train/head/plan.ts";
import { train } from "../../src/train/loop.ts";
import { bestEpoch, formatEpoch, outOfPatience } from "../../src/train/runlog.ts";
import { declaredSpecs } from "../../src/train/step/graph.ts";
import { laySample } from "../sample.ts";
import { violations } from "./axe.ts";
import { CHROMIUM, windows } from "./browser.ts";
import { SOFTWARE } from "./chromium.ts";

/** A quarter of what other tests compute, as a software adapter takes its time: pictures' predictions are as far apart as of 32 px. */
const SIZE_PX = 16;
/** As in the page's address. */
const CHOICES = { seed: 5, epochs: 12, batch: 8, lr: 0.05 } as const;
const QUERY = "batch=8&epochs=12&lr=0.05&seed=5";
/** Three steps: the loss of the third follows from the weights after the second, and these from the optimizer's state after the first. */
const LAYERS = { seed: 5, epochs: 1, batch: 16, lr: 1e-3 } as const;
const LAYERS_QUERY = "batch=16&epochs=1&lr=0.001&seed=5";
/** How far losses on WebGPU may be from Node's: ten times what six steps were apart (5e-6), and a hundredth of what is between neighbouring steps. */
const WEBGPU = 5e-5;

let root: string;
const at = (name: string) => join(root, name);
let layers: Awaited<ReturnType<typeof layersInNode>>;
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
    layers = await layersInNode();
  }, 120_000);
  afterAll(() => rm(root, { recursive: true, force: true }));
  const { open } = windows(() => [at("served")], undefined, SOFTWARE);

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
  /** Where it lies. */
  const saved = async (page: Page, button: string, name: string) => {
    const [download] = await Promise.all([page.waitForEvent("download"), page.click(`text=${button}`)]);
    await download.saveAs(at(name));
    return at(name);
  };

  it("trains the head that `train` trains, which Node predicts with; asks for nothing meanwhile, and trains offline", {
    timeout: 120_000,
  }, async () => {
    const { page, context, asked } = await tune();
    const network = await context.newCDPSession(page);
    await network.send("Network.enable");
    const requests: string[] = [];
    network.on("Network.requestWillBeSent", ({ request }) => void requests.push(request.url));
    await start(page);
    await trained(page);
    const shown = formatEpoch({ ...right.epochs.at(-1)!, seconds: 0 }, CHOICES.epochs);
    const untimed = (text: string | null) => text!.replace(/\d+\.\d s( {2}best)?$/, "");
    const [own, wanted] = [untimed(await page.textContent(".tune-epoch")), untimed(shown)];
    const figure = (text: string) => Number(/balanced accuracy (\d\.\d+)/.exec(text)![1]);
    expect(Math.abs(figure(own) - figure(wanted))).toBeLessThan(0.01);
    expect(own).toBe(wanted);
    const { facts, weights } = await loadModel(await saved(page, "Save the checkpoint", "tuned.safetensors"));
    expect(facts.trainedOn.map(({ images: n }) => n)).toEqual([images.train + images.val]);
    const rows = await predictInNode(facts, weights, nodeConfig());
    const stored = await valRows("node");
    expect(rows.map(({ id }) => id)).toEqual(stored.map(({ id }) => id));
    rows.forEach(({ probability }, i) => {
      expect(Math.abs(probability - stored[i]!.probability)).toBeLessThan(1e-5);
    });
    const card = await readFile(await saved(page, "Save its card", "card.md"), "utf8");
    expect(card).toContain(`--tag ${facts.tag} --seed 5 --epochs 12`);
    expect(card).toMatch(/A head on the frozen backbone of `.*`, trained in a browser by WebAssembly: /);

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

  it("trains all layers on WebGPU as `train` does, over a reload in the middle (needs an adapter)", {
    timeout: 240_000,
  }, async (context) => {
    const { page, asked } = await tune(LAYERS_QUERY);
    const adapter = await page.evaluate(async () => {
      const { gpu } = navigator as unknown as { gpu?: { requestAdapter(): Promise<unknown> } };
      return (await gpu?.requestAdapter().catch(() => null)) != null;
    });
    if (!adapter) return context.skip("no adapter of WebGPU in this browser");
    const heard = () => page.evaluate(() => (globalThis as never as Heard).losses);
    await page.evaluate(hear, { what: "step", most: 1 } as const);
    await page.selectOption("text=What learns", "all");
    await page.waitForSelector("text=All layers learn by a software adapter of WebGPU");
    await start(page);
    await page.waitForSelector("text=/Start continues where it was|Not trained\\./", { timeout: 200_000 });
    const before = await heard(); // a stop takes effect after the step under way
    await page.reload();
    await page.waitForSelector("text=All layers learn by a software adapter of WebGPU");
    await page.evaluate(hear, { what: "step", most: 0 } as const);
    await start(page);
    await page.waitForSelector("text=/Trained\\.|Not trained\\./", { timeout: 200_000 });
    await trained(page);
    const last = asked.findLastIndex((path) => path.includes("/pictures/"));
    expect(last).toBeGreaterThan(images.train + images.val);
    // Of the server nothing but what computes, before the first step.
    expect(asked.slice(last + 1).filter((path) => !path.startsWith("/assets/ort-wasm-"))).toEqual([]);
    const after = await heard();
    expect([before.length, after.length]).toEqual([
      expect.toSatisfy((n) => n === 1 || n === 2),
      3 - before.length,
    ]);
    const losses = [...before, ...after];
    expect(await page.textContent(".tune-course figcaption")).toContain(
      "Training is measured with augmentation",
    );
    for (const [i, loss] of losses.entries())
      expect(Math.abs(loss / layers.losses[i]! - 1), `step ${i + 1}`).toBeLessThan(WEBGPU);
    const { facts, weights } = await loadModel(
      await saved(page, "Save the checkpoint", "layers.safetensors"),
    );
    expect(facts).toEqual({ ...layers.facts, trainedOn: facts.trainedOn });
    const rows = await predictInNode(facts, weights, layersConfig());
    const stored = await valRows("layers");
    expect(rows.map(({ id }) => id)).toEqual(stored.map(({ id }) => id));
    rows.forEach(({ probability }, i) => {
      expect(Math.abs(probability - stored[i]!.probability)).toBeLessThan(1e-3);
    });
    expect(await readFile(await saved(page, "Save its card", "layers.md"), "utf8")).toMatch(
      /All layers, from the backbone of `.*` and with new heads, trained in a browser by WebGPU: a software adapter /,
    );
  });

  it("continues after a reload, with the features that it has", { timeout: 120_000 }, async () => {
    const { page } = await tune(QUERY.replace("epochs=12", "epochs=40"));
    await page.evaluate(hear, { what: "epoch", most: 1 } as const);
    await start(page);
    await page.waitForSelector("text=Start continues where it was");
    const stopped = Number(/epoch (\d+)\/40/.exec((await page.textContent(".tune-epoch"))!)![1]);
    await page.waitForSelector("text=Below is the best epoch so far");
    const soFar = await readFile(await saved(page, "Save its card", "so-far.md"), "utf8");
    expect(soFar).toContain(`It was stopped after ${stopped} of at most 40 epochs.`);
    expect(
      (await loadModel(await saved(page, "Save the checkpoint", "so-far.safetensors"))).facts.tag,
    ).toContain("Z2");
    await page.reload();
    await page.waitForSelector(`text=${images.train} images of`);
    await start(page);
    const all = images.train + images.val;
    await page.waitForSelector(`text=Features: 0 computed, ${all} stored before, of ${all}`);
    const first = await page.waitForSelector(".tune-epoch");
    expect(Number(/epoch (\d+)\/40/.exec((await first.textContent())!)![1])).toBeGreaterThanOrEqual(stopped);
    await trained(page);
    expect(await page.textContent(".tune-epoch")).toContain("epoch 40/40");
    await page.click("text=Forget stored features");
    await page.waitForSelector("text=Forgotten.");
    expect(await page.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name))).toEqual(
      [],
    );
  });

  it("ends by patience where `train` ends, and validates on a share of the subjects", {
    timeout: 120_000,
  }, async () => {
    const { epochs } = right;
    const endOf = (patience: number) =>
      1 + epochs.findIndex((_, i) => outOfPatience(epochs.slice(0, i + 1), patience));
    const patience = epochs.findIndex((_, i) => i > 0 && endOf(i) > 0 && endOf(i) < epochs.length);
    const end = endOf(patience);
    expect(patience, "a patience that ends this run before its last epoch").toBeGreaterThan(0);
    const { page } = await tune(`${QUERY}&patience=${patience}`);
    await start(page);
    await trained(page);
    expect(await page.textContent(".tune-epoch")).toContain(`epoch ${end}/12 `);
    const stopped = await readFile(await saved(page, "Save its card", "patience.md"), "utf8");
    const best = bestEpoch(epochs.slice(0, end)).epoch;
    expect(best).toBeLessThan(end);
    expect(stopped).toContain(`Balanced accuracy of epoch ${best} of ${end}, `);
    expect(stopped).toContain(`--patience ${patience}`);

    const { samples } = await openData(nodeConfig());
    const people = (some: readonly { readonly subject: string }[]) =>
      new Set(some.map(({ subject }) => subject)).size;
    const dealtBy = async (share: string) => {
      await page.selectOption("text=Validate on", "share");
      await page.fill("css=label:has-text('Share') >> input", share);
      await page.keyboard.press("Tab");
      await page.waitForFunction((to) => location.hash.includes(`share=${to}`), share);
      await page.waitForSelector("p[role=status]:has-text('to validate')");
      const words = (await page.textContent("p[role=status]"))!;
      const [train, learners, val, validators] = words.match(/\d+/g)!.map(Number);
      return { train: train!, learners: learners!, val: val!, validators: validators! };
    };
    const all = [...samples.train, ...samples.val];
    for (const [share, wanted] of [
      ["0.2", 0.2],
      ["0.5", 0.5],
    ] as const) {
      await expect
        .poll(async () => Math.floor(people(all) * wanted) - (await dealtBy(share)).validators)
        .toBe(0);
      const { train, learners, val, validators } = await dealtBy(share);
      expect(train + val).toBe(all.length);
      expect(learners + validators).toBe(people(all)); // nobody is in both
    }
    const { learners, val, validators } = await dealtBy("0.5");
    await page.fill("text=Patience", "");
    await page.fill("text=Epochs", "2");
    await start(page);
    await trained(page);
    const shared = await readFile(await saved(page, "Save its card", "share.md"), "utf8");
    expect(shared).toContain(
      `of ${learners} subjects to learn from, ${val} of ${validators} others to validate`,
    );
    const figure = await page.textContent(".tune-course table");
    expect(figure).not.toBe("");
  });

  it("offers all layers where there is WebGPU alone, and says so", async () => {
    const { page } = await open("#/tune");
    await page.addInitScript(() =>
      Object.defineProperty(Navigator.prototype, "gpu", { get: () => undefined }),
    );
    await page.reload();
    await page.click("main .things a");
    await page.waitForSelector("text=All layers are not offered: they need WebGPU, and here is a browser");
    expect(await page.locator("select:has(option[value=head]) option").count()).toBe(1);
    expect(await violations(page)).toEqual([]);
  });

  it("takes the selection of Pairs, and says what cannot be trained", { timeout: 60_000 }, async () => {
    const { page } = await open("#/pairs");
    await page.click("main .things a");
    await page.waitForSelector(".pairs-total strong");
    await page.keyboard.press("h");
    await page.waitForSelector("h1:has-text('Tune on')");
    await page.waitForURL(/#\/tune\//); // written behind what is shown
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
    await page.waitForSelector("p[role=status]:has-text('to validate')"); // its counts come behind that
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
    const { facts } = await loadModel(await saved(page, "Save the checkpoint", "own.safetensors"));
    expect(facts.trainedOn).toMatchObject([{ kind: "folder", images: rows.length }]);

    await page.click("text=Others");
    await writeFile(join(own, "labels.csv"), `${table(["file", "sex", "modality"])}\nnone.jpg,male,face`);
    await page.setInputFiles("input[type=file]", own);
    await page.waitForSelector("[role=alert]:has-text('none.jpg')");
    // The same folder, mended: no browser reports it where it is chosen already.
    const input = page.locator("input[type=file]");
    const chosen = () => input.evaluate((element: HTMLInputElement) => element.files!.length);
    expect(await chosen()).toBeGreaterThan(rows.length);
    await Promise.all([page.waitForEvent("filechooser"), input.click()]);
    expect(await chosen()).toBe(0);
    await writeFile(join(own, "labels.csv"), `file,gender,modality,subject\n${rows[0]!.file},male,hand,`);
    await page.setInputFiles("input[type=file]", own);
    await page.waitForSelector("[role=alert]:has-text('the person')");
    await writeFile(join(own, "labels.csv"), table(["file", "sex", "modality"]));
    await page.setInputFiles("input[type=file]", own);
    await page.waitForSelector("text=each picture counts as a person of its own");
  });

  it("has nothing that axe finds, wide and narrow, light and dark", async () => {
    const { page } = await tune(QUERY);
    const narrow = async (isNarrow: boolean) => {
      await page.setViewportSize({ width: isNarrow ? 390 : 1400, height: 900 });
      await page.emulateMedia({ colorScheme: isNarrow ? "dark" : "light" });
      expect(await violations(page)).toEqual([]);
      expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
    };
    await narrow(false);
    await narrow(true);
    await start(page);
    await trained(page);
    await page.waitForSelector(".tune-course figure svg");
    await narrow(true);
    await narrow(false);
  });
});

const base = () =>
  parseTrainConfig({
    ...{ arch: "umcc", tag: "test_efficientnet.none_F1_Af_Lb_Z0", padding: "symmetric", imageSize: SIZE_PX },
    data: [`pairs:${at("served/pairs")}`],
  });

/** What `train` takes for the same head: the backbone comes from a file with timm's names. */
function nodeConfig(): TrainConfig {
  const { data: _, ...rest } = tuneConfig(factsOf(base(), []), CHOICES, "head");
  return parseTrainConfig({ ...rest, data: base().data, weights: at("backbone.safetensors") });
}

/** The same of all layers. */
function layersConfig(): TrainConfig {
  const { data: _, ...rest } = tuneConfig(factsOf(base(), []), LAYERS, "all");
  return parseTrainConfig({ ...rest, data: base().data, weights: at("backbone.safetensors") });
}

async function layersInNode() {
  const losses: number[] = [];
  const onStep = ({ loss }: { readonly loss: number }) => void losses.push(loss);
  const { facts } = await train(layersConfig(), { dir: at("layers"), threads: 1, workers: 1, onStep });
  return { losses, facts };
}

/** Validation images through a checkpoint. */
async function predictInNode(facts: ModelFacts, weights: Weights, config: TrainConfig) {
  const { samples } = await openData(config);
  const predictor = await openWeights(facts, weights, { batch: 8, threads: 1 });
  const batches = plainBatches(samples.val, facts.pixels.sizePx, { workers: 1, batch: 8 });
  const rows = await predictSamples(predictor, batches, "val");
  await batches.close();
  await predictor.close();
  return rows;
}

/** What a run of Node stored of them. */
const valRows = async (run: string) =>
  (await readSplits(runPaths(at(run)).predictions)).filter(({ split }) => split === "val");

/** The losses of the steps that the page's threads report. */
type Heard = { readonly losses: readonly number[] };

/** In the page: takes them down from now on; after so many steps or epochs the training is stopped, if it is not 0. */
function hear({ what, most }: { readonly what: "step" | "epoch"; readonly most: number }): void {
  const losses: number[] = [];
  const heard = new Proxy(Worker, {
    construct: (Own, args: ConstructorParameters<typeof Worker>) => {
      const thread = new Own(...args);
      thread.addEventListener("message", ({ data }) => {
        if (data.is !== what || losses.push(data.loss) !== most) return;
        document.querySelector<HTMLButtonElement>(".tune-do button[type=button]")!.click();
      });
      return thread;
    },
  });
  Object.assign(globalThis, { losses, Worker: heard });
}

/** Lays a run whose checkpoint has a backbone, and trains a head on it in Node. */
async function trainBoth() {
  const config = base();
  const facts = factsOf(config, []);
  const specs = declaredSpecs(modelGraph(facts), SIZE_PX);
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
