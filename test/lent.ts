// What tests share to run a block on plain pixels as on a photo.
import type { Block } from "../src/pixels/fast/picture.ts";
import { Pictures, withPicture } from "../src/pixels/fast/pictures.ts";
import type { RgbImage } from "../src/pixels/pixels.ts";

const pictures = new Pictures();
const plain = new Pictures({ simd: false });

/** `withPicture` of pixels, by the SIMD code. */
export const withSimd = <R>(image: RgbImage, work: Block<R>): R => withPicture(pictures.photo(image), work);

/** The same by the plain code. */
export const withPlain = <R>(image: RgbImage, work: Block<R>): R => withPicture(plain.photo(image), work);
