// ◇ Browser-safe. Backbones by name.
// Invariant: names are timm's, so that a tag, a hub repository and a checkpoint mean the same network.
import { distance } from "fastest-levenshtein";
import { unexpected } from "../../core/errors.ts";
import type { Backbone } from "../model.ts";
import { CONVNEXTS } from "./convnext.ts";
import { EFFICIENTNETS } from "./efficientnet-variants.ts";
import { MOBILENETV3S } from "./mobilenetv3.ts";
import { RESNETS } from "./resnet.ts";
import { VITS } from "./vit.ts";

const FAMILIES: readonly (readonly Backbone[])[] = [EFFICIENTNETS, MOBILENETV3S, RESNETS, CONVNEXTS, VITS];

const BACKBONES: ReadonlyMap<string, Backbone> = new Map(FAMILIES.flat().map((b) => [b.name, b]));

/** Names of all backbones, sorted. */
export const BACKBONE_NAMES: readonly string[] = [...BACKBONES.keys()].sort();

/**
 * A backbone by timm's name, without a pretraining tag.
 *
 * @param name - e.g. `tf_efficientnetv2_s`
 * @throws AppError("input", "BACKBONE") with the nearest name and the list of all
 * @example backbone("mobilenetv2_100").features // 1280
 */
export function backbone(name: string): Backbone {
  const found = BACKBONES.get(name);
  if (found !== undefined) return found;
  throw unexpected("input", {
    code: "BACKBONE",
    expected: "a known backbone",
    name: "the backbone",
    got: name,
    hint: `${nearest(name)} (known: ${BACKBONE_NAMES.join(", ")})`,
  });
}

function nearest(name: string): string {
  return BACKBONE_NAMES.reduce((best, next) => (distance(name, next) < distance(name, best) ? next : best));
}
