// ◇ Browser-safe. What a batch is, and which samples it has: the order of an epoch follows from seed and epoch alone,
// wherever the pictures come from.
import { unexpected } from "../../core/errors.ts";
import { Random } from "../../core/random.ts";
import { MODALITIES, type Sample, sexIndex } from "../../core/words.ts";
import { type Augmentation, type AugmentPolicy, drawAugmentation } from "../../pixels/jitter.ts";
import { drawRandOps, type RandOp, type RandPolicy } from "./rand-augment.ts";

/** How pictures are changed at random: as decoded, then at the model's size. */
export interface AugmentSetup extends AugmentPolicy {
  readonly rand?: RandPolicy | undefined;
}

/** What was drawn for one picture. */
export interface DrawnAugmentation extends Augmentation {
  readonly ops: readonly RandOp[];
}

export interface Batch {
  /** Position in its epoch, from 0. */
  readonly index: number;
  /** RGB u8, [N, sizePx, sizePx, 3]; empty if not needed */
  readonly images: Uint8Array<ArrayBuffer>;
  /** 0 female, 1 male, [N] */
  readonly targets: Float32Array<ArrayBuffer>;
  /** Index into MODALITIES, [N] */
  readonly modality: Uint8Array<ArrayBuffer>;
  /** [N] */
  readonly samples: readonly Sample[];
}

export interface EpochOptions {
  readonly startBatch?: number | undefined;
  /** False if the pictures of these samples are not wanted: their batch has no bytes. Asked ahead of the consumer. */
  readonly needed?: ((samples: readonly Sample[]) => boolean) | undefined;
}

export interface Batches {
  readonly batchesPerEpoch: number;
  /**
   * The batches of one epoch, from `startBatch` on; leaving the loop early is fine.
   * @param n - epoch, from 0; decides order and augmentation
   */
  epoch(n: number, options?: EpochOptions): AsyncIterable<Batch>;
  /** Ends its own threads when batches under way are done; a second call does no harm. */
  close(): Promise<void>;
}

/**
 * Batches of one epoch; a last one that is not full is left out or counts.
 *
 * @throws AppError("input", "TOO_FEW_SAMPLES") if there is none
 */
export function batchCount(samples: number, batchSize: number, dropLast: boolean): number {
  const whole = samples / batchSize;
  const count = dropLast ? Math.floor(whole) : Math.ceil(whole);
  if (count > 0) return count;
  throw unexpected("input", {
    code: "TOO_FEW_SAMPLES",
    expected: `at least ${dropLast ? batchSize : 1} samples`,
    name: "one batch",
    got: samples,
    hint: "use a smaller --batch, or more data",
  });
}

/** Indices of samples in the order of an epoch; without a seed in their own. */
export function epochOrder(samples: number, epoch: number, seed: number | undefined): number[] {
  const indices = Array.from({ length: samples }, (_, index) => index);
  return seed === undefined ? indices : Random.of(seed).split("order", epoch).shuffle(indices);
}

/** A sample's key: ids are unique within a source only. */
export const sampleKey = ({ source, id }: Sample): string => `${source}/${id}`;

/** What one picture goes through in one epoch; undefined where training takes pictures as they are. @param key - of its sample */
export function augmentationOf(
  { seed, augment }: { readonly seed: number; readonly augment: AugmentSetup | undefined },
  epoch: number,
  key: string,
): DrawnAugmentation | undefined {
  if (augment === undefined) return undefined;
  const random = Random.of(seed).split("augment", epoch, key);
  const drawn = drawAugmentation(random, augment);
  return { ...drawn, ops: augment.rand === undefined ? [] : drawRandOps(random, augment.rand) };
}

/** A batch of chosen samples with what is recorded of them. @param images - empty if not needed */
export function labelled(index: number, chosen: readonly Sample[], images: Batch["images"]): Batch {
  return {
    index,
    images,
    targets: Float32Array.from(chosen, ({ sex }) => sexIndex(sex)),
    modality: Uint8Array.from(chosen, ({ modality }) => MODALITIES.indexOf(modality)),
    samples: chosen,
  };
}

/** Batches of samples whose pictures nobody needs, as their features are known: in the order that openBatches gives. */
export function knownBatches(options: {
  readonly samples: readonly Sample[];
  readonly batchSize: number;
  /** Of a new order each epoch; the order of `samples` if left out. */
  readonly seed?: number | undefined;
  readonly dropLast: boolean;
}): Pick<Batches, "batchesPerEpoch" | "epoch"> {
  const { samples, batchSize, seed, dropLast } = options;
  const batchesPerEpoch = batchCount(samples.length, batchSize, dropLast);
  return {
    batchesPerEpoch,
    async *epoch(n, { startBatch = 0 } = {}) {
      const order = epochOrder(samples.length, n, seed);
      for (let index = startBatch; index < batchesPerEpoch; index++) {
        const members = order.slice(index * batchSize, (index + 1) * batchSize);
        yield labelled(
          index,
          members.map((member) => samples[member]!),
          new Uint8Array(0),
        );
      }
    },
  };
}
