// Files that only somebody who means harm makes: each has to end soon, in little memory, with tensors or an AppError.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  blob,
  call,
  dict,
  get,
  global,
  int,
  LAYOUTS,
  layOut,
  list,
  ops,
  pickle,
  put,
  storage,
  tensor,
  text,
  tuple,
} from "../../../test/pickles.ts";
import { writeZip } from "../../../test/zips.ts";
import { AppError } from "../../core/errors.ts";
import { readStateDict, readTorch, readTorchWeights } from "./torch.ts";

let folder: string;
let path: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "facehand-hostile-"));
  path = join(folder, "x.pt");
});
afterAll(() => rm(folder, { recursive: true }));

const times = (count: number, part: Uint8Array) => Buffer.concat(Array<Uint8Array>(count).fill(part));
const many = (count: number, part: (i: number) => Uint8Array) =>
  Buffer.concat(Array.from({ length: count }, (_, i) => part(i)));

async function fault(bytes: Uint8Array): Promise<AppError> {
  await writeFile(path, bytes);
  const error = await readTorchWeights(path).then(
    () => undefined,
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(AppError);
  return error as AppError;
}

/** One argument of 64 KB or 16,000 values in the memo, and 10,000 calls with it: 130 KB that would copy 600 MB and more. */
const CHARS = text("x".repeat(1 << 16));
const ITEMS = ops("](", times(16_000, ops("K", 1)), "e");
const PAIRS = ops(
  "](",
  many(16_000, (i) => ops("K\x01M", i & 255, i >> 8, 0x86)),
  "e",
);
const ENTRIES = ops(
  "}(",
  many(16_000, (i) => ops("M", i & 255, i >> 8, "N")),
  "u",
);
const NAMES = ops(
  "}(",
  many(16_000, (i) => ops(text(`a${i}`), "N")),
  "u",
);
const COPIES: readonly (readonly [what: string, make: Uint8Array, args: Uint8Array])[] = [
  ["_codecs.encode", global("_codecs", "encode"), tuple(CHARS, text("latin1"))],
  ["OrderedDict of pairs", global("collections", "OrderedDict"), tuple(PAIRS)],
  ["OrderedDict of a dict", global("collections", "OrderedDict"), tuple(ENTRIES)],
  ["Counter", global("collections", "Counter"), tuple(ENTRIES)],
  ["defaultdict", global("collections", "defaultdict"), tuple(ops("N"), ENTRIES)],
  ["set", global("__builtin__", "set"), tuple(ITEMS)],
  ["frozenset", global("__builtin__", "frozenset"), tuple(ITEMS)],
  ["bytearray", global("__builtin__", "bytearray"), tuple(CHARS, text("latin1"))],
  ["PosixPath", global("pathlib", "PosixPath"), tuple(CHARS, CHARS)],
  ["WindowsPath", global("pathlib", "WindowsPath"), tuple(CHARS, CHARS)],
  ["device", global("torch", "device"), tuple(CHARS, int(1))],
];

describe.each(LAYOUTS)("calls that copy what the memo holds, in a file of the layout %s", (layout) => {
  test.each(COPIES)("%s", async (_name, make, args) => {
    const again = ops(make, put(0), "0", args, put(1), "0", "(", times(20_000, ops("h\x00h\x01R0")), "t");
    const error = await fault(layOut(layout, pickle(again)));
    expect(error).toMatchObject({
      code: "PICKLE_DAMAGED",
      message: expect.stringContaining("got one that makes much more of its bytes than they are"),
    });
  });

  test("states that an object is given again and again", async () => {
    const object = call(global("argparse", "Namespace"));
    const again = ops(NAMES, put(1), "0", object, times(20_000, ops("h\x01b")));
    expect((await fault(layOut(layout, pickle(again)))).code).toBe("PICKLE_DAMAGED");
  });

  test("metadata of tensors made by another function", async () => {
    const args = tuple(storage("0", 1), int(0), tuple(), tuple(), ops(0x89), ops("}"), NAMES);
    const make = global("torch._tensor", "_rebuild_from_type_v2");
    const from = tuple(
      global("torch._utils", "_rebuild_tensor_v2"),
      global("torch", "Tensor"),
      args,
      ops("N"),
    );
    const again = ops(make, put(0), "0", from, put(1), "0", times(20_000, ops("h\x00h\x01R0")));
    const error = await fault(layOut(layout, pickle(again), { 0: new Float32Array(1) }));
    expect(error.code).toBe("PICKLE_DAMAGED");
  });
});

describe("a pickle of 5 MB", () => {
  test.each([
    ["dicts", "}"],
    ["sets", "\x8f"],
    ["lists in lists", "\x85"],
    ["marks", "("],
    ["the same value", "2"],
  ])("of opcodes that make %s is refused", async (_what, code) => {
    const error = await fault(ops(0x80, 2, "N", Buffer.alloc(5 << 20, code, "latin1")));
    expect(error.code).toBe("PICKLE_DAMAGED");
  });
});

describe("tensors", () => {
  const one = { 0: new Float32Array([1, 2]) };
  const fileOf = (shape: readonly number[], strides: readonly number[], offset = 0) =>
    layOut("zip", pickle(dict(text("w"), tensor(storage("0", 2), shape, strides, offset))), one);

  test("may have 64 axes, as PyTorch allows, and not more", async () => {
    const axes = (count: number) => Array<number>(count).fill(1);
    await writeFile(path, fileOf(axes(64), axes(64)));
    expect((await readStateDict(path)).get("w")?.shape).toEqual(axes(64));
    expect((await fault(fileOf(axes(65), axes(65)))).message).toBe(
      "Expected a valid value for at most 64 axes in the shape of a tensor, got 65",
    );
    expect((await fault(fileOf(axes(60_000), axes(60_000)))).code).toBe("PICKLE_DAMAGED");
  });

  test("of more elements than a storage, by strides of 0, are refused", async () => {
    const error = await fault(fileOf([1 << 20, 1 << 10], [0, 0]));
    expect(error.message).toContain("views not much larger than their data");
  });

  test.each([
    ["an end beyond it", [3], [1], 0],
    ["an offset beyond it", [1], [1], 2],
    ["more elements than numbers count", [0x7fffffff, 0x7fffffff, 0x7fffffff], [0, 0, 0], 0],
  ] as const)("outside of their storage, by %s, are refused", async (_what, shape, strides, offset) => {
    const { message } = await fault(fileOf(shape, strides, offset));
    expect(message).toContain("a tensor inside storage 0 of 2");
  });
});

describe("trees of dicts that hold each other", () => {
  /** Each dict holds the one before under many names: 8 levels have more paths than there are atoms in a picture. */
  const levels = (last: Uint8Array, name: (i: number) => string) => {
    let value: Uint8Array = last;
    for (let level = 0; level < 8; level++) {
      const inner = ops(value, put(level));
      value = dict(
        text("first"),
        inner,
        many(300, (i) => ops(text(name(i)), get(level))),
      );
    }
    return value;
  };
  const leaf = tensor(storage("0", 1), [1], [1]);

  test.each([
    ["plain names", (i: number) => `n${i}`],
    ["names of averages", (i: number) => `ema_${i}`],
    ["names of parts beside a model", (i: number) => `callbacks.${i}`],
  ])("by %s", async (_what, name) => {
    const inside = levels(dict(text("w"), leaf), name);
    const value = dict(text("state_dict"), dict(text("w"), leaf), text("callbacks"), inside);
    const bytes = layOut("zip", pickle(value), { 0: new Float32Array(1) });
    await writeFile(path, bytes);
    const result = await readTorchWeights(path, undefined).then(
      ({ tensors }) => [...tensors.keys()],
      (e: AppError) => e.code,
    );
    expect(["TORCH_DAMAGED", ["w"]]).toContainEqual(result);
    expect((await fault(layOut("zip", pickle(inside), { 0: new Float32Array(1) }))).code).toBe(
      "TORCH_DAMAGED",
    );
  });

  test("lists that are a storage's name are reported without being written out", async () => {
    let keys: Uint8Array = list(int(1));
    for (let level = 0; level < 40; level++) keys = ops(keys, put(level), "](", get(level), get(level), "e");
    const head = layOut("legacy", pickle(dict()), {});
    const cut = head.length - pickle(list()).length;
    const error = await fault(ops(head.subarray(0, cut), pickle(list(keys))));
    expect(error.message).toContain("Expected a storage that the pickle names");
  });

  test("a hundred thousand averages are distinguished in one pass", async () => {
    const names = many(100_000, (i) => ops(text(`ema${i}.w`), "j\x00\x00\x00\x00"));
    const value = ops("}(", text("w"), leaf, put(0), names, "u");
    await writeFile(path, layOut("zip", pickle(value), { 0: new Float32Array(1) }));
    expect((await readTorchWeights(path)).taken.others.length).toBe(100_000);
  });
});

describe("archives", () => {
  test("whose compressed pickle unpacks to a thousand times the file are refused", async () => {
    await writeZip(path, [{ name: "x/data.pkl", text: "\0".repeat(70 << 20), deflate: true }]);
    await expect(readTorch(path)).rejects.toThrow(/Expected at most \d+ bytes in x\/data.pkl/);
  });

  /** Offsets of a zip64 record are 64 bits; what lies beyond 2^53 is no number that a file can be read at. */
  const record = (at: bigint) => {
    const locator = Buffer.alloc(20);
    locator.writeUInt32LE(0x07064b50, 0);
    locator.writeBigUInt64LE(at, 8);
    locator.writeUInt32LE(1, 16);
    const end = Buffer.alloc(22, 0xff);
    end.writeUInt32LE(0x06054b50, 0);
    end.writeUInt32LE(0, 4);
    end.writeUInt16LE(0, 20);
    return ops("PK\x03\x04", Buffer.alloc(60), locator, end);
  };
  test.each([2n ** 53n, 2n ** 63n, 2n ** 64n - 1n, 70n])("with a zip64 record at byte %s", async (at) => {
    expect((await fault(record(at))).code).toBe("ZIP_DAMAGED");
  });

  test("with an entry beyond 2^53", async () => {
    const zip = layOut("zip", pickle(dict()));
    const at = zip.indexOf("PK\x01\x02");
    const name = zip.subarray(at + 46, at + 46 + zip.readUInt16LE(at + 28));
    const head = Buffer.from(zip.subarray(at, at + 46));
    head.writeUInt16LE(12, 30);
    head.writeUInt16LE(0, 32);
    head.writeUInt32LE(0xffffffff, 42);
    const extra = Buffer.from("01000800ffffffffffffff7f", "hex");
    const end = Buffer.from(zip.subarray(-22));
    end.writeUInt16LE(1, 8);
    end.writeUInt16LE(1, 10);
    end.writeUInt32LE(at, 16);
    expect((await fault(ops(zip.subarray(0, at), head, name, extra, end))).code).toBe("ZIP_DAMAGED");
  });
});

test("messages are short, whatever a file holds", async () => {
  const huge = "n".repeat(4 << 20);
  for (const bytes of [
    layOut("raw", pickle(global(huge, huge))),
    layOut("zip", pickle(dict(text(huge), int(1)))),
    layOut("raw", pickle(blob(Buffer.alloc(4 << 20)))),
    layOut("zip", pickle(tensor(storage(huge, 1), [1], [1]))),
    layOut("zip", pickle(dict(text("w"), call(global("torch", "device"), text(huge))))),
  ]) {
    const { message } = await fault(bytes);
    expect(Buffer.byteLength(message)).toBeLessThanOrEqual(2048);
    expect(message).toContain(path);
  }
});
