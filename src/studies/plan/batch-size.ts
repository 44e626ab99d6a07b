// The batch that fits a stated memory: some real steps at two small batches, and a line through the memory that they took.
// A step stores the maps of all its images for the gradients, so that memory grows by the same for every image.
import { unexpected } from "../../core/errors.ts";
import { CACHE_BYTES } from "../../dataset/loader/batches.ts";
import { parseTrainConfig, type TrainConfig } from "../../train/config.ts";
import { openData } from "../../train/data.ts";
import { measureCost } from "./measure.ts";

/** Most memory that a training took at a batch. */
export interface BatchPeak {
  readonly batch: number;
  readonly peakBytes: number;
}

export interface ChosenBatch extends BatchPeak {
  /** What was measured; the peak of the chosen batch is predicted from it. */
  readonly measured: readonly [BatchPeak, BatchPeak];
}

/** Powers of two and the halves between them, as allowed by the configuration. */
const CANDIDATES = [
  2,
  ...Array.from({ length: 10 }, (_, k) => [2 ** (k + 2), 3 * 2 ** (k + 1)]).flat(),
  4096,
];

/** Of the memory, for what a few steps do not show: the session of validation, and fragments. */
const SPARE_SHARE = 0.15;

/**
 * The largest batch whose predicted peak fits.
 *
 * @param measured - two batches, the smaller first
 * @param memoryBytes - what training may hold
 * @param most - images that there are for a step
 * @throws AppError("input", "MEMORY") if not even the smallest batch fits
 * @example largestBatch([{ batch: 4, peakBytes: 400 }, { batch: 8, peakBytes: 500 }], 1000, 100) // batch 16
 */
export function largestBatch(
  measured: readonly [BatchPeak, BatchPeak],
  memoryBytes: number,
  most: number,
): ChosenBatch {
  const [small, large] = measured;
  const perImage = Math.max(0, (large.peakBytes - small.peakBytes) / (large.batch - small.batch));
  const peakOf = (batch: number) => small.peakBytes + perImage * (batch - small.batch);
  const usable = memoryBytes * (1 - SPARE_SHARE);
  const batch = CANDIDATES.filter((size) => size <= most && peakOf(size) <= usable).at(-1);
  if (batch !== undefined) return { batch, peakBytes: Math.round(peakOf(batch)), measured };
  throw unexpected("input", {
    code: "MEMORY",
    expected: `at least ${gigabytes(peakOf(2) / (1 - SPARE_SHARE))} GB`,
    name: "the memory of training (--memory)",
    got: `${gigabytes(memoryBytes)} GB`,
    hint: "give more memory, a smaller --image-size, a smaller backbone, or a --batch of your own",
  });
}

/** For messages: one digit after the point, rounded up. */
export function gigabytes(bytes: number): string {
  return (Math.ceil(bytes / 1e8) / 10).toFixed(1);
}

/** Batches to measure: large enough for a step's maps to outweigh what is there without them. */
const PROBES = [8, 16] as const;
/** A decoded picture in the cache, for those that the few steps have not seen; 300 px. */
const PICTURE_BYTES = 300 * 300 * 3;

/**
 * Measures, each batch in a process of its own, and chooses.
 *
 * @param config - of a training, without its batch
 * @param memoryBytes - what training may take, cached pictures included
 * @throws AppError("input", "MEMORY"); ("data" | "internal", "MEASURE") if the steps fail; as openData
 */
export async function chooseBatch(
  config: Readonly<Record<string, unknown>>,
  memoryBytes: number,
): Promise<ChosenBatch> {
  const at = (batch: number): TrainConfig => parseTrainConfig({ ...config, batch });
  const { samples } = await openData(at(PROBES[0]));
  const { accumulate = 1 } = at(PROBES[0]);
  const most = Math.floor(samples.train.length / accumulate);
  const sizes = most < PROBES[1] ? ([2, 4] as const) : PROBES;
  const cached = Math.min(CACHE_BYTES, samples.train.length * PICTURE_BYTES);
  const peak = async (batch: number) => {
    const { peakBytes } = await measureCost(at(batch), `batch ${batch}`);
    return { batch, peakBytes: peakBytes + cached };
  };
  return largestBatch([await peak(sizes[0]), await peak(sizes[1])], memoryBytes, most);
}
