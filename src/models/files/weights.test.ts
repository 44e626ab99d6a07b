import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hashPixels } from "../../../test/parity/hash.ts";
import { runGraph } from "../../../test/run-graph.ts";
import { shared, WHY_SKIPPED } from "../../../test/shared.ts";
import { input } from "../../engine/ops.ts";
import { Declarations, type Mode, type ParamSpec } from "../../engine/params.ts";
import { encodeSafetensors } from "../../formats/safetensors.ts";
import { float32Tensor, type NamedTensor } from "../../formats/tensor.ts";
import { encodeTorch } from "../../formats/torch/write.ts";
import { decodeImage } from "../../pixels/image.ts";
import { resizeBilinear } from "../../pixels/pixels.ts";
import { backbone } from "../backbones/registry.ts";
import type { BackboneOptions } from "../model.ts";
import { umcc } from "../umcc.ts";
import {
  choiceText,
  exportTensors,
  fitWeights,
  loadBackbone,
  loadWeights,
  readFileWeights,
  readTensors,
} from "./weights.ts";

const spec = (name: string, shape: readonly number[]): ParamSpec => ({
  name,
  shape,
  kind: "parameter",
  decay: false,
  init: { kind: "constant", value: 0 },
});
const tensor = (name: string, shape: readonly number[], first = 1): NamedTensor =>
  float32Tensor(
    name,
    shape,
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => first + i),
  );

const SPECS = [spec("conv.weight", [2, 1]), spec("bn.running_var", [2])];
const TENSORS = [tensor("conv.weight", [2, 1]), tensor("bn.running_var", [2], 5)];
const COUNTER: NamedTensor = {
  name: "bn.num_batches_tracked",
  shape: [],
  dtype: "int64",
  data: new Uint8Array(8),
};

function refusal(tensors: NamedTensor[], specs = SPECS, options = {}) {
  try {
    fitWeights(tensors, specs, "w.pt", options);
  } catch (error) {
    return error as { kind: string; code: string; message: string };
  }
  throw new Error("accepted");
}

describe("fitWeights", () => {
  it("takes exact names and ignores torch's step counter", () => {
    const weights = fitWeights([...TENSORS, COUNTER], SPECS, "w.pt");
    expect(Object.fromEntries(weights)).toEqual({
      "conv.weight": Float32Array.of(1, 2),
      "bn.running_var": Float32Array.of(5, 6),
    });
  });

  it("copies, so that training does not write into the file's memory", () => {
    const source = tensor("conv.weight", [2, 1]);
    fitWeights([source, TENSORS[1]!], SPECS, "w.pt").get("conv.weight")![0] = 99;
    expect(new Float32Array(source.data.buffer)[0]).toBe(1);
  });

  it("converts half precision", () => {
    const data = new Uint8Array(Uint16Array.of(0x3c00, 0xc100).buffer);
    const half: NamedTensor = { name: "conv.weight", shape: [2, 1], dtype: "float16", data };
    expect(fitWeights([half, TENSORS[1]!], SPECS, "w.pt").get("conv.weight")).toEqual(
      Float32Array.of(1, -2.5),
    );
  });

  it("lists what is missing, unexpected and misshapen", () => {
    const error = refusal([tensor("conv.weight", [1, 2]), tensor("fc.weight", [1])]);
    expect(error).toMatchObject({ kind: "data", code: "WEIGHTS_MISMATCH" });
    expect(error.message).toBe(
      "Expected the model's tensors in w.pt, got 1 missing: bn.running_var; 1 unexpected: fc.weight; " +
        "1 misshapen: conv.weight [1,2] instead of [2,1]",
    );
  });

  it("lists ten of many", () => {
    const many = Array.from({ length: 13 }, (_, i) => tensor(`x${i}`, [1]));
    expect(refusal([...TENSORS, ...many]).message).toMatch(/13 unexpected: x0, .*x9, and 3 more$/);
  });

  it("refuses integers and values that are not finite", () => {
    const whole: NamedTensor = { ...COUNTER, name: "conv.weight", shape: [2, 1], data: new Uint8Array(16) };
    expect(refusal([whole, TENSORS[1]!]).message).toMatch(/1 broken: conv\.weight of int64/);
    const nan = float32Tensor("conv.weight", [2, 1], Float32Array.of(0, Number.NaN));
    expect(refusal([nan, TENSORS[1]!]).message).toMatch(/1 broken: conv\.weight with NaN at 1/);
  });

  it("drops a class head only when asked", () => {
    const head = tensor("classifier.weight", [1000, 4]);
    expect(refusal([...TENSORS, head]).message).toMatch(/1 unexpected: classifier\.weight/);
    expect([...fitWeights([...TENSORS, head], SPECS, "w.pt", { dropHead: true }).keys()]).toEqual([
      "conv.weight",
      "bn.running_var",
    ]);
    const other = [...SPECS, spec("classifier.weight", [1, 4])];
    expect(refusal([...TENSORS, head], other).message).toMatch(/1 misshapen: classifier\.weight/);
    expect(fitWeights([...TENSORS, head], other, "w.pt", { dropHead: true }).has("classifier.weight")).toBe(
      false,
    );
    // A head that is not in the file at all is missing all the same.
    expect(refusal(TENSORS, other, { dropHead: true }).message).toMatch(/1 missing: classifier\.weight/);
  });

  it.each(["fc.bias", "head.fc.weight", "head.weight", "head.bias"])("knows timm's class head %s", (name) => {
    const file = [...TENSORS, tensor(name, [1000])];
    expect(fitWeights(file, SPECS, "w.pt", { dropHead: true }).size).toBe(2);
  });

  it("takes the norm before a class head for what it is", () => {
    const file = [...TENSORS, tensor("head.norm.weight", [3])];
    expect(() => fitWeights(file, SPECS, "w.pt", { dropHead: true })).toThrow(
      "1 unexpected: head.norm.weight",
    );
  });
});

describe("files", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "facehand-weights-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  const named = async (file: string, rename: (name: string) => string, encode = encodeSafetensors) => {
    const path = join(folder, file);
    await writeFile(path, encode(TENSORS.map((t) => ({ ...t, name: rename(t.name) }))));
    return path;
  };

  it.each([
    "module.",
    "_orig_mod.",
    "model.",
    "module._orig_mod.",
    "_orig_mod.module.",
    "model._orig_mod.",
    "_orig_mod.model.",
    "module.model.",
    "model.module._orig_mod.",
    "_orig_mod.module.model.",
    "model.model.",
    "_fsdp_wrapped_module.",
  ])("leaves the wrapper %s out of names", async (prefix) => {
    for (const [file, encode] of [
      ["wrapped.safetensors", encodeSafetensors],
      ["wrapped.pt", encodeTorch],
      ["wrapped.ckpt", encodeTorch],
      ["wrapped.pth.tar", encodeTorch],
    ] as const) {
      const weights = await loadWeights(await named(file, (name) => prefix + name, encode), SPECS);
      expect(weights).toEqual(fitWeights(TENSORS, SPECS, "w.pt"));
    }
  });

  it("leaves wrappers of parts, and of some names only, out of them", async () => {
    const parts = await named("parts.pt", (name) => name.replace("bn.", "bn._orig_mod."), encodeTorch);
    expect((await readTensors(parts)).map((t) => t.name)).toEqual(TENSORS.map((t) => t.name));
    const some = await named("some.pt", (name) => name.replace(/^bn/, "module.bn"), encodeTorch);
    expect((await readTensors(some)).map((t) => t.name)).toEqual(TENSORS.map((t) => t.name));
  });

  it("refuses two tensors that only a wrapper distinguishes", async () => {
    const path = join(folder, "twice.pt");
    await writeFile(path, encodeTorch([TENSORS[0]!, { ...TENSORS[0]!, name: `model.${TENSORS[0]!.name}` }]));
    await expect(readTensors(path)).rejects.toMatchObject({
      kind: "data",
      code: "WEIGHTS_NAMES",
      message: `Expected one tensor for conv.weight, got "conv.weight and model.conv.weight" (${path})`,
    });
  });

  it("has no average to choose in a .safetensors", async () => {
    const path = await named("one.safetensors", (name) => name);
    await expect(readFileWeights(path, true)).rejects.toMatchObject({
      kind: "input",
      code: "EMA",
      message: expect.stringContaining("which can have several weights, for --ema, got"),
    });
  });

  it("names which of several weights are taken", () => {
    expect(choiceText(undefined)).toBeUndefined();
    expect(choiceText({ from: "model", average: false, others: [] })).toBeUndefined();
    expect(choiceText({ from: "", average: true, others: [] })).toBe(
      "the file itself: an average over training steps",
    );
    expect(choiceText({ from: "state_dict", average: false, others: ["ema"] })).toBe(
      "state_dict: as trained; the file also has ema",
    );
  });

  it("refuses other endings", async () => {
    await expect(readTensors(join(folder, "model.onnx"))).rejects.toMatchObject({
      kind: "input",
      code: "WEIGHTS_FORMAT",
    });
  });

  it("loads a backbone without its class head, and refuses a whole model in its place", async () => {
    const specs = [
      ...SPECS.map((s) => ({ ...s, name: `backbone.${s.name}` })),
      spec("classifier.weight", [1, 2]),
    ];
    const timm = join(folder, "timm.safetensors");
    await writeFile(timm, encodeSafetensors([...TENSORS, tensor("classifier.weight", [1000, 2])]));
    expect([...(await loadBackbone(timm, specs)).keys()]).toEqual([
      "backbone.conv.weight",
      "backbone.bn.running_var",
    ]);
    const whole = join(folder, "whole.safetensors");
    await writeFile(whole, encodeSafetensors(TENSORS.map((t) => ({ ...t, name: `backbone.${t.name}` }))));
    await expect(loadBackbone(whole, specs)).rejects.toThrow("2 unexpected: backbone.backbone.conv.weight");
  });

  it("exports what it would load, with torch's counters", () => {
    const weights = fitWeights(TENSORS, SPECS, "w.pt");
    const tensors = exportTensors(SPECS, weights);
    expect(tensors.map((t) => t.name)).toEqual(["conv.weight", "bn.running_var", "bn.num_batches_tracked"]);
    expect(fitWeights(tensors, SPECS, "again")).toEqual(weights);
    expect(() => exportTensors(SPECS, new Map())).toThrow("Expected a value for conv.weight, got nothing");
  });
});

const CHECKPOINTS = shared("data", "checkpoints_pt");
describe.skipIf(CHECKPOINTS === undefined)(`PyTorch checkpoints (${WHY_SKIPPED})`, () => {
  it("refuses weights of another architecture, with a count", async () => {
    const scope = new Declarations({ mode: "eval" });
    umcc({ backbone: backbone("test_efficientnet"), flag: true })(scope, {
      pixels: input("pixels", [1, 3, 32, 32]),
      flag: input("flag", [1, 2]),
    });
    await expect(
      loadWeights(join(CHECKPOINTS!, "state_dict_zip.pt"), scope.specs.values()),
    ).rejects.toMatchObject({
      code: "WEIGHTS_MISMATCH",
    });
  });
});

const IMAGENET = shared("models", "mobilenetv2_100");
const PHOTOS = shared("data", "hagrid464", "images");
const real = IMAGENET === undefined || PHOTOS === undefined ? describe.skip : describe;
real(`ImageNet weights of mobilenetv2_100 (${WHY_SKIPPED})`, () => {
  async function load(mode: Mode, shape: readonly number[], options: BackboneOptions = { padding: "same" }) {
    const [file] = (await readdir(IMAGENET!)).filter((name) => name.endsWith(".pth"));
    const scope = new Declarations({ mode });
    const features = backbone("mobilenetv2_100").build(scope, "backbone.", input("pixels", shape), options);
    const weights = await loadBackbone(join(IMAGENET!, file!), scope.specs.values());
    return { scope, features, weights };
  }

  it("give timm's features", async () => {
    const golden = JSON.parse(
      await readFile(new URL("../../../test/parity/goldens/models/imagenet.json", import.meta.url), "utf8"),
    ) as { n: number; size: number; features: number[] };
    const { features, weights } = await load("eval", [golden.n, 3, golden.size, golden.size]);
    const pixels = hashPixels("pixels", golden.n, golden.size);
    const { rows } = await runGraph({ rows: features }, { ...Object.fromEntries(weights), pixels });
    const [top, squares, , ...samples] = golden.features as [number, number, number, ...number[]];
    const norm = Math.sqrt(rows!.reduce((sum, v) => sum + v * v, 0));
    expect(norm / Math.sqrt(squares)).toBeCloseTo(1, 4);
    for (let i = 0; i < samples.length; i += 2)
      expect(Math.abs(rows![samples[i]!]! - samples[i + 1]!) / top).toBeLessThan(1e-4);
  });

  it("see real photos as those they were trained on, with the padding they were trained with", async () => {
    const [count, side] = [16, 160];
    const pixels = await photos(count, side);
    /** Mean over layers of the median |log| ratio between a batch's variances and those in the file. */
    const misfit = async (padding: "same" | "symmetric") => {
      const { scope, weights } = await load("train", [count, 3, side, side], { padding, bnMomentum: 1 });
      const names = [...scope.updates.keys()].filter((name) => name.endsWith("running_var"));
      const next = Object.fromEntries(names.map((name) => [`next:${name}`, scope.updates.get(name)!]));
      const results = await runGraph(next, { ...Object.fromEntries(weights), pixels });
      const medians = names.map((name) => {
        const ratios = weights.get(name)!.map((v, i) => Math.abs(Math.log(results[`next:${name}`]![i]! / v)));
        return ratios.sort()[ratios.length >> 1]!;
      });
      return medians.reduce((a, b) => a + b) / medians.length;
    };
    const [same, symmetric] = [await misfit("same"), await misfit("symmetric")];
    expect(same).toBeLessThan(0.1);
    expect(symmetric).toBeGreaterThan(same);
  });

  /** Pixels in -1 to 1, as these weights want them. */
  async function photos(count: number, side: number): Promise<Float32Array> {
    const names = (await readdir(PHOTOS!, { recursive: true }))
      .filter((name) => name.endsWith(".jpg"))
      .sort();
    const plane = side * side;
    const out = new Float32Array(count * 3 * plane);
    for (let n = 0; n < count; n++) {
      const image = await decodeImage(join(PHOTOS!, names[Math.floor((n * names.length) / count)]!));
      const { data } = resizeBilinear(image, side, side);
      for (let i = 0; i < plane; i++)
        for (let c = 0; c < 3; c++) out[(3 * n + c) * plane + i] = data[3 * i + c]! / 127.5 - 1;
    }
    return out;
  }
});
