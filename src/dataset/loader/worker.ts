// Thread of loaders: decodes, augments and resizes the pictures it is sent, and keeps decoded ones.
// Invariant: the bytes depend only on the file, the policy, the seed, the epoch and the sample's key.
import { parentPort } from "node:worker_threads";
import { Random } from "../../core/random.ts";
import { readBytesNow } from "../../machine/files.ts";
import { mapOrdered, serveWorker, type WorkerResult } from "../../machine/pool.ts";
import { baselineJpeg } from "../../pixels/fast/baseline.ts";
import { openPhoto } from "../../pixels/fast/open-photo.ts";
import type { Picture } from "../../pixels/fast/picture.ts";
import { Photo, Pictures, withPicture } from "../../pixels/fast/pictures.ts";
import { perturb } from "../../pixels/perturb.ts";
import type { Perturbation } from "../../pixels/perturbation.ts";
import type { RgbImage } from "../../pixels/pixels.ts";
import { type AugmentSetup, augmentationOf } from "./order.ts";
import { prepareInto } from "./prepare.ts";

/** How a loader's pictures are prepared. */
export interface WorkerSetup {
  readonly sizePx: number;
  readonly seed: number;
  readonly augment: AugmentSetup | undefined;
  /** Done to each picture as decoded; the same in every epoch. */
  readonly perturb?: Perturbation | undefined;
  /** Bytes of decoded pictures that this thread may keep. */
  readonly cacheBytes: number;
}

/** Pictures of one batch that this thread prepares. */
export interface WorkerRequest {
  readonly epoch: number;
  readonly items: readonly { readonly key: string; readonly path: string }[];
  /** RGB u8, [items, sizePx, sizePx, 3], where they are written: in memory that both threads see, as copies on the way cost more. */
  readonly out: Uint8Array;
}

/** A request of one of the loaders that share the thread; without one the loader is closed, and its memory freed. */
export interface LoaderOrder {
  /** Its number, from 0. */
  readonly loader: number;
  readonly setup: WorkerSetup;
  readonly request?: WorkerRequest | undefined;
}

/** Files that one thread has open at once. */
const DECODING = 3;

if (parentPort !== null) serveWorker<LoaderOrder, void>(parentPort, serving(new Pictures()));

/** The thread's work, for loaders that come and go. */
export function serving(pictures: Pictures): (order: LoaderOrder) => Promise<WorkerResult<void>> {
  const loaders = new Map<number, ReturnType<typeof preparer>>();
  return async ({ loader, setup, request }) => {
    if (request === undefined) loaders.delete(loader);
    else {
      const prepare = loaders.get(loader) ?? preparer(setup, pictures);
      loaders.set(loader, prepare);
      await prepare(request);
    }
    return { value: undefined };
  };
}

/**
 * The work for one loader: pictures of a request, one after another.
 *
 * @param pictures - their memory; other requests use it too
 * @returns function that fills a request's `out`
 */
export function preparer(setup: WorkerSetup, pictures: Pictures): (request: WorkerRequest) => Promise<void> {
  const { sizePx } = setup;
  const cache = cachingDecoder(setup, pictures);
  return async ({ epoch, items, out }) => {
    const stride = sizePx * sizePx * 3;
    let at = 0;
    for await (const { item, source } of mapOrdered(items, DECODING, cache.open)) {
      const { key, path } = item;
      const drawn = augmentationOf(setup, epoch, key);
      const place = out.subarray(at, at + stride);
      // Nothing is awaited between decoding and the block, as other requests decode in the same memory.
      const photo =
        source instanceof Uint8Array
          ? (pictures.plainJpeg(source) ?? (await openPhoto(pictures, source, { name: path })))
          : source;
      if (photo instanceof Photo) {
        withPicture(photo, (picture) => {
          prepareInto(picture, setup, drawn, place);
          cache.keep(key, picture, place);
        });
      } else place.set(photo.data);
      at += stride;
    }
  };
}

/**
 * Caches pictures until the bound is reached, then none of the new ones: with every picture wanted once an
 * epoch in random order, dropping the least recent would lose most of them just before their turn.
 * Without augmentation the resized picture is cached, otherwise the whole one, since upstream resizes last.
 */
function cachingDecoder(setup: WorkerSetup, pictures: Pictures) {
  const { sizePx, augment: policy, seed, perturb: how, cacheBytes } = setup;
  const cached = new Map<string, RgbImage>();
  let bytes = 0;
  const perturbed = async (file: Uint8Array, item: Item, change: Perturbation): Promise<Photo> => {
    const photo = await openPhoto(pictures, file, { name: item.path });
    const own = withPicture(photo, (picture) => picture.copy());
    return pictures.photo(await perturb(own, change, Random.of(seed).split("perturb", item.key)));
  };
  return {
    /** Several at once: files that sharp has to decode, in threads of its own. Plain ones are decoded when it is their turn. */
    async open(item: Item): Promise<Opened> {
      const known = cached.get(item.key);
      if (known !== undefined) return { item, source: policy === undefined ? known : pictures.photo(known) };
      const file = readBytesNow(item.path, "an image");
      if (how !== undefined) return { item, source: await perturbed(file, item, how) };
      if (baselineJpeg(file) !== undefined) return { item, source: file };
      return { item, source: await openPhoto(pictures, file, { name: item.path }) };
    },
    /** Caches a picture for later epochs, if there is room. */
    keep(key: string, picture: Picture, made: Uint8Array): void {
      const size = policy === undefined ? made.length : picture.width * picture.height * 3;
      if (cached.has(key) || bytes + size > cacheBytes) return;
      cached.set(
        key,
        policy === undefined ? { width: sizePx, height: sizePx, data: made.slice() } : picture.copy(),
      );
      bytes += size;
    },
  };
}

type Item = WorkerRequest["items"][number];

/** A photo, one that is ready as it is, or the file of a plain JPEG. */
interface Opened {
  readonly item: Item;
  readonly source: Photo | RgbImage | Uint8Array;
}
