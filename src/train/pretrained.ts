// What comes with pretrained weights of the hub: the normalisation that they expect, by the house's name for it.
import { unexpected } from "../core/errors.ts";
import type { Pretrained } from "../models/hub.ts";
import { PIXELS, pixelsNamed } from "./config.ts";

/**
 * The normalisation of pretrained weights, by name.
 *
 * @throws AppError("input", "PIXELS") if it is none of PIXELS
 * @example pixelsOf(await fetchPretrained("mobilenetv2_100.ra_in1k")) // "imagenet"
 */
export function pixelsOf({ name, config }: Pick<Pretrained, "name" | "config">): keyof typeof PIXELS {
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
