// `facehand model list`: the networks that a tag can name, how large they are, and which of timm's weights are known.
import type { Command } from "commander";
import { distance } from "fastest-levenshtein";
import { unexpected } from "../../core/errors.ts";
import { sizeOf } from "../../engine/graph.ts";
import { input } from "../../engine/ops.ts";
import { Declarations } from "../../engine/params.ts";
import { HUB_PREFIX, pixelsNamed } from "../../models/backbones/recipes.ts";
import { BACKBONE_NAMES, backbone } from "../../models/backbones/registry.ts";
import type { Backbone } from "../../models/model.ts";
import { alignColumns, count } from "../../report/figure-text.ts";
import { type Context, jsonOption, verb } from "../context.ts";

/** Up to this many networks are listed with each of their weights. */
const FEW = 3;
/** Side of the images where no weights name one, px. */
const SIZE_PX = 224;

interface Listed {
  readonly name: string;
  /** Without a head. */
  readonly parameters: number;
  /** Of the file: parameters and running statistics as float32. */
  readonly bytes: number;
  readonly features: number;
  readonly weights: readonly {
    readonly name: string;
    readonly sizePx: number;
    readonly pixels: string | null;
    readonly interpolation: string;
  }[];
}

/** `facehand model list`. */
export function listCommand({ print }: Context): Command {
  return verb("list", "list the networks that a tag can name, with parameters, size and published weights")
    .argument(
      "[pattern]",
      "part of a name, or a name with * for any characters, e.g. resnet, 'tf_efficientnetv2_*'",
    )
    .addOption(jsonOption())
    .action((pattern: string | undefined, { json }: { readonly json?: boolean | undefined }) => {
      const found = matching(pattern).map((name) => listed(backbone(name)));
      print(json === true ? JSON.stringify(found, null, 2) : formatList(found));
    });
}

/** Names that a pattern means; a whole name means itself alone. */
function matching(pattern: string | undefined): readonly string[] {
  if (pattern === undefined) return BACKBONE_NAMES;
  if (BACKBONE_NAMES.includes(pattern)) return [pattern];
  const parts = pattern.split("*").map((part) => part.replace(/[^A-Za-z0-9_]/g, "\\$&"));
  const test = new RegExp(parts.length === 1 ? parts[0]! : `^${parts.join(".*")}$`, "i");
  const found = BACKBONE_NAMES.filter((name) => test.test(name));
  if (found.length > 0) return found;
  const hint = [...BACKBONE_NAMES].sort((a, b) => distance(a, pattern) - distance(b, pattern))[0]!;
  throw unexpected("input", {
    code: "BACKBONE",
    expected: "part of a network's name",
    name: "the pattern",
    got: pattern,
    hint,
  });
}

function listed(network: Backbone): Listed {
  const weights = Object.entries(network.pretrained).map(([tag, recipe]) => ({
    name: `${network.name}.${tag}`,
    sizePx: recipe.sizePx,
    pixels: pixelsNamed(recipe) ?? null,
    interpolation: recipe.interpolation,
  }));
  const scope = new Declarations({ mode: "eval" });
  const sizePx = weights[0]?.sizePx ?? SIZE_PX;
  network.build(scope, "", input("pixels", [1, 3, sizePx, sizePx]));
  const values = (kind?: "parameter") =>
    [...scope.specs.values()]
      .filter((spec) => kind === undefined || spec.kind === kind)
      .reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  return {
    name: network.name,
    parameters: values("parameter"),
    bytes: values() * 4,
    features: network.features,
    weights,
  };
}

function formatList(found: readonly Listed[]): string {
  const header = ["network", "parameters", "MB", "features", "weights", "e.g."];
  const rows = found.map(({ name, parameters, bytes, features, weights }) => [
    name,
    count(parameters),
    (bytes / 1e6).toFixed(1),
    String(features),
    String(weights.length),
    weights[0]?.name.slice(name.length + 1) ?? "-",
  ]);
  const some = found.some(({ weights }) => weights.length > 0);
  return [
    alignColumns([header, ...rows]),
    "",
    "parameters without a head; MB as float32; .none in a tag for random weights",
    ...(found.length <= FEW && some ? ["", ...weightLines(found)] : []),
    ...(found.length > FEW ? ["the name of a network as the pattern lists all of its weights"] : []),
  ].join("\n");
}

function weightLines(found: readonly Listed[]): string[] {
  const header = ["published weights", "px", "pixels", "resized"];
  const all = found.flatMap(({ weights }) => weights);
  const rows = all.map(({ name, sizePx, pixels, interpolation }) => [
    name,
    String(sizePx),
    pixels ?? "other",
    interpolation,
  ]);
  return [
    alignColumns([header, ...rows]),
    "",
    `use  facehand train --weights ${HUB_PREFIX}${all[0]!.name} ...`,
  ];
}
