// The resample of the house by the vectors' code where it runs, and the decoding of frames by it: the same bytes, sooner.
// Source: simd.ts, which says when it stands back. Invariant: bit for bit `resizeBilinear` and `decodeImage`.
import { type DecodeOptions, decodeImage } from "./image.ts";
import { type RgbImage, resizeBilinear } from "./pixels.ts";
import { openSimd, type SimdPictures } from "./simd.ts";

/** One memory a thread, opened by the first call; null where there are no vectors. */
let opened: SimdPictures | null | undefined;

function vectors(): SimdPictures | undefined {
  opened ??= openSimd() ?? null;
  return opened ?? undefined;
}

/**
 * `resizeBilinear` of a picture, sooner.
 *
 * @returns RGB u8, [heightPx, widthPx, 3]; `image` itself if it has that size already
 * @example resizeQuick(image, 192, 144)
 */
export function resizeQuick(image: RgbImage, widthPx: number, heightPx: number): RgbImage {
  const { width, height } = image;
  if (width === widthPx && height === heightPx) return image;
  const data = width * height === 0 ? undefined : vectors()?.resize(image, widthPx, heightPx)?.slice();
  return data === undefined
    ? resizeBilinear(image, widthPx, heightPx)
    : { width: widthPx, height: heightPx, data };
}

/**
 * `decodeImage` of a file's bytes, sooner where it is a plain JPEG.
 *
 * @throws AppError as `decodeImage` does
 * @example await decodeQuick(bytes, { name: path })
 */
export async function decodeQuick(bytes: Uint8Array, options: DecodeOptions = {}): Promise<RgbImage> {
  const image = options.maxPixels === undefined ? vectors()?.decode(bytes) : undefined;
  return image === undefined ? decodeImage(bytes, options) : { ...image, data: image.data.slice() };
}
