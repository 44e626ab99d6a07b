// State dicts as PyTorch's .pt files: an OrderedDict of tensors, pickled by protocol 2 in a stored zip.
// Source: torch/serialization.py (_save), torch/_utils.py (_rebuild_tensor_v2); readable by torch.load of 1.6 and
// later, also with weights_only, and by torch.ts. Invariant: the same tensors give the same bytes.
import { unexpected } from "../../core/errors.ts";
import { writeAtomic } from "../../machine/files.ts";
import { DTYPE_BYTES, elementCount, type NamedTensor } from "../tensor.ts";
import { alignedZip, type StoredEntry } from "../zip/write.ts";
import { STORAGES } from "./tensors.ts";

const ROOT = "archive";
const utf8 = new TextEncoder();

/**
 * Writes a state dict, atomically.
 *
 * @param tensors - in the order of the dict; each gets a storage of its own
 * @throws AppError("internal", "TORCH_WRITE") for a name given twice or data that do not fit the shape
 * @example await writeTorch("model.pt", exportTensors(specs, weights))
 */
export async function writeTorch(path: string, tensors: readonly NamedTensor[]): Promise<void> {
  await writeAtomic(path, alignedZip(torchEntries(tensors)));
}

/** The bytes that writeTorch would write. */
export function encodeTorch(tensors: readonly NamedTensor[]): Uint8Array {
  return Buffer.concat(alignedZip(torchEntries(tensors)));
}

function torchEntries(tensors: readonly NamedTensor[]): StoredEntry[] {
  const names = new Set<string>();
  for (const { name, shape, dtype, data } of tensors) {
    const bytes = elementCount(shape) * DTYPE_BYTES[dtype];
    if (!names.has(name) && data.byteLength === bytes) names.add(name);
    else {
      const got = names.has(name) ? "the name twice" : data.byteLength;
      throw unexpected("internal", { code: "TORCH_WRITE", expected: `${bytes} bytes`, name, got });
    }
  }
  return [
    { name: `${ROOT}/data.pkl`, data: pickle(tensors) },
    { name: `${ROOT}/byteorder`, data: utf8.encode("little") },
    ...tensors.map(({ data }, i) => ({ name: `${ROOT}/data/${i}`, data })),
    { name: `${ROOT}/version`, data: utf8.encode("3\n") },
  ];
}

const ops = (...codes: readonly (string | number)[]) =>
  Uint8Array.from(codes, (code) => (typeof code === "number" ? code : code.charCodeAt(0)));

const global = (module: string, name: string) => utf8.encode(`c${module}\n${name}\n`);
const ORDERED_DICT = [global("collections", "OrderedDict"), ops(")", "R")];

/** Pickle opcodes: ( mark, t tuple, R call, u set items, X text, J int32, 0x8a long, Q persistent id, 0x89 False. */
function pickle(tensors: readonly NamedTensor[]): Uint8Array {
  const items = tensors.flatMap((tensor, i) => [text(tensor.name), ...tensorValue(tensor, String(i))]);
  return Buffer.concat([ops(0x80, 2), ...ORDERED_DICT, ops("("), ...items, ops("u", ".")]);
}

function tensorValue({ shape, dtype }: NamedTensor, key: string): Uint8Array[] {
  const strides = shape.map((_, axis) => elementCount(shape.slice(axis + 1)));
  const storage = [text("storage"), global("torch", STORAGES[dtype]), text(key), text("cpu")];
  return [
    global("torch._utils", "_rebuild_tensor_v2"),
    ops("("),
    ...tuple(...storage, int(elementCount(shape))),
    ops("Q"),
    int(0),
    ...tuple(...shape.map(int)),
    ...tuple(...strides.map(int)),
    ops(0x89),
    ...ORDERED_DICT,
    ops("t", "R"),
  ];
}

const tuple = (...items: readonly Uint8Array[]) => [ops("("), ...items, ops("t")];

function text(value: string): Uint8Array {
  const bytes = utf8.encode(value);
  const head = Buffer.alloc(5);
  head.write("X", "latin1");
  head.writeUInt32LE(bytes.byteLength, 1);
  return Buffer.concat([head, bytes]);
}

function int(value: number): Uint8Array {
  if (value > 0x7fff_ffff) {
    const long = Buffer.from([0x8a, 8, 0, 0, 0, 0, 0, 0, 0, 0]); // LONG1 of 8 bytes
    long.writeBigInt64LE(BigInt(value), 2);
    return long;
  }
  const out = Buffer.alloc(5);
  out.write("J", "latin1");
  out.writeInt32LE(value, 1);
  return out;
}
