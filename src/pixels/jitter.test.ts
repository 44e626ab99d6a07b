import { describe, expect, it } from "vitest";
import goldens from "../../test/parity/goldens/pixels/pixels.json" with { type: "json" };
import { drawn, expectSame } from "../../test/parity/pixels.ts";
import { Random } from "../core/random.ts";
import {
  ADJUSTMENTS,
  adjustBrightness,
  adjustContrast,
  adjustSaturation,
  augment,
  colorJitter,
  FULL_AUGMENT,
} from "./jitter.ts";
import { flipHorizontal } from "./pixels.ts";

const adjust = { brightness: adjustBrightness, contrast: adjustContrast, saturation: adjustSaturation };

describe("adjustments equal torchvision on PIL images bit for bit", () => {
  for (const golden of goldens.adjust) {
    it(`${golden.name} ${golden.factor} of ${golden.kind}`, () => {
      const image = drawn(61, 43, golden.kind);
      expectSame(adjust[golden.name as keyof typeof adjust](image, golden.factor), golden);
    });
  }

  for (const golden of goldens.jitter) {
    it(`in the order ${golden.order.join("")}`, () => {
      const order = golden.order.map((k) => ADJUSTMENTS[k]!);
      const factors = { brightness: 1.07, contrast: 0.93, saturation: 1.04 };
      expectSame(colorJitter(drawn(61, 43, "smooth"), { ...factors, order }), golden);
    });
  }
});

describe("saturation", () => {
  it("is the float32 blend for every factor, those that round up to whole numbers included", () => {
    const image = drawn(64, 64, "noise");
    const random = Random.of(3);
    const drawnFactors = Array.from({ length: 40 }, () => random.uniform(0, 3));
    for (const factor of [0, 0.5, 0.95, 1.05, 1.2, 2, 9.7, ...drawnFactors]) {
      const alpha = Math.fround(factor);
      const expected = image.data.map((value, k) => {
        const [r, g, b] = image.data.subarray(k - (k % 3), k - (k % 3) + 3) as unknown as number[];
        const level = (r! * 19595 + g! * 38470 + b! * 7471 + 0x8000) >> 16;
        const blended = Math.fround(level + Math.fround(alpha * (value - level)));
        return Math.max(0, Math.min(255, Math.trunc(blended)));
      });
      expect(adjustSaturation(image, factor).data, String(factor)).toEqual(expected);
    }
  });
});

describe("augment", () => {
  const image = drawn(40, 30, "smooth");
  const run = (seed: number) => augment(image, Random.of(seed), FULL_AUGMENT);

  it("repeats itself from the same stream and differs between streams", () => {
    expect(run(1)).toEqual(run(1));
    expect(run(1)).not.toEqual(run(2));
  });

  it("keeps nothing of the pictures before", () => {
    const fresh = run(1);
    for (const [w, h] of [
      [50, 50],
      [3, 4],
      [40, 30],
    ] as const) {
      augment(drawn(w, h, "noise"), Random.of(w), FULL_AUGMENT);
    }
    expect(run(1)).toEqual(fresh);
  });

  it("changes nothing when the policy is empty", () => {
    const none = { flip: 0, brightness: 0, contrast: 0, saturation: 0, degrees: 0 };
    expect(augment(image, Random.of(5), none)).toEqual(image);
  });

  it("flips half of the time", () => {
    const policy = { flip: 0.5, brightness: 0, contrast: 0, saturation: 0, degrees: 0 };
    const small = drawn(3, 2, "noise");
    const mirrored = flipHorizontal(small).data;
    let flips = 0;
    for (let seed = 0; seed < 1000; seed++) {
      const { data } = augment(small, Random.of(seed), policy);
      if (data.every((value, i) => value === mirrored[i])) flips++;
    }
    expect(flips).toBeGreaterThan(440);
    expect(flips).toBeLessThan(560);
  });

  it("draws brightness over the whole of its range", () => {
    const grey = { width: 1, height: 1, data: new Uint8Array([100, 100, 100]) };
    const policy = { flip: 0, brightness: 0.1, contrast: 0, saturation: 0, degrees: 0 };
    const seen = Array.from({ length: 500 }, (_, seed) => augment(grey, Random.of(seed), policy).data[0]!);
    expect(Math.min(...seen)).toBe(90);
    expect(Math.max(...seen)).toBe(109);
  });
});
