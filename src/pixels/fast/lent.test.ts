import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { withPlain, withSimd } from "../../../test/lent.ts";
import { Random } from "../../core/random.ts";
import { samplePlain } from "../chip.ts";
import { type RgbImage, resizeBilinear } from "../pixels.ts";
import { halvingsFor, reduceByTwo } from "../reduce.ts";
import type { Picture } from "./picture.ts";

function noise(width: number, height: number, seed: number): RgbImage {
  const data = new Uint8Array(width * height * 3);
  let state = seed + 1;
  for (let i = 0; i < data.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    data[i] = state >>> 24;
  }
  return { width, height, data };
}

const compare = (a: RgbImage["data"], b: RgbImage["data"]) => Buffer.compare(Buffer.from(a), Buffer.from(b));
const side = fc.integer({ min: 1, max: 90 });

describe("resized", () => {
  it("gives the bytes of resizeBilinear, to any size", () => {
    fc.assert(
      fc.property(side, side, side, side, fc.nat(99), (width, height, toWidth, toHeight, seed) => {
        const image = noise(width, height, seed);
        const small = withSimd(image, (lent) => lent.resized(toWidth, toHeight).copy());
        withSimd(noise(50, 40, 3), (lent) => lent.resized(30, 20).copy()); // does not write into what was given before
        expect(small).toEqual({ ...resizeBilinear(image, toWidth, toHeight), data: expect.anything() });
        expect(compare(small.data, resizeBilinear(image, toWidth, toHeight).data)).toBe(0);
      }),
      { numRuns: 200, seed: 1 },
    );
  });
});

describe("resized after halvings", () => {
  it("gives the bytes of reduceByTwo and resizeBilinear", () => {
    fc.assert(
      fc.property(side, side, fc.integer({ min: 1, max: 3 }), fc.nat(99), (width, height, halvings, seed) => {
        const image = noise(8 * width + (seed & 7), 8 * height + ((seed >> 3) & 7), seed);
        let plain = image;
        for (let k = 0; k < halvings; k++) plain = reduceByTwo(plain);
        plain = resizeBilinear(plain, width, height);
        const small = withSimd(image, (lent) => lent.resized(width, height, halvings).copy());
        expect(compare(small.data, plain.data)).toBe(0);
      }),
      { numRuns: 60, seed: 2 },
    );
  });

  it("means four pixels, rounded up from a half, without the odd column", () => {
    const data = Uint8Array.from([1, 10, 255, 2, 20, 255, 9, 9, 9, 3, 30, 254, 4, 41, 254, 9, 9, 9]);
    expect(reduceByTwo({ width: 3, height: 2, data })).toEqual({
      width: 1,
      height: 1,
      data: Uint8Array.from([3, 25, 255]),
    });
  });

  it("halves only where the resample still shrinks afterwards", () => {
    const to = { width: 192, height: 144 };
    const times = (scale: number) => halvingsFor({ width: 192 * scale, height: 144 * scale }, to);
    expect([0.5, 1, 4.9, 5, 9.9, 10, 11].map(times)).toEqual([0, 0, 0, 1, 1, 2, 2]);
    expect(halvingsFor({ width: 1000, height: 1 }, { width: 32, height: 1 })).toBe(0);
  });
});

describe("sampled", () => {
  it("gives the bytes of the plain code, of any turned square, halved or not", () => {
    const random = Random.of(4);
    for (let k = 0; k < 60; k++) {
      const [width, height] = [30 + random.int(200), 30 + random.int(200)];
      const data = new Uint8Array(width * height * 3).map(() => random.int(256) & (k % 3 === 0 ? 128 : 255));
      const angle = random.uniform(-4, 4);
      const step = random.uniform(0.1, 4);
      const [ux, uy] = [step * Math.cos(angle), step * Math.sin(angle)];
      const walk = { x: random.uniform(-20, width), y: random.uniform(-20, height), ux, uy, vx: -uy, vy: ux };
      const image = { width, height, data };
      const plain = samplePlain(image, k % 3, walk, 65);
      const whole = { left: 0, top: 0, right: width - 1, bottom: height - 1 };
      const { data: out } = withSimd(image, (lent) => lent.sampled(whole, k % 3, walk, 65).copy());
      expect(Buffer.compare(Buffer.from(out), Buffer.from(plain.data))).toBe(0);
    }
  });

  it("gives those of a part of the picture, which need not be copied", () => {
    const random = Random.of(5);
    const data = new Uint8Array(120 * 90 * 3).map(() => random.int(256));
    const walk = { x: 0.25, y: 3.5, ux: 0.7, uy: 0.1, vx: -0.1, vy: 0.7 };
    for (const halvings of [0, 1, 2]) {
      const part = { left: 11, top: 7, right: 101, bottom: 71 };
      const rows = Array.from({ length: 65 }, (_, y) => (7 + y) * 120 + 11);
      const cut = Buffer.concat(rows.map((at) => data.subarray(3 * at, 3 * (at + 91))));
      const plain = samplePlain({ width: 91, height: 65, data: cut }, halvings, walk, 48).data;
      const picture = { width: 120, height: 90, data };
      const { data: out } = withSimd(picture, (lent) => lent.sampled(part, halvings, walk, 48).copy());
      expect(Buffer.compare(Buffer.from(out), Buffer.from(plain))).toBe(0);
    }
  });

  it("leaves pictures to it that dlib would not halve", () => {
    const image = { width: 20, height: 20, data: new Uint8Array(1200).fill(9) };
    const walk = { x: 0, y: 0, ux: 0.1, uy: 0, vx: 0, vy: 0.1 };
    const whole = { left: 0, top: 0, right: 19, bottom: 19 };
    const black = (lent: Picture) =>
      lent
        .sampled(whole, 2, walk, 32)
        .copy()
        .data.every((v) => v === 0);
    expect([withSimd(image, black), withPlain(image, black)]).toEqual([true, true]);
  });
});
