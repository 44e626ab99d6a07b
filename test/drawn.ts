// A few pictures for tests of training and studies: brightness follows the label, so that there is something to learn.
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Random } from "../src/core/random.ts";
import { MODALITIES, type Pair, SPLITS, type Split } from "../src/core/words.ts";
import { imagePath, planLayout } from "../src/dataset/layout.ts";
import { writePairs } from "../src/dataset/store.ts";
import { encodeJpeg } from "../src/pixels/image.ts";
import { aPair } from "./dataset.ts";

async function picture(path: string, name: string, male: boolean): Promise<void> {
  const random = Random.of(1).split("picture", name);
  const data = Uint8Array.from({ length: 32 * 32 * 3 }, () => 60 + (male ? 80 : 0) + random.int(60));
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, await encodeJpeg({ width: 32, height: 32, data }));
}

/** A paired dataset: subjects with one pair each, every other one recorded as male. */
export async function drawPairs(root: string, counts: Readonly<Record<Split, number>>): Promise<void> {
  const pairs: Record<Split, Pair[]> = { train: [], val: [], test: [] };
  for (const split of SPLITS) {
    for (let i = 0; i < counts[split]; i++) {
      const gender = i % 2 === 0 ? "male" : "female";
      pairs[split].push(
        aPair(`${split}${i}`, `${split}-user${i}`, { gender, race: i % 3 === 0 ? "dark" : "light" }),
      );
    }
  }
  await writePairs(root, pairs);
  const layout = planLayout(root);
  for (const pair of SPLITS.flatMap((split) => pairs[split])) {
    for (const modality of MODALITIES) {
      const name = modality === "hand" ? pair.handImage : pair.faceImage;
      await picture(imagePath(layout, modality, name), name, pair.gender === "male");
    }
  }
}

/** A UTKFace folder of as many people, every other one recorded as male. */
export async function drawFaces(dir: string, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const name = `${20 + (i % 40)}_${i % 2}_${i % 5}_2017010900${String(i).padStart(4, "0")}.jpg.chip.jpg`;
    await picture(join(dir, name), name, i % 2 === 0);
  }
}
