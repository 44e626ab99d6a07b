import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, expect, it } from "vitest";
import { drawn } from "../../../test/parity/pixels.ts";
import { Pictures } from "../../pixels/fast/pictures.ts";
import { FULL_AUGMENT } from "../../pixels/jitter.ts";
import { LoaderThreads } from "./threads.ts";
import { preparer } from "./worker.ts";

const SETUP = { sizePx: 24, seed: 1, augment: FULL_AUGMENT, cacheBytes: 0 };
const BYTES = 24 * 24 * 3;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "facehand-threads-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function file(name: string): Promise<{ key: string; path: string }> {
  const path = join(folder, name);
  await writeFile(
    path,
    await sharp(drawn(40, 30, "noise").data, { raw: { width: 40, height: 30, channels: 3 } })
      .jpeg()
      .toBuffer(),
  );
  return { key: name, path };
}

it("lends the pictures of a request in memory that is used again, also after one that failed", async () => {
  const threads = new LoaderThreads(1);
  const part = threads.open(SETUP);
  const items = await Promise.all(["a", "b", "c", "d"].map(file));
  const alone = preparer(SETUP, new Pictures());
  const lent: ArrayBufferLike[] = [];
  for (const count of [2, 4, 1, 3]) {
    const asked = { epoch: count, items: items.slice(0, count) };
    const expected = new Uint8Array(count * BYTES);
    await alone({ ...asked, out: expected });
    const missing = part.prepare(0, { epoch: 0, items: [{ key: "x", path: join(folder, "x") }] }, () =>
      expect.fail(),
    );
    await expect(missing).rejects.toThrow("Expected an image");
    let got = new Uint8Array(0);
    await part.prepare(0, asked, (pictures) => {
      lent.push(pictures.buffer);
      got = Uint8Array.from(pictures);
    });
    expect(got).toEqual(expected);
  }
  expect(new Set(lent).size).toBe(2); // of two pictures, then of four
  await Promise.all([
    part.prepare(0, { epoch: 0, items }, (pictures) => lent.push(pictures.buffer)),
    part.prepare(0, { epoch: 1, items }, (pictures) => lent.push(pictures.buffer)),
  ]);
  expect(lent.at(-1)).not.toBe(lent.at(-2)); // at the same time each has its own
  await part.close();
  await threads.close();
});
