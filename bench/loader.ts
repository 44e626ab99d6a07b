// Our side of the loader's benchmarks: epochs of 512 drawn JPEGs of 300 px, augmented and batched.
// One step is one epoch, from idle workers to the last batch; peer/loader.py reads the same files.
import { existsSync } from "node:fs";
import { mkdir, rename, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Random } from "../src/core/random.ts";
import type { Sample } from "../src/core/words.ts";
import { openBatches } from "../src/dataset/loader/batches.ts";
import { encodeJpeg } from "../src/pixels/image.ts";
import { FULL_AUGMENT } from "../src/pixels/jitter.ts";
import type { Opened, Work } from "./side.ts";

const COUNT = 512;
const SIDE_PX = 300;
/** Shared with peer/loader.py, all of them. */
const FOLDER = join(tmpdir(), "facehand-bench-images-1");

/** A picture with edges, gradients and some noise, so that its JPEG is of a photograph's size. */
export function picture(index: number): Uint8Array {
  const random = Random.of(index);
  const waves = Array.from({ length: 9 }, () => random.uniform(0.01, 0.2));
  const data = new Uint8Array(SIDE_PX * SIDE_PX * 3);
  for (let y = 0, i = 0; y < SIDE_PX; y++) {
    for (let x = 0; x < SIDE_PX; x++) {
      for (let c = 0; c < 3; c++, i++) {
        const wave =
          Math.sin(x * waves[c]!) +
          Math.cos(y * waves[c + 3]!) +
          Math.sign(Math.sin((x + y) * waves[c + 6]!));
        data[i] = 128 + 36 * wave + random.uniform(-12, 12);
      }
    }
  }
  return data;
}

/** Paths of the pictures, which are made when they are first asked for. */
export async function images(count = COUNT): Promise<string[]> {
  const folder = count === COUNT ? FOLDER : `${FOLDER}-${count}`;
  const paths = Array.from({ length: count }, (_, i) => join(folder, `${String(i).padStart(4, "0")}.jpg`));
  if (existsSync(folder)) return paths;
  const staging = `${folder}.${process.pid}`;
  await mkdir(staging);
  for (const [i, path] of paths.entries()) {
    const jpeg = await encodeJpeg({ width: SIDE_PX, height: SIDE_PX, data: picture(i) });
    await writeFile(path.replace(folder, staging), jpeg);
  }
  await rename(staging, folder);
  return paths;
}

/**
 * Epochs of our loader.
 *
 * @param cacheBytes - bytes of decoded pictures that may be cached
 * @param count - pictures an epoch
 */
export async function loaderEpochs(
  { batch, sizePx, threads }: Work,
  cacheBytes: number,
  count = COUNT,
): Promise<Required<Pick<Opened, "step" | "close">>> {
  const samples = (await images(count)).map((path, i): Sample => {
    const groups = { age: "", race: "", gesture: "" };
    return { id: String(i), subject: `s${i}`, modality: "face", sex: "male", path, source: "bench", groups };
  });
  const batches = openBatches({
    samples,
    batchSize: batch,
    sizePx,
    shuffle: true,
    dropLast: true,
    augment: FULL_AUGMENT,
    seed: 0,
    workers: threads,
    prefetch: 2 * threads, // torch's prefetch_factor of 2 a worker
    cacheBytes,
  });
  let epoch = 0;
  const step = async () => {
    let sum = 0;
    for await (const { images: pixels } of batches.epoch(epoch++)) sum += pixels[0]!;
    return sum;
  };
  return { step, close: () => batches.close() };
}
