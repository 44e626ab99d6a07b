import { mkdtemp, open, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { shared, WHY_SKIPPED } from "../../../test/shared.ts";
import { AppError } from "../../core/errors.ts";
import { sha256 } from "../../machine/files.ts";
import { type NamedTensor, toFloat32 } from "../tensor.ts";
import type { PyRecord } from "./globals.ts";
import { NumpyArray } from "./numpy-pickle.ts";
import { unpickle } from "./pickle.ts";
import { TorchTensor } from "./tensors.ts";
import { allTensors, readStateDict, readTorch, stateDict } from "./torch.ts";

const goldens = fileURLToPath(new URL("../../../test/parity/goldens/formats/", import.meta.url));
const FILES = ["torch-zip-2.pt", "torch-zip-3.pt", "torch-zip-4.pt", "torch-zip-5.pt", "torch-legacy.pt"];
let folder: string;
let path: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "facehand-torch-"));
  path = join(folder, "x.pt");
});
afterAll(() => rm(folder, { recursive: true }));

const summary = (tensors: ReadonlyMap<string, NamedTensor>) =>
  Object.fromEntries(
    [...tensors].map(([name, { shape, dtype, data }]) => [name, { shape, dtype, sha256: sha256(data) }]),
  );

describe.each(FILES)("%s, written by torch", (file) => {
  test("has every tensor: name, shape, dtype, bytes", async () => {
    const golden = JSON.parse(await readFile(`${goldens}torch-expected.json`, "utf8"));
    expect(summary(allTensors(await readTorch(goldens + file)))).toEqual(golden.tensors);
  });

  test("has its state dict, with views made contiguous", async () => {
    const tensors = await readStateDict(goldens + file);
    expect([...tensors.keys()]).toEqual(
      ["weight", "transposed", "slice", "expanded", "steps", "empty"].map((name) => `module.${name}`),
    );
    expect([...toFloat32(tensors.get("module.slice")!)]).toEqual([6, 8, 10, 12, 14, 16]);
    expect([...toFloat32(tensors.get("module.expanded")!)]).toEqual([
      0, 0, 0, 6, 6, 6, 12, 12, 12, 18, 18, 18,
    ]);
    expect([...toFloat32(tensors.get("module.transposed")!)].slice(0, 5)).toEqual([0, 6, 12, 18, 1]);
    expect(tensors.get("module.weight")?.name).toBe("module.weight");
  });

  test("has the rest as plain data", async () => {
    const tree = (await readTorch(goldens + file)) as Map<string, unknown>;
    const { args, table, complex, dtype, model, extra, parameter, optimizer, ...plain } =
      Object.fromEntries(tree);
    expect(plain).toEqual({
      epoch: 3,
      big: 2n ** 80n,
      lr: 1.5,
      count: -5,
      flag: true,
      size: [2, 3],
      device: "cpu",
      names: new Set(["x"]),
      bytes: expect.objectContaining({ 0: 0, 1: 255, byteLength: 2 }),
    });
    expect(Object.fromEntries((args as PyRecord).fields)).toEqual({
      lr: 0.1,
      out: "/runs/a",
      tags: ["a", "b"],
    });
    expect(Object.fromEntries((complex as PyRecord).fields)).toEqual({ real: 1, imag: 2 });
    expect(table).toBeInstanceOf(NumpyArray);
    expect(table).toMatchObject({ shape: [2, 2], dtype: "i4", fortran: false });
    expect(dtype).toMatchObject({ py: "torch.float16" });
    expect(parameter).toBeInstanceOf(TorchTensor);
  });
});

describe("foreign names are refused, and nothing runs", () => {
  test.each([
    ["torch-foreign.pt", "__builtin__.print"],
    ["torch-foreign.pkl", "builtins.print"],
  ])("%s", async (file, name) => {
    await expect(readTorch(goldens + file)).rejects.toMatchObject({
      kind: "data",
      code: "PICKLE_GLOBAL",
      message: `Expected only tensors and plain data in the pickle, got a call of ${name} (${goldens + file})`,
    });
    await expect(readStateDict(goldens + file)).rejects.toThrow(name);
  });

  test("names of Object's prototype are foreign too", () => {
    const bytes = Buffer.from("\x80\x02cbuiltins\nconstructor\n.", "latin1");
    const find = () => undefined;
    expect(() => unpickle(bytes, 0, { find, persistent: () => null, where: "x" })).toThrow(
      "builtins.constructor",
    );
  });
});

describe("what is not a torch file", () => {
  test.each([
    ["nothing", "", "PICKLE_DAMAGED", "an empty file"],
    ["a web page", "<!DOCTYPE html>", "PICKLE_DAMAGED", "a web page"],
    ["another pickle", "\x80\x02K\x01.", "TORCH_DAMAGED", "torch's magic number"],
    ["protocol 9", "\x80\x09", "PICKLE_DAMAGED", "protocol 9"],
    ["a pop of nothing", "\x80\x020", "PICKLE_DAMAGED", "an empty stack"],
    ["no mark", "\x80\x02t", "PICKLE_DAMAGED", "no mark"],
    ["an unset memo", "\x80\x02h\x07", "PICKLE_DAMAGED", "memo 7"],
    ["a call of a number", "\x80\x02K\x01)R.", "PICKLE_DAMAGED", "a call of 1"],
    ["a state for a list", "\x80\x02]}b.", "PICKLE_DAMAGED", "a state for Array"],
    [
      "an enormous text",
      "\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\xff",
      "PICKLE_DAMAGED",
      "its end too early",
    ],
    ["half a zip", "PK\x03\x04junk", "ZIP_DAMAGED", "without its end, cut off after 8 bytes"],
  ])("%s", async (_what, text, code, message) => {
    await writeFile(path, Buffer.from(text, "latin1"));
    const error = await readTorch(path).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(AppError);
    expect(error).toMatchObject({ kind: "data", code });
    expect((error as Error).message).toContain(message);
    expect((error as Error).message).toContain(path);
  });

  test("a missing file is named", async () => {
    await expect(readTorch(join(folder, "none.pt"))).rejects.toMatchObject({ code: "FILE_MISSING" });
  });

  test("a changed weight is noticed by its checksum", async () => {
    const bytes = await readFile(`${goldens}torch-zip-2.pt`);
    const at = bytes.indexOf(Buffer.from(Float32Array.of(17, 18, 19).buffer));
    bytes[at + 4]! ^= 1;
    await writeFile(path, bytes);
    await expect(readTorch(path)).rejects.toMatchObject({ code: "ZIP_DAMAGED" });
  });

  test("a cut legacy file is noticed", async () => {
    const bytes = await readFile(`${goldens}torch-legacy.pt`);
    await writeFile(path, bytes.subarray(0, bytes.byteLength - 1));
    await expect(readTorch(path)).rejects.toMatchObject({ code: "TORCH_DAMAGED" });
  });
});

/** A legacy file: pickles of protocol 2 and then storages, whose data may be left to a hole in the file. */
function legacyHead(object: string, keys: readonly string[], { little = true, system = "" } = {}): Buffer {
  const order = `X\x0d\x00\x00\x00little_endian${little ? "\x88" : "\x89"}`;
  const list = keys.map((key) => text(key)).join("");
  const parts = [
    "\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19",
    "M\xe9\x03",
    `}(${order}${system}u`,
    object,
    `](${list}e`,
  ];
  return Buffer.from(parts.map((part) => `\x80\x02${part}.`).join(""), "latin1");
}
const int = (value: number) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(BigInt(value));
  return `\x8a\x08${bytes.toString("latin1")}`;
};
const text = (value: string) => `X${String.fromCharCode(value.length)}\x00\x00\x00${value}`;
const floats = (key: string, count: number, sizes: readonly number[], strides: readonly number[], at = 0) =>
  `ctorch._utils\n_rebuild_tensor_v2\n((${text("storage")}ctorch\nFloatStorage\n${text(key)}${text("cpu")}` +
  `${int(count)}NtQ${int(at)}(${sizes.map(int).join("")}t(${strides.map(int).join("")}t\x89}tR`;
const dictOf = (entries: Readonly<Record<string, string>>) =>
  `}(${Object.entries(entries)
    .map(([key, value]) => text(key) + value)
    .join("")}u`;
/** The bytes of a legacy storage: its number of elements, then they. */
function legacyData(values: Float32Array): Buffer {
  const count = Buffer.alloc(8);
  count.writeBigInt64LE(BigInt(values.length));
  return Buffer.concat([count, Buffer.from(values.buffer)]);
}
const ramp = (count: number) => Float32Array.from({ length: count }, (_, i) => i);

describe("large files and odd views", () => {
  test("of a legacy file beyond 2 GiB, only what the state dict needs is read", async () => {
    const hole = 600_000_000; // floats: 2.4 GB that are nowhere on the disk
    const object = dictOf({
      model: dictOf({ w: floats("1", 6, [2, 3], [3, 1]) }),
      optimizer: floats("0", hole, [hole], [1]),
    });
    const head = legacyHead(object, ["0", "1"]);
    await writeFile(path, head);
    const start = head.byteLength + 8 + 4 * hole;
    await truncate(path, start);
    const file = await open(path, "r+");
    const data = legacyData(ramp(6));
    await file.write(data, 0, data.byteLength, start);
    await file.close();
    const before = process.memoryUsage().arrayBuffers;
    const tensors = await readStateDict(path);
    expect([...toFloat32(tensors.get("w")!)]).toEqual([0, 1, 2, 3, 4, 5]);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16e6);
  });

  test("legacy pickles longer than the first window are read whole", async () => {
    const note = "n".repeat(3_000_000);
    const size = Buffer.alloc(4);
    size.writeUInt32LE(note.length);
    const system = `${text("note")}X${size.toString("latin1")}${note}`;
    const head = legacyHead(dictOf({ w: floats("0", 2, [2], [1]) }), ["0"], { system });
    await writeFile(path, Buffer.concat([head, legacyData(ramp(2))]));
    expect([...toFloat32((await readStateDict(path)).get("w")!)]).toEqual([0, 1]);
  });

  test("legacy files of big-endian machines are refused", async () => {
    const head = legacyHead(dictOf({ w: floats("0", 2, [2], [1]) }), ["0"], { little: false });
    await writeFile(path, Buffer.concat([head, legacyData(ramp(2))]));
    await expect(readStateDict(path)).rejects.toMatchObject({
      kind: "data",
      code: "TORCH_BYTE_ORDER",
      message: `Expected byte order little for ${path}, got "big"`,
      hint: expect.stringContaining("save it as safetensors"),
    });
  });

  test("channels_last weights are made contiguous, in memory of their own size", async () => {
    const sizes = [2, 3, 4, 5];
    const values = ramp(120);
    const head = legacyHead(dictOf({ w: floats("0", 120, sizes, [60, 1, 15, 3]) }), ["0"]);
    await writeFile(path, Buffer.concat([head, legacyData(values)]));
    const tensor = (await readStateDict(path)).get("w")!;
    const expected = [];
    for (let n = 0; n < 2; n++)
      for (let c = 0; c < 3; c++)
        for (let y = 0; y < 4; y++) for (let x = 0; x < 5; x++) expected.push(60 * n + c + 15 * y + 3 * x);
    expect([...toFloat32(tensor)]).toEqual(expected);
    expect(tensor.data.buffer.byteLength).toBe(480);
  });

  test("a small part does not keep its storage in memory, tied weights share one", async () => {
    const part = floats("0", 1000, [3], [1], 500);
    const tied = floats("1", 4, [2, 2], [2, 1]);
    const head = legacyHead(dictOf({ part, a: tied, b: tied }), ["0", "1"]);
    await writeFile(path, Buffer.concat([head, legacyData(ramp(1000)), legacyData(ramp(4))]));
    const tensors = await readStateDict(path);
    expect([...tensors.keys()]).toEqual(["part", "a", "b"]);
    expect([...toFloat32(tensors.get("part")!)]).toEqual([500, 501, 502]);
    expect(tensors.get("part")!.data.buffer.byteLength).toBe(12);
    expect(tensors.get("a")!.data.buffer).toBe(tensors.get("b")!.data.buffer);
  });
});

describe("stateDict", () => {
  test("refuses trees without one, by what is in the way", () => {
    expect(() => stateDict(3, "x.pt")).toThrow("Expected a state dict for x.pt, got 3");
    expect(() => stateDict(new Map([["epoch", 3]]), "x.pt")).toThrow(
      "Expected a tensor at epoch for x.pt, got 3",
    );
    try {
      stateDict(null);
    } catch (error) {
      expect(error).toMatchObject({
        code: "TORCH_STATE_DICT",
        hint: expect.stringContaining("state_dict()"),
      });
    }
  });

  test("refuses dicts that hold themselves", () => {
    const loop = new Map();
    loop.set("a", loop);
    expect(() => stateDict(loop)).toThrow("a tree of moderate size");
    expect(() => allTensors(loop)).toThrow(AppError);
  });

  test("refuses a view that unfolds a few bytes to gigabytes", async () => {
    const tree = (await readTorch(`${goldens}torch-zip-2.pt`)) as Map<string, Map<string, TorchTensor>>;
    const { storage } = tree.get("model")!.get("module.weight")!;
    const bomb = new TorchTensor(storage, { offset: 0, shape: [1 << 30], strides: [0] });
    expect(() => stateDict(new Map([["w", bomb]]))).toThrow("views not much larger than their data");
  });
});

describe("damage", () => {
  /** A slow machine tries fewer changes instead of failing. */
  const BOUNDED = { interruptAfterTimeLimit: 3500, markInterruptAsFailure: false };
  const change = fc.tuple(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), fc.nat(255));

  /** Far above what any of these files of some kilobytes takes, also on a busy machine. */
  const LIMIT = { seconds: 5, bytes: 256e6 };

  /** Reads everything, soon and small; anything thrown must be an AppError of kind data. */
  async function attempt(read: () => Promise<unknown> | unknown) {
    const [start, before] = [performance.now(), process.memoryUsage().arrayBuffers];
    try {
      await read();
      expect(performance.now() - start).toBeLessThan(1e3 * LIMIT.seconds);
      expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(LIMIT.bytes);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      expect(error.kind).toBe("data");
    }
  }

  test.each(["torch-zip-4.pt", "torch-legacy.pt"])(
    "any change of %s gives tensors or an AppError",
    async (file) => {
      const good = await readFile(goldens + file);
      const property = fc.asyncProperty(
        fc.array(change, { maxLength: 3 }),
        fc.nat(),
        async (changes, cut) => {
          const bytes = Buffer.from(cut % 4 === 0 ? good.subarray(0, cut % good.byteLength) : good);
          for (const [at, value] of changes) bytes[Math.floor(at * bytes.byteLength)] = value;
          await writeFile(path, bytes);
          await attempt(async () => allTensors(await readTorch(path)));
        },
      );
      await fc.assert(property, { numRuns: 250, ...BOUNDED });
    },
  );

  test("any change of the pickles alone, past the zip's checksum", async () => {
    const bytes = await readFile(`${goldens}torch-legacy.pt`);
    const end = bytes.lastIndexOf(Buffer.from("e.", "latin1")) + 2; // of the list of storages
    const property = fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 2 }), async (changes) => {
      const copy = Buffer.from(bytes);
      for (const [at, value] of changes) copy[Math.floor(at * end)] = value;
      await writeFile(path, copy);
      await attempt(async () => allTensors(await readTorch(path)));
    });
    await fc.assert(property, { numRuns: 500, ...BOUNDED });
  });
});

const checkpoints = shared("data", "checkpoints_pt");
describe.skipIf(checkpoints === undefined)(`real checkpoints (${WHY_SKIPPED})`, () => {
  test.each([
    "checkpoint_zip",
    "state_dict_zip",
    "state_dict_wrapped_zip",
    "state_dict_zip_proto4",
    "checkpoint_legacy",
    "state_dict_legacy",
  ])("%s.pt has the tensors that torch saw", async (name) => {
    const golden = JSON.parse(await readFile(`${checkpoints}/${name}.pt.json`, "utf8"));
    type Row = { name: string; shape: number[]; dtype: string; sha256_le_contiguous: string };
    const expected = (golden.tensors as Row[]).map(({ name, shape, dtype, sha256_le_contiguous }) => [
      name,
      { shape, dtype, sha256: sha256_le_contiguous },
    ]);
    expect(summary(allTensors(await readTorch(`${checkpoints}/${name}.pt`)))).toEqual(
      Object.fromEntries(expected),
    );
  });

  test("wrapped and raw state dicts have the same names as their models", async () => {
    const raw = await readStateDict(`${checkpoints}/state_dict_zip.pt`);
    expect(raw.get("conv_stem.weight")?.shape).toEqual([24, 3, 3, 3]);
    const wrapped = await readStateDict(`${checkpoints}/state_dict_wrapped_zip.pt`);
    expect(wrapped.get("module.backbone.conv_stem.weight")?.shape).toEqual([24, 3, 3, 3]);
    const training = await readStateDict(`${checkpoints}/checkpoint_zip.pt`);
    expect([...training.keys()]).toEqual([...wrapped.keys()]);
  });

  test.each([
    ["malicious_zip", "posix.system"],
    ["malicious_eval_zip", "__builtin__.eval"],
    ["malicious_legacy", "posix.system"],
  ])("%s.pt is refused by name", async (name, global) => {
    const error = await readTorch(`${checkpoints}/${name}.pt`).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: "PICKLE_GLOBAL", message: expect.stringContaining(global) });
  });
});

const backbone = shared(
  "models",
  "mobilenetv2_100",
  "tf2_mobilenet_v2_1.0_224_ptq.timm_mobilenetv2_100.bncal.fp16.pth",
);
test.skipIf(backbone === undefined)(`an ImageNet backbone (${WHY_SKIPPED})`, async () => {
  const tensors = await readStateDict(backbone!);
  expect(tensors.size).toBe(314);
  expect(tensors.get("classifier.weight")).toMatchObject({ shape: [1001, 1280], dtype: "float16" });
  const stem = toFloat32(tensors.get("conv_stem.weight")!);
  expect(stem.length).toBe(32 * 3 * 3 * 3);
  expect(stem.every((value) => Math.abs(value) < 10)).toBe(true);
  expect(stem.some((value) => Math.abs(value) > 0.1)).toBe(true);
});
