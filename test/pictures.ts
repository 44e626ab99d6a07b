// A paired dataset with real pictures for tests: smooth blobs, each from its own seed, so that none is like another.
import { mkdir, writeFile } from "node:fs/promises";
import { Random } from "../src/core/random.ts";
import { MODALITIES, type Pair, SPLITS, type Split } from "../src/core/words.ts";
import { imagePath, planLayout } from "../src/dataset/layout.ts";
import { writePairs } from "../src/dataset/store.ts";
import { encodeJpeg } from "../src/pixels/image.ts";
import { type RgbImage, resizeBilinear } from "../src/pixels/pixels.ts";

const GRIDS = [4, 12, 40];

/** A picture that follows from its name alone, with coarse and fine structure as photographs have. */
export function blob(name: string, sidePx = 64): RgbImage {
  const random = Random.of(1).split("blob", name);
  const layers = GRIDS.map((side) => {
    const data = Uint8Array.from({ length: side * side * 3 }, () => random.int(256));
    return resizeBilinear({ width: side, height: side, data }, sidePx, sidePx).data;
  });
  const data = layers[0]!.map((_, i) => layers.reduce((sum, layer) => sum + layer[i]!, 0) / GRIDS.length);
  return { width: sidePx, height: sidePx, data: Uint8Array.from(data) };
}

/** Writes CSVs and a picture for every name in them. */
export async function layPictures(
  root: string,
  pairs: Readonly<Record<Split, readonly Pair[]>>,
  sidePx = 64,
): Promise<void> {
  await writePairs(root, pairs);
  const layout = planLayout(root);
  for (const modality of MODALITIES) await mkdir(layout.images[modality], { recursive: true });
  for (const pair of SPLITS.flatMap((split) => pairs[split])) {
    for (const modality of MODALITIES) {
      const name = modality === "hand" ? pair.handImage : pair.faceImage;
      await writeFile(imagePath(layout, modality, name), await encodeJpeg(blob(name, sidePx)));
    }
  }
}
