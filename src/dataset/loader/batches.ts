// Batches of labelled pictures for training and evaluation, prepared in threads ahead of the consumer.
// Invariant: a batch's bytes depend only on the samples, the options that name them, the seed and the epoch:
// not on the number of threads, on timing, or on which batches were asked for before.
// Source: torch's DataLoader (shuffle, drop_last); upstream's transforms (flip, jitter, rotation, resize).
import { existsSync } from "node:fs";
import { missingFile, unexpected } from "../../core/errors.ts";
import type { Sample } from "../../core/words.ts";
import { mapOrdered } from "../../machine/pool.ts";
import type { Perturbation } from "../../pixels/perturbation.ts";
import {
  type AugmentSetup,
  type Batch,
  type Batches,
  batchCount,
  epochOrder,
  labelled,
  sampleKey,
} from "./order.ts";
import { type LoaderPart, LoaderThreads } from "./threads.ts";
import type { WorkerSetup } from "./worker.ts";

export interface BatchOptions {
  readonly samples: readonly Sample[];
  readonly batchSize: number;
  /** Side of the square pictures, px. */
  readonly sizePx: number;
  /** A new order each epoch; otherwise the order of `samples`. */
  readonly shuffle: boolean;
  /** Leave out a last batch that is not full, as torch's drop_last. */
  readonly dropLast: boolean;
  readonly augment: AugmentSetup | undefined;
  /** Done to each picture as decoded, before any augmentation; the same in every epoch. */
  readonly perturb?: Perturbation | undefined;
  readonly seed: number;
  /** Number of threads, >= 1; or those that it shares with other loaders, which their owner closes. */
  readonly workers: number | LoaderThreads;
  /** Batches prepared beyond the one in use, >= 0; bounds the memory. */
  readonly prefetch: number;
  /** Bytes of decoded pictures that are cached for later epochs, over all threads; default 1 GiB. */
  readonly cacheBytes?: number | undefined;
}

/** Default size of the cache of decoded pictures. */
export const CACHE_BYTES = 2 ** 30;

/**
 * Start threads, if it has none, and check what can be checked before the first batch.
 *
 * @param options - samples and how to batch them; no option has a hidden effect on the bytes
 * @returns epochs of batches; close it when done
 * @throws AppError("data", "SAMPLE_DUPLICATE" | "FILE_MISSING"), AppError("input", "TOO_FEW_SAMPLES");
 *   while iterating, whatever `decodeImage` throws, naming the sample's path
 * @example for await (const batch of batches.epoch(0)) await step(batch)
 */
export function openBatches(options: BatchOptions): Batches {
  const { samples, batchSize, dropLast, prefetch } = options;
  checkSamples(samples);
  const batchesPerEpoch = batchCount(samples.length, batchSize, dropLast);
  const own = typeof options.workers === "number" ? new LoaderThreads(options.workers) : undefined;
  const threads = own ?? (options.workers as LoaderThreads);
  const part = threads.open(setupOf(options, threads.count));
  return {
    batchesPerEpoch,
    async *epoch(n, { startBatch = 0, needed = () => true } = {}) {
      const order = epochOrder(samples.length, n, options.shuffle ? options.seed : undefined);
      const indices = Array.from(
        { length: Math.max(0, batchesPerEpoch - startBatch) },
        (_, k) => startBatch + k,
      );
      yield* mapOrdered(indices, prefetch + 1, async (index) => {
        const members = order.slice(index * batchSize, (index + 1) * batchSize);
        const chosen = members.map((member) => samples[member]!);
        return needed(chosen)
          ? assemble(options, { ...part, threads: threads.count }, n, index, members)
          : labelled(index, chosen, new Uint8Array(0));
      });
    },
    async close() {
      await part.close();
      await own?.close();
    },
  };
}

function setupOf(
  { sizePx, seed, augment, perturb, cacheBytes = CACHE_BYTES }: BatchOptions,
  threads: number,
): WorkerSetup {
  return { sizePx, seed, augment, perturb, cacheBytes: Math.floor(cacheBytes / threads) };
}

/** Sends each thread its part of the batch and puts the pictures into the batch's order. */
async function assemble(
  { samples, sizePx }: BatchOptions,
  { prepare, threads }: Pick<LoaderPart, "prepare"> & { readonly threads: number },
  epoch: number,
  index: number,
  members: readonly number[],
): Promise<Batch> {
  const chosen = members.map((member) => samples[member]!);
  const stride = sizePx * sizePx * 3;
  const images = new Uint8Array(members.length * stride); // [N, sizePx, sizePx, 3]
  await Promise.all(
    Array.from({ length: threads }, async (_, t) => {
      // A sample always goes to the same thread, which may still have its picture.
      const places = members.flatMap((member, place) => (member % threads === t ? [place] : []));
      if (places.length === 0) return;
      const items = places.map((place) => ({ key: sampleKey(chosen[place]!), path: chosen[place]!.path }));
      await prepare(t, { epoch, items }, (pictures) => {
        places.forEach((place, k) => {
          images.set(pictures.subarray(k * stride, (k + 1) * stride), place * stride);
        });
      });
    }),
  );
  return labelled(index, chosen, images);
}

function checkSamples(samples: readonly Sample[]): void {
  const seen = new Map<string, string>();
  for (const sample of samples) {
    const key = sampleKey(sample);
    const before = seen.get(key);
    if (before !== undefined) throw duplicate(key, before, sample.path);
    seen.set(key, sample.path);
    if (!existsSync(sample.path)) {
      throw missingFile(
        sample.path,
        `the image of sample ${key}`,
        "run `facehand data check` on the dataset",
      );
    }
  }
}

function duplicate(key: string, first: string, second: string) {
  return unexpected("data", {
    code: "SAMPLE_DUPLICATE",
    expected: "each id once",
    name: "the samples' ids",
    got: key,
    where: `${first} and ${second}`,
    hint: "name each --data source once, and remove rows that repeat an id",
  });
}
