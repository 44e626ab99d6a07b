import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AppError } from "../core/errors.ts";
import { sha256 } from "../machine/files.ts";
import { encodeSafetensors, parseSafetensors } from "./safetensors.ts";
import { readSafetensors, writeSafetensors } from "./safetensors-file.ts";
import { DTYPE_BYTES, DTYPES, elementCount, float32Tensor, type NamedTensor, toFloat32 } from "./tensor.ts";

const goldens = fileURLToPath(new URL("../../test/parity/goldens/formats/", import.meta.url));
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "facehand-safetensors-"));
});
afterAll(() => rm(folder, { recursive: true }));

const weight = float32Tensor("weight", [2, 3], Float32Array.of(1, 2, 3, 4, 5, 6));
const step: NamedTensor = {
  name: "7",
  shape: [],
  dtype: "int64",
  data: Uint8Array.of(9, 0, 0, 0, 0, 0, 0, 0),
};

/** A file with any header text and `dataBytes` zeros. */
function file(header: string, dataBytes = 0): Uint8Array {
  const text = new TextEncoder().encode(header);
  const out = new Uint8Array(8 + text.byteLength + dataBytes);
  new DataView(out.buffer).setUint32(0, text.byteLength, true);
  out.set(text, 8);
  return out;
}

describe("peer's file", () => {
  test("has the peer's shapes, bytes and values", async () => {
    const golden = JSON.parse(await readFile(`${goldens}peer.safetensors.json`, "utf8"));
    const { tensors, metadata } = await readSafetensors(`${goldens}peer.safetensors`);
    expect(metadata).toEqual({ format: "np", note: 'é "quoted"' });
    expect(tensors.map((t) => t.name).sort()).toEqual(Object.keys(golden.tensors).sort());
    for (const tensor of tensors) {
      const { shape, sha256: hash, float32 } = golden.tensors[tensor.name];
      expect(tensor.shape).toEqual(shape);
      expect(sha256(tensor.data)).toBe(hash);
      const expected = float32.map((v: string) => Number(v.replace("inf", "Infinity")));
      expect([...toFloat32(tensor)], tensor.name).toEqual(expected);
    }
  });
});

describe("writing", () => {
  test("keeps order and metadata, pads the header, and is deterministic", () => {
    const bytes = encodeSafetensors([weight, step], { note: "x" });
    const header = Buffer.from(bytes.subarray(8, 8 + bytes[0]!)).toString();
    expect(bytes[0]! % 8).toBe(0);
    expect(header.trimEnd()).toBe(
      '{"__metadata__":{"note":"x"},"weight":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},' +
        '"7":{"dtype":"I64","shape":[],"data_offsets":[24,32]}}',
    );
    expect(parseSafetensors(bytes, "x")).toEqual({ tensors: [weight, step], metadata: { note: "x" } });
    expect(encodeSafetensors([weight, step], { note: "x" })).toEqual(bytes);
  });

  test("writes the same bytes to a file, and leaves nothing beside it", async () => {
    const path = join(folder, "run", "last.safetensors");
    await writeSafetensors(path, [weight, step]);
    expect(new Uint8Array(await readFile(path))).toEqual(encodeSafetensors([weight, step]));
    expect(await readdir(join(folder, "run"))).toEqual(["last.safetensors"]);
  });

  test("is read by the peer (hash of a file the peer's library loaded)", () => {
    // Loaded with safetensors 0.8.0 by formats-safetensors.py: weight float32 [2, 3] and 7 int64 [] had our bytes.
    const hash = sha256(encodeSafetensors([weight, step], { note: "x" }));
    expect(hash).toBe("0f05171a3d8a6c0be37d031a551765da880b754c5271c052012f55f66f7316e6");
  });

  test("refuses a name twice and data that do not fit", () => {
    expect(() => encodeSafetensors([weight, weight])).toThrow(/Expected a new name .* got "weight"/);
    expect(() => encodeSafetensors([{ ...weight, shape: [7] }])).toThrow(
      "Expected 28 bytes for weight, got 24",
    );
  });

  test("round trip of any tensors", () => {
    const tensor = fc
      .record({
        name: fc.string({ minLength: 1 }).filter((name) => name !== "__metadata__"),
        shape: fc.array(fc.nat(4), { maxLength: 3 }),
        dtype: fc.constantFrom(...DTYPES),
        fill: fc.nat(255),
      })
      .map(({ name, shape, dtype, fill }) => {
        const data = new Uint8Array(elementCount(shape) * DTYPE_BYTES[dtype]).fill(fill);
        return { name, shape, dtype, data };
      });
    fc.assert(
      fc.property(fc.uniqueArray(tensor, { selector: (t) => t.name, maxLength: 6 }), (tensors) => {
        const filled = tensors.filter((t) => t.data.byteLength > 0); // empty ones have no place of their own
        expect(parseSafetensors(encodeSafetensors(filled), "x").tensors).toEqual(filled);
        expect(parseSafetensors(encodeSafetensors(tensors), "x").tensors).toHaveLength(tensors.length);
      }),
    );
  });
});

describe("damage", () => {
  const entry = (begin: number, end: number) => `{"dtype":"U8","shape":[2],"data_offsets":[${begin},${end}]}`;
  test.each([
    ["3 bytes", Uint8Array.of(1, 2, 3), "Expected at least 8 bytes for the safetensors header"],
    ["a header past the end", file("{}").subarray(0, 9), "Expected a length of at most 1 bytes"],
    ["an enormous length", new Uint8Array(16).fill(255), "got 18446744073709551615"],
    ["half a header", file('{"a":'), "Expected JSON for the safetensors header"],
    ["an array", file("[]"), "Expected a JSON object"],
    ["a null", file("null"), "Expected a JSON object"],
    ["not UTF-8", file("{}").fill(0xff, 8), "Expected JSON"],
    ["a name twice", file(`{"a":${entry(0, 2)},"a":${entry(2, 4)}}`, 4), 'Expected each key once .* got "a"'],
    ["a key twice in an entry", file('{"a":{"dtype":"U8","dtype":"I8"}}'), 'each key once .* got "dtype"'],
    ["a key twice by escape", file(`{"a":${entry(0, 2)},"\\u0061":${entry(2, 4)}}`, 4), "each key once"],
    [
      "another key",
      file('{"a":{"dtype":"U8","shape":[],"data_offsets":[0,1],"x":1}}', 1),
      "Expected a known key for a, got",
    ],
    [
      "a negative size",
      file('{"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,1]}}', 1),
      "Expected a number from 0 for shape.0 of a, got -1",
    ],
    ["an entry that is no object", file('{"a":3}'), "Expected an object for a, got 3"],
    [
      "metadata that are no text",
      file('{"__metadata__":{"a":1}}'),
      "Expected text for a of __metadata__, got 1",
    ],
    [
      "another dtype",
      file('{"a":{"dtype":"F8_E4M3","shape":[1],"data_offsets":[0,1]}}', 1),
      "one of F64, F32",
    ],
    ["a size that does not fit", file(`{"a":${entry(0, 3)}}`, 3), "Expected 2 bytes for a"],
    [
      "overlap",
      file(`{"a":${entry(0, 2)},"b":${entry(1, 3)}}`, 3),
      "Expected offset 2 for the start of b, got 1",
    ],
    [
      "a gap",
      file(`{"a":${entry(0, 2)},"b":${entry(3, 5)}}`, 5),
      "Expected offset 2 for the start of b, got 3",
    ],
    ["data cut off", file(`{"a":${entry(0, 2)}}`, 1), "Expected 2 bytes for the tensors' data, got 1"],
    ["data left over", file(`{"a":${entry(0, 2)}}`, 3), "Expected 2 bytes for the tensors' data, got 3"],
  ])("%s is refused", (_what, bytes, message) => {
    expect(() => parseSafetensors(bytes, "w.safetensors")).toThrow(new RegExp(message));
    expect(() => parseSafetensors(bytes, "w.safetensors")).toThrow("(w.safetensors)");
    expect(() => parseSafetensors(bytes, "w.safetensors")).toThrow(AppError);
  });

  test.each([
    ["cut in its length", 5, "Expected at least 8 bytes for the safetensors header"],
    ["cut in its header", 30, "Expected a length of at most 22 bytes"],
    ["cut in its data", -1, "for the tensors' data, got 31"],
  ])("a file %s is refused before its data are read", async (_what, length, message) => {
    const path = join(folder, "cut.safetensors");
    await writeFile(path, encodeSafetensors([weight, step]).subarray(0, length));
    await expect(readSafetensors(path)).rejects.toThrow(message);
    await expect(readSafetensors(path)).rejects.toThrow(`(${path})`);
  });

  test("tensors of a file have memory of their own, aligned for any dtype", async () => {
    const path = join(folder, "own.safetensors");
    await writeSafetensors(path, [{ ...step, dtype: "uint8", shape: [3], data: new Uint8Array(3) }, weight]);
    const { tensors } = await readSafetensors(path);
    expect(tensors.map(({ data }) => [data.byteOffset, data.buffer.byteLength])).toEqual([
      [0, 3],
      [0, 24],
    ]);
  });

  test("a missing file is named", async () => {
    const missing = readSafetensors(join(folder, "none.safetensors"));
    await expect(missing).rejects.toMatchObject({ code: "FILE_MISSING", kind: "data" });
  });

  test("any change of any byte gives tensors or an AppError", () => {
    const good = encodeSafetensors([weight, step], { note: "x" });
    const change = fc.tuple(fc.nat(good.byteLength - 1), fc.nat(255));
    fc.assert(
      fc.property(
        fc.array(change, { minLength: 1, maxLength: 3 }),
        fc.nat(good.byteLength),
        (changes, length) => {
          const bytes = good.slice(0, length < 20 ? length : undefined);
          for (const [at, value] of changes) if (at < bytes.byteLength) bytes[at] = value;
          try {
            for (const tensor of parseSafetensors(bytes, "x").tensors) toFloat32(tensor);
          } catch (error) {
            expect(error).toBeInstanceOf(AppError);
          }
        },
      ),
      { numRuns: 1000 },
    );
  });
});

describe("toFloat32", () => {
  test("copies what is not aligned, shares what is", () => {
    const buffer = new Uint8Array(9);
    buffer.set(new Uint8Array(Float32Array.of(1.5, -2).buffer), 1);
    const odd: NamedTensor = { name: "x", shape: [2], dtype: "float32", data: buffer.subarray(1) };
    expect([...toFloat32(odd)]).toEqual([1.5, -2]);
    expect(toFloat32(weight).buffer).toBe(weight.data.buffer);
  });
});
