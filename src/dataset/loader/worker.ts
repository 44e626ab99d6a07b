// Thread of `batches`: decodes, augments and resizes the pictures it is sent, and keeps decoded ones.
// Invariant: the bytes depend only on the file, the policy, the seed, the epoch and the sample's key.
import { parentPort, workerData } from "node:worker_threads";
import { Random } from "../../core/random.ts";
import { readBytesNow } from "../../machine/files.ts";
import { mapOrdered, serveWorker, type WorkerResult } from "../../machine/pool.ts";
import { baselineJpeg } from "../../pixels/fast/baseline.ts";
import { copyOf } from "../../pixels/fast/resize.ts";
import { openSimd, type SimdPictures } from "../../pixels/fast/simd.ts";
import { decodeImage } from "../../pixels/image.ts";
import { type Augmentation, type AugmentPolicy, augmentAs, drawAugmentation } from "../../pixels/jitter.ts";
import { type Perturbation, perturb } from "../../pixels/perturb.ts";
import { type RgbImage, resizeBilinear } from "../../pixels/pixels.ts";

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

/** Files that one thread has open at once. */
const DECODING = 3;

if (parentPort !== null) {
  const prepare = preparer(workerData as WorkerSetup, openSimd());
  serveWorker<WorkerRequest, Uint8Array>(parentPort, prepare);
}

/**
 * The thread's work: pictures of a request, one after another in one array.
 *
 * @param simd - the vectors' code; undefined to do without
 * @returns function from a request to RGB u8, [items, sizePx, sizePx, 3]
 */
export function preparer(
  setup: WorkerSetup,
  simd: SimdPictures | undefined,
): (r: WorkerRequest) => Promise<WorkerResult<Uint8Array>> {
  const { sizePx, seed, augment: policy } = setup;
  const pictures = cachingDecoder(setup, simd);
  return async ({ epoch, items }) => {
    const stride = sizePx * sizePx * 3;
    const out = new Uint8Array(items.length * stride); // [N, sizePx, sizePx, 3]
    let at = 0;
    const put = (key: string, decoded: RgbImage) => {
      const random = Random.of(seed).split("augment", epoch, key);
      const image = pictures.keep(key, decoded);
      out.set(prepared(image, policy && drawAugmentation(random, policy), sizePx, simd), at);
      at += stride;
    };
    for await (const { item, source } of mapOrdered(items, DECODING, pictures.open)) {
      const { key, path } = item;
      // Nothing is awaited between decoding into the thread's memory and the last look: other requests decode there too.
      const lent = source instanceof Uint8Array ? simd?.decode(source) : source;
      if (lent !== undefined) put(key, lent);
      else put(key, await decodeImage(source as Uint8Array, { name: path }));
    }
    return { value: out }; // copied: one buffer handed over makes V8 check every typed array access of the thread
  };
}

function prepared(
  image: RgbImage,
  drawn: Augmentation | undefined,
  sizePx: number,
  simd: SimdPictures | undefined,
): RgbImage["data"] {
  if (drawn === undefined && image.width === sizePx && image.height === sizePx) return image.data;
  const quick = simd?.prepare(image, drawn, sizePx);
  if (quick !== undefined) return quick;
  return resizeBilinear(drawn === undefined ? image : augmentAs(image, drawn), sizePx, sizePx).data;
}

/**
 * Keeps pictures until the bound is reached, then none of the new ones: with every picture wanted once an
 * epoch in random order, throwing out the least recent would lose most of them just before their turn.
 * Without augmentation the resized picture is kept, otherwise the whole one, since upstream resizes last.
 */
function cachingDecoder(setup: WorkerSetup, simd: SimdPictures | undefined) {
  const { sizePx, seed, augment: policy, perturb: how, cacheBytes } = setup;
  const kept = new Map<string, RgbImage>();
  let bytes = 0;
  const decodedAlone = async (file: Uint8Array, plain: boolean, path: string): Promise<RgbImage> => {
    const lent = plain ? simd?.decode(file) : undefined;
    return lent === undefined ? await decodeImage(file, { name: path }) : copyOf(lent);
  };
  return {
    /** Several at once: files that sharp has to decode, in threads of its own. Plain ones are decoded when it is their turn. */
    async open(item: Item): Promise<Opened> {
      const known = kept.get(item.key);
      if (known !== undefined) return { item, source: known };
      const file = readBytesNow(item.path, "an image");
      const plain = simd !== undefined && baselineJpeg(file) !== undefined;
      if (how === undefined && plain) return { item, source: file };
      const own = await decodedAlone(file, plain, item.path);
      if (how === undefined) return { item, source: own };
      return { item, source: await perturb(own, how, Random.of(seed).split("perturb", item.key)) };
    },
    /** The picture to augment; kept for other epochs if there is room. */
    keep(key: string, decoded: RgbImage): RgbImage {
      const known = kept.get(key);
      if (known !== undefined) return known;
      const image =
        policy === undefined
          ? { width: sizePx, height: sizePx, data: prepared(decoded, undefined, sizePx, simd) }
          : decoded;
      if (bytes + image.data.length <= cacheBytes) {
        kept.set(key, copyOf(image));
        bytes += image.data.length;
      }
      return image;
    },
  };
}

type Item = WorkerRequest["items"][number];

/** A picture that owns its bytes, or the file of a plain JPEG. */
interface Opened {
  readonly item: Item;
  readonly source: RgbImage | Uint8Array;
}
