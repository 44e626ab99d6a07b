// The pictures of pixels.py, made by the same formulas, and the comparison with its goldens.
import { createHash } from "node:crypto";
import { expect } from "vitest";
import { Random } from "../../src/core/random.ts";
import type { RgbImage } from "../../src/pixels/pixels.ts";

/** The input picture of a golden; `kind` as in pixels.py. */
export function drawn(width: number, height: number, kind: string): RgbImage & { data: Uint8Array } {
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < data.length; i++) {
    const x = Math.floor(i / 3) % width;
    const y = Math.floor(i / (3 * width));
    data[i] = kind === "noise" ? Math.imul(i, 2654435761) >>> 24 : (x * 2 + y * 3 + (i % 3) * 40) % 256;
  }
  return { width, height, data };
}

/** A picture with edges and noise; any seed. */
export function picture(width: number, height: number, seed: number): RgbImage {
  const random = Random.of(seed);
  const [wave, noise] = [random.uniform(0.01, 0.5), random.uniform(0, 200)];
  const data = new Uint8ClampedArray(width * height * 3).map(
    (_, i) => 128 + 110 * Math.sin(i * wave) + noise * (random.next() - 0.5),
  );
  return { width, height, data: new Uint8Array(data.buffer) };
}

/** Sampled values first (a readable failure), then every byte through the digest. */
export function expectSame(image: RgbImage, golden: { sha256: string; samples: number[] }): void {
  const last = image.data.length - 1;
  const step = last / 11;
  const seen = golden.samples.map((_, k) => image.data[k === 11 ? last : Math.floor(k * step)]);
  expect(seen).toEqual(golden.samples);
  expect(createHash("sha256").update(image.data).digest("hex")).toBe(golden.sha256);
}
