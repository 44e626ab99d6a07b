// Thread of `batches`: decodes, augments and resizes the pictures it is sent, and keeps decoded ones.
// Invariant: the bytes depend only on the file, the policy, the seed, the epoch and the sample's key.
import { parentPort, workerData } from "node:worker_threads";
import { mapOrdered, serveWorker, type WorkerResult } from "../core/pool.ts";
import { Random } from "../core/random.ts";
import { decodeImage } from "./image.ts";
import { type AugmentPolicy, augmentPacked } from "./jitter.ts";
import { type Perturbation, perturb } from "./perturb.ts";
import { type RgbImage, resizeBilinear, resizePacked } from "./pixels.ts";

/** What a thread is started with. */
export interface WorkerSetup {
  readonly sizePx: number;
  readonly seed: number;
  readonly augment: AugmentPolicy | undefined;
  /** Done to each picture as decoded; the same in every epoch. */
  readonly perturb?: Perturbation;
  /** Bytes of decoded pictures that this thread may keep. */
  readonly cacheBytes: number;
}

/** Pictures of one batch that this thread prepares. */
export interface WorkerRequest {
  readonly epoch: number;
  readonly items: readonly { readonly key: string; readonly path: string }[];
}

/** Files decoded at once by one thread (sharp decodes outside it). */
const DECODING = 3;

if (parentPort !== null) {
  const prepare = preparer(workerData as WorkerSetup);
  serveWorker<WorkerRequest, Uint8Array>(parentPort, prepare);
}

/**
 * The thread's work: pictures of a request, one after another in one array.
 *
 * @returns function from a request to RGB u8, [items, sizePx, sizePx, 3]
 */
export function preparer(setup: WorkerSetup): (r: WorkerRequest) => Promise<WorkerResult<Uint8Array>> {
  const { sizePx, seed, augment: policy } = setup;
  const load = cachingDecoder(setup);
  return async ({ epoch, items }) => {
    const stride = sizePx * sizePx * 3;
    const out = new Uint8Array(items.length * stride); // [N, sizePx, sizePx, 3]
    let at = 0;
    for await (const { key, image } of mapOrdered(items, DECODING, load)) {
      const random = Random.of(seed).split("augment", epoch, key);
      const resized =
        policy === undefined
          ? resizeBilinear(image, sizePx, sizePx)
          : resizePacked(augmentPacked(image, random, policy), sizePx, sizePx);
      out.set(resized.data, at);
      at += stride;
    }
    return { value: out }; // copied: one buffer handed over makes V8 check every typed array access of the thread
  };
}

/**
 * Keeps pictures until the bound is reached, then none of the new ones: with every picture wanted once an
 * epoch in random order, throwing out the least recent would lose most of them just before their turn.
 * Without augmentation the resized picture is kept, otherwise the whole one, since upstream resizes last.
 */
function cachingDecoder({ sizePx, seed, augment: policy, perturb: how, cacheBytes }: WorkerSetup) {
  const kept = new Map<string, RgbImage>();
  let bytes = 0;
  return async ({ key, path }: WorkerRequest["items"][number]) => {
    const known = kept.get(key);
    if (known !== undefined) return { key, image: known };
    const whole = await decodeImage(path);
    const decoded =
      how === undefined ? whole : await perturb(whole, how, Random.of(seed).split("perturb", key));
    const image = policy === undefined ? resizeBilinear(decoded, sizePx, sizePx) : decoded;
    if (bytes + image.data.length <= cacheBytes && !kept.has(key)) {
      kept.set(key, image);
      bytes += image.data.length;
    }
    return { key, image };
  };
}
