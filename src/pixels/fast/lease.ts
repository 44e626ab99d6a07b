// ◇ Browser-safe. For how long pictures are lent, and what they are lent from.
// Source: our own. Invariant: after its end, every picture that was lent by it refuses to work.
import type { RgbImage } from "../pixels.ts";
import { LentPicture } from "./lent.ts";
import { MOST_PIXELS, type Region, type SimdMemory } from "./memory.ts";
import { ended, type Lender, type Picture } from "./picture.ts";
import { PlainPicture } from "./plain.ts";

/** One block's pictures. */
export class Lease implements Lender {
  readonly #memory: SimdMemory | undefined;
  #open = true;

  /** @param memory - undefined for the plain code */
  constructor(memory: SimdMemory | undefined) {
    this.#memory = memory;
  }

  check(): void {
    if (!this.#open) throw ended();
  }

  end(): void {
    this.#open = false;
  }

  lend(image: RgbImage): Picture {
    if (this.#memory === undefined || !fits(image)) return this.plain(image);
    return this.lendRegion(this.#memory, this.#memory.put(image));
  }

  plain(image: RgbImage): Picture {
    return new PlainPicture(this, image);
  }

  lendRegion(memory: SimdMemory, region: Region): Picture {
    return new LentPicture(this, memory, region);
  }
}

/** Whether a picture can lie in a memory. */
export function fits({ width, height }: Pick<RgbImage, "width" | "height">): boolean {
  return width * height > 0 && width * height <= MOST_PIXELS;
}
