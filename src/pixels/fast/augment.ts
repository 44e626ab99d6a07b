// ◇ Browser-safe. Augmentation and resize of a picture.
// Source: simd/jitter.ts, simd/resample.ts. Invariant: bit for bit what jitter.ts, rotate.ts and pixels.ts give.
import { type Adjustment, type Augmentation, augmentAs, type Jitter, meanOf } from "../jitter.ts";
import { type RgbImage, resizeBilinear } from "../pixels.ts";
import { fixedWalk } from "../rotate.ts";
import { type Taps, tapsFor } from "../taps.ts";
import { type MakingCode, makingOf } from "./making.ts";
import { align, MOST_PIXELS, type Region, type SimdMemory, SLACK } from "./memory.ts";
import type { Picture } from "./picture.ts";

const KINDS = { brightness: 1, contrast: 2, saturation: 3 } as const;

/**
 * Augments and resizes a picture, in upstream's order.
 *
 * @param augmentation - undefined for none
 * @param out - [sizePx, sizePx, 3], where it is written
 * @throws AppError("internal", "PICTURE_ENDED") after the block that it was lent to
 */
export function augmentInto(
  picture: Picture,
  augmentation: Augmentation | undefined,
  sizePx: number,
  out: Uint8Array,
): void {
  picture.worked({
    inMemory(memory, region) {
      const same = augmentation === undefined && region.width === sizePx && region.height === sizePx;
      const at = same ? region.at() : augmentedIn(memory, region, augmentation, sizePx);
      if (at === undefined)
        augmentPlain(
          { width: region.width, height: region.height, data: memory.pixels(region.at(), region) },
          augmentation,
          sizePx,
          out,
        );
      else out.set(memory.pixels(at, { width: sizePx, height: sizePx }));
    },
    plain: (image) => augmentPlain(image, augmentation, sizePx, out),
  });
}

function augmentPlain(
  image: RgbImage,
  augmentation: Augmentation | undefined,
  sizePx: number,
  out: Uint8Array,
): void {
  const whole = augmentation === undefined ? image : augmentAs(image, augmentation);
  out.set(resizeBilinear(whole, sizePx, sizePx).data);
}

/**
 * `augmentInto` in a memory.
 *
 * @returns where it lies, u8 [sizePx, sizePx, 3]; undefined if the plain code has to do it
 */
export function augmentedIn(
  memory: SimdMemory,
  region: Region,
  augmentation: Augmentation | undefined,
  sizePx: number,
): number | undefined {
  const code = makingOf(memory);
  const { width, height } = region;
  const walk = fixedWalk(width, height, augmentation?.degrees ?? 0);
  const count = width * height;
  if (walk === undefined || count > MOST_PIXELS) return undefined;
  const [across, down] = [tapsFor(width, sizePx), tapsFor(height, sizePx)];
  const words = memory.free;
  const row = words + align(count * 4 + SLACK);
  const acrossAt = row + align(width * 4 + SLACK);
  const downAt = acrossAt + align(tapBytes(across));
  const rows = downAt + align(tapBytes(down));
  const out = rows + align(height * sizePx * 3 + SLACK);
  memory.grow(out + sizePx * sizePx * 3 + SLACK);
  jitter(code, [region.at(), words, count], augmentation?.jitter);
  putTaps(memory, across, acrossAt);
  putTaps(memory, down, downAt);
  code.setWalk(walk.x, walk.y, walk.stepXx, walk.stepXy, walk.stepYx, walk.stepYy);
  const mirror = augmentation?.mirror === true ? 1 : 0;
  const columns = [acrossAt, padded(across), across.width, sizePx, row, rows];
  code.turnAndShrink(words, width, height, mirror, ...columns);
  code.shrinkColumns(rows, sizePx * 3, downAt, padded(down), down.width, sizePx, out);
  return out;
}

/** From bytes to words; the level of contrast is known only when the steps before it are done. */
function jitter(
  code: MakingCode,
  [from, words, count]: readonly [number, number, number],
  how: Jitter | undefined,
): void {
  const order = how?.order.filter((name) => how[name] !== 1) ?? [];
  const at = order.indexOf("contrast");
  for (const name of order) code.setStep(KINDS[name], 0, how![name]);
  if (at < 0) {
    code.jitter(from, words, count, stepsOf(order));
    return;
  }
  const sum = code.jitterAndAdd(from, words, count, stepsOf(order.slice(0, at)));
  code.setStep(KINDS.contrast, meanOf(sum, count), how!.contrast);
  code.jitterFurther(words, count, stepsOf(order.slice(at)));
}

/** Two bits a step, the first lowest. */
function stepsOf(order: readonly Adjustment[]): number {
  return order.reduce((steps, name, k) => steps | (KINDS[name] << (2 * k)), 0);
}

function putTaps(memory: SimdMemory, taps: Taps, at: number): void {
  const ints = new Int32Array(memory.bytes.buffer, at, tapBytes(taps) / 4).fill(0);
  const n = padded(taps);
  ints.set(taps.first);
  ints.set(taps.count, n);
  ints.set(taps.weights, 2 * n);
}

/** Positions, padded to whole groups of four. */
function padded({ first }: Taps): number {
  return Math.ceil(first.length / 4) * 4;
}

function tapBytes(taps: Taps): number {
  return padded(taps) * (2 + taps.width) * 4;
}
