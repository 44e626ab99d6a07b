// Perturbations against what can be worked out by hand: an impulse, flat pictures, lines, sizes.
import { describe, expect, it } from "vitest";
import { Random } from "../core/random.ts";
import { sha256 } from "../machine/files.ts";
import { perturb } from "./perturb.ts";
import { type Perturbation, perturbationSchema } from "./perturbation.ts";
import { flipHorizontal, type RgbImage } from "./pixels.ts";

function image(width: number, height: number, value: (x: number, y: number, c: number) => number): RgbImage {
  const data = new Uint8Array(width * height * 3);
  data.forEach((_, i) => {
    data[i] = value(Math.floor(i / 3) % width, Math.floor(i / 3 / width), i % 3);
  });
  return { width, height, data };
}

const stream = (name = "a") => Random.of(1).split("perturb", name);
const apply = (picture: RgbImage, how: Perturbation, name?: string) => perturb(picture, how, stream(name));
const digest = async (...given: Parameters<typeof apply>) =>
  sha256(Uint8Array.from((await apply(...given)).data));
const parse = (input: unknown) => perturbationSchema.parse(input);
const meanOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const mean = ({ data }: RgbImage) => meanOf([...data]);
const drawn = image(40, 30, (x, y, c) => (7 * x + 5 * y + 60 * c) % 256);

const ALL: Perturbation[] = [
  parse({ kind: "alignment", shift: 0.05, rotate: 5, scale: 0.1 }),
  parse({ kind: "jpeg", quality: 10 }),
  parse({ kind: "blur", sigma: 0.02 }),
  parse({ kind: "low-light", gain: 0.2 }),
  parse({ kind: "crop", keep: 0.8 }),
  parse({ kind: "flip" }),
];

describe("perturb", () => {
  it.each(ALL.map((how) => [how.kind, how] as const))(
    "%s repeats by its stream and changes pixels",
    async (_, how) => {
      const once = await apply(drawn, how);
      expect(await apply(drawn, how)).toEqual(once);
      expect(once.data).not.toEqual(drawn.data);
    },
  );

  it("draws another alignment and other noise for another picture, and nothing else", async () => {
    const differ = await Promise.all(
      ALL.map(async (how) => (await digest(drawn, how, "b")) !== (await digest(drawn, how))),
    );
    expect(differ).toEqual([true, false, false, true, false, false]);
  });

  it("of no strength leaves the picture as it was", async () => {
    expect((await apply(drawn, parse({ kind: "alignment" }))).data).toEqual(drawn.data);
    expect((await apply(drawn, parse({ kind: "crop", keep: 1 }))).data).toEqual(drawn.data);
    expect((await apply(drawn, parse({ kind: "low-light", gain: 1, noise: 0 }))).data).toEqual(drawn.data);
  });

  it("shifts a ramp by the stream's numbers", async () => {
    const ramp = image(100, 100, (x) => 2 * x);
    const { data } = await apply(ramp, parse({ kind: "alignment", shift: 0.1 }));
    const dx = stream().uniform(-0.1, 0.1) * 100;
    for (const x of [20, 50, 80]) expect(data[(50 * 100 + x) * 3]).toBe(Math.round(2 * (x - dx)));
  });

  it("turns by at most the angle asked for: a point on the edge moves along its circle", async () => {
    const dot = image(101, 101, (x, y) => (Math.hypot(x - 90, y - 50) < 3 ? 255 : 0));
    const { data } = await apply(dot, parse({ kind: "alignment", rotate: 90 }));
    const random = stream();
    random.uniform(0, 0);
    random.uniform(0, 0);
    const angle = (random.uniform(-90, 90) * Math.PI) / 180;
    const x = Math.round(50 + 40 * Math.cos(angle));
    const y = Math.round(50 - 40 * Math.sin(angle));
    expect(data[(y * 101 + x) * 3]).toBe(255);
  });

  it("blurs an impulse into a Gaussian, and a flat picture into itself", async () => {
    const impulse = image(41, 41, (x, y) => (x === 20 && y === 20 ? 255 : 0));
    const { data } = await apply(impulse, { kind: "blur", sigma: 1 / 41 });
    const gauss = (d: number) => Math.exp(-(d ** 2) / 2) / Math.sqrt(2 * Math.PI);
    for (const [dx, dy] of [
      [0, 0],
      [1, 0],
      [0, 2],
      [1, 1],
    ] as const) {
      const expected = 255 * gauss(dx) * gauss(dy);
      expect(Math.abs(data[((20 + dy) * 41 + 20 + dx) * 3]! - expected)).toBeLessThan(1);
    }
    const flat = image(20, 20, () => 93);
    expect((await apply(flat, { kind: "blur", sigma: 0.1 })).data).toEqual(flat.data);
  });

  it("takes light away in linear terms and keeps the noise small", async () => {
    const flat = image(60, 60, () => 200);
    const dark = await apply(flat, parse({ kind: "low-light", gain: 0.25, noise: 0.02 }));
    expect(mean(dark)).toBeCloseTo(200 * 0.25 ** (1 / 2.2), 0);
    const centre = mean(dark);
    const deviation = Math.sqrt(meanOf([...dark.data].map((v) => (v - centre) ** 2)));
    expect(deviation).toBeGreaterThan(4);
    expect(deviation).toBeLessThan(6.5);
  });

  it("keeps the centre of a crop, and mirrors", async () => {
    const cropped = await apply(drawn, { kind: "crop", keep: 0.5 });
    expect([cropped.width, cropped.height]).toEqual([20, 15]);
    expect(cropped.data.subarray(0, 3)).toEqual(
      drawn.data.subarray((7 * 40 + 10) * 3, (7 * 40 + 10) * 3 + 3),
    );
    expect(await apply(drawn, { kind: "flip" })).toEqual(flipHorizontal(drawn));
  });

  it("refuses unknown kinds and keys", () => {
    expect(perturbationSchema.safeParse({ kind: "fog" }).success).toBe(false);
    expect(perturbationSchema.safeParse({ kind: "jpeg", quality: 10, sigma: 1 }).success).toBe(false);
  });
});
