// The crops of a derivation by frame: which were written, and whether their frame was kept.
// Invariant: one entry and one small number a frame, so that a million frames fit into little memory.
import type { Modality } from "../../core/words.ts";
import type { CropList, Fate } from "../run/stage.ts";
import { cropName } from "../run/work.ts";

const KEPT = 1;
const BITS = { hand: 2, face: 4 } as const satisfies Record<Modality, number>;
const ENDS = { hand: ["H_", ".jpg"], face: ["F_", ".jpg"] } as const;

/** Takes frames one at a time; ids do not repeat among frames with crops. */
export class Crops implements CropList {
  readonly #frames = new Map<string, number>();
  readonly #counts: Record<Modality, Record<Fate, number>> = {
    hand: { kept: 0, removed: 0 },
    face: { kept: 0, removed: 0 },
  };

  add(imageId: string, crops: readonly Modality[], kept: boolean): void {
    if (crops.length === 0) return;
    const bits = crops.reduce((sum, modality) => sum | BITS[modality], kept ? KEPT : 0);
    this.#frames.set(imageId, bits);
    for (const modality of crops) this.#counts[modality][kept ? "kept" : "removed"]++;
  }

  fateOf(modality: Modality, name: string): Fate | undefined {
    const [before, after] = ENDS[modality];
    const id = name.slice(before.length, -after.length);
    if (cropName(modality, id) !== name) return undefined;
    const bits = this.#frames.get(id) ?? 0;
    if ((bits & BITS[modality]) === 0) return undefined;
    return (bits & KEPT) === 0 ? "removed" : "kept";
  }

  *names(modality: Modality, fate: Fate): Generator<string> {
    for (const id of this.#frames.keys()) {
      const name = cropName(modality, id);
      if (this.fateOf(modality, name) === fate) yield name;
    }
  }

  count(modality: Modality, fate: Fate): number {
    return this.#counts[modality][fate];
  }
}
