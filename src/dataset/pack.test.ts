import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Interrupted } from "../core/errors.ts";
import { openZip } from "../formats/zip/zip.ts";
import { sha256 } from "../machine/files.ts";
import { cleanedFolder, planLayout } from "./layout.ts";
import { countRemoved, packFiles, packRemoved } from "./pack.ts";

let root: string;
const at = (name: string) => join(root, name);
const ENTRIES = [
  { name: "b/two.bin", size: 70_000 },
  { name: "a/one.txt", size: 5 },
  { name: "b/none", size: 0 },
];
const zone = process.env.TZ;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "facehand-pack-"));
  for (const [n, { size }] of ENTRIES.entries()) {
    await writeFile(
      at(String(n)),
      Uint8Array.from({ length: size }, (_, i) => (i * 7 + n) & 255),
    );
  }
});
afterEach(async () => {
  process.env.TZ = zone ?? "";
  if (zone === undefined) delete process.env.TZ;
  await rm(root, { recursive: true, force: true });
});

const entries = () => ENTRIES.map(({ name }, n) => ({ name, path: at(String(n)) }));

describe("packFiles", () => {
  it("stores every file, in the order of names, and knows size and hash", async () => {
    const packed = await packFiles(entries(), at("a.zip"));
    const bytes = await readFile(at("a.zip"));
    expect(packed).toEqual({ sha256: sha256(bytes), sizeBytes: bytes.byteLength });
    const zip = await openZip(at("a.zip"));
    try {
      expect([...zip.entries.keys()]).toEqual(["a/one.txt", "b/none", "b/two.bin"]);
      for (const [n, { name, size }] of ENTRIES.entries()) {
        expect(zip.entries.get(name)).toMatchObject({ sizeBytes: size, packing: "stored" });
        expect(sha256(await zip.read(name, 1e6))).toBe(sha256(await readFile(at(String(n)))));
      }
    } finally {
      await zip.close();
    }
  });

  it("gives the same bytes in any order, any time zone, and without a file", async () => {
    process.env.TZ = "Asia/Tokyo";
    const one = await packFiles(entries(), at("a.zip"));
    process.env.TZ = "America/New_York";
    expect(new Date(0).getHours()).toBe(19);
    expect(await packFiles(entries().reverse(), at("b.zip"))).toEqual(one);
    expect(await packFiles(entries(), undefined)).toEqual(one);
  });

  it("reports what it could not read, and stops on request", async () => {
    const missing = [{ name: "x", path: at("missing") }];
    await expect(packFiles(missing, at("a.zip"))).rejects.toThrow(
      `Expected an image at ${at("missing")}, got no such file`,
    );
    await expect(packFiles(entries(), at("no/a.zip"))).rejects.toMatchObject({ code: "PACK_FAILED" });
    const signal = AbortSignal.abort();
    await expect(packFiles(entries(), at("a.zip"), { signal })).rejects.toThrow(Interrupted);
  });
});

describe("crops that cleaning took out", () => {
  it("are counted as they are packed: without what systems leave behind", async () => {
    const layout = planLayout(at("set"));
    const folder = cleanedFolder(layout, "face");
    await mkdir(folder, { recursive: true });
    for (const name of ["F_1.jpg", "F_2.jpg", "Thumbs.db", "._F_1.jpg", ".DS_Store", "desktop.ini"])
      await writeFile(join(folder, name), "x");
    expect(await countRemoved(layout)).toBe(2);
    await packRemoved(layout, root);
    const zip = await openZip(at("removed_faces.zip"));
    expect([...zip.entries.keys()]).toEqual(["removed_faces/F_1.jpg", "removed_faces/F_2.jpg"]);
    await zip.close();
  });
});
