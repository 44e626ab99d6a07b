// Pixel recipes of timm's pretrained weights, put together from few parts.
// Source: timm's default_cfgs (mean, std, interpolation, input_size), data/constants.py.
import type { PixelRecipe } from "./model.ts";

/** By timm's tag. */
export type Recipes = Readonly<Record<string, PixelRecipe>>;

/** Norms of pixels: ImageNet's statistics, -1 to 1 ("inception"), or 0 to 1 as they are. */
const NORMS = {
  imagenet: { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
  half: { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] },
  raw: { mean: [0, 0, 0], std: [1, 1, 1] },
} as const;

/** A recipe from the name of its normalisation. */
export function recipe(
  norm: keyof typeof NORMS,
  sizePx: number,
  interpolation: "bicubic" | "bilinear" = "bicubic",
): PixelRecipe {
  return { ...NORMS[norm], interpolation, sizePx };
}

/** The same recipe for several tags. */
export function recipes(tags: readonly string[], shared: PixelRecipe): Recipes {
  return Object.fromEntries(tags.map((tag) => [tag, shared]));
}
