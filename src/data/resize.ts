// The resample of the house, decoding of frames and encoding of crops by the vectors' code where it runs: the same bytes,
// sooner.
// Source: simd.ts, which says when it stands back. Invariant: bit for bit `resizeBilinear`, `decodeImage`, `encodeJpeg`.
import { type DecodeOptions, decodeImage, encodeJpeg, type JpegOptions } from "./image.ts";
import { type RgbImage, resizeBilinear } from "./pixels.ts";
import { reduceByTwo } from "./reduce.ts";
import { openSimd, type SimdPictures } from "./simd.ts";
import type { Ground, Sampling } from "./simd-shapes.ts";

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
  return shrinkQuick(image, widthPx, heightPx, 0);
}

/**
 * `resizeBilinear` of a picture that `reduceByTwo` halved a few times before, sooner. What `decodeQuick` gave is halved before
 * its colours are made, which differs by a level here and there.
 *
 * @returns RGB u8, [heightPx, widthPx, 3], which lasts as long as `image`; `image` itself if it has that size already
 */
export function shrinkQuick(image: RgbImage, widthPx: number, heightPx: number, halvings: number): RgbImage {
  const { width, height } = image;
  if (width === widthPx && height === heightPx) return image;
  const kept = vectors()?.resizeKept(image, widthPx, heightPx, halvings);
  if (kept !== undefined) return kept;
  const quick = vectors()?.resize(image, widthPx, heightPx, halvings)?.slice();
  return { width: widthPx, height: heightPx, data: quick ?? shrinkPlain(image, widthPx, heightPx, halvings) };
}

function shrinkPlain(image: RgbImage, widthPx: number, heightPx: number, halvings: number) {
  let small = image;
  for (let k = 0; k < halvings; k++) small = reduceByTwo(small);
  return resizeBilinear(small, widthPx, heightPx).data;
}

/** Variance of the Laplacian of a picture's luma at another size, as derive/quality.ts has it; undefined without vectors. */
export function laplacianQuick(image: RgbImage, sizePx: number): number | undefined {
  return vectors()?.laplacianVariance(image, sizePx);
}

/**
 * Samples of a square after halvings, as dlib's chips are sampled; see `SimdPictures.sample`.
 *
 * @returns RGB u8, [sizePx, sizePx, 3], which lasts as long as `image`; undefined where the plain code (derive/crops.ts) has
 *   to do it
 */
export function sampleQuick(image: RgbImage, how: Sampling): RgbImage | undefined {
  const kept = vectors()?.sampleKept(image, ...how);
  if (kept !== undefined) return kept;
  const samples = vectors()
    ?.sample(image, ...how)
    ?.slice();
  return samples && { width: how[3], height: how[3], data: samples };
}

/**
 * Planes of a picture on its ground, as derive/letterbox.ts has them.
 *
 * @param out - float32, [3, heightPx, widthPx], where they are written
 * @returns false without vectors
 */
export function floatsQuick(
  image: RgbImage,
  ground: Ground,
  scale: number,
  offset: number,
  out: Float32Array,
): boolean {
  const values = vectors()?.floats(image, ground, scale, offset);
  if (values !== undefined) out.set(values);
  return values !== undefined;
}

/**
 * `decodeImage` of a file's bytes, sooner where it is a plain JPEG. One picture at a time: its pixels last until the next
 * call in this thread.
 *
 * @throws AppError as `decodeImage` does
 * @example await decodeQuick(bytes, { name: path })
 */
export async function decodeQuick(bytes: Uint8Array, options: DecodeOptions = {}): Promise<RgbImage> {
  const image = options.maxPixels === undefined ? vectors()?.decode(bytes) : undefined;
  return image ?? decodeImage(bytes, options);
}

/**
 * `encodeJpeg`, in a quarter of the time where chroma is halved and both sides are an even number of blocks (8 px). The
 * file lasts until the next picture is worked on in this thread.
 *
 * @example await encodeQuick(crop, { quality: 95, chroma: "4:2:0" })
 */
export async function encodeQuick(image: RgbImage, options: JpegOptions = {}): Promise<Uint8Array> {
  const { quality = 90, chroma = "4:2:0" } = options;
  const file = chroma === "4:2:0" ? vectors()?.encode(image, quality) : undefined;
  return file ?? encodeJpeg(image, options);
}
