import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, expect, it } from "vitest";
import { drawn } from "../../../test/parity/pixels.ts";
import { Pictures } from "../../pixels/fast/pictures.ts";
import { FULL_AUGMENT } from "../../pixels/jitter.ts";
import { preparer } from "./worker.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "facehand-worker-"));
});
afterAll(() => rm(folder, { recursive: true }));

it("gives the same bytes by SIMD and without, from plain files and others, cached or not", async () => {
  const source = (w: number, h: number) =>
    sharp(drawn(w, h, "noise").data, { raw: { width: w, height: h, channels: 3 } });
  const files = [
    source(40, 30).jpeg(),
    source(31, 45).jpeg({ chromaSubsampling: "4:4:4" }),
    source(40, 30).jpeg({ progressive: true }),
    source(24, 24).png(),
    source(33, 40).withMetadata({ orientation: 6 }).jpeg(),
  ];
  const items = await Promise.all(
    files.map(async (file, k) => {
      const path = join(folder, String(k));
      await writeFile(path, await file.toBuffer());
      return { key: String(k), path };
    }),
  );
  for (const augment of [FULL_AUGMENT, undefined]) {
    const setup = { sizePx: 24, seed: 1, augment, cacheBytes: 8000 }; // room for one or two
    const [quick, plain] = [preparer(setup, new Pictures()), preparer(setup, new Pictures({ simd: false }))];
    for (const epoch of [0, 1, 1]) {
      const [out, same] = [new Uint8Array(5 * 24 * 24 * 3), new Uint8Array(5 * 24 * 24 * 3)];
      await quick({ epoch, items, out });
      await plain({ epoch, items, out: same });
      expect(out).toEqual(same);
      expect(new Set(out).size).toBeGreaterThan(100);
    }
  }
});
