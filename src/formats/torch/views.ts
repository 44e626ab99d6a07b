// Strided views of torch's storages as contiguous tensors.
// Invariants: views take little more memory than they name, however they were made; contiguous ones share it, but for
// negative ones, whose sign is turned in memory of their own.

import { unexpected } from "../../core/errors.ts";
import { DTYPE_BYTES, DTYPES, type Dtype, elementCount, type NamedTensor } from "../tensor.ts";
import { damaged } from "./file.ts";
import type { TorchStorage, TorchTensor } from "./tensors.ts";

/** Views that are not contiguous are copied; a file may ask for this much beyond its own storages. */
const EXTRA_COPY_BYTES = 64 << 20;
/** A storage of which less is wanted is not retained for its parts: they are copied. */
const WORTH_KEEPING = 0.85;

export interface ViewOptions {
  /** File name for messages. */
  readonly where: string;
  /** Copy what is a small part of its storage, so that the storage's memory can be freed. */
  readonly compact: boolean;
}

/**
 * Contiguous tensors of views, storage by storage.
 *
 * @param read - the bytes of a storage; asked once for each
 * @returns by name, in the order given
 * @throws AppError("data", "TORCH_DAMAGED") if views unfold to much more than their data
 */
export async function materialise(
  tensors: ReadonlyMap<string, TorchTensor>,
  read: (storage: TorchStorage) => Promise<Uint8Array>,
  options: ViewOptions,
): Promise<Map<string, NamedTensor>> {
  const done = new Map<string, NamedTensor>();
  const groups = groupViews(tensors, options.where);
  for (const [storage, views] of groups) placeViews(done, views, await read(storage), options);
  return inOrder(tensors, done);
}

/**
 * The same for storages in memory.
 *
 * @throws as materialise, and if a storage's bytes were not read
 */
export function materialiseLoaded(
  tensors: ReadonlyMap<string, TorchTensor>,
  where: string,
): Map<string, NamedTensor> {
  const done = new Map<string, NamedTensor>();
  for (const [storage, views] of groupViews(tensors, where)) {
    if (storage.bytes === undefined) throw damaged(`the data of ${views[0]![0]}`, where, undefined);
    placeViews(done, views, storage.bytes, { where, compact: false });
  }
  return inOrder(tensors, done);
}

type Views = (readonly [name: string, tensor: TorchTensor])[];

/** Of tensors whose dtypes are checked. */
const elementBytes = (tensor: TorchTensor) => DTYPE_BYTES[tensor.dtype as Dtype];
const bytesOf = (tensor: TorchTensor) => elementCount(tensor.shape) * elementBytes(tensor);

/** Refuses what is not an array of known numbers. */
function checkDtype(name: string, { dtype, negative }: TorchTensor, where: string): void {
  const known = DTYPES.some((each) => each === dtype);
  if (known && (!negative || dtype.includes("float"))) return;
  throw unexpected("data", {
    code: "TORCH_DTYPE",
    expected: known ? "a floating dtype of a negative view" : `one of ${DTYPES.join(", ")}`,
    name,
    got: dtype,
    where,
    hint: "save the model's weights as float32: model.float().state_dict()",
  });
}

function groupViews(tensors: ReadonlyMap<string, TorchTensor>, where: string): Map<TorchStorage, Views> {
  const groups = new Map<TorchStorage, Views>();
  for (const entry of tensors) {
    const { storage } = entry[1];
    checkDtype(entry[0], entry[1], where);
    const group = groups.get(storage);
    if (group === undefined) groups.set(storage, [entry]);
    else group.push(entry);
  }
  let budget = EXTRA_COPY_BYTES;
  for (const storage of groups.keys()) budget += storage.byteLength;
  for (const [name, tensor] of tensors) {
    if (!isShared(tensor)) budget -= bytesOf(tensor);
    if (budget < 0) {
      throw damaged(`views not much larger than their data, as ${name}`, where, `[${tensor.shape}]`);
    }
  }
  return groups;
}

function placeViews(
  done: Map<string, NamedTensor>,
  views: Views,
  bytes: Uint8Array,
  { compact }: ViewOptions,
): void {
  const shared = views.filter(([, tensor]) => isShared(tensor));
  const wanted = shared.reduce((total, [, tensor]) => total + bytesOf(tensor), 0);
  const copy = compact && wanted < WORTH_KEEPING * bytes.byteLength;
  for (const [name, tensor] of views) {
    const { shape, offset } = tensor;
    const start = offset * elementBytes(tensor);
    const part = bytes.subarray(start, start + bytesOf(tensor));
    const own = copy || tensor.negative ? () => new Uint8Array(part) : () => part;
    const data = isContiguous(tensor) ? own() : gather(tensor, bytes);
    if (tensor.negative) negate(data, elementBytes(tensor));
    done.set(name, { name, shape, dtype: tensor.dtype as Dtype, data });
  }
}

/** Whether its bytes are the storage's. */
const isShared = (tensor: TorchTensor) => isContiguous(tensor) && !tensor.negative;

/** The other sign of floating numbers, in place: the highest bit of each, which is in its last byte. */
function negate(data: Uint8Array, size: number): void {
  for (let at = size - 1; at < data.length; at += size) data[at]! ^= 0x80;
}

function inOrder(
  tensors: ReadonlyMap<string, TorchTensor>,
  done: ReadonlyMap<string, NamedTensor>,
): Map<string, NamedTensor> {
  return new Map([...tensors.keys()].map((name) => [name, done.get(name)!]));
}

function isContiguous({ shape, strides }: TorchTensor): boolean {
  if (shape.includes(0)) return true;
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && strides[axis] !== expected) return false;
    expected *= shape[axis]!;
  }
  return true;
}

/** Elements are moved as whole numbers of their size, which keeps every bit of every dtype. */
const WORDS = { 1: Uint8Array, 2: Uint16Array, 4: Uint32Array, 8: BigUint64Array } as const;

function gather(tensor: TorchTensor, bytes: Uint8Array): Uint8Array {
  const { shape, strides, offset } = tensor;
  const size = elementBytes(tensor) as keyof typeof WORDS;
  const source = bytes.byteOffset % size === 0 ? bytes : new Uint8Array(bytes);
  const from = words(source, size);
  const out = new Uint8Array(bytesOf(tensor));
  const to = words(out, size);
  const last = shape.length - 1;
  const [columns, step] = [shape[last]!, strides[last]!];
  const index = shape.map(() => 0);
  let row = offset;
  for (let at = 0; at < to.length; ) {
    for (let column = 0, element = row; column < columns; column++, element += step) {
      to[at++] = from[element]!;
    }
    for (let axis = last - 1; axis >= 0; axis--) {
      row += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      row -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return out;
}

/** A view as numbers; the cast lets one loop serve all sizes, of which both sides always have the same. */
function words(bytes: Uint8Array, size: keyof typeof WORDS): Uint32Array {
  const Words = WORDS[size];
  return new Words(
    bytes.buffer as ArrayBuffer,
    bytes.byteOffset,
    bytes.byteLength / size,
  ) as unknown as Uint32Array;
}
