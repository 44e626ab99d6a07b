// How far a crop is from what a square of its frame shows: whether that square is the one that was cut.
import { readFile } from "node:fs/promises";
import { turnedCrop } from "../src/find/crops.ts";
import type { TurnedSquare } from "../src/find/hand-square.ts";
import type { Picture } from "../src/pixels/fast/picture.ts";
import { Pictures, withPicture } from "../src/pixels/fast/pictures.ts";
import { decodeImage, encodeJpeg } from "../src/pixels/image.ts";

/** As derivations write crops. */
const JPEG = { quality: 95 };

/** Cuts a square of a picture. */
export type Cut = (picture: Picture, square: TurnedSquare, sizePx: number) => Picture;

/** Upright squares of whole px, as `--hand-crop box` cuts them. */
export const uprightCut: Cut = (picture, { centre, sidePx }, sizePx) => {
  const [left, top] = [centre.x - sidePx / 2, centre.y - sidePx / 2];
  const part = { left, top, right: left + sidePx - 1, bottom: top + sidePx - 1 };
  return picture.part(part).resized(sizePx, sizePx);
};

/**
 * Mean difference in levels between a crop and the same square cut and written again. Of drawn people at 300 px it is under .5,
 * as squares are rounded to hundredths of a px; with the square a pixel beside its place it is over 3.
 *
 * @param frame - path; turned by EXIF
 * @param crop - path
 */
export async function differenceFrom(
  frame: string,
  square: TurnedSquare,
  crop: string,
  cut: Cut = turnedCrop,
): Promise<number> {
  const photo = new Pictures().photo(await decodeImage(await readFile(frame)));
  const { data, width } = await decodeImage(await readFile(crop));
  const again = withPicture(photo, (picture) => cut(picture, square, width).copy());
  const written = await decodeImage(await encodeJpeg(again, JPEG));
  let sum = 0;
  for (let i = 0; i < data.length; i++) sum += Math.abs(written.data[i]! - data[i]!);
  return sum / data.length;
}
