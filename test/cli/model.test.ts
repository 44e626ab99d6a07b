// `facehand model show` and `facehand model convert`, against what upstream's own modules compute (PyTorch goldens).
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readCheckpoint, writeCheckpoint } from "../../src/engine/checkpoint-file.ts";
import { createSession } from "../../src/engine/runtime/open-session.ts";
import { Tensor } from "../../src/engine/runtime/session.ts";
import type { NamedTensor } from "../../src/formats/tensor.ts";
import { readStateDict } from "../../src/formats/torch/torch.ts";
import { encodeTorch } from "../../src/formats/torch/write.ts";
import { modelGraph } from "../../src/models/facts.ts";
import { exportTensors } from "../../src/models/files/weights.ts";
import { decodeImage, encodeJpeg } from "../../src/pixels/image.ts";
import { resizeBilinear } from "../../src/pixels/pixels.ts";
import { factsOf, parseModelConfig } from "../../src/train/config.ts";
import { declaredSpecs } from "../../src/train/step/graph.ts";
import { hashWeight } from "../parity/hash.ts";
import { runPython } from "../python.ts";
import { runCli } from "./run.ts";

const CASES = {
  "umcc-F1": { arch: "umcc", tag: "test_efficientnet.in1k_F1_Af_Lb_Z0" },
  "umcc-F0": { arch: "umcc", tag: "test_efficientnet.in1k_F0_An_Lf_Z0_seed42" },
  "mag-soft": { arch: "mag", tag: "test_efficientnet.in1k_F0_Af_Lb_Z0_gating=soft_seed42" },
  "mag-hard": { arch: "mag", tag: "test_efficientnet.in1k_F0_Af_Lb_Z0_gating=hard" },
} as const;
type Case = keyof typeof CASES;
const NAMES = Object.keys(CASES) as Case[];

interface Golden {
  readonly size: number;
  readonly jpeg: string;
  readonly cases: Readonly<Record<Case, { readonly hand: number; readonly face: number }>>;
}

let dir = "";
let golden: Golden;
const at = (name: string) => join(dir, name);
const flagsOf = (name: Case) => {
  const { arch, tag } = CASES[name];
  return ["--arch", arch, "--tag", tag, "--image-size", String(golden.size)];
};

/** The tensors that upstream's module has, weights from the hash. */
function tensorsOf(name: Case): NamedTensor[] {
  const facts = factsOf(parseModelConfig(CASES[name]), []);
  const specs = declaredSpecs(modelGraph(facts), 64);
  return exportTensors(specs, new Map(specs.map((s) => [s.name, hashWeight(s.name, s.shape)])));
}

/** Half of each value. */
function halved({ dtype, data }: NamedTensor): Uint8Array {
  if (dtype !== "float32") return data;
  const values = new Float32Array(Uint8Array.from(data).buffer).map((v) => v / 2);
  return new Uint8Array(values.buffer);
}

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "facehand-model-"));
  const path = new URL("../parity/goldens/models/checkpoints.json", import.meta.url);
  golden = JSON.parse(await readFile(path, "utf8")) as Golden;
  await writeFile(at("waves.jpg"), Buffer.from(golden.jpeg, "base64"));
  for (const name of NAMES) {
    const wrapped = name === "mag-soft"; // as DataParallel leaves it
    const tensors = tensorsOf(name).map((t) => (wrapped ? { ...t, name: `module.${t.name}` } : t));
    await writeFile(at(`${name}.pt`), encodeTorch(tensors));
  }
});
afterAll(() => rm(dir, { recursive: true }));

async function convert(name: Case, out: string, ...more: string[]) {
  return await runCli("model", "convert", at(`${name}.pt`), ...flagsOf(name), "--out", at(out), ...more);
}

describe("facehand model convert", () => {
  it.each(NAMES)("%s predicts what PyTorch predicts, from the same JPEG", async (name) => {
    const { code, stdout, stderr } = await convert(name, `${name}.safetensors`);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toContain(`${CASES[name].arch} ${CASES[name].tag}, `);
    expect(stdout).toContain("pixels  64 px bilinear, mean 0 0 0, std 1 1 1");
    for (const modality of ["hand", "face"] as const) {
      const asked = name === "umcc-F1" ? modality : "auto";
      const ran = await runCli(
        "predict",
        at(`${name}.safetensors`),
        at("waves.jpg"),
        "--modality",
        asked,
        "--json",
      );
      expect(ran.stderr).toBe("");
      const [{ probability }] = JSON.parse(ran.stdout).predictions;
      expect(Math.abs(probability - golden.cases[name][modality])).toBeLessThan(1e-5);
    }
  });

  it("keeps padding, epsilon and pixels where they are not the backbone's own", async () => {
    const own = ["--padding", "same", "--bn-eps", "0.002", "--pixels", "inception", "--json"];
    const { stdout } = await convert("umcc-F0", "own.safetensors", ...own);
    expect(JSON.parse(stdout).pixels.std).toEqual([0.5, 0.5, 0.5]);
    const { facts } = await readCheckpoint(at("own.safetensors"));
    expect(facts).toMatchObject({ padding: "same", bnEps: 0.002, trainedOn: [] });
  });

  it("goes back to PyTorch, tensor by tensor and counters included", async () => {
    await convert("umcc-F1", "there.safetensors");
    const { code, stderr } = await runCli(
      "model",
      "convert",
      at("there.safetensors"),
      "--out",
      at("back.pt"),
    );
    expect([code, stderr]).toEqual([0, ""]);
    const [before, after] = [await readStateDict(at("umcc-F1.pt")), await readStateDict(at("back.pt"))];
    expect([...after.keys()]).toEqual([...before.keys()]);
    for (const [name, { data }] of before) expect(Buffer.compare(after.get(name)!.data, data), name).toBe(0);
  });

  it.for(["umcc-F1", "mag-hard"] as const)(
    "%s loads into upstream's modules, strictly",
    async (name, context) => {
      await convert(name, "ours.safetensors");
      await runCli("model", "convert", at("ours.safetensors"), "--out", at("ours.pt"));
      const script = fileURLToPath(new URL("../parity/checkpoints.py", import.meta.url));
      const found = runPython(script, at("ours.pt"), name);
      if (found === undefined) return context.skip("needs PyTorch, timm and upstream: see checkpoints.py");
      expect(found.status, found.stderr).toBe(0);
      const theirs = JSON.parse(found.stdout) as { hand: number; face: number };
      expect(Math.abs(theirs.hand - golden.cases[name].hand)).toBeLessThan(1e-6);
      expect(Math.abs(theirs.face - golden.cases[name].face)).toBeLessThan(1e-6);
    },
  );

  it("takes the pooling of a vision transformer from the name of its last norm, or refuses it", async () => {
    const model = { arch: "umcc", tag: "vit_tiny_patch16_224.none_F1_Af_Lb_Z0", imageSize: 32 } as const;
    const flags = ["--arch", "umcc", "--tag", model.tag, "--image-size", "32"];
    for (const globalPool of ["token", "avg"] as const) {
      const facts = factsOf(parseModelConfig({ ...model, globalPool }), []);
      const specs = declaredSpecs(modelGraph(facts), 32);
      const weights = new Map(specs.map((s) => [s.name, hashWeight(s.name, s.shape)]));
      await writeFile(at(`${globalPool}.pt`), encodeTorch(exportTensors(specs, weights)));
    }
    const run = (pool: string, ...more: string[]) =>
      runCli("model", "convert", at(`${pool}.pt`), ...flags, ...more, "--out", at(`${pool}.safetensors`));
    expect((await run("avg")).stderr).toBe("");
    expect((await readCheckpoint(at("avg.safetensors"))).facts).toMatchObject({ globalPool: "avg" });
    expect((await runCli("model", "show", at("avg.safetensors"))).stdout).toContain("pooling avg");
    expect((await run("token")).stderr).toBe("");
    expect((await readCheckpoint(at("token.safetensors"))).facts).not.toHaveProperty("globalPool");
    const wrong = await run("avg", "--global-pool", "token");
    expect(wrong.code).toBe(2);
    expect(wrong.stderr).toContain(
      'Expected avg, as the file has backbone.fc_norm.weight for --global-pool, got "token"',
    );
    // Back to PyTorch under the same names.
    await runCli("model", "convert", at("avg.safetensors"), "--out", at("avg-back.pt"));
    expect([...(await readStateDict(at("avg-back.pt"))).keys()]).toEqual([
      ...(await readStateDict(at("avg.pt"))).keys(),
    ]);
  });

  it("says which weights of a file with an average it takes, and takes the others where asked", async () => {
    const tensors = tensorsOf("umcc-F0");
    const other = (t: NamedTensor) => ({ ...t, name: `model_ema.module.${t.name}`, data: halved(t) });
    await writeFile(at("both.pt"), encodeTorch([...tensors, ...tensors.map(other)]));
    const run = (...more: string[]) =>
      runCli(
        "model",
        "convert",
        at("both.pt"),
        ...flagsOf("umcc-F0"),
        "--out",
        at("chosen.safetensors"),
        ...more,
      );
    const bias = async () =>
      (await readCheckpoint(at("chosen.safetensors"))).weights.get("classifier.bias")![0]!;
    const plain = await run();
    expect([plain.code, plain.stderr]).toEqual([0, ""]);
    expect(plain.stdout).toContain(
      "weights the file itself: as trained; the file also has model_ema (--ema takes the others)",
    );
    const trained = await bias();
    const average = await run("--ema", "--json");
    expect(JSON.parse(average.stdout).taken).toEqual({ from: "model_ema", average: true, others: [""] });
    expect(await bias()).toBeCloseTo(trained / 2, 7);
    const shown = await runCli("model", "show", at("both.pt"));
    expect(shown.stdout).toContain("weights  the file itself: as trained; the file also has model_ema");
    const none = await runCli(
      "model",
      "convert",
      at("umcc-F0.pt"),
      ...flagsOf("umcc-F0"),
      "--ema",
      "--out",
      at("n.safetensors"),
    );
    expect(none.code).toBe(2);
    expect(none.stderr).toContain("Expected one average of weights (EMA) for --ema, got nothing");
    const back = await runCli("model", "convert", at("chosen.safetensors"), "--no-ema", "--out", at("n.pt"));
    expect(back.code).toBe(2);
    expect(back.stderr).toContain('for --out .pt, got "ema"');
  });

  it("leaves heads of further targets out of what upstream's modules load, and says so", async () => {
    const targets = [{ name: "age", classes: ["0-2", "3-9"] }] as const;
    const facts = { ...factsOf(parseModelConfig(CASES["umcc-F1"]), []), targets: [...targets] };
    const specs = declaredSpecs(
      modelGraph({ ...facts, targets: [{ name: "age", classes: ["0-2", "3-9"] }] }),
      64,
    );
    const weights = new Map(specs.map((s) => [s.name, hashWeight(s.name, s.shape)]));
    await writeCheckpoint(at("aged.safetensors"), specs, { weights }, facts);
    const { code, stdout } = await runCli("model", "convert", at("aged.safetensors"), "--out", at("aged.pt"));
    expect(code).toBe(0);
    expect(stdout).toContain(
      "left out  age_head.weight, age_head.bias: upstream's modules have no such heads",
    );
    const upstream = [...(await readStateDict(at("umcc-F1.pt"))).keys()];
    expect([...(await readStateDict(at("aged.pt"))).keys()]).toEqual(upstream);
    const shown = await runCli("model", "show", at("aged.safetensors"));
    expect(shown.stdout).toContain("predicts apparent age: 0-2, 3-9");
  });

  it.each([
    [
      "F of the tag",
      "umcc-F1",
      "umcc-F0",
      "Expected F1, as its classifier takes 258 values of 256 features for --tag",
    ],
    [
      "no F of the tag",
      "umcc-F0",
      "umcc-F1",
      "Expected F0, as its classifier takes 256 values of 256 features",
    ],
    ["arch", "mag-soft", "umcc-F0", 'Expected mag for --arch, got "umcc"'],
    ["other arch", "umcc-F0", "mag-soft", 'Expected umcc for --arch, got "mag"'],
  ] as const)("refuses the wrong %s", async (_, file, flags, message) => {
    const { code, stderr } = await runCli(
      ...["model", "convert", at(`${file}.pt`), ...flagsOf(flags), "--out", at("wrong.safetensors")],
    );
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });

  it("refuses another backbone's tensors, and lists them", async () => {
    const tag = "mobilenetv2_050.in1k_F0_Af_Lb_Z0";
    const { code, stderr } = await runCli(
      ...["model", "convert", at("umcc-F0.pt"), "--arch", "umcc", "--tag", tag, "--out", at("w.safetensors")],
    );
    expect(code).toBe(3);
    expect(stderr).toMatch(/Expected the model's tensors in .*umcc-F0.pt, got \d+ missing: backbone/);
  });

  it("refuses flags that would do nothing, other endings, and a missing tag", async () => {
    const back = await runCli("model", "convert", at("x.safetensors"), "--out", at("x.pt"), "--arch", "umcc");
    expect([back.code, back.stderr]).toMatchObject([
      2,
      expect.stringContaining("Expected no flags of the model"),
    ]);
    const ending = await runCli("model", "convert", at("umcc-F0.pt"), "--out", at("x.onnx"));
    expect(ending.stderr).toContain("Expected .safetensors, .pt or .pth for --out");
    const tagless = await runCli(
      ...["model", "convert", at("umcc-F0.pt"), "--arch", "umcc", "--out", at("x.safetensors")],
    );
    expect([tagless.code, tagless.stderr]).toMatchObject([
      2,
      expect.stringContaining("for --tag, got nothing"),
    ]);
  });
});

describe("facehand model show", () => {
  it("shows a checkpoint: parameters, tag, recipe, training, parts", async () => {
    const config = parseModelConfig(CASES["umcc-F1"]);
    const trainedOn = [{ kind: "pairs", manifestHash: "0123456789abcdef", images: 1234 }];
    const facts = factsOf(config, trainedOn);
    const specs = declaredSpecs(modelGraph(facts), 64);
    const weights = new Map(specs.map((s) => [s.name, hashWeight(s.name, s.shape)]));
    const position = { epoch: 2, batch: 0, step: 70, partial: { loss: 0, correct: 0, gradNorm: 0 } };
    const training = { slots: new Map([["exp_avg", weights]]), position };
    await writeCheckpoint(at("shown.safetensors"), specs, { weights, training }, facts);
    const { code, stdout } = await runCli("model", "show", at("shown.safetensors"));
    expect(code).toBe(0);
    const size = (kind: string) =>
      specs.filter((s) => s.kind === kind).reduce((sum, s) => sum + weights.get(s.name)!.length, 0);
    const [own, stats] = [size("parameter"), size("buffer")].map((n) => n.toLocaleString("en"));
    expect(stdout).toContain(`${own} parameters, ${stats} of statistics, `);
    expect(stdout).toContain("model    umcc test_efficientnet.in1k_F1_Af_Lb_Z0; male from 0.50");
    expect(stdout).toContain("pixels   224 px bilinear, mean 0 0 0, std 1 1 1");
    expect(stdout).toContain("trained  pairs: 1,234 images (0123456789ab)");
    expect(stdout).toContain("resumes  epoch 3, after 70 steps");
    expect(stdout).toMatch(/^ *backbone\.blocks\.3 +\d+ +[\d,]+ +float32$/m);
    expect(stdout).toMatch(/^ *optimizer\.exp_avg +/m);
    expect(stdout).not.toContain("classifier.weight");
    const all = await runCli("model", "show", at("shown.safetensors"), "--all");
    expect(all.stdout).toMatch(/^ *classifier\.weight +\[1, 258\] +float32$/m);
  });

  it("shows bare weights of PyTorch, as JSON too", async () => {
    const { code, stdout } = await runCli("model", "show", at("mag-hard.pt"));
    expect(code).toBe(0);
    expect(stdout).toContain("bare weights: no tag, no pixel recipe");
    expect(stdout).toContain("int64");
    const shown = JSON.parse((await runCli("model", "show", at("mag-hard.pt"), "--json")).stdout);
    expect(shown).toMatchObject({ facts: null, position: null, optimizer: 0 });
    expect(shown.tensors).toContainEqual({ name: "gate.2.weight", shape: [2, 64], dtype: "float32" });
    const learnt = tensorsOf("mag-hard").filter(({ name }) => !/running_|num_batches/.test(name));
    expect(shown.parameters).toBe(learnt.reduce((sum, { data }) => sum + data.byteLength / 4, 0));
  });

  it("refuses what is no file of weights", async () => {
    expect((await runCli("model", "show", at("none.pt"))).code).toBe(3);
    const { code, stderr } = await runCli("model", "show", at("waves.jpg"));
    expect([code, stderr]).toMatchObject([
      2,
      expect.stringContaining("Expected a .safetensors, .pt, .pth or .ckpt file"),
    ]);
  });
});

describe("facehand model export", () => {
  it("writes an ONNX file that computes what PyTorch computes", async () => {
    await convert("umcc-F1", "exported.safetensors");
    const ran = await runCli("model", "export", at("exported.safetensors"), "--onnx", at("m.onnx"));
    expect([ran.code, ran.stderr]).toEqual([0, ""]);
    expect(ran.stdout).toContain("opset 17");
    expect(ran.stdout).toContain("inputs   images, flag (images: u8 [batch, 64, 64, 3])");
    const session = await createSession(await readFile(at("m.onnx")), { threads: 1 });
    const { data } = resizeBilinear(await decodeImage(at("waves.jpg")), 64, 64);
    const { probability } = await session.run({
      images: new Tensor("uint8", Uint8Array.from([...data, ...data]), [2, 64, 64, 3]),
      flag: new Tensor("float32", Float32Array.of(1, 0, 0, 1), [2, 2]),
    });
    await session.release();
    const { hand, face } = golden.cases["umcc-F1"];
    expect(Math.abs((probability!.data[0] as number) - hand)).toBeLessThan(1e-5);
    expect(Math.abs((probability!.data[1] as number) - face)).toBeLessThan(1e-5);
  });

  it("prints what a smaller file costs, by running it on a split", async () => {
    await convert("umcc-F1", "priced.safetensors");
    await mkdir(at("faces"), { recursive: true });
    const names = Array.from({ length: 24 }, (_, i) => `${20 + i}_${i % 2}_0_20170109000000${i}.jpg`);
    for (const [i, name] of names.entries()) {
      const data = Uint8Array.from({ length: 40 * 40 * 3 }, (_, k) => (k * (7 + i) + i * 31) % 256);
      await writeFile(at(`faces/${name}`), await encodeJpeg({ width: 40, height: 40, data }));
    }
    const images = ["--data", `utkface:${at("faces")}`, "--workers", "1"];
    const args = ["model", "export", at("priced.safetensors"), "--onnx", at("small.onnx"), ...images];
    const result = await runCli(...args, "--int8");
    expect([result.code, result.stdout]).toMatchObject([0, expect.stringContaining("large weights as int8")]);
    expect(result.stdout).toMatch(
      /label, all images: 24 images\n +accuracy +balanced accuracy +NLL\ncheckpoint +[01]\.\d{4}/,
    );
    const shown = /p\(male\) differs by at most (\S+), by (\S+) on average; (\d+) decisions differ/.exec(
      result.stdout,
    )!;
    const { cost } = JSON.parse((await runCli(...args, "--int8", "--json")).stdout);
    expect(cost.maxDifference).toBeGreaterThan(1e-6);
    expect(cost.maxDifference.toExponential(1)).toBe(shown[1]);
    // By hand: the checkpoint by `predict`, the file by a session.
    const photo = resizeBilinear(await decodeImage(at(`faces/${names[0]}`)), 64, 64).data;
    const session = await createSession(await readFile(at("small.onnx")), { threads: 1 });
    const flag = new Tensor("float32", Float32Array.of(0, 1), [1, 2]);
    const { probability } = await session.run({
      images: new Tensor("uint8", Uint8Array.from(photo), [1, 64, 64, 3]),
      flag,
    });
    await session.release();
    const json = ["--modality", "face", "--json"];
    const predicted = await runCli("predict", at("priced.safetensors"), at(`faces/${names[0]}`), ...json);
    const exact = JSON.parse(predicted.stdout).predictions[0].probability;
    expect(Math.abs((probability!.data[0] as number) - exact)).toBeLessThanOrEqual(cost.maxDifference + 1e-6);
    const none = JSON.parse((await runCli(...args, "--json")).stdout).cost;
    expect(none).toMatchObject({ nChanged: 0, nImages: 24, images: { given: 24, used: 24 } });
    expect(none.maxDifference).toBeLessThan(1e-5);
  });

  it("refuses two precisions at once", async () => {
    const { code, stderr } = await runCli(
      ...["model", "export", at("exported.safetensors"), "--onnx", at("m.onnx"), "--fp16", "--int8"],
    );
    expect([code, stderr]).toMatchObject([
      2,
      expect.stringContaining("Expected --fp16 or --int8 for the weights, got"),
    ]);
  });

  it("needs a checkpoint and a place for the model", async () => {
    expect((await runCli("model", "export", at("umcc-F1.pt"), "--onnx", at("m.onnx"))).code).toBe(3);
    const { code, stderr } = await runCli("model", "export", at("exported.safetensors"));
    expect([code, stderr]).toMatchObject([2, expect.stringContaining("Expected --onnx <file>, got nothing")]);
  });
});
