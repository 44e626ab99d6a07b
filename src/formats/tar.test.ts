import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pack } from "tar-stream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openTarWriter, readTar, type TarEntry } from "./tar.ts";

let root: string;
const at = (name: string) => join(root, name);
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "facehand-tar-"));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const ENTRIES: TarEntry[] = [
  { name: "a.txt", data: new TextEncoder().encode("hello") },
  { name: "empty", data: new Uint8Array() },
  { name: "big.bin", data: new Uint8Array(30_001).map((_, i) => i) },
];

async function write(path: string, entries: readonly TarEntry[]): Promise<number> {
  const tar = openTarWriter(path);
  for (const entry of entries) await tar.add(entry);
  await tar.close();
  return tar.sizeBytes;
}

const read = async (path: string, limit = 1e6) => {
  const out: TarEntry[] = [];
  for await (const entry of readTar(path, limit)) out.push(entry);
  return out;
};

describe("tar", () => {
  it("reads what it wrote, and the same entries give the same bytes", async () => {
    const size = await write(at("a.tar"), ENTRIES);
    await write(at("b.tar"), ENTRIES);
    const bytes = await readFile(at("a.tar"));
    expect(bytes.equals(await readFile(at("b.tar")))).toBe(true);
    expect(bytes.byteLength).toBe(size + 1024);
    expect(await read(at("a.tar"))).toEqual(ENTRIES);
  });

  it("writes the header that POSIX has", async () => {
    await write(at("a.tar"), ENTRIES);
    const bytes = await readFile(at("a.tar"));
    const field = (from: number, to: number) => bytes.toString("latin1", from, to).replace(/[\0 ]+$/, "");
    expect(field(0, 100)).toBe("a.txt");
    expect(Number.parseInt(field(100, 108), 8)).toBe(0o644);
    expect(Number.parseInt(field(124, 136), 8)).toBe(5);
    expect(Number.parseInt(field(136, 148), 8)).toBe(0);
    expect([field(156, 157), field(257, 262)]).toEqual(["0", "ustar"]);
    const header = Buffer.from(bytes.subarray(0, 512)).fill(" ", 148, 156);
    expect(Number.parseInt(field(148, 156), 8)).toBe(header.reduce((sum, byte) => sum + byte, 0));
    expect(bytes.toString("utf8", 512, 517)).toBe("hello");
  });

  it("refuses cut files, too large ones, links, and what is not there", async () => {
    await write(at("a.tar"), ENTRIES);
    await writeFile(at("cut.tar"), (await readFile(at("a.tar"))).subarray(0, 5000));
    await expect(read(at("cut.tar"))).rejects.toMatchObject({ code: "TAR_DAMAGED" });
    await writeFile(at("odd.tar"), "x".repeat(2048));
    await expect(read(at("odd.tar"))).rejects.toThrow(`Expected a complete tar archive for ${at("odd.tar")}`);
    await expect(read(at("a.tar"), 1000)).rejects.toThrow("Expected at most 1000 bytes in big.bin");
    await expect(read(at("none.tar"))).rejects.toMatchObject({ code: "FILE_MISSING" });
    const archive = pack();
    archive.entry({ name: "l", type: "symlink", linkname: "/etc/passwd" });
    archive.finalize();
    const chunks: Buffer[] = [];
    for await (const chunk of archive) chunks.push(chunk as Buffer);
    await writeFile(at("link.tar"), Buffer.concat(chunks));
    await expect(read(at("link.tar"))).rejects.toThrow("plain files only for");
  });

  it("reports that it cannot write", async () => {
    const tar = openTarWriter(at("no/folder.tar"));
    await expect(tar.add(ENTRIES[0]!).then(() => tar.close())).rejects.toThrow("ENOENT");
  });
});
