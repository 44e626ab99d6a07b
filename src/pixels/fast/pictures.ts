// ◇ Browser-safe. The owner of a memory for pictures, photos as plain values, and the block in which one is used.
// Source: our own. Invariants: a photo owns its bytes, so that it may be stored, passed on and used after an await;
// where its pixels lie is known to its owner alone, and they are reached inside `withPicture` only; whatever others do,
// a block finds its own photo.
import { AppError } from "../../core/errors.ts";
import { checkImage, type RgbImage } from "../pixels.ts";
import { decodedIn } from "./decode.ts";
import { fits, Lease } from "./lease.ts";
import { openMemory, Resident, type SimdMemory } from "./memory.ts";
import { type Block, Picture } from "./picture.ts";

type Source = RgbImage | Uint8Array;

/** A photo: pixels, or the file of a plain JPEG that is decoded where it is used. */
export class Photo {
  readonly width: number;
  readonly height: number;
  readonly #owner: Pictures;
  readonly #source: Source;

  /** By `Pictures` alone. */
  constructor(owner: Pictures, source: Source, { width, height }: Pick<RgbImage, "width" | "height">) {
    this.#owner = owner;
    this.#source = source;
    this.width = width;
    this.height = height;
  }

  /** `withPicture`. @internal */
  lend<R>(work: Block<R>): R {
    return this.#owner.lend(this, this.#source, work);
  }
}

/**
 * Runs a block on the picture of a photo.
 *
 * @param work - called at once; what it gives must own its bytes, and is no promise
 * @throws AppError("internal", "PICTURE_NESTED") inside another block of the same owner, AppError("internal",
 *   "PICTURE_RESULT") for a promise or a picture, and what `work` throws
 * @example withPicture(photo, (picture) => turnedCrop(picture, square, 300).copy())
 */
export function withPicture<R>(photo: Photo, work: Block<R>): R {
  return photo.lend(work);
}

export interface PicturesOptions {
  /** False for the plain code alone. */
  readonly simd?: boolean | undefined;
}

/** Owns a memory, which is opened when it is first needed; one photo at a time lies there. */
export class Pictures {
  readonly #simd: boolean;
  #opened: SimdMemory | undefined;
  #asked = false;
  /** What lies in the memory; several blocks in a row use it without putting it there again. */
  #resident: { readonly photo: Photo; readonly region: Resident } | undefined;
  #busy = false;

  constructor({ simd = true }: PicturesOptions = {}) {
    this.#simd = simd;
  }

  /**
   * A photo of pixels, which must not be written to as long as it is used.
   *
   * @throws AppError("input", "NOT_AN_IMAGE")
   */
  photo(image: RgbImage): Photo {
    checkImage(image);
    return new Photo(this, image, image);
  }

  /** A photo of the file of a plain JPEG, decoded by now; undefined for every other file, and where there is no SIMD. */
  plainJpeg(file: Uint8Array): Photo | undefined {
    const memory = this.#memory();
    if (memory === undefined) return undefined;
    this.#notBusy();
    this.#resident = undefined;
    const region = decodedIn(memory, file);
    if (region === undefined) return undefined;
    const photo = new Photo(this, file, region);
    this.#resident = { photo, region };
    return photo;
  }

  /** `withPicture`. @internal */
  lend<R>(photo: Photo, source: Source, work: Block<R>): R {
    this.#notBusy();
    const memory = this.#memory();
    const lease = new Lease(memory);
    const region = memory && this.#place(memory, photo, source);
    this.#busy = true;
    try {
      const picture =
        memory === undefined || region === undefined
          ? lease.plain(source as RgbImage)
          : lease.lendRegion(memory, region);
      return checked(work(picture) as R);
    } finally {
      this.#busy = false;
      lease.end();
      region?.clear();
    }
  }

  /** The photo in the memory; undefined if it is too large for it. */
  #place(memory: SimdMemory, photo: Photo, source: Source): Resident | undefined {
    if (this.#resident?.photo === photo) return this.#resident.region;
    this.#resident = undefined;
    memory.free = memory.start;
    const region = source instanceof Uint8Array ? decodedIn(memory, source) : residentPixels(memory, source);
    if (region !== undefined) this.#resident = { photo, region };
    else if (source instanceof Uint8Array) throw new AppError("internal", "PHOTO_CHANGED", CHANGED);
    return region;
  }

  #memory(): SimdMemory | undefined {
    if (!this.#asked) this.#opened = this.#simd ? openMemory() : undefined;
    this.#asked = true;
    return this.#opened;
  }

  #notBusy(): void {
    if (this.#busy) throw new AppError("internal", "PICTURE_NESTED", NESTED);
  }
}

const NESTED = "A block of `withPicture` asked for another photo of the same owner";
const CHANGED = "The file of a photo was written to after it was decoded";

function residentPixels(memory: SimdMemory, image: RgbImage): Resident | undefined {
  if (!fits(image)) return undefined;
  memory.put(image);
  return new Resident(memory, image, false);
}

/** For what types do not refuse: a promise would continue when the picture is gone. */
function checked<R>(result: R): R {
  const then = (result as PromiseLike<unknown> | null | undefined)?.then;
  if (typeof then !== "function" && !(result instanceof Picture)) return result;
  if (result instanceof Promise) result.catch(() => undefined); // its own fault is reported here
  const got = typeof then === "function" ? "a promise" : "the picture";
  throw new AppError(
    "internal",
    "PICTURE_RESULT",
    `A block of \`withPicture\` gave ${got}, not what owns its bytes`,
  );
}

/** What a block can run on: a photo, or plain pixels. */
export type PhotoLike = Photo | RgbImage;

/**
 * A photo of either.
 *
 * @param pictures - whose photo plain pixels become
 * @throws AppError("input", "NOT_AN_IMAGE")
 */
export function photoOf(pictures: Pictures, image: PhotoLike): Photo {
  return image instanceof Photo ? image : pictures.photo(image);
}
