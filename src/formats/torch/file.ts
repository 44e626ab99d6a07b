// An opened .pt or .pth file, zip or legacy: its tree first, then the storages that are wanted, one at a time.
// Source: torch/serialization.py (_load, _legacy_load); the pickle inside is read by pickle.ts with an allow-list.
// Invariants: nothing in the file runs; only the pickles and the storages asked for are read, whatever its size.
import { type AppError, unexpected } from "../../core/errors.ts";
import { openRanges, type RangeReader } from "../../machine/ranges.ts";
import { explained } from "../../machine/sniff-file.ts";
import { openZip, type ZipReader } from "../zip/zip.ts";
import { findTorchGlobal } from "./globals.ts";
import { unpickle } from "./pickle.ts";
import { type PickleContext, PickleCut, type PickleValue } from "./pickle-machine.ts";
import { storageResolver, type TorchStorage } from "./tensors.ts";

/** A file whose pickles are read; close it in `finally`. */
export interface TorchFile {
  readonly tree: PickleValue;
  /** Every storage that the tree names, in its order. */
  readonly storages: Iterable<TorchStorage>;
  /** The storage's elements, little-endian, in memory of their own; each storage may be read once. */
  read(storage: TorchStorage): Promise<Uint8Array>;
  close(): Promise<void>;
}

const LEGACY_MAGIC = 0x1950a86a20f9469cfc6cn;
/** Read first of a legacy file, whose pickles do not state their length; more is read if they are longer. */
const FIRST_WINDOW_BYTES = 1 << 20;
const MAX_WINDOW_BYTES = 1 << 30;

/**
 * Opens a torch file and reads its tree.
 *
 * @throws AppError("data", "FILE_MISSING" | "PICKLE_GLOBAL" | "PICKLE_DAMAGED" | "TORCH_DAMAGED" |
 *   "TORCH_BYTE_ORDER" | "TORCH_SCRIPT" | "ZIP_DAMAGED")
 * @example const file = await openTorch("model.pth")
 */
export async function openTorch(path: string): Promise<TorchFile> {
  return await explained(path, ["torch", "zip", "pickle"], "a torch file", () => openKind(path));
}

async function openKind(path: string): Promise<TorchFile> {
  const ranges = await openRanges(path, "a torch file");
  let keep = false;
  try {
    const start = await ranges.read(0, Math.min(4, ranges.sizeBytes));
    if (Buffer.from(start).toString("latin1") === "PK\x03\x04") return await openZipped(path);
    const file = await openLegacy(ranges, path);
    keep = true;
    return file;
  } finally {
    if (!keep) await ranges.close();
  }
}

/** torch.save packs nothing; weights that another program has packed are hardly smaller than unpacked. */
const unpackedBytes = (fileBytes: number) => 2 * fileBytes + 2 ** 26;

async function openZipped(path: string): Promise<TorchFile> {
  const zip = await openZip(path, { trailingBytes: true, zeroMeansNoCrc: true });
  // Entries could overlap, or be bombs; together they may not unpack to much more than the file holds.
  const packed = [...zip.entries.values()].some(({ packing }) => packing !== "stored");
  let budget = packed ? unpackedBytes(zip.fileBytes) : zip.fileBytes;
  const read = async (name: string) => {
    if (zip.entries.get(name)?.packing === "unknown") {
      throw damaged(
        `${name} stored as torch.save does, or deflated`,
        path,
        "another compression, or encryption",
      );
    }
    const bytes = await zip.read(name, budget);
    budget -= bytes.byteLength;
    return bytes;
  };
  try {
    const prefix = findPrefix(zip, path);
    await checkRecords(prefix, { zip, read, path });
    const storages = new Map<string, TorchStorage>();
    const { value } = unpickle(await read(`${prefix}data.pkl`), 0, context(storages, path));
    return {
      tree: value,
      storages: storages.values(),
      read: async ({ key, byteLength }) => {
        const name = `${prefix}data/${key}`;
        const found = zip.entries.get(name)?.sizeBytes ?? byteLength; // an absent one is reported by the archive
        if (found !== byteLength) throw damaged(`${byteLength} bytes in data/${key}`, path, found);
        return read(name);
      },
      close: () => zip.close(),
    };
  } catch (error) {
    await zip.close();
    throw error;
  }
}

interface Records {
  readonly zip: ZipReader;
  read(name: string): Promise<Uint8Array>;
  readonly path: string;
}

/** torch's c10/core serialize: kMinSupportedFileFormatVersion to kMaxSupportedFileFormatVersion. */
const VERSIONS = { first: 1, last: 10 } as const;

/** What the archive states about itself beside the pickle: all of it is read, so that nothing is taken for what it is not. */
async function checkRecords(prefix: string, { zip, read, path }: Records): Promise<void> {
  const text = async (name: string) =>
    zip.entries.has(prefix + name) ? Buffer.from(await read(prefix + name)).toString("latin1") : undefined;
  if (zip.entries.has(`${prefix}constants.pkl`)) throw isScript(path);
  const order = (await text("byteorder")) ?? "little";
  if (order !== "little") throw foreignByteOrder(path, order);
  const version = (await text(".data/version")) ?? (await text("version")) ?? "3";
  const number = /^\d{1,3}\n?$/.test(version) ? Number(version) : Number.NaN;
  if (number >= VERSIONS.first && number <= VERSIONS.last) return;
  throw damaged(`a file format of version ${VERSIONS.first} to ${VERSIONS.last}`, path, version.trim());
}

function isScript(path: string): AppError {
  return unexpected("data", {
    code: "TORCH_SCRIPT",
    expected: "a file of torch.save",
    name: path,
    got: "a program of torch.jit.save",
    hint: "save the state dict: torch.save(torch.jit.load(FILE).state_dict(), NEW)",
  });
}

/** The archive's one folder, e.g. `archive/`. */
function findPrefix(zip: ZipReader, path: string): string {
  const found = [...zip.entries.keys()].filter((name) => /^([^/]*\/)?data\.pkl$/.test(name));
  if (found.length !== 1) throw damaged("one data.pkl", path, `${found.length} of them`);
  return found[0]!.slice(0, -"data.pkl".length);
}

async function openLegacy(ranges: RangeReader, path: string): Promise<TorchFile> {
  const { value, keys, storages, end } = await readHead(ranges, path);
  const starts = new Map<string, number>();
  let position = end;
  for (const key of keys) {
    const storage = typeof key === "string" ? storages.get(key) : undefined;
    if (storage === undefined) throw damaged("a storage that the pickle names", path, key);
    starts.set(storage.key, position);
    position += 8 + storage.byteLength;
    if (position > ranges.sizeBytes) throw damaged(`${position} bytes`, path, ranges.sizeBytes);
  }
  return {
    tree: value,
    storages: storages.values(),
    read: async ({ key, count, byteLength }) => {
      const start = starts.get(key);
      if (start === undefined) throw damaged(`the data of storage ${key}`, path, undefined);
      const found = new DataView((await ranges.read(start, 8)).buffer).getBigInt64(0, true);
      if (found !== BigInt(count)) throw damaged(`${count} elements in storage ${key}`, path, found);
      return ranges.read(start + 8, byteLength);
    },
    close: () => ranges.close(),
  };
}

/** The pickles before the data of a legacy file; read again from a larger window where they pass its end. */
async function readHead(ranges: RangeReader, path: string) {
  const limit = Math.min(ranges.sizeBytes, MAX_WINDOW_BYTES);
  for (let window = Math.min(FIRST_WINDOW_BYTES, limit); ; window = Math.min(8 * window, limit)) {
    try {
      return parseHead(await ranges.read(0, window), path);
    } catch (error) {
      if (!(error instanceof PickleCut) || window === limit) throw error;
    }
  }
}

function parseHead(bytes: Uint8Array, path: string) {
  const storages = new Map<string, TorchStorage>();
  let end = 0;
  const next = () => {
    const read = unpickle(bytes, end, context(storages, path));
    end = read.end;
    return read.value;
  };
  // A pickle that is not torch's is checked first: a foreign name in it is refused by name.
  const magic = next();
  if (magic !== LEGACY_MAGIC) throw damaged("torch's magic number", path, typeof magic);
  next(); // protocol version
  const system = next();
  if (!(system instanceof Map)) throw damaged("the writing system", path, typeof system);
  if (system.get("little_endian") !== true) throw foreignByteOrder(path, "big");
  const value = next();
  const keys = next();
  if (!Array.isArray(keys)) throw damaged("a list of storages", path, typeof keys);
  return { value, keys, storages, end };
}

function context(storages: Map<string, TorchStorage>, where: string): PickleContext {
  return { find: findTorchGlobal, persistent: storageResolver(storages), where };
}

/** A fault in a torch file's structure. */
export function damaged(expected: string, path: string, got: unknown): AppError {
  const hint = "fetch the file again; it may be cut off or of another format";
  return unexpected("data", { code: "TORCH_DAMAGED", expected, name: path, got, hint });
}

function foreignByteOrder(path: string, got: string): AppError {
  const hint = "load the file with PyTorch on the machine that wrote it, and save it as safetensors";
  return unexpected("data", {
    code: "TORCH_BYTE_ORDER",
    expected: "byte order little",
    name: path,
    got,
    hint,
  });
}
