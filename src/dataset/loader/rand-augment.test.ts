// RandAugment against timm: what each operation is given at a level, and the bytes of Pillow (test/parity/randaugment.py).
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { Random } from "../../core/random.ts";
import { Pictures, withPicture } from "../../pixels/fast/pictures.ts";
import { FULL_AUGMENT } from "../../pixels/jitter.ts";
import { type AugmentSetup, augmentationOf } from "./order.ts";
import { prepareInto } from "./prepare.ts";
import {
  applyRandOp,
  drawRandOps,
  parseRandAugment,
  RAND_OPS,
  type RandOp,
  valueAt,
} from "./rand-augment.ts";

interface Golden {
  readonly side: number;
  readonly fill: [number, number, number];
  readonly picture: number[];
  readonly cases: readonly {
    readonly name: RandOp["name"];
    readonly increasing: boolean;
    readonly level: number;
    readonly value: number;
    readonly sha256: string;
  }[];
}
const GOLDEN: Golden = JSON.parse(
  readFileSync(new URL("../../../test/parity/goldens/randaugment.json", import.meta.url), "utf8"),
);
const { side, fill, cases } = GOLDEN;
const image = { width: side, height: side, data: Uint8Array.from(GOLDEN.picture) };
const MEAN = [0.485, 0.456, 0.406] as const;

describe("an operation", () => {
  it("is given at each level what timm gives it", () => {
    for (const { name, increasing, level, value } of cases) {
      const both = ([1, -1] as const).map((sign) => valueAt(name, level, increasing, sign));
      const nearest = both.map((given) => Math.abs(given - value)).sort((a, b) => a - b)[0];
      expect(nearest, `${name} at ${level}`).toBeLessThan(1e-12);
    }
    expect(new Set(cases.map(({ name }) => name))).toEqual(new Set(RAND_OPS));
  });

  it.each(cases)("makes Pillow's bytes: $name of $value", ({ name, value, sha256 }) => {
    const made = applyRandOp(image, { name, value }, fill);
    expect(createHash("sha256").update(made.data).digest("hex")).toBe(sha256);
  });

  it("makes a picture of no bits black", () => {
    const made = applyRandOp(image, { name: "Posterize", value: valueAt("Posterize", 10, true, 1) }, fill);
    expect(new Set(made.data)).toEqual(new Set([0]));
  });

  it("leaves its picture as it was", () => {
    for (const name of RAND_OPS) applyRandOp(image, { name, value: valueAt(name, 9, true, 1) }, fill);
    expect(Buffer.from(image.data).equals(Buffer.from(GOLDEN.picture))).toBe(true);
  });
});

describe("timm's words", () => {
  it("say how many, how strong and how often", () => {
    expect(parseRandAugment("rand-m9-mstd0.5-inc1", MEAN)).toEqual({
      ...{ magnitude: 9, std: 0.5, most: 10, layers: 2, probability: 0.5, increasing: true },
      fill: [124, 116, 104],
    });
    expect(parseRandAugment("rand-n3-p1-m15-mmax20-mstd101", [0, 0, 0])).toEqual({
      ...{
        magnitude: 15,
        std: Number.POSITIVE_INFINITY,
        most: 20,
        layers: 3,
        probability: 1,
        increasing: false,
      },
      fill: [0, 0, 0],
    });
  });

  it.each([
    "",
    "augmix-m3",
    "rand-tweights",
    "rand-m",
    "rand-m11",
    "rand-m9-m8",
    "rand-n0",
    "rand-inc2",
    "rand-m1.5",
    "rand-p2",
    "rand-x1",
  ])("are refused where it has no such: %s", (text) => {
    expect(() => parseRandAugment(text, MEAN)).toThrow(/^Expected .* --aa/);
  });
});

describe("what is drawn", () => {
  const policy = parseRandAugment("rand-m9-mstd0.5-inc1", MEAN);
  const draws = Array.from({ length: 6000 }, (_, i) => drawRandOps(Random.of(3).split("test", i), policy));

  it("are half of two, each of the set as often, and both ways", () => {
    const all = draws.flat();
    expect(all.length / draws.length).toBeCloseTo(1, 1);
    for (const name of RAND_OPS) {
      const share = all.filter((op) => op.name === name).length / all.length;
      expect(Math.abs(share * RAND_OPS.length - 1), name).toBeLessThan(0.25); // five standard deviations
    }
    const turns = all.filter(({ name }) => name === "Rotate").map(({ value }) => value);
    expect(turns.filter((value) => value > 0).length / turns.length).toBeCloseTo(0.5, 0);
    expect(Math.max(...turns)).toBeLessThanOrEqual(30);
    expect(turns.reduce((sum, value) => sum + Math.abs(value), 0) / turns.length).toBeCloseTo(27, 0);
  });

  it("leaves what was drawn before as it is, and changes the picture at the model's size", () => {
    const setup = (augment: AugmentSetup | undefined) => ({ seed: 5, sizePx: 16, augment });
    const bytesOf = (augment: AugmentSetup | undefined, epoch: number) => {
      const out = new Uint8Array(16 * 16 * 3);
      const drawn = augmentationOf(setup(augment), epoch, "pairs/a");
      withPicture(new Pictures().photo(image), (picture) => prepareInto(picture, setup(augment), drawn, out));
      return Buffer.from(out);
    };
    const never = { ...FULL_AUGMENT, rand: { ...policy, probability: 0 } };
    const always = { ...FULL_AUGMENT, rand: { ...policy, probability: 1 } };
    for (const epoch of [0, 1, 2, 3]) {
      expect(bytesOf(never, epoch).equals(bytesOf(FULL_AUGMENT, epoch))).toBe(true);
      expect(bytesOf(always, epoch).equals(bytesOf(always, epoch))).toBe(true);
    }
    const changed = [0, 1, 2, 3].filter(
      (epoch) => !bytesOf(always, epoch).equals(bytesOf(FULL_AUGMENT, epoch)),
    );
    expect(changed.length).toBeGreaterThan(1); // an operation may do nothing
  });
});
