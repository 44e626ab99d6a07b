// ◇ Browser-safe. A lent picture by the plain code: where there is no SIMD, and for pictures that are too large for a memory.
// Source: the plain modules beside this folder. Invariant: it works as long as a picture in a memory does.
import { cropPlain, samplePlain } from "../chip.ts";
import { type RgbImage, resizeBilinear } from "../pixels.ts";
import { planesPlain } from "../planes.ts";
import { reduceByTwo } from "../reduce.ts";
import { copied, type Lender, Picture, type Work } from "./picture.ts";
import type { Ground, Part, Sampling } from "./shapes.ts";

/** Pixels that nobody writes to while the block lasts. */
export class PlainPicture extends Picture {
  protected readonly lent = true;
  readonly width: number;
  readonly height: number;
  readonly #lease: Lender;
  readonly #image: RgbImage;

  constructor(lease: Lender, image: RgbImage) {
    super();
    this.width = image.width;
    this.height = image.height;
    this.#lease = lease;
    this.#image = image;
  }

  /** The pixels, while the block lasts. */
  #pixels(): RgbImage {
    this.#lease.check();
    return this.#image;
  }

  copy(out?: Uint8Array): RgbImage {
    const { width, height, data } = this.#pixels();
    return { width, height, data: copied(data, out) };
  }

  resized(widthPx: number, heightPx: number, halvings = 0): Picture {
    let image = this.#pixels();
    for (let k = 0; k < halvings; k++) image = reduceByTwo(image);
    return this.#lease.lend(resizeBilinear(image, widthPx, heightPx));
  }

  sampled(...[part, halvings, walk, sizePx]: Sampling): Picture {
    return this.#lease.lend(samplePlain(cropPlain(this.#pixels(), part), halvings, walk, sizePx));
  }

  part(part: Part): Picture {
    return this.#lease.lend(cropPlain(this.#pixels(), part));
  }

  planes(ground: Ground, scale: number, offset: number, out: Float32Array): void {
    planesPlain(this.#pixels(), ground, scale, offset, out);
  }

  worked<R>({ plain }: Work<R>): R {
    return plain(this.#pixels());
  }
}
