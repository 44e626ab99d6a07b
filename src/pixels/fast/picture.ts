// ◇ Browser-safe. A picture that is lent: its pixels may lie in memory that the next picture takes.
// Source: our own. Invariants: it is no `RgbImage` and holds no bytes that can be taken from it; it works until the block ends
// that it was lent to (pictures.ts); what it gives besides other lent pictures owns its bytes.
import { AppError } from "../../core/errors.ts";
import type { RgbImage } from "../pixels.ts";
import type { Region, SimdMemory } from "./memory.ts";
import type { Ground, Part, Sampling } from "./shapes.ts";

/** What `withPicture` hands to its block; named, so that nothing else passes for it. */
export abstract class Picture {
  protected abstract readonly lent: true;
  abstract readonly width: number;
  abstract readonly height: number;

  /**
   * All of it, with bytes of its own.
   *
   * @param out - where they are written, at least three a pixel; new if left out
   */
  abstract copy(out?: Uint8Array): RgbImage;

  /**
   * Resized as `resizeBilinear` does, after `halvings` by `reduceByTwo`; a decoded file is halved before its colours are made,
   * which comes to the same but for rounding.
   */
  abstract resized(widthPx: number, heightPx: number, halvings?: number): Picture;

  /** Samples of a square, after halving a part of the picture as dlib's pyramid does: `samplePlain` (../chip.ts). */
  abstract sampled(...how: Sampling): Picture;

  /** Whole pixels of a rectangle, black outside the picture: `cropPlain` (../chip.ts). */
  abstract part(part: Part): Picture;

  /**
   * Planes of the picture on its ground, value * scale + offset: `planesPlain` (../planes.ts).
   *
   * @param out - float32, [3, heightPx, widthPx], where they are written
   */
  abstract planes(ground: Ground, scale: number, offset: number, out: Float32Array): void;

  /** Work of other modules on the pixels where they lie, so that who loads pictures does not load all that is done with them. @internal */
  abstract worked<R>(work: Work<R>): R;
}

/** Work on a picture, in a memory or in plain code with the same result, which owns its bytes. @internal */
export interface Work<R> {
  readonly inMemory: (memory: SimdMemory, region: Region) => R;
  readonly plain: (image: RgbImage) => R;
}

/** What a block may give: neither a promise, whose work would come when the picture is gone, nor the picture. */
export type Owned<R> = R extends PromiseLike<unknown> | Picture ? never : R;

/** What is done with a picture, at once. */
export type Block<R> = (picture: Picture) => Owned<R>;

/** What lends pictures (lease.ts), as they see it. */
export interface Lender {
  /** @throws AppError("internal", "PICTURE_ENDED") when the block has ended */
  check(): void;
  /** A picture that was made in the block; it is put into the memory where there is room. */
  lend(image: RgbImage): Picture;
  /** One that is too large for the memory, or becomes so. */
  plain(image: RgbImage): Picture;
  /** One that lies in the memory. */
  lendRegion(memory: SimdMemory, region: Region): Picture;
}

/** A picture was used when its block had ended. */
export function ended(): AppError {
  return new AppError("internal", "PICTURE_ENDED", "A picture of `withPicture` was used after its block");
}

/** `Picture.copy` of bytes. */
export function copied(bytes: RgbImage["data"], out: Uint8Array | undefined): RgbImage["data"] {
  if (out === undefined) return bytes.slice();
  out.set(bytes);
  return out.subarray(0, bytes.length);
}
