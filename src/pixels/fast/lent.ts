// ◇ Browser-safe. A lent picture that lies in a memory.
// Source: simd/, by the modules beside this one. Invariant: bit for bit what the plain code (plain.ts) gives, but that a
// decoded file is halved as planes.
import { cropPlain, samplePlain } from "../chip.ts";
import type { RgbImage } from "../pixels.ts";
import { MOST_PIXELS, type Region, Resident, room, type SimdMemory, SLACK } from "./memory.ts";
import { copied, type Lender, Picture, type Work } from "./picture.ts";
import { resampledIn } from "./resample.ts";
import { sampledIn } from "./sample.ts";
import type { Ground, Part, Sampling } from "./shapes.ts";

/** Pixels in a memory, which others take when the block has ended. */
export class LentPicture extends Picture {
  protected readonly lent = true;
  readonly width: number;
  readonly height: number;
  readonly #lease: Lender;
  readonly #memory: SimdMemory;
  readonly #region: Region;

  constructor(lease: Lender, memory: SimdMemory, region: Region) {
    super();
    this.width = region.width;
    this.height = region.height;
    this.#lease = lease;
    this.#memory = memory;
    this.#region = region;
  }

  copy(out?: Uint8Array): RgbImage {
    this.#lease.check();
    const { width, height } = this;
    return { width, height, data: copied(this.#memory.pixels(this.#region.at(), this), out) };
  }

  resized(widthPx: number, heightPx: number, halvings = 0): Picture {
    this.#lease.check();
    const region = this.#region;
    if (halvings === 0 && region.width === widthPx && region.height === heightPx) return this;
    const small = region instanceof Resident ? region.small : undefined;
    if (small?.width === widthPx && small.height === heightPx && small.halvings === halvings)
      return this.#lend(small);
    if (widthPx * heightPx > MOST_PIXELS)
      return this.#lease.plain(this.copy()).resized(widthPx, heightPx, halvings);
    resampledIn(this.#memory, region, { widthPx, heightPx, halvings });
    const made = this.#memory.keep({ width: widthPx, height: heightPx });
    if (region instanceof Resident) region.small ??= { ...made, halvings, end: this.#memory.free };
    return this.#lend(made);
  }

  sampled(...how: Sampling): Picture {
    this.#lease.check();
    const [part, halvings, walk, sizePx] = how;
    if (!sampledIn(this.#memory, this.#region, how))
      return this.#lease.lend(samplePlain(cropPlain(this.copy(), part), halvings, walk, sizePx));
    return this.#lend(this.#memory.keep({ width: sizePx, height: sizePx }));
  }

  part(part: Part): Picture {
    this.#lease.check();
    const size = { width: part.right + 1 - part.left, height: part.bottom + 1 - part.top };
    if (size.width * size.height > MOST_PIXELS) return this.#lease.lend(cropPlain(this.copy(), part));
    const memory = this.#memory;
    const to = memory.free;
    memory.grow(to + room(size));
    memory.bytes.fill(0, to, to + size.width * size.height * 3);
    const [left, right] = [Math.max(part.left, 0), Math.min(part.right, this.width - 1)];
    const [top, bottom] = [Math.max(part.top, 0), Math.min(part.bottom, this.height - 1)];
    if (left <= right && top <= bottom) {
      const from = this.#region.at({ left, top, right, bottom });
      for (let y = top; y <= bottom; y++) {
        const row = from + (y * this.width + left) * 3;
        const at = to + ((y - part.top) * size.width + left - part.left) * 3;
        memory.bytes.copyWithin(at, row, row + (right + 1 - left) * 3);
      }
    }
    return this.#lend(memory.keep(size));
  }

  planes(ground: Ground, scale: number, offset: number, out: Float32Array): void {
    this.#lease.check();
    const { left, top, widthPx, heightPx, reversed } = ground;
    const memory = this.#memory;
    const to = memory.free;
    memory.grow(to + widthPx * heightPx * 12 + SLACK);
    const place = [left, top, widthPx, heightPx, reversed ? 1 : 0];
    memory.code.toFloats(this.#region.at(), this.width, this.height, ...place, scale, offset, to);
    out.set(new Float32Array(memory.bytes.buffer, to, widthPx * heightPx * 3));
  }

  worked<R>({ inMemory }: Work<R>): R {
    this.#lease.check();
    return inMemory(this.#memory, this.#region);
  }

  #lend(region: Region): Picture {
    return this.#lease.lendRegion(this.#memory, region);
  }
}
