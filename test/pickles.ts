// Pickles made opcode by opcode, and the three layouts of torch's files around one: for hostile files, which no program
// that writes checkpoints would make. Opcodes: CPython's Lib/pickletools.py.
import { alignedZip } from "../src/formats/zip/write.ts";

/** Bytes of opcodes: characters and numbers as they are. */
export const ops = (...codes: readonly (string | number | Uint8Array)[]): Buffer =>
  Buffer.concat(
    codes.map((code) =>
      typeof code === "string"
        ? Buffer.from(code, "latin1")
        : typeof code === "number"
          ? Buffer.from([code])
          : Buffer.from(code),
    ),
  );

const uint32 = (value: number) => {
  const out = Buffer.alloc(4);
  out.writeUInt32LE(value);
  return out;
};

/** A name of Python's. */
export const global = (module: string, name: string) => ops(`c${module}\n${name}\n`);
/** BINUNICODE. */
export const text = (value: string) => {
  const bytes = Buffer.from(value, "utf8");
  return ops("X", uint32(bytes.length), bytes);
};
/** BINBYTES. */
export const blob = (bytes: Uint8Array) => ops("B", uint32(bytes.length), bytes);
/** BININT. */
export const int = (value: number) => ops("J", uint32(value >>> 0));
export const tuple = (...items: readonly Uint8Array[]) => ops("(", ...items, "t");
export const list = (...items: readonly Uint8Array[]) => ops("](", ...items, "e");
export const dict = (...items: readonly Uint8Array[]) => ops("}(", ...items, "u");
/** What stands on top, remembered under a number; and again. */
export const put = (index: number) => ops("r", uint32(index));
export const get = (index: number) => ops("j", uint32(index));
export const call = (make: Uint8Array, ...args: readonly Uint8Array[]) => ops(make, tuple(...args), "R");
/** A whole pickle of one value. */
export const pickle = (...value: readonly Uint8Array[]) => ops(0x80, 2, ...value, ".");

/** A storage of float32 by its persistent id. */
export const storage = (key: string, count: number, kind = "FloatStorage") =>
  ops(tuple(text("storage"), global("torch", kind), text(key), text("cpu"), int(count)), "Q");

/** `_rebuild_tensor_v2` of a storage. */
export const tensor = (from: Uint8Array, shape: readonly number[], strides: readonly number[], offset = 0) =>
  call(
    global("torch._utils", "_rebuild_tensor_v2"),
    from,
    int(offset),
    tuple(...shape.map(int)),
    tuple(...strides.map(int)),
    ops(0x89),
    call(global("collections", "OrderedDict")),
  );

/** How torch.save lays out a file. */
export const LAYOUTS = ["zip", "legacy", "raw"] as const;
export type Layout = (typeof LAYOUTS)[number];

/**
 * A file around a pickle; `raw` is the pickle alone, which torch.save never writes.
 *
 * @param storages - elements of float32 by key
 */
export function layOut(
  layout: Layout,
  value: Uint8Array,
  storages: Readonly<Record<string, Float32Array>> = {},
): Buffer {
  const data = Object.entries(storages).map(
    ([key, values]) => [key, new Uint8Array(values.buffer.slice(0))] as const,
  );
  if (layout === "raw") return Buffer.from(value);
  if (layout === "zip") {
    const entries = [
      { name: "archive/data.pkl", data: value },
      ...data.map(([key, bytes]) => ({ name: `archive/data/${key}`, data: bytes })),
      { name: "archive/version", data: Buffer.from("3\n") },
    ];
    return Buffer.concat(alignedZip(entries));
  }
  const magic = ops(0x8a, 10, Buffer.from("6cfc9c46f9206aa85019", "hex"));
  const little = ops(0x88);
  const system = dict(text("protocol_version"), int(1001), text("little_endian"), little);
  const keys = list(...data.map(([key]) => text(key)));
  const sized = data.map(([, bytes]) => {
    const count = Buffer.alloc(8);
    count.writeBigInt64LE(BigInt(bytes.length / 4));
    return ops(count, bytes);
  });
  return ops(pickle(magic), pickle(int(1001)), pickle(system), value, pickle(keys), ...sized);
}
