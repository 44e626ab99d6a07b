// ◇ Browser-safe. Tags name a configuration: `<backbone>.<pretrain>_F{0|1}_A{f|n}_L{b|f|w}_Z{n}[_gating={soft|hard}][_seed{n}]`.
// Source: upstream's README, "Tag naming convention".
// Invariants: formatTag(parseTag(t)) is t; backbone and pretrain may contain `_`, only pretrain may contain `.`.
import { type AppError, unexpected } from "../core/errors.ts";
import type { Loss } from "./losses.ts";
import { GATINGS, type Gating } from "./mag.ts";

/** f: flip, colour jitter and rotation; n: none. */
export const AUGMENTS = ["f", "n"] as const;
export type Augment = (typeof AUGMENTS)[number];

/** The parts of a tag. */
export interface Tag {
  readonly backbone: string;
  /** What the backbone was pretrained on, e.g. `in1k`. */
  readonly pretrain: string;
  /** F: the modality flag is an input (UMCC only). */
  readonly flag: boolean;
  readonly augment: Augment;
  readonly loss: Loss;
  /** Z: freezing policy, 0 for none. */
  readonly frozen: number;
  /** Present for MAG only. */
  readonly gating?: Gating | undefined;
  readonly seed?: number | undefined;
}

/** A tag's grammar, for people. */
export const TAG_GRAMMAR = `Tag: <backbone>.<pretrain>_F{0|1}_A{f|n}_L{b|f|w}_Z{0|1|2}[_gating={soft|hard}]
  backbone  the network, by timm's name: facehand model list
  pretrain  what its weights were trained on, by timm's name; none: random weights
  F         1: the modality is an input (UMCC only); 0: it is not
  A         augmentation: f full (flip, colours, rotation), n none
  L         loss: b binary cross-entropy, f focal, w weighted by class
  Z         frozen: 0 nothing, 1 the first half of the backbone's stages, 2 the whole backbone
  gating    required for MAG: soft mixes the two heads by weights, hard chooses one
  e.g. mobilenetv2_100.ra_in1k_F1_Af_Lb_Z0, or resnet18.none_F0_Af_Lf_Z0_gating=soft`;

const PARTS = {
  flag: { pattern: /^F([01])$/, expected: "F0 or F1" },
  augment: { pattern: /^A([fn])$/, expected: "Af or An" },
  loss: { pattern: /^L([bfw])$/, expected: "Lb, Lf or Lw" },
  // Without leading zeros, so that a tag has one spelling; nine digits are exact in a number.
  frozen: { pattern: /^Z(0|[1-9]\d{0,8})$/, expected: "Z and a number" },
  gating: { pattern: /^gating=(soft|hard)$/, expected: GATINGS.map((g) => `gating=${g}`).join(" or ") },
  seed: { pattern: /^seed(0|[1-9]\d{0,8})$/, expected: "seed and a number" },
} as const;

/**
 * Reads a tag.
 *
 * @param tag - e.g. `tf_efficientnetv2_s.in1k_F1_Af_Lf_Z0`
 * @throws AppError("input", "TAG") that names the part that is wrong
 * @example parseTag("mobilenetv2_100.ra_in1k_F0_An_Lb_Z0_gating=soft_seed42").seed // 42
 */
export function parseTag(tag: string): Tag {
  // The network's name ends where four parts F A L Z begin; they are searched from the right, as the name has `_` of its own.
  const tokens = tag.split("_");
  const seed = take(tokens, "seed");
  const gating = take(tokens, "gating");
  const [flag, augment, loss, frozen] = tokens.splice(Math.max(tokens.length - 4, 0));
  const network = tokens.join("_");
  const read = (part: keyof typeof PARTS, text: string | undefined) => {
    const value = PARTS[part].pattern.exec(text ?? "")?.[1];
    if (value === undefined) throw bad(tag, part, PARTS[part].expected, text);
    return value;
  };
  const parsed = {
    flag: read("flag", flag) === "1",
    augment: read("augment", augment) as Augment,
    loss: read("loss", loss) as Loss,
    frozen: Number(read("frozen", frozen)),
    gating: gating === undefined ? undefined : (read("gating", gating) as Gating),
    seed: seed === undefined ? undefined : Number(read("seed", seed)),
  };
  return { ...splitNetwork(tag, network), ...parsed };
}

/** Removes and returns the last token if it is the optional part. */
function take(tokens: string[], part: "seed" | "gating"): string | undefined {
  return tokens.at(-1)?.startsWith(part) ? tokens.pop() : undefined;
}

function splitNetwork(tag: string, network: string): { backbone: string; pretrain: string } {
  const [, backbone, pretrain] = /^([A-Za-z0-9_]+)\.([A-Za-z0-9_.]+)$/.exec(network) ?? [];
  if (backbone === undefined || pretrain === undefined) {
    throw bad(tag, "network", "<backbone>.<pretrain>, letters, digits and _", network);
  }
  return { backbone, pretrain };
}

function bad(tag: string, part: string, expected: string, got: string | undefined): AppError {
  return unexpected("input", {
    code: "TAG",
    expected,
    name: `part ${part} of tag ${tag}`,
    got: got === "" ? undefined : got,
    hint: "write <backbone>.<pretrain>_F#_A#_L#_Z#, then _gating=soft or hard for MAG, then _seed#",
  });
}

/**
 * Prints a tag; the inverse of parseTag.
 *
 * @throws AppError("input", "TAG") for values that a tag cannot hold
 */
export function formatTag(tag: Tag): string {
  const { backbone, pretrain, flag, augment, loss, frozen, gating, seed } = tag;
  const parts = [`${backbone}.${pretrain}`, `F${flag ? 1 : 0}`, `A${augment}`, `L${loss}`, `Z${frozen}`];
  if (gating !== undefined) parts.push(`gating=${gating}`);
  if (seed !== undefined) parts.push(`seed${seed}`);
  const text = parts.join("_");
  parseTag(text);
  return text;
}
