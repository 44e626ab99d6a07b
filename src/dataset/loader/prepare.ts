// ◇ Browser-safe. One picture of a batch, wherever it is prepared: augmented, resized, and changed by RandAugment at the model's size.
// Invariant: bytes follow from the picture, the policy and what was drawn.
import { augmentInto } from "../../pixels/fast/augment.ts";
import type { Picture } from "../../pixels/fast/picture.ts";
import type { RgbImage } from "../../pixels/pixels.ts";
import type { AugmentSetup, DrawnAugmentation } from "./order.ts";
import { applyRandOp } from "./rand-augment.ts";

/**
 * Writes a picture as the model gets it.
 *
 * @param drawn - undefined for the picture as it is
 * @param out - RGB u8, [sizePx, sizePx, 3]
 */
export function prepareInto(
  picture: Picture,
  { sizePx, augment }: { readonly sizePx: number; readonly augment: AugmentSetup | undefined },
  drawn: DrawnAugmentation | undefined,
  out: Uint8Array,
): void {
  augmentInto(picture, drawn, sizePx, out);
  if (drawn === undefined || drawn.ops.length === 0) return;
  const fill = augment!.rand!.fill;
  const small: RgbImage = { width: sizePx, height: sizePx, data: out };
  out.set(drawn.ops.reduce((image, op) => applyRandOp(image, op, fill), small).data);
}
