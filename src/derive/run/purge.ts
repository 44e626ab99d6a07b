// What is to be erased, taken out of a staging folder that was begun without it: lines of the journal, crops, and all that
// was made of them. Source: our own. Invariant: it can be done again after a kill; what is left is a journal as an
// uninterrupted derivation without the erased frames would have begun it, and its crops.
import { readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { MODALITIES } from "../../core/words.ts";
import { cleanedFolder, IMAGES, planLayout } from "../../dataset/layout.ts";
import { exists, writeAtomic } from "../../machine/files.ts";
import { journalLines } from "../../machine/journal.ts";
import { makeFolders } from "../../machine/make-folders.ts";
import type { Erasure } from "../judge/erase.ts";
import { FRAMES } from "./journal.ts";
import { JOURNAL, STAGE } from "./stage.ts";
import { cropName } from "./work.ts";

/** Takes erased frames out of a staging folder; without a journal nothing of it can be continued, and all of it goes. */
export async function purge(root: string, erasure: Erasure): Promise<void> {
  const journal = join(root, JOURNAL);
  if (!(await exists(journal))) return rm(root, { recursive: true });
  const names = new Set<string>();
  let isCut = false;
  const staying = journalLines(journal, FRAMES, (frame) => {
    // A frame that was passed over for the id of an erased one is to be worked on, and those after it in their order.
    isCut ||= frame.reason === "duplicate_image" && !erasure.has(frame) && erasure.names(frame.imageId);
    if (isCut || erasure.has(frame)) return false;
    for (const modality of frame.crops ?? []) names.add(cropName(modality, frame.imageId));
    return true;
  });
  await writeAtomic(journal, staying);
  await gatherCrops(root);
  const own = [JOURNAL, STAGE, IMAGES];
  for (const name of await readdir(root)) {
    if (!own.includes(name)) await rm(join(root, name), { recursive: true });
  }
  for (const folder of Object.values(planLayout(root).images)) {
    if (!(await exists(folder))) continue;
    for (const name of await readdir(folder)) if (!names.has(name)) await rm(join(folder, name));
  }
}

/** Crops that were put aside by a derivation that was nearly done go back, for frames may be judged otherwise now. */
async function gatherCrops(root: string): Promise<void> {
  const layout = planLayout(root);
  for (const modality of MODALITIES) {
    const aside = cleanedFolder(layout, modality);
    if (!(await exists(aside))) continue;
    await makeFolders(layout.images[modality]);
    for (const name of await readdir(aside)) {
      await rename(join(aside, name), join(layout.images[modality], name));
    }
  }
}
