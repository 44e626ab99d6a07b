// The random augmentation has torchvision's distribution: mean and std of features of augmented pictures
// (goldens/augment.json by augment.py), within what so many draws of both sides allow.
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import { augment, FULL_AUGMENT } from "../../src/pixels/jitter.ts";

const { draws, features }: { draws: number; features: Record<string, { mean: number; std: number }> } =
  JSON.parse(readFileSync(new URL("./goldens/augment.json", import.meta.url), "utf8"));
const SIDE = 32;
const DRAWS = 4000;
const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
const std = (values: readonly number[]) => {
  const centre = mean(values);
  return Math.sqrt(mean(values.map((v) => (v - centre) ** 2)));
};

/** As augment.py draws it. */
const picture = Uint8Array.from({ length: SIDE * SIDE * 3 }, (_, i) => {
  const [x, y, c] = [Math.floor(i / 3) % SIDE, Math.floor(i / 3 / SIDE), i % 3];
  return 60 + 3 * x + y + 20 * c + ((x * 7 + y * 5) % 11);
});

type Inside = (x: number, y: number) => boolean;

/** Positions of a part of the picture. */
const places = (inside: Inside) =>
  Int32Array.from({ length: SIDE * SIDE }, (_, at) => at).filter((at) =>
    inside(at % SIDE, Math.floor(at / SIDE)),
  );
const PARTS = {
  centre: places((x, y) => Math.min(x, y) >= 8 && Math.max(x, y) < 24),
  left: places((x) => x < 16),
  right: places((x) => x >= 16),
  top: places((_, y) => y < 8),
  bottom: places((_, y) => y >= 24),
  corner: places((x, y) => x < 4 && y < 4),
} as const;

function featuresOf(data: ArrayLike<number>): Record<string, number> {
  const grey = Float64Array.from(
    { length: SIDE * SIDE },
    (_, at) => (data[3 * at]! + data[3 * at + 1]! + data[3 * at + 2]!) / 3,
  );
  const over = (part: keyof typeof PARTS, of: (at: number) => number = (at) => grey[at]!) => {
    let sum = 0;
    for (const at of PARTS[part]) sum += of(at);
    return sum / PARTS[part].length;
  };
  const mirror = over("left") - over("right");
  const level = over("centre");
  return {
    level,
    contrast: Math.sqrt(over("centre", (at) => (grey[at]! - level) ** 2)),
    colour: over("centre", (at) => data[3 * at + 2]! - data[3 * at]!),
    mirror,
    corners: over("corner", (at) => (grey[at]! < 20 ? 1 : 0)),
    tilt: (over("top") - over("bottom")) * Math.sign(mirror),
  };
}

it("draws level, contrast, colour, mirror and rotation as torchvision does", () => {
  const rows = Array.from({ length: DRAWS }, (_, i) => {
    const random = Random.of(42).split("augment", i, "test");
    return featuresOf(augment({ width: SIDE, height: SIDE, data: picture }, random, FULL_AUGMENT).data);
  });
  for (const [name, golden] of Object.entries(features)) {
    const values = rows.map((row) => row[name]!);
    const error = golden.std * Math.sqrt(1 / DRAWS + 1 / draws);
    expect(Math.abs(mean(values) - golden.mean) / error, `mean of ${name}`).toBeLessThan(4);
    expect(Math.abs(std(values) / golden.std - 1), `std of ${name}`).toBeLessThan(0.05);
  }
});
