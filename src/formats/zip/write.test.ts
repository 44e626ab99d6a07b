import { mkdtemp, open, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import yauzl from "yauzl";
import { alignedZip, type StoredEntry, zipStream } from "./write.ts";
import { openZip } from "./zip.ts";

let root: string;
const at = (name: string) => join(root, name);
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "facehand-zip-"));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const bytesOf = async (entries: readonly StoredEntry[]) => {
  const parts: Uint8Array[] = [];
  for await (const part of zipStream(entries)) parts.push(part);
  return Buffer.concat(parts);
};

/** Names and contents as yauzl reads them. */
async function read(path: string, names?: readonly string[]) {
  const zip = await openZip(path);
  try {
    const wanted = names ?? [...zip.entries.keys()];
    return await Promise.all(wanted.map(async (name) => ({ name, data: await zip.read(name, 1e8) })));
  } finally {
    await zip.close();
  }
}

describe("zipStream", () => {
  it("writes what a reader finds", async () => {
    const entries = [
      { name: "a/one.txt", data: new TextEncoder().encode("hello") },
      { name: "ä/ß.bin", data: Uint8Array.from({ length: 5000 }, (_, i) => i * i) },
      { name: "none", data: new Uint8Array() },
    ];
    await writeFile(at("a.zip"), await bytesOf(entries));
    expect(await read(at("a.zip"))).toEqual(entries);
    await writeFile(at("empty.zip"), await bytesOf([]));
    expect(await read(at("empty.zip"))).toEqual([]);
  });

  it("has the bytes that the format prescribes", async () => {
    const bytes = await bytesOf([{ name: "a", data: new TextEncoder().encode("hello") }]);
    const local = "504b0304 1400 0000 0000 0000 2100 86a61036 05000000 05000000 0100 0000 61 68656c6c6f";
    const central =
      "504b0102 2d03 1400 0000 0000 0000 2100 86a61036 05000000 05000000 0100 0000 0000 0000 0000 0000a481 00000000 61";
    const end = "504b0506 0000 0000 0100 0100 2f000000 24000000 0000";
    expect(bytes.toString("hex")).toBe(`${local}${central}${end}`.replaceAll(" ", ""));
  });

  it("holds more files than the plain format can", async () => {
    const entries = Array.from({ length: 65_600 }, (_, n) => ({
      name: `f${n}`,
      data: Uint8Array.of(n & 255),
    }));
    const zip = await yauzl.fromBufferPromise(await bytesOf(entries)); // from memory: a file takes yauzl 20 s
    let last = "";
    for await (const entry of zip.eachEntry()) last = `${entry.fileName} ${entry.uncompressedSize}`;
    expect([zip.entryCount, last]).toEqual([65_600, "f65599 1"]);
  });

  it("reaches beyond 4 GiB", async () => {
    const zeros = new Uint8Array(128 << 20);
    const last = { name: "last", data: new TextEncoder().encode("far away") };
    function* entries(): Generator<StoredEntry> {
      for (let n = 0; n < 33; n++) yield { name: `zeros${n}`, data: zeros };
      yield last;
    }
    const file = await open(at("far.zip"), "w"); // sparse: zeros are not written
    let position = 0;
    for await (const part of zipStream(entries())) {
      if (part !== zeros) await file.write(part, 0, part.byteLength, position);
      position += part.byteLength;
    }
    await file.close();
    expect(position).toBeGreaterThan(2 ** 32);
    expect(await read(at("far.zip"), ["last"])).toEqual([last]);
  });

  it("refuses a file that needs a header of its own", async () => {
    const huge = { byteLength: 0xffff_ffff } as Uint8Array;
    await expect(bytesOf([{ name: "huge", data: huge }])).rejects.toThrow(
      'Expected less than 4 GiB for huge, got "4294967295 bytes"',
    );
  });
});

describe("alignedZip", () => {
  it("has the bytes that PyTorch's layout prescribes, data at a multiple of 64", () => {
    const [name, data] = ["archive/a", new TextEncoder().encode("hello")];
    const bytes = Buffer.concat(alignedZip([{ name, data }]));
    const words = Buffer.from(name).toString("hex");
    const common = "0a00 0000 0000 0000 2100 86a61036 05000000 05000000 0900";
    const local = `504b0304 ${common} 1900 ${words} 46421500 ${"00".repeat(21)} 68656c6c6f`;
    const central = `504b0102 0a00 ${common} 0000 0000 0000 0000 00000000 00000000 ${words}`;
    const end = "504b0506 0000 0000 0100 0100 37000000 45000000 0000";
    expect(bytes.toString("hex")).toBe(`${local}${central}${end}`.replaceAll(" ", ""));
    expect(bytes.indexOf("hello")).toBe(64);
  });
});
