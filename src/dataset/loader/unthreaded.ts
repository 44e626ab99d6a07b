// ◇ Browser-safe. Batches of pictures that are prepared where they are used, for pages, which have no threads of a loader: the next
// one while the caller works on the last.
// Invariant: the bytes are those of batches.ts, for the same samples, options, seed and epoch.
import type { Sample } from "../../core/words.ts";
import { Pictures, withPicture } from "../../pixels/fast/pictures.ts";
import type { RgbImage } from "../../pixels/pixels.ts";
import {
  type AugmentSetup,
  augmentationOf,
  type Batches,
  batchCount,
  epochOrder,
  labelled,
  sampleKey,
} from "./order.ts";
import { prepareInto } from "./prepare.ts";

/** Pictures and how to batch them; see BatchOptions of batches.ts. */
export interface UnthreadedOptions {
  readonly samples: readonly Sample[];
  readonly batchSize: number;
  readonly sizePx: number;
  readonly shuffle: boolean;
  readonly dropLast: boolean;
  readonly augment: AugmentSetup | undefined;
  readonly seed: number;
  /** A sample's picture, decoded; asked for again where it was not cached. */
  readonly open: (sample: Sample) => Promise<RgbImage>;
  /** Bytes of decoded pictures that are cached for later epochs; default 512 MiB, as a tab has less than a machine. */
  readonly cacheBytes?: number | undefined;
}

const CACHE_BYTES = 2 ** 29;

/**
 * Epochs of batches.
 *
 * @throws AppError("input", "TOO_FEW_SAMPLES"); while iterating what `open` throws
 * @example for await (const batch of unthreadedBatches(options).epoch(0)) await step(batch)
 */
export function unthreadedBatches(options: UnthreadedOptions): Pick<Batches, "batchesPerEpoch" | "epoch"> {
  const { samples, batchSize, dropLast, shuffle, seed } = options;
  const batchesPerEpoch = batchCount(samples.length, batchSize, dropLast);
  const prepare = preparer(options);
  return {
    batchesPerEpoch,
    async *epoch(n, { startBatch = 0, needed = () => true } = {}) {
      const order = epochOrder(samples.length, n, shuffle ? seed : undefined);
      const make = async (index: number) => {
        const members = order.slice(index * batchSize, (index + 1) * batchSize);
        const chosen = members.map((member) => samples[member]!);
        return labelled(index, chosen, needed(chosen) ? await prepare(n, chosen) : new Uint8Array(0));
      };
      let next = startBatch < batchesPerEpoch ? make(startBatch) : undefined;
      for (let index = startBatch; index < batchesPerEpoch; index++) {
        const batch = await next!;
        next = index + 1 < batchesPerEpoch ? make(index + 1) : undefined;
        next?.catch(() => undefined); // it is thrown when its turn comes
        yield batch;
      }
    },
  };
}

/** Caches until the bound is reached, then none of the new ones, and of what Node caches (worker.ts). */
function preparer({ sizePx, seed, augment, open, cacheBytes = CACHE_BYTES }: UnthreadedOptions) {
  const pictures = new Pictures();
  const cached = new Map<string, RgbImage>();
  let bytes = 0;
  const keep = (key: string, image: RgbImage) => {
    if (cached.has(key) || bytes + image.data.length > cacheBytes) return;
    cached.set(key, image);
    bytes += image.data.length;
  };
  const stride = sizePx * sizePx * 3;
  return async (epoch: number, chosen: readonly Sample[]) => {
    const images = new Uint8Array(chosen.length * stride); // [N, sizePx, sizePx, 3]
    for (const [i, sample] of chosen.entries()) {
      const key = sampleKey(sample);
      const place = images.subarray(i * stride, (i + 1) * stride);
      const known = cached.get(key);
      if (known !== undefined && augment === undefined) {
        place.set(known.data); // it was resized before
        continue;
      }
      const image = known ?? (await open(sample));
      withPicture(pictures.photo(image), (picture) =>
        prepareInto(picture, { sizePx, augment }, augmentationOf({ seed, augment }, epoch, key), place),
      );
      keep(key, augment === undefined ? { width: sizePx, height: sizePx, data: place.slice() } : image);
    }
    return images;
  };
}
