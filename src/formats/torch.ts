// PyTorch's .pt and .pth files, zip and legacy, read without Python and without running anything they hold.
// Source: torch/serialization.py (_load, _legacy_load); the pickle inside is read by pickle.ts with an allow-list.
// Invariants: any bytes give plain data or an AppError; memory stays within a small multiple of the file's size.
import { open } from "node:fs/promises";
import { AppError, isNotFound, missingFile, show, unexpected } from "../core/errors.ts";
import { readBytes } from "../core/files.ts";
import { unpickle } from "./pickle.ts";
import type { PickleContext, PickleValue } from "./pickle-machine.ts";
import { DTYPE_BYTES, elementCount, type NamedTensor } from "./tensor.ts";
import { findTorchGlobal, storageResolver, type TorchStorage, TorchTensor } from "./torch-globals.ts";
import { openZip, type ZipReader } from "./zip.ts";

/** A torch file as plain data: see PickleValue; tensors are TorchTensors. */
export type TorchValue = PickleValue;

/** Where a checkpoint keeps the state dict if it is not one itself, in the order they are tried. */
export const STATE_DICT_KEYS = ["state_dict", "model", "model_state_dict"] as const;

const MAX_DEPTH = 64;
const MAX_VALUES = 1_000_000;
const MAX_NAME_CHARS = 1024;
/** Views that are not contiguous are copied; a file may ask for this much beyond its own storages. */
const EXTRA_COPY_BYTES = 64 << 20;
const LEGACY_MAGIC = 0x1950a86a20f9469cfc6cn;

/**
 * The whole tree of a .pt or .pth file.
 *
 * @throws AppError("data", "FILE_MISSING" | "PICKLE_GLOBAL" | "PICKLE_DAMAGED" | "TORCH_DAMAGED" | "ZIP_DAMAGED")
 * @example stateDict(await readTorch("model.pth"))
 */
export async function readTorch(path: string): Promise<TorchValue> {
  return load(path, () => undefined);
}

/**
 * The state dict of a .pt or .pth file; of a training checkpoint, only the storages it needs are read.
 *
 * @returns contiguous tensors by name, as in the file (`module.` is not removed)
 * @throws AppError as readTorch and stateDict
 */
export async function readStateDict(path: string): Promise<Map<string, NamedTensor>> {
  const tree = await load(path, (value) => {
    const tensors = [...flatten(findStateDict(value, path), path, true).values()];
    return new Set(tensors.map((tensor) => tensor.storage.key));
  });
  return stateDict(tree, path);
}

/**
 * The state dict of a tree: the tree itself, or what it holds under one of STATE_DICT_KEYS.
 * Nested dicts give dotted names. Tensors share memory with their storages where they are contiguous.
 *
 * @param where - file name for messages
 * @throws AppError("data", "TORCH_STATE_DICT") if there is none, or something in it is not a tensor
 */
export function stateDict(tree: TorchValue, where = "a torch file"): Map<string, NamedTensor> {
  return materialise(flatten(findStateDict(tree, where), where, true), where);
}

/**
 * Every tensor of a tree by its dotted path (`optimizer.state.0.exp_avg`); what is not a tensor is left out.
 *
 * @throws AppError("data", "TORCH_DAMAGED") for dicts and lists nested deeper than any checkpoint's
 */
export function allTensors(tree: TorchValue, where = "a torch file"): Map<string, NamedTensor> {
  return materialise(flatten(tree, where, false), where);
}

async function load(
  path: string,
  select: (value: TorchValue) => ReadonlySet<string> | undefined,
): Promise<TorchValue> {
  return (await startsWithZip(path))
    ? loadZip(path, select)
    : loadLegacy(await readBytes(path, "a torch file"), path);
}

async function startsWithZip(path: string): Promise<boolean> {
  try {
    const file = await open(path);
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0);
      return bytesRead === 4 && buffer.readUInt32LE(0) === 0x04034b50;
    } finally {
      await file.close();
    }
  } catch (cause) {
    if (isNotFound(cause)) throw missingFile(path, "a torch file");
    throw new AppError("data", "READ_FAILED", `Expected to read ${path}, got ${show(cause)}`, { cause });
  }
}

async function loadZip(
  path: string,
  select: (value: TorchValue) => ReadonlySet<string> | undefined,
): Promise<TorchValue> {
  const zip = await openZip(path);
  try {
    // Entries could overlap; together they may not unpack to more than the file holds.
    let budget = zip.fileBytes;
    const read = async (name: string) => {
      const bytes = await readStored(zip, name, budget, path);
      budget -= bytes.byteLength;
      return bytes;
    };
    const prefix = findPrefix(zip, path);
    if (zip.entries.has(`${prefix}byteorder`)) {
      const order = Buffer.from(await read(`${prefix}byteorder`)).toString();
      if (order !== "little") throw damaged("byte order little", path, order);
    }
    const storages = new Map<string, TorchStorage>();
    const { value } = unpickle(await read(`${prefix}data.pkl`), 0, context(storages, path));
    const wanted = select(value);
    for (const storage of storages.values()) {
      if (wanted !== undefined && !wanted.has(storage.key)) continue;
      const bytes = await read(`${prefix}data/${storage.key}`);
      if (bytes.byteLength !== storage.byteLength) {
        throw damaged(`${storage.byteLength} bytes in data/${storage.key}`, path, bytes.byteLength);
      }
      storage.bytes = bytes;
    }
    return value;
  } finally {
    zip.close();
  }
}

/** The archive's one folder, e.g. `archive/`. */
function findPrefix(zip: ZipReader, path: string): string {
  const found = [...zip.entries.keys()].filter((name) => /^([^/]*\/)?data\.pkl$/.test(name));
  if (found.length !== 1) throw damaged("one data.pkl", path, `${found.length} of them`);
  return found[0]!.slice(0, -"data.pkl".length);
}

async function readStored(
  zip: ZipReader,
  name: string,
  limitBytes: number,
  path: string,
): Promise<Uint8Array> {
  if (zip.entries.get(name)?.stored === false) {
    throw damaged(`${name} stored as torch.save does`, path, "compressed or encrypted");
  }
  return zip.read(name, limitBytes);
}

function loadLegacy(bytes: Uint8Array, path: string): TorchValue {
  const storages = new Map<string, TorchStorage>();
  let position = 0;
  const next = () => {
    const { value, end } = unpickle(bytes, position, context(storages, path));
    position = end;
    return value;
  };
  // A pickle that is not torch's has its say first: a foreign name in it is refused by name.
  const magic = next();
  if (magic !== LEGACY_MAGIC) throw damaged("torch's magic number", path, typeof magic);
  next(); // protocol version
  next(); // byte order and sizes of the writing system, all of today's alike
  const value = next();
  const keys = next();
  if (!Array.isArray(keys)) throw damaged("a list of storages", path, typeof keys);
  for (const key of keys) {
    const storage = typeof key === "string" ? storages.get(key) : undefined;
    if (storage === undefined) throw damaged("a storage that the pickle names", path, key);
    const end = position + 8 + storage.byteLength;
    if (end > bytes.byteLength) throw damaged(`${end} bytes`, path, bytes.byteLength);
    const count = new DataView(bytes.buffer, bytes.byteOffset + position).getBigInt64(0, true);
    if (count !== BigInt(storage.count))
      throw damaged(`${storage.count} elements in storage ${key}`, path, count);
    storage.bytes = bytes.subarray(position + 8, end);
    position = end;
  }
  return value;
}

function context(storages: Map<string, TorchStorage>, where: string): PickleContext {
  return { find: findTorchGlobal, persistent: storageResolver(storages), where };
}

function findStateDict(tree: TorchValue, where: string): TorchValue {
  if (!(tree instanceof Map)) throw noStateDict("a state dict", tree, where);
  for (const key of STATE_DICT_KEYS) {
    const inner = tree.get(key);
    if (inner instanceof Map) return inner;
  }
  return tree;
}

function noStateDict(expected: string, got: TorchValue, where: string): AppError {
  const shown = typeof got === "object" && got !== null ? got.constructor.name : got;
  const hint = `save the model's state_dict(), alone or under ${STATE_DICT_KEYS.join(" or ")}`;
  return unexpected("data", { code: "TORCH_STATE_DICT", expected, name: where, got: shown, hint });
}

/** Tensors by dotted path; `strict` refuses everything that is neither a tensor nor a dict. */
function flatten(tree: TorchValue, where: string, strict: boolean): Map<string, TorchTensor> {
  const found = new Map<string, TorchTensor>();
  let visited = 0;
  const visit = (value: TorchValue, path: string, depth: number) => {
    // Dicts can hold each other, or one dict many times over.
    if (depth > MAX_DEPTH || ++visited > MAX_VALUES || path.length > MAX_NAME_CHARS) {
      throw damaged("a tree of moderate size", where, path);
    }
    if (value instanceof TorchTensor) {
      if (found.has(path)) throw noStateDict("each name once", path, where);
      found.set(path, value);
    } else if (value instanceof Map) {
      for (const [key, inner] of value) visit(inner, join(path, key), depth + 1);
    } else if (strict) {
      throw noStateDict(`a tensor at ${path}`, value, where);
    } else if (Array.isArray(value)) {
      for (const [index, inner] of value.entries()) visit(inner, join(path, index), depth + 1);
    }
  };
  visit(tree, "", 0);
  return found;
}

function join(path: string, key: TorchValue): string {
  const name = typeof key === "object" ? "?" : String(key);
  return path === "" ? name : `${path}.${name}`;
}

function materialise(tensors: ReadonlyMap<string, TorchTensor>, where: string): Map<string, NamedTensor> {
  const storages = new Set([...tensors.values()].map((tensor) => tensor.storage));
  let budget = EXTRA_COPY_BYTES;
  for (const storage of storages) budget += storage.byteLength;
  const out = new Map<string, NamedTensor>();
  for (const [name, tensor] of tensors) {
    const { shape, storage } = tensor;
    const size = DTYPE_BYTES[storage.dtype];
    const byteLength = elementCount(shape) * size;
    if (storage.bytes === undefined) throw damaged(`the data of ${name}`, where, undefined);
    let data: Uint8Array;
    if (isContiguous(tensor)) {
      data = storage.bytes.subarray(tensor.offset * size, tensor.offset * size + byteLength);
    } else {
      budget -= byteLength;
      if (budget < 0) throw damaged(`views not much larger than their data, as ${name}`, where, `[${shape}]`);
      data = gather(tensor, storage.bytes, size, byteLength);
    }
    out.set(name, { name, shape, dtype: storage.dtype, data });
  }
  return out;
}

function isContiguous({ shape, strides }: TorchTensor): boolean {
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] === 0) return true;
    if (shape[axis] !== 1 && strides[axis] !== expected) return false;
    expected *= shape[axis]!;
  }
  return true;
}

function gather(tensor: TorchTensor, source: Uint8Array, size: number, byteLength: number): Uint8Array {
  const { shape, strides, offset } = tensor;
  const out = new Uint8Array(byteLength);
  const index = shape.map(() => 0);
  let from = offset * size;
  for (let to = 0; to < byteLength; to += size) {
    for (let byte = 0; byte < size; byte++) out[to + byte] = source[from + byte]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis]! * size;
      if (++index[axis]! < shape[axis]!) break;
      from -= strides[axis]! * size * shape[axis]!;
      index[axis] = 0;
    }
  }
  return out;
}

function damaged(expected: string, path: string, got: unknown): AppError {
  const hint = "fetch the file again; it may be cut off or of another format";
  return unexpected("data", { code: "TORCH_DAMAGED", expected, name: path, got, hint });
}
