// The resample of the house, decoding of frames and encoding of crops by the vectors' code where it runs: the same bytes,
// sooner.
// Source: simd.ts, which says when it stands back. Invariant: bit for bit `resizeBilinear`, `decodeImage`, `encodeJpeg`.
import { lend } from "../../core/lend.ts";
import { type DecodeOptions, decodeImage, encodeJpeg, type JpegOptions } from "../image.ts";
import { checkImage, type RgbImage, resizeBilinear } from "../pixels.ts";
import { reduceByTwo } from "../reduce.ts";
import type { Ground, Sampling } from "./shapes.ts";
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
  return shrinkQuick(image, widthPx, heightPx, 0);
}

/**
 * `resizeBilinear` of a picture that `reduceByTwo` halved a few times before, sooner. A photo of `withPhoto` is halved before
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

/** Variance of the Laplacian of a picture's luma at another size, as pixels/quality.ts has it; undefined without vectors. */
export function laplacianQuick(image: RgbImage, sizePx: number): number | undefined {
  return vectors()?.laplacianVariance(image, sizePx);
}

/**
 * Samples of a square after halvings, as dlib's chips are sampled; see `SimdPictures.sample`.
 *
 * @returns RGB u8, [sizePx, sizePx, 3], which lasts as long as `image`; undefined where the plain code (find/crops.ts) has
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
 * Planes of a picture on its ground, as pixels/letterbox.ts has them.
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

/** One photo at a time in this thread. */
const inTurn = lend(["turn"]);

/** How a photo is read, and what becomes of a file that cannot be. */
export interface PhotoOptions<R> extends DecodeOptions {
  /** The result for a file that is no picture; default: the error is thrown. */
  readonly refused?: (error: unknown) => R;
}

/**
 * Work on a decoded photo, decoded faster where it is a plain JPEG. Its pixels, and crops and smaller pictures made of
 * it, lie in memory that the thread's next photo takes: they last until `work` ends, and a later look at one throws. So
 * other photos wait for their turn; `work` must not ask for another photo itself.
 *
 * @param bytes - a whole file
 * @param work - what is done; its result must own its bytes
 * @throws AppError as `decodeImage` does, and what `work` throws
 * @example await withPhoto(bytes, { name: path }, async (photo) => copyOf(turnedCrop(photo, square, 300)))
 */
export function withPhoto<R>(
  bytes: Uint8Array,
  options: PhotoOptions<R>,
  work: (photo: RgbImage) => Promise<R>,
): Promise<R> {
  const { refused, ...decoding } = options;
  return inTurn(async () => {
    let photo = options.maxPixels === undefined ? vectors()?.decode(bytes) : undefined;
    try {
      photo ??= await decodeImage(bytes, decoding);
    } catch (error) {
      if (refused === undefined) throw error;
      return refused(error);
    }
    try {
      return await work(photo);
    } finally {
      vectors()?.release();
    }
  });
}

/** Whether this is the photo of `withPhoto`, or was made of it and lasts as long. */
export function isLent(image: RgbImage): boolean {
  return vectors()?.has(image) === true;
}

/**
 * Refuses what is no picture; one of `withPhoto` is one, and its colours are made only where they are looked at.
 *
 * @throws AppError("input", "NOT_AN_IMAGE")
 */
export function checkPicture(image: RgbImage): void {
  if (!isLent(image)) checkImage(image);
}

/** A picture that owns its bytes. */
export function copyOf({ width, height, data }: RgbImage): RgbImage {
  return { width, height, data: data.slice() };
}

/**
 * `encodeJpeg`, in a quarter of the time where chroma is halved and both sides are an even number of blocks (8 px).
 *
 * @example await encodeQuick(crop, { quality: 95, chroma: "4:2:0" })
 */
export async function encodeQuick(image: RgbImage, options: JpegOptions = {}): Promise<Uint8Array> {
  const { quality = 90, chroma = "4:2:0" } = options;
  const file = chroma === "4:2:0" ? vectors()?.encode(image, quality)?.slice() : undefined;
  return file ?? encodeJpeg(copyOf(image), options); // sharp reads while this thread goes on
}
