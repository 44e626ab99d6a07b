// What a frozen backbone makes of the training images, stored in a file of the run, so that later epochs need neither
// images nor backbone. One row a sample, with a checksum: a row that a kill cut off is made again, as is one never made.
// Invariant: rows are those of these weights, samples and pixels; rows of others are discarded.
import { closeSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from "node:fs";
import { rm } from "node:fs/promises";
import { crc32 } from "node:zlib";
import { z } from "zod";
import type { Sample } from "../../core/words.ts";
import type { Weights } from "../../engine/params.ts";
import { exists, readJson, sha256, writeJson } from "../../machine/files.ts";
import { parseTag } from "../../models/tags.ts";
import type { TrainConfig } from "../config.ts";

const keySchema = z.strictObject({ key: z.string(), width: z.int(), samples: z.int() });

/** Where the rows and what they belong to lie. */
export interface FeaturePaths {
  readonly features: string;
  readonly featuresKey: string;
}

/** Features by sample. */
export interface FeatureStore {
  /** True if all of these are there. */
  has(samples: readonly Sample[]): boolean;
  /** Their rows, f32 [samples, width]; only those of which `has` is true. */
  read(samples: readonly Sample[]): Float32Array;
  /** Keeps rows, f32 [samples, width]. */
  write(samples: readonly Sample[], rows: Float32Array): void;
  close(): void;
}

/**
 * Why features of a run with a frozen backbone cannot be stored; undefined if they can, or if nothing is frozen whole.
 * @example featureNote(config) // "augmentation (Af) makes new images in every epoch: ..."
 */
export function featureNote({ tag, mixup }: Pick<TrainConfig, "tag" | "mixup">): string | undefined {
  const parsed = parseTag(tag);
  if (parsed.frozen !== 2) return undefined;
  if (mixup !== undefined)
    return "mixup makes new images in every epoch: the frozen backbone's features are not stored";
  if (parsed.augment !== "f") return undefined;
  return "augmentation (Af) makes new images in every epoch: the frozen backbone's features are not stored (An stores them)";
}

/** True if every epoch has the same images, and nothing of the backbone learns. */
export function keepsFeatures({ tag, mixup }: Pick<TrainConfig, "tag" | "mixup">): boolean {
  const parsed = parseTag(tag);
  return parsed.frozen === 2 && parsed.augment !== "f" && mixup === undefined;
}

/** SHA-256 of everything that features depend on. */
export function featureKey(config: TrainConfig, samples: readonly Sample[], weights: Weights): string {
  const { imageSize, pixels, padding, bnEps, globalPool } = config;
  const backbone = [...weights].filter(([name]) => name.startsWith("backbone."));
  const hashes = backbone.map(([name, { buffer, byteOffset, byteLength }]) => [
    name,
    sha256(new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength)),
  ]);
  const ids = samples.map(({ source, id }) => `${source}/${id}`);
  // Pooling stands in the last place and only where it is chosen, so that features stored before it existed stay valid.
  const pooling = globalPool === undefined ? [] : [globalPool];
  return sha256(JSON.stringify([imageSize, pixels, padding, bnEps, hashes, ids, ...pooling]));
}

/**
 * Opens the rows of a run, those of an interrupted one if they are of the same key.
 *
 * @param width - floats a row
 */
export async function openFeatures(
  { features, featuresKey }: FeaturePaths,
  samples: readonly Sample[],
  width: number,
  key: string,
): Promise<FeatureStore> {
  const wanted = { key, width, samples: samples.length };
  const stored = (await exists(featuresKey))
    ? await readJson(featuresKey, keySchema, "a key of features")
    : {};
  if (JSON.stringify(stored) !== JSON.stringify(wanted)) {
    await rm(features, { force: true });
    await writeJson(featuresKey, wanted);
  }
  return new FeatureFile(openSync(features, (await exists(features)) ? "r+" : "w+"), samples, width);
}

/** Removes them: a finished run can make them again. */
export async function removeFeatures(...stores: readonly FeaturePaths[]): Promise<void> {
  const files = stores.flatMap(({ features, featuresKey }) => [features, featuresKey]);
  await Promise.all(files.map((file) => rm(file, { force: true })));
}

const CHECKSUM_BYTES = 4;

class FeatureFile implements FeatureStore {
  readonly #file: number;
  readonly #width: number;
  readonly #rowBytes: number;
  readonly #indices: ReadonlyMap<Sample, number>;
  /** 1 for samples whose row is there. */
  readonly #there: Uint8Array;

  constructor(file: number, samples: readonly Sample[], width: number) {
    this.#file = file;
    this.#width = width;
    this.#rowBytes = width * 4 + CHECKSUM_BYTES;
    this.#indices = new Map(samples.map((sample, index) => [sample, index]));
    this.#there = new Uint8Array(samples.length);
    if (fstatSync(file).size === 0) ftruncateSync(file, samples.length * this.#rowBytes);
    else for (let index = 0; index < samples.length; index++) this.#verify(index);
  }

  has(samples: readonly Sample[]): boolean {
    return samples.every((sample) => this.#there[this.#indices.get(sample)!] === 1);
  }

  read(samples: readonly Sample[]): Float32Array {
    const rows = new Float32Array(samples.length * this.#width);
    samples.forEach((sample, k) => {
      rows.set(this.#row(this.#indices.get(sample)!).values, k * this.#width);
    });
    return rows;
  }

  write(samples: readonly Sample[], rows: Float32Array): void {
    samples.forEach((sample, k) => {
      const index = this.#indices.get(sample)!;
      if (this.#there[index] === 1) return;
      const bytes = Buffer.alloc(this.#rowBytes);
      new Float32Array(bytes.buffer, bytes.byteOffset, this.#width).set(
        rows.subarray(k * this.#width, (k + 1) * this.#width),
      );
      bytes.writeUInt32LE(checksum(bytes), this.#width * 4);
      writeSync(this.#file, bytes, 0, bytes.length, index * bytes.length);
      this.#there[index] = 1;
    });
  }

  close(): void {
    closeSync(this.#file);
  }

  #row(index: number): { values: Float32Array; bytes: Buffer } {
    const bytes = Buffer.alloc(this.#rowBytes);
    readSync(this.#file, bytes, 0, bytes.length, index * bytes.length);
    return { values: new Float32Array(bytes.buffer, bytes.byteOffset, this.#width), bytes };
  }

  #verify(index: number): void {
    const { bytes } = this.#row(index);
    if (bytes.readUInt32LE(this.#width * 4) === checksum(bytes)) this.#there[index] = 1;
  }
}

/** Of the floats of a row; never the 0 that stands in a row that was not written. */
function checksum(bytes: Buffer): number {
  return crc32(bytes.subarray(0, bytes.length - CHECKSUM_BYTES)) || 1;
}
