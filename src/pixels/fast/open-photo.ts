// Files of any kind as photos.
// Source: ../image.ts where the SIMD code does not read a file. Invariant: the pixels and refusals of `decodeImage`.
import { decodeImage } from "../image.ts";
import type { DecodeOptions } from "../picture-file.ts";
import type { Photo, Pictures } from "./pictures.ts";

/**
 * A photo from a whole file: a plain JPEG is decoded here, and again only where another photo of the same owner came between.
 *
 * @param bytes - must not be written to as long as the photo is used
 * @throws AppError as `decodeImage` does
 * @example withPicture(await openPhoto(pictures, bytes, { name: path }), (picture) => picture.copy())
 */
export async function openPhoto(
  pictures: Pictures,
  bytes: Uint8Array,
  options: DecodeOptions = {},
): Promise<Photo> {
  const plain = options.maxPixels === undefined ? pictures.plainJpeg(bytes) : undefined;
  return plain ?? pictures.photo(await decodeImage(bytes, options));
}
