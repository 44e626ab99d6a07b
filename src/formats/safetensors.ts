// ◇ Browser-safe. Safetensors: 8 bytes of header length, a JSON header, then the tensors' bytes without gaps.
// Source: the format section of huggingface/safetensors' README.
// Invariants: the header accounts for every byte exactly once; the same tensors give the same file.
import { type AppError, unexpected } from "../core/errors.ts";
import { type Shape, safeParse, schemaFault } from "../core/schema.ts";
import { explainedBytes } from "../core/sniff.ts";
import * as shape from "./shape.ts";
import { DTYPE_BYTES, type Dtype, elementCount, type NamedTensor } from "./tensor.ts";

const CODES = {
  float64: "F64",
  float32: "F32",
  float16: "F16",
  bfloat16: "BF16",
  int64: "I64",
  int32: "I32",
  int16: "I16",
  int8: "I8",
  uint8: "U8",
  bool: "BOOL",
} as const satisfies { readonly [D in Dtype]: string };
const DTYPE_OF = new Map<string, Dtype>(Object.entries(CODES).map(([dtype, code]) => [code, dtype as Dtype]));

/** The reference reader's bound on the header, which keeps a damaged length from asking for memory. */
export const MAX_HEADER_BYTES = 100_000_000;
/** What messages call one. */
export const WHAT = "a safetensors file";
const METADATA_KEY = "__metadata__";

/** PyTorch's limit. */
const MOST_AXES = 64;
/** Far more than any model has; each takes a kilobyte while the header is read. */
const MAX_TENSORS = 200_000;

const size = shape.whole(shape.least(0));
const entryShape = shape.object<{
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [begin: number, end: number];
}>({
  dtype: shape.text(),
  shape: shape.list(size, shape.shorter(MOST_AXES)),
  data_offsets: shape.tuple(size, 2),
});
const metadataShape = shape.record(shape.text());

/** What a safetensors file holds. */
export interface Safetensors {
  /** In the order of their bytes in the file. */
  readonly tensors: readonly NamedTensor[];
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Tensors and metadata of safetensors bytes; the tensors share memory with `bytes`.
 *
 * @param where - file name for messages
 * @throws AppError("data", "SAFETENSORS_HEADER") if the header is cut off, not JSON or has a key twice
 * @throws AppError("data", "SAFETENSORS_DTYPE") for a dtype outside DTYPES
 * @throws AppError("data", "SAFETENSORS_OFFSETS") if the tensors overlap, leave gaps or pass the end
 */
export function parseSafetensors(bytes: Uint8Array, where: string): Safetensors {
  return explainedBytes(bytes, ["safetensors"], WHAT, where, () => parseParts(bytes, where));
}

function parseParts(bytes: Uint8Array, where: string): Safetensors {
  const dataStart = headerEnd(bytes.subarray(0, 8), bytes.byteLength, where);
  const header = bytes.subarray(8, dataStart);
  const { placed, metadata } = parseHeader(header, bytes.byteLength - dataStart, where);
  const tensors = placed.map(({ begin, end, ...tensor }) => ({
    ...tensor,
    data: bytes.subarray(dataStart + begin, dataStart + end),
  }));
  return { tensors, metadata };
}

function badHeader(expected: string, got: unknown, where: string): AppError {
  return unexpected("data", {
    code: "SAFETENSORS_HEADER",
    expected,
    name: "the safetensors header",
    got,
    where,
    hint: "fetch the file again; it may be cut off or of another format",
  });
}

/** Offset of the first tensor, from the file's first 8 bytes. */
export function headerEnd(start: Uint8Array, fileBytes: number, where: string): number {
  if (start.byteLength < 8) throw badHeader("at least 8 bytes", `${start.byteLength} bytes`, where);
  const length = new DataView(start.buffer, start.byteOffset).getBigUint64(0, true);
  const limit = Math.min(MAX_HEADER_BYTES, fileBytes - 8);
  if (length > BigInt(limit)) throw badHeader(`a length of at most ${limit} bytes`, length, where);
  return 8 + Number(length);
}

/** The tensors in the order of their bytes, which have to be all of the data. */
export function parseHeader(bytes: Uint8Array, dataBytes: number, where: string) {
  const { [METADATA_KEY]: metadata = {}, ...entries } = parseObject(bytes, where);
  const named = Object.entries(entries);
  if (named.length > MAX_TENSORS) throw badHeader(`at most ${MAX_TENSORS} tensors`, named.length, where);
  const placed = named.map(([name, entry]) => parseEntry(name, entry, where));
  placed.sort((a, b) => a.begin - b.begin || a.end - b.end);
  checkCoverage(placed, dataBytes, where);
  return { placed, metadata: valid(metadataShape, metadata, METADATA_KEY, where) };
}

function parseObject(bytes: Uint8Array, where: string): Record<string, unknown> {
  let text: string;
  let header: unknown;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    header = JSON.parse(text);
  } catch (error) {
    throw badHeader("JSON", error, where);
  }
  if (!text.startsWith("{")) throw badHeader("a JSON object", text, where);
  const twice = duplicateKey(text);
  if (twice !== undefined) throw badHeader("each key once", twice, where);
  return header as Record<string, unknown>;
}

type Placed = Omit<NamedTensor, "data"> & { readonly begin: number; readonly end: number };

function parseEntry(name: string, raw: unknown, where: string): Placed {
  const entry = valid(entryShape, raw, name, where);
  const dtype = DTYPE_OF.get(entry.dtype);
  if (dtype === undefined) {
    throw unexpected("data", {
      code: "SAFETENSORS_DTYPE",
      expected: `one of ${Object.values(CODES).join(", ")}`,
      name: `the dtype of ${name}`,
      got: entry.dtype,
      where,
    });
  }
  const [begin, end] = entry.data_offsets;
  const bytes = elementCount(entry.shape) * DTYPE_BYTES[dtype];
  if (end - begin !== bytes) {
    throw offsets(`${bytes} bytes`, `${name} (${entry.dtype} [${entry.shape}])`, `${end - begin}`, where);
  }
  return { name, shape: entry.shape, dtype, begin, end };
}

function checkCoverage(tensors: readonly Placed[], dataBytes: number, where: string): void {
  let position = 0;
  for (const { name, begin, end } of tensors) {
    if (begin !== position) throw offsets(`offset ${position}`, `the start of ${name}`, begin, where);
    position = end;
  }
  if (position !== dataBytes) throw offsets(`${position} bytes`, "the tensors' data", dataBytes, where);
}

function offsets(expected: string, name: string, got: unknown, where: string): AppError {
  return unexpected("data", {
    code: "SAFETENSORS_OFFSETS",
    expected,
    name,
    got,
    where,
    hint: "fetch the file again; it may be cut off",
  });
}

function valid<T>(wanted: Shape<T>, value: unknown, name: string, where: string): T {
  const result = safeParse(wanted, value);
  if (result.success) return result.data;
  const { key, ...fault } = schemaFault(result.error, value);
  throw unexpected("data", {
    code: "SAFETENSORS_HEADER",
    name: key === "" ? name : `${key} of ${name}`,
    ...fault,
    where,
  });
}

/** The first key that an object of valid JSON text has twice: JSON.parse would keep the last in silence. */
function duplicateKey(text: string): string | undefined {
  const open: (Set<string> | undefined)[] = []; // a set for each open object, undefined for an array
  const tokens = /"(?:[^"\\]|\\.)*"(\s*:)?|[{}[\]]/g;
  for (const [token, colon] of text.matchAll(tokens)) {
    if (token === "{") open.push(new Set());
    else if (token === "[") open.push(undefined);
    else if (token === "}" || token === "]") open.pop();
    else if (colon !== undefined) {
      const key = JSON.parse(token.slice(0, -colon.length)) as string;
      const keys = open.at(-1)!;
      if (keys.has(key)) return key;
      keys.add(key);
    }
  }
  return undefined;
}

/** The bytes that writeSafetensors would write. */
export function encodeSafetensors(
  tensors: readonly NamedTensor[],
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const parts = encodeParts(tensors, metadata);
  const out = new Uint8Array(parts.reduce((total, part) => total + part.byteLength, 0));
  let position = 0;
  for (const part of parts) {
    out.set(part, position);
    position += part.byteLength;
  }
  return out;
}

/** Header and data as separate buffers, so that writing a checkpoint does not copy its tensors. */
export function encodeParts(
  tensors: readonly NamedTensor[],
  metadata: Readonly<Record<string, string>>,
): Uint8Array[] {
  const names = new Set([METADATA_KEY]);
  // Joined by hand: an object would put names that are integers first.
  const entries = Object.keys(metadata).length > 0 ? [`"${METADATA_KEY}":${JSON.stringify(metadata)}`] : [];
  let position = 0;
  for (const { name, shape, dtype, data } of tensors) {
    checkWritable(names, { name, shape, dtype, data });
    const end = position + data.byteLength;
    const entry = { dtype: CODES[dtype], shape, data_offsets: [position, end] };
    entries.push(`${JSON.stringify(name)}:${JSON.stringify(entry)}`);
    position = end;
  }
  const text = new TextEncoder().encode(`{${entries.join(",")}}`);
  const padded = new Uint8Array(8 + Math.ceil(text.byteLength / 8) * 8).fill(0x20);
  new DataView(padded.buffer).setBigUint64(0, BigInt(padded.byteLength - 8), true);
  padded.set(text, 8);
  return [padded, ...tensors.map((tensor) => tensor.data)];
}

function checkWritable(names: Set<string>, { name, shape, dtype, data }: NamedTensor): void {
  const code = "SAFETENSORS_WRITE";
  if (names.has(name)) {
    throw unexpected("internal", { code, expected: "a new name", name: "a tensor to write", got: name });
  }
  names.add(name);
  const bytes = elementCount(shape) * DTYPE_BYTES[dtype];
  if (data.byteLength !== bytes) {
    throw unexpected("internal", { code, expected: `${bytes} bytes`, name, got: data.byteLength });
  }
}
