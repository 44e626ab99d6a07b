import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { decodeImage, type ExifTurn, exifTurn } from "./image.ts";
import { turnBox, turnPoint } from "./turns.ts";

const ALL = [1, 2, 3, 4, 5, 6, 7, 8] as const satisfies readonly ExifTurn[];
const [WIDTH, HEIGHT] = [6, 4];
/** Every pixel of another colour. */
const pixels = Uint8Array.from({ length: WIDTH * HEIGHT * 3 }, (_, i) => (i * 37) & 255);
const stored = (turn: ExifTurn) =>
  sharp(pixels, { raw: { width: WIDTH, height: HEIGHT, channels: 3 } })
    .withMetadata({ orientation: turn })
    .png()
    .toBuffer();

describe("turns", () => {
  it.each(ALL)("EXIF %i: carries points as decoding carries pixels", async (turn) => {
    const { width, height, data } = await decodeImage(await stored(turn));
    for (let i = 0; i < WIDTH * HEIGHT; i++) {
      const at = { x: ((i % WIDTH) + 0.5) / WIDTH, y: (Math.floor(i / WIDTH) + 0.5) / HEIGHT };
      const { x, y } = turnPoint(turn, at);
      const to = 3 * (Math.floor(y * height) * width + Math.floor(x * width));
      expect([...data.subarray(to, to + 3)]).toEqual([...pixels.subarray(3 * i, 3 * i + 3)]);
    }
  });

  it.each(ALL)("EXIF %i: carries a box with its corners", (turn) => {
    const box = { x: 0.1, y: 0.2, width: 0.3, height: 0.15 };
    const turned = turnBox(turn, box);
    for (const [x, y] of [
      [0.1, 0.2],
      [0.4, 0.35],
    ] as const) {
      const corner = turnPoint(turn, { x, y });
      expect(Math.abs(corner.x - (turned.x + turned.width / 2))).toBeCloseTo(turned.width / 2, 12);
      expect(Math.abs(corner.y - (turned.y + turned.height / 2))).toBeCloseTo(turned.height / 2, 12);
    }
    expect(turned.width * turned.height).toBeCloseTo(0.045, 12);
  });
});

describe("exifTurn", () => {
  it("reports how a file is stored, whatever its format", async () => {
    for (const turn of ALL) expect(await exifTurn(await stored(turn))).toBe(turn);
    const source = sharp(pixels, { raw: { width: WIDTH, height: HEIGHT, channels: 3 } });
    expect(await exifTurn(await source.clone().jpeg().toBuffer())).toBe(1);
    const jpeg = source.clone().withMetadata({ orientation: 8 }).jpeg();
    expect(await exifTurn(await jpeg.toBuffer())).toBe(8);
    expect(await exifTurn(await source.clone().withMetadata({ orientation: 3 }).webp().toBuffer())).toBe(3);
  });

  it("is 1 for what is no picture, which decoding refuses", async () => {
    expect(await exifTurn(new Uint8Array())).toBe(1);
    expect(await exifTurn(Buffer.from("<html>"))).toBe(1);
  });
});
