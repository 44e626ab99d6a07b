// A tag's claim about weights is true or refused; pixels and padding are those of the weights, or asked for.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { drawFaces } from "../../test/drawn.ts";
import { BACKBONE_NAMES, backbone } from "../models/backbones/registry.ts";
import { runPaths } from "../predict/run-folder.ts";
import { parseTrainConfig, trainConfigSchema } from "./config.ts";
import { train } from "./loop.ts";
import { checkPretraining } from "./pretrained.ts";
import { configOfRun, readRunConfig } from "./run.ts";

const parse = (tag: string, more: object = {}) =>
  parseTrainConfig({ arch: "umcc", tag: `${tag}_F1_Af_Lb_Z0`, data: ["utkface:x"], ...more });
const weights = "model.safetensors";

describe("a tag and its weights", () => {
  it.each([
    [
      "mobilenetv2_100.ra_in1k",
      {},
      "Expected the pretrained weights that the tag names (mobilenetv2_100.ra_in1k) for --weights, got nothing",
    ],
    [
      "mobilenetv2_100.none",
      { weights },
      'Expected a tag that says what the weights were trained on for --tag with --weights, got "mobilenetv2_100.none_F1_Af_Lb_Z0"',
    ],
    [
      "mobilenetv2_100.ra_in1k",
      { weights: "timm:resnet18.a1_in1k" },
      'Expected timm:mobilenetv2_100.ra_in1k, as the tag says, for --weights, got "timm:resnet18.a1_in1k"',
    ],
  ])("%s %j contradict each other", (tag, more, message) => {
    expect(() => parse(tag, more)).toThrow(message);
    expect(() => parse(tag, more)).toThrow(expect.objectContaining({ kind: "input", code: "PRETRAINED" }));
  });

  it("agree: random weights and none, a file and a name", () => {
    expect(parse("mobilenetv2_100.none").pixels).toBe("raw");
    for (const given of [weights, "timm:mobilenetv2_100.ra_in1k"])
      expect(() =>
        checkPretraining({ tag: "mobilenetv2_100.ra_in1k_F0_Af_Lb_Z0", weights: given }),
      ).not.toThrow();
  });

  it("names what to do", () => {
    const hintOf = (tag: string, more: object) => {
      try {
        parse(tag, more);
      } catch (error) {
        return (error as { hint?: string }).hint;
      }
      return undefined;
    };
    expect(hintOf("mobilenetv2_100.ra_in1k", {})).toBe(
      "--weights timm:mobilenetv2_100.ra_in1k or a file of them; for random weights write mobilenetv2_100.none in the tag",
    );
    expect(hintOf("test_efficientnet.none", { weights })).toBe(
      "name them in the tag, e.g. test_efficientnet.r160_in1k_F1_..., or leave --weights out for random ones",
    );
  });
});

describe("pixels and padding", () => {
  // timm's default_cfgs: mean and std of each.
  it.each([
    ["mobilenetv2_100.ra_in1k", "imagenet"],
    ["tf_efficientnetv2_s.in1k", "inception"],
    ["tf_efficientnetv2_s.in21k_ft_in1k", "inception"],
    ["resnet18.a1_in1k", "imagenet"],
    ["vit_tiny_patch16_224.augreg_in21k_ft_in1k", "inception"],
    ["vit_small_patch16_224.dino", "imagenet"],
  ])("of %s are %s", (name, pixels) => {
    expect(parse(name, { weights }).pixels).toBe(pixels);
    expect(parse(name, { weights })).not.toHaveProperty("padding");
  });

  it("are known by name of every recipe in the table", () => {
    for (const name of BACKBONE_NAMES)
      for (const pretrain of Object.keys(backbone(name).pretrained))
        expect(["raw", "imagenet", "inception"]).toContain(parse(`${name}.${pretrain}`, { weights }).pixels);
  });

  it("are what is given", () => {
    const { pixels, padding } = parse("mobilenetv2_100.ra_in1k", { weights, pixels: "raw", padding: "same" });
    expect([pixels, padding]).toEqual(["raw", "same"]);
  });

  it("have to be given for weights that nothing is known of, padding only where there is a choice", () => {
    const unknown = (what: string) =>
      `for ${what} of mobilenetv2_100.mine, which timm's table here does not know`;
    expect(() => parse("mobilenetv2_100.mine", { weights })).toThrow(
      `Expected same or symmetric ${unknown("--padding")}, got nothing`,
    );
    expect(() => parse("mobilenetv2_100.mine", { weights, padding: "same" })).toThrow(
      `Expected raw, imagenet, inception ${unknown("--pixels")}, got nothing`,
    );
    expect(parse("mobilenetv2_100.mine", { weights, padding: "same", pixels: "inception" })).toMatchObject({
      padding: "same",
      pixels: "inception",
    });
    expect(parse("resnet18.mine", { weights, pixels: "imagenet" }).pixels).toBe("imagenet");
    expect(() => parse("resnet18.mine", { weights })).toThrow("--pixels of resnet18.mine");
  });
});

describe("training", () => {
  let dir = "";
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "facehand-pretrained-"));
    await drawFaces(join(dir, "faces"), 20);
  });
  afterAll(() => rm(dir, { recursive: true }));
  /** As a program writes it that leaves parseTrainConfig out. */
  const config = (pretrain: string) =>
    trainConfigSchema.parse({
      ...{
        arch: "umcc",
        tag: `test_efficientnet.${pretrain}_F1_An_Lb_Z0`,
        data: [`utkface:${join(dir, "faces")}`],
      },
      ...{ imageSize: 32, epochs: 1, batch: 4, val: 0.3 },
    });

  it("refuses what parseTrainConfig does", async () => {
    const out = join(dir, "refused");
    await expect(train(config("r160_in1k"), { dir: out })).rejects.toMatchObject({ code: "PRETRAINED" });
    await expect(readFile(join(out, "config.json"))).rejects.toThrow("ENOENT");
  });

  it("continues a run of an earlier version, whose tag claims weights that were not there", async () => {
    const out = join(dir, "old");
    const first = await train(config("none"), { dir: out, threads: 1 });
    const { config: path } = runPaths(out);
    await writeFile(path, (await readFile(path, "utf8")).replace(".none_", ".r160_in1k_"));
    const old = await readRunConfig(out);
    expect(old).toEqual(config("r160_in1k"));
    const { pixels: _, ...typed } = old;
    const resumed = await configOfRun(out, typed, { resume: true, known: {} });
    expect(resumed).toEqual(old);
    expect((await train(resumed, { dir: out, resume: true })).best).toEqual(first.best);
    const fresh = configOfRun(join(dir, "new"), typed, { resume: true, known: {} });
    await expect(fresh).rejects.toMatchObject({ code: "PRETRAINED" });
  });
});
