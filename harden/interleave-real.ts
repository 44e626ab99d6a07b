// What interleavings open of the real thing: detectors and finders with MediaPipe's models, and pools of threads.
// Slow to open, so that a campaign draws them seldom. Pictures are one grey, of every odd size up to 30,000 px a side.

import type { Random } from "../src/core/random.ts";
import { openFaceDetector, openFinder } from "../src/find/open.ts";
import { WorkerPool } from "../src/machine/pool.ts";
import type { RgbImage } from "../src/pixels/pixels.ts";
import { BAD_IMAGES, greyImage, type Opener, refuses, type Subject, settles } from "./interleave.ts";

const THIN = [1, 2, 3, 31, 30_000] as const;

function photo(random: Random): RgbImage {
  if (random.int(2) === 0) return greyImage(random, 70);
  const [long, short] = [THIN[random.int(THIN.length)]!, 1 + random.int(3)];
  const [width, height] = random.int(2) === 0 ? [long, short] : [short, long];
  return { width, height, data: new Uint8Array(width * height * 3).fill(random.int(256)) };
}

/** Uses something that takes a picture. */
function useImages(name: string, ask: (image: RgbImage, random: Random) => Promise<unknown>): Subject["use"] {
  return (random, closed) => {
    const bad = random.int(3) === 0 ? BAD_IMAGES[random.int(BAD_IMAGES.length)]! : undefined;
    const answer = ask(bad === undefined ? photo(random) : bad(), random);
    if (closed) return refuses(answer, name, ["RELEASED"]);
    return bad === undefined ? settles(answer, name) : refuses(answer, `${name}: bad image ${bad}`, []);
  };
}

async function openFaces(): Promise<Subject> {
  const detector = await openFaceDetector();
  return {
    name: "face detector",
    use: useImages("face detector", (image) => detector.detect(image)),
    close: () => detector.close(),
  };
}

async function openBoth(random: Random): Promise<Subject> {
  const handCrop = random.int(2) === 0 ? "landmarks" : "box";
  const finder = await openFinder({ modalities: ["hand", "face"], handCrop });
  const ask = (image: RgbImage, r: Random) => finder.find(image, r.int(2) === 0 ? "hand" : "face");
  return { name: "finder", use: useImages("finder", ask), close: () => finder.close() };
}

async function openThreads(random: Random): Promise<Subject> {
  const pool = new WorkerPool<number, number>(new URL("./pool-worker", import.meta.url), 1 + random.int(2));
  const use: Subject["use"] = async (r, closed) => {
    const asked = r.int(100);
    if (closed) return refuses(pool.run(asked), "pool", ["RELEASED"]);
    if (r.int(8) === 0)
      return settles(
        pool.run((() => 0) as never).catch(() => undefined),
        "pool: what cannot be sent",
      );
    try {
      const got = await pool.run(asked);
      return got === -asked ? undefined : `pool: expected ${-asked}, got ${got}`;
    } catch (error) {
      return `pool: expected ${-asked}, got ${String(error)}`;
    }
  };
  return { name: "pool", use, close: () => pool.close() };
}

/** What takes a tenth of a second or more to open. */
export const REAL: readonly Opener[] = [openFaces, openBoth, openThreads];
