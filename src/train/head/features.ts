// ◇ Browser-safe. Features of pictures by a frozen backbone, each made once: those that were stored before are read.
// Invariant: a stored row is that of these weights and these bytes; who stores it has both hashes.

import type { Sample } from "../../core/words.ts";
import { sampleKey } from "../../dataset/loader/order.ts";
import { sha256Hex } from "../../engine/sha256.ts";
import { type RgbImage, resizeBilinear } from "../../pixels/pixels.ts";
import type { SplitPredictor } from "../../predict/split-predictor.ts";
import type { FeatureStore } from "../step/features.ts";

/** Where rows stay between visits. */
export interface StoredRows {
  /** @param picture - SHA-256 of its bytes, hexadecimal */
  get(picture: string): Promise<Float32Array | undefined>;
  put(picture: string, row: Float32Array): Promise<void>;
}

/** What features are made of. */
export interface FeatureWork {
  readonly predictor: Pick<SplitPredictor, "width" | "features">;
  /** Side of the network's input, px. */
  readonly sizePx: number;
  /** Pictures a run of the predictor. */
  readonly batch: number;
  readonly bytesOf: (sample: Sample) => Promise<Uint8Array<ArrayBuffer>>;
  readonly decode: (bytes: Uint8Array, name: string) => Promise<RgbImage>;
  readonly stored: StoredRows;
  /** After each row; `made` is false of one that was stored. */
  readonly onRow?: ((made: boolean) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Features, and the hash of each picture. */
export interface MadeFeatures {
  readonly store: Pick<FeatureStore, "has" | "read" | "write">;
  /** SHA-256 of a sample's picture. */
  readonly pictureOf: (sample: Sample) => string;
}

/**
 * Makes the features of all samples, or reads them.
 *
 * @throws AppError("input", "INSECURE_CONTEXT") where the browser gives no hashes; the signal's reason; what `decode` throws
 */
export async function makeFeatures(samples: readonly Sample[], work: FeatureWork): Promise<MadeFeatures> {
  const { predictor, sizePx, batch, stored, signal } = work;
  const { width } = predictor;
  const rows = new Map<string, Float32Array>();
  const hashes = new Map<string, string>();
  let waiting: { readonly sample: Sample; readonly pixels: RgbImage["data"] }[] = [];
  const flush = async () => {
    const pixels = new Uint8Array(waiting.length * sizePx * sizePx * 3);
    waiting.forEach((one, i) => {
      pixels.set(one.pixels, i * sizePx * sizePx * 3);
    });
    const made = await predictor.features(pixels, waiting.length);
    for (const [i, { sample }] of waiting.entries()) {
      const row = made.slice(i * width, (i + 1) * width);
      rows.set(sampleKey(sample), row);
      await stored.put(hashes.get(sampleKey(sample))!, row);
      work.onRow?.(true);
    }
    waiting = [];
  };
  for (const sample of samples) {
    signal?.throwIfAborted();
    const bytes = await work.bytesOf(sample);
    const hash = await sha256Hex(bytes);
    hashes.set(sampleKey(sample), hash);
    const known = await stored.get(hash);
    if (known?.length === width) {
      rows.set(sampleKey(sample), known);
      work.onRow?.(false);
      continue;
    }
    const image = await work.decode(bytes, sample.path);
    waiting.push({ sample, pixels: resizeBilinear(image, sizePx, sizePx).data });
    if (waiting.length === batch) await flush();
  }
  if (waiting.length > 0) await flush();
  return { store: memoryStore(rows, width), pictureOf: (sample) => hashes.get(sampleKey(sample))! };
}

function memoryStore(rows: Map<string, Float32Array>, width: number): MadeFeatures["store"] {
  return {
    has: (samples) => samples.every((sample) => rows.has(sampleKey(sample))),
    read: (samples) => {
      const all = new Float32Array(samples.length * width);
      samples.forEach((sample, i) => {
        all.set(rows.get(sampleKey(sample))!, i * width);
      });
      return all;
    },
    write: (samples, values) => {
      samples.forEach((sample, i) => {
        rows.set(sampleKey(sample), values.slice(i * width, (i + 1) * width));
      });
    },
  };
}

/** One hash of the weights that features depend on: those of the backbone, with what is done to pixels. */
export async function backboneHash(
  weights: ReadonlyMap<string, Float32Array>,
  facts: object,
): Promise<string> {
  const parts: string[] = [JSON.stringify(facts)];
  for (const [name, { buffer, byteOffset, byteLength }] of weights) {
    if (!name.startsWith("backbone.")) continue;
    parts.push(`${name} ${await sha256Hex(new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength))}`);
  }
  return await sha256Hex(parts.join("\n"));
}
