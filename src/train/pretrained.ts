// ◇ Browser-safe. Pretrained weights and what goes with them: a tag states truly whether and on what a backbone was pretrained, and pixels
// and padding are those that its weights were trained with.
// Invariant: nothing is guessed. What neither timm's table (models/backbones/recipes) nor the hub states has to be given.
import { unexpected } from "../core/errors.ts";
import { HUB_PREFIX, PIXELS, type PixelsName, pixelsNamed } from "../models/backbones/recipes.ts";
import { backbone } from "../models/backbones/registry.ts";
import type { Pretrained } from "../models/files/hub.ts";
import { parseTag } from "../models/tags.ts";

/** The tag's word for a backbone without pretraining. */
export const NOT_PRETRAINED = "none";

interface Asked {
  readonly tag: string;
  readonly weights?: string | undefined;
}

/**
 * Refuses a tag that claims weights which are not there, and weights that it denies or names otherwise.
 *
 * @throws AppError("input", "PRETRAINED")
 * @example checkPretraining({ tag: "mobilenetv2_100.none_F1_Af_Lb_Z0" })
 */
export function checkPretraining({ tag, weights }: Asked): void {
  const { backbone: network, pretrain } = parseTag(tag);
  const named = `${network}.${pretrain}`;
  const refuse = (expected: string, name: string, got: unknown, hint: string) =>
    unexpected("input", { code: "PRETRAINED", expected, name, got, hint });
  if (pretrain === NOT_PRETRAINED) {
    if (weights === undefined) return;
    const tags = Object.keys(backbone(network).pretrained).map((each) => `${network}.${each}`);
    const hint = `name them in the tag, e.g. ${tags[0] ?? `${network}.in1k`}_F1_..., or leave --weights out for random ones`;
    throw refuse("a tag that says what the weights were trained on", "--tag with --weights", tag, hint);
  }
  if (weights === undefined) {
    const hint = `--weights ${HUB_PREFIX}${named} or a file of them; for random weights write ${network}.${NOT_PRETRAINED} in the tag`;
    throw refuse(`the pretrained weights that the tag names (${named})`, "--weights", undefined, hint);
  }
  if (!weights.startsWith(HUB_PREFIX) || weights === `${HUB_PREFIX}${named}`) return;
  const hint = `write ${weights.slice(HUB_PREFIX.length)} in the tag if these are meant`;
  throw refuse(`${HUB_PREFIX}${named}, as the tag says,`, "--weights", weights, hint);
}

/**
 * The normalisation of a run: the given one, or that of the weights if timm's are named.
 *
 * @param config - with the schema's default where none was given
 * @param isGiven - whether one was
 * @throws AppError("input", "PRETRAINED") as checkPretraining; ("input", "PIXELS" | "PADDING") for weights of which
 *   nothing is known and that are given without
 */
export function pixelsFor(
  config: Asked & { readonly pixels: PixelsName; readonly padding?: string | undefined },
  isGiven: boolean,
): PixelsName {
  checkPretraining(config);
  const { weights, padding, pixels, tag } = config;
  if (weights === undefined) return pixels;
  const { backbone: network, pretrain } = parseTag(tag);
  const named = `${network}.${pretrain}`;
  const { pretrained, padding: own } = backbone(network);
  const recipe = pretrained[pretrain];
  // The hub's names are timm's: its networks are built with their own padding.
  if (recipe === undefined && !weights.startsWith(HUB_PREFIX) && own !== undefined && padding === undefined)
    throw unknownOf(
      "PADDING",
      "--padding",
      "same or symmetric",
      named,
      "same if TensorFlow trained them, symmetric if PyTorch did",
    );
  if (isGiven) return pixels;
  if (recipe !== undefined) return pixelsOf({ name: named, config: recipe });
  const expected = Object.keys(PIXELS).join(", ");
  throw unknownOf("PIXELS", "--pixels", expected, named, "what they were trained with: see their source");
}

function unknownOf(code: string, flag: string, expected: string, named: string, hint: string) {
  const known = Object.keys(backbone(parseTag(`${named}_F0_An_Lb_Z0`).backbone).pretrained).join(", ");
  const more = known === "" ? "" : `; known are ${known}`;
  return unexpected("input", {
    code,
    expected,
    name: `${flag} of ${named}, which timm's table here does not know`,
    got: undefined,
    hint: `${hint}${more}`,
  });
}

/**
 * The normalisation of pretrained weights, by name.
 *
 * @throws AppError("input", "PIXELS") if it is none of PIXELS
 * @example pixelsOf(await fetchPretrained("mobilenetv2_100.ra_in1k")) // "imagenet"
 */
export function pixelsOf({
  name,
  config,
}: {
  readonly name: string;
  readonly config: Pick<Pretrained["config"], "mean" | "std">;
}): PixelsName {
  const named = pixelsNamed(config);
  if (named !== undefined) return named;
  const { mean, std } = config;
  throw unexpected("input", {
    code: "PIXELS",
    expected: `a mean and std of ${Object.keys(PIXELS).join(", ")}`,
    name: `the pixels of ${name}`,
    got: { mean, std },
    hint: "choose the nearest by --pixels",
  });
}
