// ◇ Browser-safe. Pixel recipes of timm's pretrained weights, put together from few parts, and the names of their
// normalisations. Source: timm's default_cfgs (mean, std, interpolation, input_size), data/constants.py.
import type { PixelRecipe } from "../model.ts";

/** What `train --weights` takes in place of a path. */
export const HUB_PREFIX = "timm:";

/** By timm's tag. */
export type Recipes = Readonly<Record<string, PixelRecipe>>;

/** Normalisations of pixels in 0..1 by name: as they are, ImageNet's statistics, or -1 to 1. */
export const PIXELS = {
  raw: { mean: [0, 0, 0], std: [1, 1, 1] },
  imagenet: { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
  inception: { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] },
} as const;
export type PixelsName = keyof typeof PIXELS;
export const PIXELS_NAMES = ["raw", "imagenet", "inception"] as const satisfies readonly PixelsName[];

/** The name of a normalisation, or undefined if it is none of those above. */
export function pixelsNamed(recipe: {
  readonly mean: readonly number[];
  readonly std: readonly number[];
}): PixelsName | undefined {
  const same = (a: readonly number[], b: readonly number[]) => a.every((v, i) => Math.abs(v - b[i]!) < 1e-6);
  return PIXELS_NAMES.find((key) => same(PIXELS[key].mean, recipe.mean) && same(PIXELS[key].std, recipe.std));
}

/** A recipe from the name of its normalisation. */
export function recipe(
  norm: PixelsName,
  sizePx: number,
  interpolation: "bicubic" | "bilinear" = "bicubic",
): PixelRecipe {
  return { ...PIXELS[norm], interpolation, sizePx };
}

/** The same recipe for several tags. */
export function recipes(tags: readonly string[], shared: PixelRecipe): Recipes {
  return Object.fromEntries(tags.map((tag) => [tag, shared]));
}
