// ◇ Browser-safe. Photos that are given where crops are expected: a model that was trained on crops gives an output for
// them too, which means nothing. Source: our own; thresholds by `derive`'s crops of the real frames beside a checkout,
// and these frames themselves.
// Invariant: the result is a doubt with its reason, not a refusal: crops of other programs may differ.

import type { Modality } from "../core/words.ts";
import type { PhotoLike } from "../pixels/fast/pictures.ts";
import type { Finder } from "./find.ts";

/** Sides that differ by more are no square's. */
const SQUARE = 1.02;
/**
 * A face whose chip would be less of the picture than this, where no hand's crop is more than MIN_HAND_SHARE of it, is one in
 * a photo: of the real frames 129 of 130, of the same squeezed to squares of 300 px 103 (in the others no face is found),
 * of 260 crops derived of them none. A hand alone is no sign: in face chips and crops of hands small ones are found.
 */
const MIN_FACE_SHARE = 0.3;
const MIN_HAND_SHARE = 0.4;
/** Nothing is found in smaller pictures. */
const MIN_SIDE_PX = 96;

/**
 * Why a picture seems to be a photo rather than a crop.
 *
 * @param open - gives a finder of faces and hands; asked only for pictures in which something can be found
 * @param mayBeOblong - true for models that were trained on pictures as they are, such as those of 11K Hands
 * @returns undefined for what may be a crop
 * @example await uncroppedReason(async () => finder, photo) // "its sides are 512 and 640 px, where crops are square"
 */
export async function uncroppedReason(
  open: () => Promise<Pick<Finder, "find">>,
  image: PhotoLike,
  mayBeOblong = false,
): Promise<string | undefined> {
  const { width, height } = image;
  const [short, long] = [Math.min(width, height), Math.max(width, height)];
  const oblong = long / short > SQUARE && !mayBeOblong;
  const face = short < MIN_SIDE_PX ? undefined : await smallFace(await open(), image);
  const small =
    face === undefined
      ? undefined
      : `a crop of the face that is found in it would be ${(100 * face).toFixed(0)} % of it`;
  const reasons = [
    oblong ? `its sides are ${width} and ${height} px, where crops are square` : undefined,
    small,
  ];
  const found = reasons.filter((reason) => reason !== undefined);
  return found.length === 0 ? undefined : found.join("; ");
}

/** How much of the picture the crop of its face would be, if that makes it a photo: hands are sought only where it may. */
async function smallFace(finder: Pick<Finder, "find">, image: PhotoLike): Promise<number | undefined> {
  const shareOf = async (modality: Modality) => {
    const found = await finder.find(image, modality);
    return found && found.square.sidePx ** 2 / (image.width * image.height);
  };
  const face = await shareOf("face");
  if (face === undefined || face >= MIN_FACE_SHARE) return undefined;
  return ((await shareOf("hand")) ?? 0) >= MIN_HAND_SHARE ? undefined : face;
}
