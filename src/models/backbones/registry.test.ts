import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { input } from "../../engine/ops.ts";
import { Declarations } from "../../engine/params.ts";
import { freezeStages, type PixelRecipe, slowStages } from "../model.ts";
import { BACKBONE_NAMES, backbone } from "./registry.ts";

interface Facts {
  readonly features: number;
  readonly sha256: string;
  readonly tensors: number;
  readonly pretrained: Readonly<Record<string, PixelRecipe>>;
  readonly names?: readonly (readonly [string, readonly number[]])[];
}

const GOLDENS = new URL("../../../test/parity/goldens/models/", import.meta.url);
const read = (file: string) => JSON.parse(readFileSync(new URL(file, GOLDENS), "utf8"));

/** timm's values of each network: of most of them beside their gradients at an odd size. */
const GOLDEN: Readonly<Record<string, Facts>> = {
  ...read("names.json").backbones,
  ...Object.fromEntries(
    readdirSync(GOLDENS)
      .filter((file) => file.startsWith("odd-"))
      .map(read)
      .map((golden) => [golden.case.backbone, golden.network]),
  ),
};

function declare(name: string) {
  const scope = new Declarations({ mode: "train" });
  const features = backbone(name).build(scope, "", input("pixels", [2, 3, 64, 64]));
  return { features, specs: [...scope.specs.values()], scope };
}

describe("backbones", () => {
  it("are those that goldens speak of", () => {
    expect(BACKBONE_NAMES).toEqual(Object.keys(GOLDEN).sort());
  });

  it.each(Object.entries(GOLDEN))("%s declares timm's names and shapes, in order", (name, facts) => {
    const { features, specs } = declare(name);
    const rows = specs.map((spec) => [spec.name, [...spec.shape]]);
    if (facts.names !== undefined) expect(rows).toEqual(facts.names);
    expect(rows).toHaveLength(facts.tensors);
    const text = specs.map((spec) => `${spec.name} ${spec.shape.join("x")}\n`).join("");
    expect(createHash("sha256").update(text).digest("hex")).toBe(facts.sha256);
    expect(features.shape).toEqual([2, facts.features]);
    expect(backbone(name).features).toBe(facts.features);
    expect(backbone(name).pretrained).toEqual(facts.pretrained);
  });

  it.each(BACKBONE_NAMES)("every tensor of %s lies in exactly one stage", (name) => {
    const { stages } = backbone(name);
    const rules = stages.map((_, i) => freezeStages(backbone(name), i + 1));
    for (const { name: tensor } of declare(name).specs) {
      const first = rules.findIndex((rule) => rule(`backbone.${tensor}`));
      expect(stages[first]!.filter((part) => `${tensor}.`.startsWith(`${part}.`))).toHaveLength(1);
    }
  });

  it("are refused with the nearest name and the list", () => {
    expect(() => backbone("mobilenetv2_10")).toThrow(
      'Expected a known backbone for the backbone, got "mobilenetv2_10"',
    );
    try {
      backbone("tf_efficientnet_v2_s");
    } catch (error) {
      expect(error).toMatchObject({ kind: "input", code: "BACKBONE" });
      expect((error as { hint: string }).hint).toMatch(/^tf_efficientnetv2_s \(known: convnext_atto, /);
    }
  });
});

describe("freezeStages", () => {
  it("freezes whole stages and does not confuse blocks.1 with blocks.10", () => {
    const frozen = freezeStages({ ...backbone("mobilenetv2_100"), stages: [["blocks.1"], ["blocks.10"]] }, 1);
    expect(frozen("backbone.blocks.1.0.bn1")).toBe(true);
    expect(frozen("backbone.blocks.10.0.bn1")).toBe(false);
    expect(frozen("classifier.weight")).toBe(false);
  });

  it("freezes nothing at 0", () => {
    expect(freezeStages(backbone("mobilenetv2_100"), 0)("backbone.conv_stem.weight")).toBe(false);
  });
});

describe("slowStages", () => {
  it("counts from the heads to the input", () => {
    const rate = slowStages(backbone("resnet18"), 0.5);
    const names = ["conv1.weight", "bn1.bias", "layer1.0.conv1.weight", "layer4.1.bn2.weight"];
    expect(names.map((name) => rate(`backbone.${name}`))).toEqual([1 / 32, 1 / 32, 1 / 16, 1 / 2]);
    expect(rate("classifier.weight")).toBe(1);
  });
});
