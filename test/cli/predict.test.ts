// `facehand predict` from arguments to printed text, on tiny checkpoints with seeded weights.
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import { writeCheckpoint } from "../../src/engine/checkpoint-file.ts";
import { initialise } from "../../src/engine/params.ts";
import { chooseDevice } from "../../src/engine/runtime/device.ts";
import { createSession } from "../../src/engine/runtime/open-session.ts";
import { listBackends } from "../../src/engine/runtime/ort-node.ts";
import { decodeModel, encodeModel } from "../../src/formats/onnx.ts";
import { encodeSafetensors } from "../../src/formats/safetensors.ts";
import { type ModelFacts, modelGraph, OUTPUT_MEANING } from "../../src/models/facts.ts";
import { type Box, boxIou, boxToPx } from "../../src/pixels/geometry.ts";
import { decodeImage, encodePng } from "../../src/pixels/image.ts";
import { type RgbImage, resizeBilinear } from "../../src/pixels/pixels.ts";
import { exportOnnx } from "../../src/predict/export.ts";
import { openWeights } from "../../src/predict/infer.ts";
import { loadModel } from "../../src/predict/model-file.ts";
import { openPredictor } from "../../src/predict/predictor.ts";
import { LABEL_NOTE } from "../../src/report/figure-text.ts";
import { declaredSpecs } from "../../src/train/step/graph.ts";
import { shared, WHY_SKIPPED } from "../shared.ts";
import { runCli } from "./run.ts";

const SIZE_PX = 32;
const UMCC: ModelFacts = {
  format: 1,
  arch: "umcc",
  tag: "test_efficientnet.none_F1_An_Lb_Z0",
  backbone: "test_efficientnet",
  flag: true,
  gating: null,
  pixels: { sizePx: SIZE_PX, interpolation: "bilinear", mean: [0, 0, 0], std: [1, 1, 1] },
  threshold: 0.5,
  output: OUTPUT_MEANING,
  trainedOn: [],
};
const MODELS = {
  f1: UMCC,
  f0: { ...UMCC, flag: false, tag: "test_efficientnet.none_F0_An_Lb_Z0" },
  mag: {
    ...UMCC,
    arch: "mag",
    flag: false,
    gating: "soft",
    tag: "test_efficientnet.none_F0_An_Lb_Z0_gating=soft",
  },
  handy: {
    ...UMCC,
    arch: "mag",
    flag: false,
    gating: "hard",
    tag: "test_efficientnet.none_F0_An_Lb_Z0_gating=hard",
  },
  aged: {
    ...UMCC,
    targets: [
      { name: "age", classes: ["0-2", "3-9", "10-19"] },
      { name: "race", classes: ["dark", "tan"] },
    ],
  },
  always: { ...UMCC, threshold: 0 },
  never: { ...UMCC, threshold: 1 },
} as const satisfies Record<string, ModelFacts>;

let dir: string;
const at = (name: string) => join(dir, name);
const ckpt = (name: keyof typeof MODELS) => at(`${name}.safetensors`);

/** Stripes and a gradient: nobody is in it. */
function pattern(width: number, height: number, period: number): RgbImage {
  const data = new Uint8Array(3 * width * height);
  for (let i = 0; i < width * height; i++) {
    data[3 * i] = (255 * (i % width)) / width;
    data[3 * i + 1] = i % period < period / 2 ? 200 : 20;
    data[3 * i + 2] = (255 * i) / (width * height);
  }
  return { width, height, data };
}

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "facehand-"));
  for (const [name, facts] of Object.entries(MODELS)) {
    const specs = declaredSpecs(modelGraph(facts), SIZE_PX);
    await writeCheckpoint(at(`${name}.safetensors`), specs, { weights: weightsOf(facts) }, facts);
  }
  await writeFile(at("a.png"), await encodePng(pattern(60, 60, 7)));
  await writeFile(at("b.png"), await encodePng(pattern(32, 32, 11)));
});
afterAll(() => rm(dir, { recursive: true }));

/** Hard gating here takes everything for a hand. */
function weightsOf(facts: ModelFacts) {
  const weights = initialise(declaredSpecs(modelGraph(facts), SIZE_PX), Random.of(3));
  if (facts.gating === "hard") weights.set("gate.2.bias", Float32Array.of(9, -9));
  return weights;
}

const json = async (...argv: readonly string[]) => {
  const { code, stdout, stderr } = await runCli("predict", ...argv, "--json");
  expect([code, stderr]).toEqual([0, ""]);
  return JSON.parse(stdout);
};

describe("evaluate", () => {
  it("refuses a device where stored predictions leave nothing to compute", async () => {
    const { code, stdout, stderr } = await runCli("evaluate", at("run"), "--device", "auto");
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(/^Expected --data for --device auto, got "stored predictions"/);
  });
});

describe("predict with further targets", () => {
  it("shows the likeliest class of each, as apparent", async () => {
    const { predictions } = await json(ckpt("aged"), at("a.png"), "--modality", "hand");
    const { age, race } = predictions[0].classes;
    expect(Object.keys(age)).toEqual(["0-2", "3-9", "10-19"]);
    const sum = Object.values<number>(race).reduce((a, b) => a + b, 0);
    expect(sum).toBeCloseTo(1, 6);
    const best = (p: Record<string, number>) => Object.entries(p).sort((a, b) => b[1] - a[1])[0]!;
    const [[bucket, p], [tone, q]] = [best(age), best(race)];
    const { stdout } = await runCli("predict", ckpt("aged"), at("a.png"), "--modality", "hand");
    const lines = stdout.split("\n");
    expect(lines[1]).toMatch(/ p\(male\) +decision +age +race$/);
    expect(lines[2]!.endsWith(`${bucket} ${p.toFixed(2)}  ${tone} ${q.toFixed(2)}`)).toBe(true);
    expect(stdout).toContain(
      "age, race: apparent, the likeliest of the classes recorded in the training data",
    );
  });

  it("predicts the sex as the same weights do without them", async () => {
    const of = (name: keyof typeof MODELS) =>
      json(ckpt(name), at("a.png"), "--modality", "hand", "--threads", "1");
    const aged = await of("aged");
    const plain = await of("f1");
    expect(aged.predictions[0].probability).toBeCloseTo(plain.predictions[0].probability, 6);
    expect(plain.predictions[0]).not.toHaveProperty("classes");
  });
});

describe("predict", () => {
  it("prints JSON: the model, the note, one prediction an image, in order", async () => {
    const printed = await json(ckpt("f1"), at("b.png"), at("a.png"), "--modality", "hand", "--threads", "1");
    const { path, facts, weights } = await loadModel(ckpt("f1"));
    const predictor = await openWeights(facts, weights, { batch: 2, threads: 1 });
    const images = await Promise.all(["b.png", "a.png"].map((name) => decodeImage(at(name))));
    const wanted = await predictor.predict(images, "hand");
    await predictor.close();
    expect(printed).toEqual({
      model: { path, tag: facts.tag, arch: "umcc", threshold: 0.5 },
      note: LABEL_NOTE,
      predictions: ["b.png", "a.png"].map((name, i) => ({
        image: at(name),
        modality: "hand",
        probability: expect.closeTo(wanted[i]!.probability, 5),
        decision: wanted[i]!.probability >= 0.5 ? "male" : "female",
        gateHand: null,
      })),
    });
    const [b, a] = printed.predictions;
    expect(Math.abs(b.probability - a.probability)).toBeGreaterThan(1e-5);
  });

  it("gives UMCC F1 the modality, and needs it", async () => {
    const [hand] = (await json(ckpt("f1"), at("a.png"), "--modality", "hand")).predictions;
    const [face] = (await json(ckpt("f1"), at("a.png"), "--modality", "face")).predictions;
    expect(face.modality).toBe("face");
    expect(Math.abs(face.probability - hand.probability)).toBeGreaterThan(1e-5);
    const { code, stdout, stderr } = await runCli("predict", ckpt("f1"), at("a.png"));
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(/^Expected hand or face for --modality, got auto\nTry: .*--modality hand/);
  });

  it("leaves the modality to MAG's gate, and to nobody in UMCC F0", async () => {
    const [gated] = (await json(ckpt("mag"), at("a.png"))).predictions;
    expect(gated.gateHand).toBeGreaterThan(0);
    expect(gated.gateHand).toBeLessThan(1);
    expect(gated.modality).toBe(gated.gateHand >= 0.5 ? "hand" : "face");
    const [plain] = (await json(ckpt("f0"), at("a.png"))).predictions;
    expect(plain).toMatchObject({ modality: null, gateHand: null });
  });

  it("takes the head of MAG that is asked for, and says so", async () => {
    const one = async (...flags: readonly string[]) =>
      (await runCli("predict", ckpt("mag"), at("a.png"), "--threads", "1", ...flags, "--json")).stdout;
    const [auto, hand, face] = await Promise.all([
      JSON.parse(await one()).predictions[0],
      JSON.parse(await one("--modality", "hand")).predictions[0],
      JSON.parse(await one("--modality", "face")).predictions[0],
    ]);
    const logit = ({ probability }: { probability: number }) => Math.log(probability / (1 - probability));
    const mixed = auto.gateHand * logit(hand) + (1 - auto.gateHand) * logit(face);
    expect(logit(auto)).toBeCloseTo(mixed, 5);
    expect(Math.abs(logit(hand) - logit(face))).toBeGreaterThan(1e-3);
    expect([auto, hand, face].map(({ head }) => head)).toEqual(["gated", "hand", "face"]);
    expect([hand.modality, face.modality]).toEqual(["hand", "face"]);
    expect(new Set([auto, hand, face].map(({ gateHand }) => gateHand)).size).toBe(1);
    const { stdout } = await runCli("predict", ckpt("mag"), at("a.png"), "--modality", "face");
    expect(stdout).toContain("decided by the face head alone, as asked for");
    expect((await runCli("predict", ckpt("mag"), at("a.png"))).stdout).not.toContain("as asked for");
  });

  it("warns where the gate contradicts what was asked for", async () => {
    const predicted = (modality: string) =>
      runCli("predict", ckpt("handy"), at("a.png"), "--modality", modality, "--json");
    const face = await predicted("face");
    const warning = `Warning: ${at("a.png")}: --modality face was given, but the gate takes it for a hand (weight of the hand head 1.000); the face head, as asked for, decided`;
    expect([face.code, face.stderr]).toEqual([0, `${warning}\n`]);
    expect(JSON.parse(face.stdout).predictions[0]).toMatchObject({ modality: "face", head: "face", warning });
    const hand = await predicted("hand");
    expect([hand.code, hand.stderr]).toEqual([0, ""]);
    expect(JSON.parse(hand.stdout).predictions[0]).not.toHaveProperty("warning");
  });

  it("computes on the CPU, or on a device that runs here, or says why not", async () => {
    const crop = [ckpt("f1"), at("a.png"), "--modality", "hand", "--threads", "1"];
    const plain = await json(...crop);
    expect(await json(...crop, "--device", "cpu")).toEqual(plain);
    const known = listBackends().map(({ name }) => name);
    const absent = ["coreml", "dml"].find((name) => !known.includes(name))!;
    const { code, stdout, stderr } = await runCli("predict", ...crop, "--device", absent);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(
      new RegExp(`^Expected a device that runs here for --device, got "${absent}" .*\nTry: use --device cpu`),
    );
    const tag = ["--arch", "umcc", "--tag", UMCC.tag, "--data", `pairs:${at("none")}`, "--out", at("run")];
    const training = await runCli("train", ...tag, "--device", absent);
    expect([training.code, training.stdout, training.stderr]).toEqual([
      2,
      "",
      stderr.replace("predict", "train"),
    ]);
    const auto = await chooseDevice("auto");
    const [chosen] = (await json(...crop, "--device", "auto")).predictions;
    // Another device rounds in another order; the CPU is the same computation.
    const digits = auto === "cpu" ? 9 : 3;
    expect(chosen.probability).toBeCloseTo(plain.predictions[0].probability, digits);
  });

  it("gives other devices a graph of standard operators, with the same predictions", async () => {
    const { facts, weights } = await loadModel(ckpt("mag"));
    const image = await decodeImage(at("a.png"));
    const results = [];
    for (const provider of ["cpu", "cuda"] as const) {
      let domains: Buffer | undefined;
      const open = (model: Uint8Array) => {
        domains = Buffer.from(model);
        return createSession(model, { threads: 1 });
      };
      const predictor = await openPredictor({ facts, weights, provider, createSession: open });
      const [prediction] = await predictor.predict([image], "auto");
      await predictor.close();
      results.push({ probability: prediction!.probability, fused: domains!.includes("QuickGelu") });
    }
    const [cpu, cuda] = results;
    expect([cpu!.fused, cuda!.fused]).toEqual([true, false]);
    expect(cuda!.probability).toBeCloseTo(cpu!.probability, 5);
  });

  it("decides at the checkpoint's threshold", async () => {
    const decision = async (name: "always" | "never") =>
      (await json(ckpt(name), at("a.png"), "--modality", "face")).predictions[0].decision;
    expect([await decision("always"), await decision("never")]).toEqual(["male", "female"]);
  });

  it("prints a table that says what the numbers are", async () => {
    const { code, stdout, stderr } = await runCli("predict", ckpt("mag"), at("a.png"), at("b.png"));
    expect([code, stderr]).toEqual([0, ""]);
    const lines = stdout.trimEnd().split("\n");
    expect(lines[0]).toBe(`mag ${MODELS.mag.tag} (${ckpt("mag")})`);
    expect(lines[1]).toMatch(/^image +modality +p\(male\) +decision +gate hand$/);
    expect(lines[2]).toMatch(/a\.png +(hand|face) +0\.\d{4} +(male|female) +0\.\d{3}$/);
    expect(lines[3]).toContain("b.png");
    expect(lines[4]).toContain("male as recorded in the training labels; decision male from 0.50");
    expect(lines[5]).toBe(LABEL_NOTE);
  });

  it("takes a run folder for its best checkpoint", async () => {
    await mkdir(at("run/checkpoints"), { recursive: true });
    const best = at("run/checkpoints/best.safetensors");
    const specs = declaredSpecs(modelGraph(MODELS.f0), SIZE_PX);
    await writeCheckpoint(best, specs, { weights: weightsOf(MODELS.f0) }, MODELS.f0);
    expect((await json(at("run"), at("a.png"))).model.path).toBe(best);
  });
});

describe("predict of many images", () => {
  beforeAll(async () => {
    await mkdir(at("many/deep"), { recursive: true });
    for (const [name, period] of [
      ["1.png", 5],
      ["2.png", 9],
      ["deep/3.png", 13],
    ] as const)
      await writeFile(at(`many/${name}`), await encodePng(pattern(40, 40, period)));
    await writeFile(at("many/list.txt"), "x");
  });

  it("takes folders and patterns as it takes files", async () => {
    const flags = ["--modality", "hand", "--threads", "1"];
    const files = ["1.png", "2.png", "deep/3.png"].map((name) => at(`many/${name}`));
    const { predictions } = await json(ckpt("f1"), ...files, ...flags);
    const folder = await runCli("predict", ckpt("f1"), at("many"), ...flags, "--json");
    expect(folder.stderr).toBe("1 files in the folders are not images and are left out\n");
    expect(JSON.parse(folder.stdout).predictions).toEqual(predictions);
    expect((await json(ckpt("f1"), at("many/**/*.png"), ...flags)).predictions).toEqual(predictions);
  });

  it("reports files of many that are no images, and predicts the others", async () => {
    await mkdir(at("some"), { recursive: true });
    const png = await encodePng(pattern(40, 40, 5));
    const files = {
      "1.png": png,
      "2.png": png.subarray(0, 60),
      "3.png": "text",
      "4\n.png": png,
      "5.png": "",
    };
    for (const [name, data] of Object.entries(files)) await writeFile(at(`some/${name}`), data);
    const result = await json(ckpt("f1"), at("some"), "--modality", "hand");
    expect(result.predictions.map((p: { image: string }) => p.image)).toEqual(
      ["1.png", "4\n.png"].map((name) => at(`some/${name}`)),
    );
    expect(result.unread).toHaveLength(3);
    expect(result.warnings[0]).toMatch(
      /^Warning: 3 of 5 files cannot be read as images, and have no row: Expected .*2\.png/,
    );
    const lines = (await runCli("predict", ckpt("f1"), at("some"), "--modality", "hand")).stdout.split("\n");
    expect(lines[0]).toBe(result.warnings[0]);
    expect(lines[4]).toContain("4\\n.png");
    await symlink(at("some/gone.png"), at("some/6.png"));
    await symlink(at("some/7.png"), at("some/7.png"));
    const linked = await json(ckpt("f1"), at("some"), "--modality", "hand");
    expect(linked.predictions).toEqual(result.predictions);
    expect(linked.unread.slice(3)).toEqual([
      `Expected an image at ${at("some/6.png")}, got no such file`,
      expect.stringContaining(`Expected to read an image at ${at("some/7.png")}, got ELOOP`),
    ]);
    const none = await runCli(
      "predict",
      ckpt("f1"),
      at("some/2.png"),
      at("some/3.png"),
      "--modality",
      "hand",
    );
    expect([none.code, none.stdout]).toEqual([3, ""]);
    expect(none.stderr).toContain("2.png");
  });

  it("writes a table over nothing but a table of its own", async () => {
    const image = at("many/1.png");
    const before = await readFile(image);
    const ask = (csv: string) => runCli("predict", ckpt("f1"), image, "--modality", "hand", "--csv", csv);
    await writeFile(at("list.csv"), "name,age\nx,3\n");
    for (const csv of [image, ckpt("f1"), at("list.csv"), at("many")]) {
      const { code, stdout, stderr } = await ask(csv);
      expect([code, stdout]).toEqual([2, ""]);
      expect(stderr).toMatch(/^Expected a new file, or a table that predict wrote, for --csv, got /);
    }
    expect(await readFile(image)).toEqual(before);
    expect(await readFile(at("list.csv"), "utf8")).toBe("name,age\nx,3\n");
    expect((await ask("-")).stderr).toMatch(/^Expected the name of a file for --csv, got "-"/);
    for (const _ of [1, 2]) expect((await ask(at("again.csv"))).code).toBe(0);
  });

  it("writes a table with all that JSON has", async () => {
    const flags = ["--modality", "hand", "--threads", "1", "--csv", at("out.csv")];
    const { predictions } = await json(ckpt("aged"), at("many/*.png"), ...flags);
    const [head, ...rows] = (await readFile(at("out.csv"), "utf8")).trim().split("\n");
    expect(head).toBe(
      "image,found,modality,probability_male,decision,head,gate_hand,x,y,width,height,uncropped,age:0-2,age:3-9,age:10-19,race:dark,race:tan",
    );
    expect(rows).toEqual(
      predictions.map(
        (p: { image: string; probability: number; decision: string; classes: Record<string, object> }) =>
          [
            p.image,
            "",
            "hand",
            p.probability,
            p.decision,
            "",
            "",
            "",
            "",
            "",
            "",
            "",
            ...Object.values(p.classes.age!),
            ...Object.values(p.classes.race!),
          ].join(","),
      ),
    );
  });

  it("warns first, and in JSON, of what is no square as crops are", async () => {
    await writeFile(at("wide.png"), await encodePng(pattern(60, 50, 7)));
    const { code, stdout } = await runCli("predict", ckpt("f0"), at("b.png"), at("wide.png"));
    expect(code).toBe(0);
    expect(stdout.split("\n")[0]).toBe(
      `Warning: 1 of 2 images seem uncropped, so their predictions mean little: ${at("wide.png")}: its sides are 60 and 50 px, where crops are square; --detect finds faces and hands and crops them`,
    );
    const result = await json(ckpt("f0"), at("b.png"), at("wide.png"));
    expect(result.warnings).toEqual([stdout.split("\n")[0]]);
    expect(result.predictions[0]).not.toHaveProperty("uncropped");
    expect(result.predictions[1].uncropped).toBe("its sides are 60 and 50 px, where crops are square");
  });
});

describe("predict by an exported model", () => {
  it.each(["f1", "f0", "mag", "aged"] as const)("predicts as the checkpoint %s does", async (name) => {
    const { facts, weights } = await loadModel(ckpt(name));
    await writeFile(at(`${name}.onnx`), exportOnnx({ facts, weights }).bytes);
    const asked: readonly (readonly string[])[] =
      name === "mag"
        ? [[], ["--modality", "face"]]
        : name === "f0"
          ? [[]]
          : [
              ["--modality", "hand"],
              ["--modality", "face"],
            ];
    for (const flags of asked) {
      const of = (path: string) => json(path, at("a.png"), at("b.png"), ...flags, "--threads", "1");
      const [own, exported] = [await of(ckpt(name)), await of(at(`${name}.onnx`))];
      expect(exported.model).toEqual({ ...own.model, path: at(`${name}.onnx`) });
      exported.predictions.forEach((row: { probability: number }, i: number) => {
        expect(row.probability).toBeCloseTo(own.predictions[i].probability, 5);
      });
      const shape = (rows: { modality: unknown; head: unknown; classes: object }[]) =>
        rows.map(({ modality, head, classes }) => [modality, head, classes && Object.keys(classes)]);
      expect(shape(exported.predictions)).toEqual(shape(own.predictions));
    }
  });

  it("refuses files of other programs, and of ours before an output was in them", async () => {
    const { facts, weights } = await loadModel(ckpt("mag"));
    const model = decodeModel(exportOnnx({ facts, weights }).bytes);
    await writeFile(
      at("other.onnx"),
      encodeModel({ ...model, producer: "pytorch", metadata: { author: "x" } }),
    );
    const other = await runCli("predict", at("other.onnx"), at("a.png"));
    expect([other.code, other.stdout]).toEqual([3, ""]);
    expect(other.stderr).toMatch(
      /^Expected an ONNX file that facehand model export wrote for the model, got "one by pytorch, with metadata author" \(.*other\.onnx\)\nTry: give the checkpoint: of another/,
    );
    const outputs = model.graph.outputs.filter(({ name }) => name !== "heads");
    await writeFile(at("old.onnx"), encodeModel({ ...model, graph: { ...model.graph, outputs } }));
    const old = await runCli("predict", at("old.onnx"), at("a.png"));
    expect([old.code, old.stderr]).toEqual([
      3,
      expect.stringMatching(
        /^Expected an output heads for the model, got "logits, gate, probability.*\nTry: export it again/,
      ),
    ]);
    await writeFile(at("bad.onnx"), encodeModel({ ...model, metadata: { facehand: "{" } }));
    expect((await runCli("predict", at("bad.onnx"), at("a.png"))).stderr).toMatch(
      /^Expected valid facts in .*bad\.onnx, got text that is no JSON/,
    );
  });
});

describe("predict refuses", () => {
  /** Refused: nothing on standard output. */
  const refused = async (expected: number, ...argv: readonly string[]) => {
    const { code, stdout, stderr } = await runCli("predict", ...argv);
    expect([code, stdout]).toEqual([expected, ""]);
    return stderr;
  };

  it.each([
    [
      "an empty file",
      "empty.png",
      new Uint8Array(0),
      /^Expected an image for the file, got "an empty file" \(.*empty/,
    ],
    ["text", "page.png", Buffer.from("<html>"), /^Expected an image \(jpeg, .*page\.png\)\nTry: /],
  ])("%s, where there is no other image", async (_, name, bytes, message) => {
    await writeFile(at(name), bytes);
    expect(await refused(3, ckpt("f0"), at(name))).toMatch(message);
  });

  it("an absent image and a folder without any", async () => {
    expect(await refused(3, ckpt("f0"), at("a.png"), at("no.png"))).toMatch(
      /^Expected an image, or a folder of them, at .*no\.png/,
    );
    await mkdir(at("empty"), { recursive: true });
    expect(await refused(3, ckpt("f0"), at("empty"))).toMatch(
      /^Expected a folder with images for the image, got "nothing"/,
    );
  });

  it("pictures of what is not detected", async () => {
    const stderr = await refused(2, ckpt("f0"), at("a.png"), "--pictures", at("drawn"));
    expect(stderr).toMatch(/^Expected --detect for --pictures/);
  });

  it("no image at all", async () => {
    expect(await refused(2, ckpt("f0"))).toMatch(/^Expected <image>, got nothing/);
  });

  it("an absent checkpoint, and an unfinished run", async () => {
    expect(await refused(3, at("no.safetensors"), at("a.png"))).toMatch(
      /^Expected a checkpoint or run folder at/,
    );
    await mkdir(at("begun"));
    expect(await refused(3, at("begun"), at("a.png"))).toMatch(/begun.*best\.safetensors, got no such file/);
  });

  it.each([
    ["a pickle", Uint8Array.of(0x80, 2, 0x7d, 0x71, 0, 0x2e, 0, 0, 0, 0), "a pickle, as PyTorch wrote"],
    ["a PyTorch archive", Buffer.from("PK\x03\x04 and more bytes"), "a zip archive, as PyTorch writes"],
  ])("%s, and says what to do with it", async (_, bytes, what) => {
    await writeFile(at("model.pt"), bytes);
    const stderr = await refused(3, at("model.pt"), at("a.png"));
    expect(stderr).toContain(`a checkpoint (.safetensors) or a run folder for the model, got "${what}"`);
    expect(stderr).toMatch(/\nTry: .*model convert FILE --arch umcc --tag TAG/);
  });

  it("bare weights and other files", async () => {
    await writeFile(at("bare.safetensors"), encodeSafetensors([], {}));
    expect(await refused(3, at("bare.safetensors"), at("a.png"))).toMatch(
      /^Expected a facehand checkpoint at/,
    );
    expect(await refused(3, at("a.png"), at("a.png"))).toMatch(
      /^Expected a safetensors file for .*got "a PNG picture"/,
    );
  });

  it("facts that are not ours", async () => {
    const specs = declaredSpecs(modelGraph(MODELS.f0), SIZE_PX);
    await writeCheckpoint(at("odd.safetensors"), specs, { weights: weightsOf(MODELS.f0) }, { format: 2 });
    expect(await refused(3, at("odd.safetensors"), at("a.png"))).toMatch(
      /^Expected .* of the facts, got .*odd/,
    );
  });

  it("a detector's model without a search for it", async () => {
    const stderr = await refused(2, ckpt("f0"), at("a.png"), "--face-model", "yunet.onnx");
    expect(stderr).toMatch(/^Expected --detect with --modality face or auto for --face-model/);
    const hand = ["--detect", "--modality", "face", "--hand-model", "x.onnx"];
    expect(await refused(2, ckpt("f0"), at("a.png"), ...hand)).toMatch(/for --hand-model/);
  });

  it("a modality that UMCC F0 has no use for", async () => {
    expect(await refused(2, ckpt("f0"), at("a.png"), "--modality", "hand")).toMatch(
      /^Expected auto for --modality, got hand\nTry: this model \(UMCC F0\) sees the image alone/,
    );
  });

  it("ways of cutting hands where none is sought, and places of published checkpoints for others", async () => {
    const cut = await refused(2, ckpt("f0"), at("a.png"), "--hand-crop", "box");
    expect(cut).toMatch(/^Expected --detect with --modality hand or auto for --hand-crop, got "other flags"/);
    const face = ["--detect", "--modality", "face", "--hand-crop", "box"];
    expect(await refused(2, ckpt("f0"), at("a.png"), ...face)).toMatch(/for --hand-crop/);
    const mirror = await refused(2, ckpt("f0"), at("a.png"), "--mirror", dir);
    expect(mirror).toMatch(/^Expected a checkpoint of upstream:\.\.\. for --mirror/);
  });

  it("an unknown modality", async () => {
    expect(await refused(2, ckpt("f0"), at("a.png"), "--modality", "foot")).toMatch(/foot.*hand, face, auto/);
  });

  it.each([
    ["face", "NO_FACE", /^Expected a face in .*a\.png, got none .* 60 x 60 px\nTry: .*--face-model/],
    ["hand", "NO_HAND", /^Expected a hand in .*a\.png, got none .*\nTry: .*--hand-model/],
    ["auto", "NO_FACE_OR_HAND", /^Expected a hand or face in .*a\.png, got none/],
  ])("a photo without a %s", async (modality, _, message) => {
    expect(await refused(3, ckpt("f1"), at("a.png"), "--detect", "--modality", modality)).toMatch(message);
  });
});

const frames = shared("data", "hagrid464");
const handModel = shared("models", "hand_detector", "hand_detector.onnx");

type Numbers = readonly [number, number, number, number];
const toBox = ([x, y, width, height]: Numbers) => ({ x, y, width, height });

describe.skipIf(frames === undefined)(`predict --detect (${WHY_SKIPPED})`, () => {
  let photo: string;
  let truth: { hand: Box<"px">; face: Box<"px"> };
  beforeAll(async () => {
    const readFrames = async (name: string) => JSON.parse(await readFile(join(frames!, name), "utf8"));
    const [[id, { bboxes }]] = Object.entries<{ bboxes: readonly [Numbers] }>(
      await readFrames("annotations/test/call.json"),
    ) as [[string, { bboxes: readonly [Numbers] }]];
    const { file, width, height, faces } = (await readFrames("yunet_faces.json"))[id];
    photo = join(frames!, "images", file);
    truth = { hand: boxToPx(toBox(bboxes[0]), width, height), face: toBox(faces[0].box) };
  });

  it("draws what was found and cut into the photo, in a folder that appears whole", async () => {
    const { predictions } = await json(ckpt("f1"), photo, "--detect", "--pictures", at("drawn"));
    const [name] = await readdir(at("drawn"));
    const [before, after] = [await decodeImage(photo), await decodeImage(at(`drawn/${name}`))];
    expect([after.width, after.height]).toEqual([before.width, before.height]);
    const colours = { hand: [255, 170, 0], face: [0, 200, 255] };
    for (const { found, box } of predictions as { found: "hand" | "face"; box: Box<"px"> }[]) {
      const at = (x: number, y: number) => 3 * (Math.round(y) * after.width + Math.round(x));
      const left = at(box.x, box.y + box.height / 2);
      for (const c of [0, 1, 2])
        expect(Math.abs(after.data[left + c]! - colours[found][c]!)).toBeLessThan(60);
    }
    const changed = [...after.data].reduce(
      (n: number, v: number, i: number) => n + (Math.abs(v - before.data[i]!) > 60 ? 1 : 0),
      0,
    );
    expect(changed / after.data.length).toBeGreaterThan(0.003);
    expect(changed / after.data.length).toBeLessThan(0.1);
    const again = await runCli("predict", ckpt("f1"), photo, "--detect", "--pictures", at("drawn"));
    expect([again.code, again.stderr]).toEqual([
      2,
      expect.stringMatching(/^Expected a new or empty folder for --out/),
    ]);
  });

  it("writes no drawn photos where the next run would take them for photos", async () => {
    for (const inside of ["many", "many/drawn", "many/new/drawn"]) {
      const flags = ["--detect", "--pictures", at(inside)];
      const { code, stderr } = await runCli("predict", ckpt("f1"), at("many"), ...flags);
      expect([code, stderr]).toEqual([
        2,
        expect.stringMatching(/^Expected a folder outside of those with images for --pictures, got /),
      ]);
    }
    expect((await readdir(at("many"))).sort()).toEqual(["1.png", "2.png", "deep", "list.txt"]);
  });

  it("warns of a photo without --detect that it seems to be one, and of its crops not", async () => {
    const { warnings, predictions } = await json(ckpt("f1"), photo, "--modality", "face");
    expect(warnings[0]).toMatch(/^Warning: 1 of 1 images seem uncropped/);
    expect(predictions[0].uncropped).toMatch(
      /px, where crops are square; a crop of the face that is found in it would be \d+ % of it$/,
    );
    const square = resizeBilinear(await decodeImage(photo), 300, 300);
    await writeFile(at("square.png"), await encodePng({ ...square, data: Uint8Array.from(square.data) }));
    const result = await json(ckpt("f1"), at("square.png"), "--modality", "face");
    expect(result.predictions[0].uncropped).toMatch(/^a crop of the face that is found/);
  });

  it("reports photos of many in which nothing is found, and predicts the others", async () => {
    const result = await json(ckpt("f1"), at("a.png"), photo, "--detect");
    expect(result.predictions).toHaveLength(2);
    expect(result.notFound).toEqual([
      expect.stringMatching(/^Expected a hand or face in .*a\.png, got none/),
    ]);
    expect(result.warnings).toEqual([
      expect.stringMatching(/^Warning: nothing was found in 1 of 2 images, which have no row: /),
    ]);
  });

  it("finds face and hand of a photo, one row each, and gives the model the modality", async () => {
    const { predictions } = await json(ckpt("f1"), photo, "--detect");
    expect(predictions.map((p: { modality: string }) => p.modality)).toEqual(["hand", "face"]);
    const [hand, face] = predictions;
    expect(boxIou(hand.box, truth.hand)).toBeGreaterThan(0.5);
    expect(boxIou(face.box, truth.face)).toBeGreaterThan(0.5);
    const [alone] = (await json(ckpt("f1"), photo, "--detect", "--modality", "face")).predictions;
    expect(alone).toEqual(face);
    const [whole] = (await json(ckpt("f1"), photo, "--modality", "face")).predictions;
    expect(Math.abs(whole.probability - face.probability)).toBeGreaterThan(1e-6);
    expect(whole).not.toHaveProperty("box");
  });

  it("shows what was found beside what the gate took it for, and warns where they differ", async () => {
    const { code, stdout, stderr } = await runCli("predict", ckpt("handy"), photo, "--detect", "--json");
    const { predictions } = JSON.parse(stdout);
    expect(code).toBe(0);
    expect(predictions.map((p: Record<string, unknown>) => [p["found"], p["modality"], p["head"]])).toEqual([
      ["hand", "hand", "gated"],
      ["face", "hand", "gated"],
    ]);
    expect(stderr).toContain(
      "a face was found, but the gate takes it for a hand (weight of the hand head 1.000)",
    );
    expect(stderr).not.toContain("a hand was found");
    expect(stderr).toContain(predictions[1].warning);
    const table = (await runCli("predict", ckpt("handy"), photo, "--detect")).stdout.split("\n");
    expect(table[1]).toMatch(/^image +found +modality/);
    expect(table[3]).toMatch(/ face +hand +0\./);
    const asked = await runCli("predict", ckpt("handy"), photo, "--detect", "--modality", "face", "--json");
    const [face] = JSON.parse(asked.stdout).predictions;
    expect(face).toMatchObject({ found: "face", modality: "face", head: "face", gateHand: 1 });
    expect(Math.abs(face.probability - predictions[1].probability)).toBeGreaterThan(1e-6);
  });

  it.skipIf(handModel === undefined)("takes another hand detector", async () => {
    const flags = ["--detect", "--modality", "hand", "--hand-model", handModel!];
    const [hand] = (await json(ckpt("handy"), photo, ...flags)).predictions;
    expect(boxIou(hand.box, truth.hand)).toBeGreaterThan(0.7);
    expect(hand.gateHand).toBeGreaterThan(0);
  });
});
