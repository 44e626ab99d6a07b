// What a run's configuration may differ in from others, as short texts: for the names that tell runs apart.
// Invariant: no place of this machine: of sources and weights the name alone.
import { basename } from "node:path";
import { parseTag } from "../models/tags.ts";
import type { TrainConfig } from "./config.ts";

/**
 * Every setting with its value, those of the tag by their letters.
 *
 * @example axesOf(await readRunConfig("runs/umcc"))["modality"] // "both"
 */
export function axesOf({
  arch,
  tag,
  data,
  modality,
  weights,
  ...settings
}: Omit<TrainConfig, "seed">): Record<string, string> {
  const { backbone, pretrain, flag, augment, loss, frozen, gating } = parseTag(tag);
  const lastName = (place: string) => basename(place.replaceAll("\\", "/"));
  return {
    data: data.map((source) => lastName(source.replace(/^\w+:/, ""))).join("+"),
    modality: modality ?? "both",
    backbone: `${backbone}.${pretrain}`,
    arch,
    F: arch === "umcc" ? String(Number(flag)) : "-",
    ...{ A: augment, L: loss, Z: String(frozen), gating: gating ?? "-" },
    ...(weights === undefined ? {} : { weights: lastName(weights) }),
    ...Object.fromEntries(Object.entries(settings).map(([key, value]) => [key, String(value)])),
  };
}
