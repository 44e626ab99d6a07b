// Tensors and storages as torch's pickles name them: what each argument states about the values is used, or refused.
// Source: torch/_utils.py (the _rebuild functions), torch/serialization.py (persistent ids).
// Invariant: a tensor made here lies inside its storage.

import { DTYPE_BYTES, type Dtype, elementCount } from "../tensor.ts";
import {
  attributes,
  badArgument,
  type Call,
  count,
  counts,
  flag,
  instance,
  list,
  text,
} from "./pickle-args.ts";
import type { PickleValue, PyObject } from "./pickle-machine.ts";

/**
 * Bytes of an element of torch's dtypes. Those beyond DTYPES may lie beside a model; a model itself has none of them.
 */
export const TORCH_DTYPE_BYTES: Readonly<Record<string, number>> = {
  ...DTYPE_BYTES,
  ...{ uint16: 2, uint32: 4, uint64: 8, complex32: 4, bcomplex32: 4, complex64: 8, complex128: 16 },
  ...{ float8_e4m3fn: 1, float8_e4m3fnuz: 1, float8_e5m2: 1, float8_e5m2fnuz: 1, float8_e8m0fnu: 1 },
  ...{ float4_e2m1fn_x2: 1, bits8: 1, bits16: 2, bits1x8: 1, bits2x4: 1, bits4x2: 1 },
  ...{ qint8: 1, quint8: 1, qint32: 4, quint4x2: 1, quint2x4: 1 },
  ...Object.fromEntries(
    [1, 2, 3, 4, 5, 6, 7].flatMap((bits) => [`int${bits}`, `uint${bits}`].map((n) => [n, 1])),
  ),
};

/** Elements that tensors share; `bytes` come after the pickle is read. */
export class TorchStorage implements PyObject {
  readonly py = "torch.Storage";
  readonly key: string;
  readonly dtype: string;
  readonly count: number;
  readonly byteLength: number;
  bytes: Uint8Array | undefined;

  constructor(key: string, dtype: string, count: number) {
    this.key = key;
    this.dtype = dtype;
    this.count = count;
    this.byteLength = count * TORCH_DTYPE_BYTES[dtype]!;
  }
}

/** A strided view of a storage; strides and offset count elements. */
export class TorchTensor implements PyObject {
  readonly py = "torch.Tensor";
  readonly storage: TorchStorage;
  /** torch's name; the storage's, but for dtypes that have no storage class. */
  readonly dtype: string;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  /** A view whose values are the storage's with the other sign. */
  readonly negative: boolean;

  constructor(
    storage: TorchStorage,
    { offset, shape, strides, dtype = storage.dtype, negative = false }: TensorView,
  ) {
    this.storage = storage;
    this.dtype = dtype;
    this.offset = offset;
    this.shape = shape;
    this.strides = strides;
    this.negative = negative;
  }
}

/** How a tensor lies in its storage. */
export interface TensorView {
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  readonly dtype?: string | undefined;
  readonly negative?: boolean | undefined;
}

/** A tensor that is no strided view of plain numbers: it may lie beside a model, and is refused where it is wanted. */
export class ForeignTensor implements PyObject {
  readonly py: string;

  /** @param kind - e.g. `a sparse tensor` */
  constructor(kind: string) {
    this.py = kind;
  }
}

/** A storage class such as torch.FloatStorage: only named in persistent ids. */
export class StorageType implements PyObject {
  readonly py: string;
  readonly dtype: string;

  constructor(py: string, dtype: string) {
    this.py = py;
    this.dtype = dtype;
  }
}

/** A dtype such as torch.float16. */
export class DtypeName implements PyObject {
  readonly py: string;
  readonly dtype: string;

  constructor(dtype: string) {
    this.py = `torch.${dtype}`;
    this.dtype = dtype;
  }
}

/** torch's storage class of each dtype. */
export const STORAGES: { readonly [D in Dtype]: string } = {
  float64: "DoubleStorage",
  float32: "FloatStorage",
  float16: "HalfStorage",
  bfloat16: "BFloat16Storage",
  int64: "LongStorage",
  int32: "IntStorage",
  int16: "ShortStorage",
  int8: "CharStorage",
  uint8: "ByteStorage",
  bool: "BoolStorage",
};

/** Those of dtypes that no model here has. */
export const FOREIGN_STORAGES: Readonly<Record<string, string>> = {
  complex64: "ComplexFloatStorage",
  complex128: "ComplexDoubleStorage",
  qint8: "QInt8Storage",
  quint8: "QUInt8Storage",
  qint32: "QInt32Storage",
  quint4x2: "QUInt4x2Storage",
  quint2x4: "QUInt2x4Storage",
};

/**
 * Resolves persistent ids `("storage", type, key, location, count)` to one storage a key; in legacy files a view of
 * another storage may follow, which is refused.
 *
 * @param storages - filled with every storage that the pickle names
 */
export function storageResolver(storages: Map<string, TorchStorage>): (id: PickleValue) => PickleValue {
  return (id) => {
    const parts = list(id);
    const [kind, type, key, location, size, view = null] = parts;
    if (kind !== "storage" || typeof key !== "string" || parts.length > 6) {
      throw badArgument("a persistent id", kind);
    }
    text(location, `the device of storage ${key}`); // where the values were; they are the same everywhere
    if (view !== null) throw badArgument(`storage ${key}`, "a view of another storage");
    const { dtype } = instance(type, StorageType, `the type of storage ${key}`);
    const elements = count(size, `the size of storage ${key}`);
    const known = storages.get(key);
    if (known === undefined) {
      const storage = new TorchStorage(key, dtype, elements);
      storages.set(key, storage);
      return storage;
    }
    if (known.dtype === dtype && known.count === elements) return known;
    // Storages without data have no address that distinguishes them: torch gives several of them one key.
    if (elements === 0 && known.count === 0) return new TorchStorage(key, dtype, 0);
    throw badArgument(`storage ${key} as before`, `${elements} of ${dtype}`);
  };
}

/** `_rebuild_tensor(storage, offset, size, stride)`. */
export const rebuildTensor: Call = ([source, first, sizes, steps]) => viewOf(source, first, sizes, steps, {});

/** `_rebuild_tensor_v2(storage, offset, size, stride, requires_grad, backward_hooks[, metadata])`. */
export const rebuildTensorV2: Call = ([source, first, sizes, steps, learns, hooks, metadata]) => {
  checkTraining(learns, hooks);
  return viewOf(source, first, sizes, steps, readMetadata(metadata));
};

/** `_rebuild_tensor_v3`: the same with a dtype of its own over bytes. */
export const rebuildTensorV3: Call = ([source, first, sizes, steps, learns, hooks, type, metadata]) => {
  checkTraining(learns, hooks);
  const { dtype } = instance(type, DtypeName, "the dtype of a tensor");
  return viewOf(source, first, sizes, steps, { ...readMetadata(metadata), dtype });
};

/** `_rebuild_parameter(data, requires_grad, backward_hooks[, state])`. */
export const rebuildParameter: Call = ([data, learns, hooks, state]) => {
  checkTraining(learns, hooks);
  checkAttributes(state);
  return anyTensor(data, "a parameter");
};

/** What `_rebuild_from_type_v2(function, type, arguments, state)` makes of a tensor by another function of the table. */
export function rebuildFromType(value: PickleValue, state: PickleValue | undefined): PickleValue {
  checkAttributes(state);
  return anyTensor(value, "a tensor with attributes");
}

/** `_rebuild_device_tensor_from_cpu_tensor(data, dtype, device, requires_grad)`: converted by torch if the dtypes differ. */
export const rebuildFromCpu: Call = ([data, type, device, learns]) => {
  text(device, "the device of a tensor");
  flag(learns, "requires_grad of a tensor");
  const { dtype } = instance(type, DtypeName, "the dtype of a tensor");
  const tensor = anyTensor(data, "a tensor of a device");
  if (tensor instanceof TorchTensor && tensor.dtype === dtype) return tensor;
  return new ForeignTensor(`a tensor to be converted to ${dtype}`);
};

function anyTensor(value: PickleValue | undefined, name: string): TorchTensor | ForeignTensor {
  return value instanceof ForeignTensor ? value : instance(value, TorchTensor, name);
}

/** Whether it learns does not affect its values; hooks would be code, and torch writes an empty dict for them. */
function checkTraining(learns: PickleValue | undefined, hooks: PickleValue | undefined): void {
  flag(learns, "requires_grad of a tensor");
  if (hooks === null || (hooks instanceof Map && hooks.size === 0)) return;
  throw badArgument("no backward hooks of a tensor", hooks);
}

/** Attributes that change what a tensor's values are, or what they mean. */
const VALUES: ReadonlySet<string> = new Set(["data", "real", "imag", "names"]);

/** Attributes that Python code gave to a tensor: torch sets them by name, so that some would change values. */
function checkAttributes(state: PickleValue | undefined): void {
  for (const key of attributes(state, "the attributes of a tensor").keys()) {
    if (VALUES.has(key)) throw badArgument("the attributes of a tensor", key);
  }
}

/** Bits that `torch.conj` and negative views leave unresolved; others are of devices that are not known here. */
interface Bits {
  readonly negative?: boolean | undefined;
  readonly conjugate?: boolean | undefined;
}

function readMetadata(metadata: PickleValue | undefined): Bits {
  const bits = attributes(metadata, "the metadata of a tensor");
  for (const key of bits.keys()) {
    if (key !== "neg" && key !== "conj") throw badArgument("the metadata of a tensor", key);
  }
  const bit = (key: string) => bits.has(key) && flag(bits.get(key), `${key} of a tensor`);
  return { negative: bit("neg"), conjugate: bit("conj") };
}

function viewOf(
  source: PickleValue | undefined,
  first: PickleValue | undefined,
  sizes: PickleValue | undefined,
  steps: PickleValue | undefined,
  { negative, conjugate, dtype }: Bits & { readonly dtype?: string | undefined },
): TorchTensor {
  const storage = instance(source, TorchStorage, "the storage of a tensor");
  const offset = count(first, "the offset of a tensor");
  const shape = counts(sizes, "the shape of a tensor");
  const strides = counts(steps, "the strides of a tensor");
  if (strides.length !== shape.length)
    throw badArgument(`${shape.length} strides of a tensor`, strides.length);
  const elements = elementCount(shape);
  const last = shape.reduce((at, size, axis) => at + (size - 1) * strides[axis]!, offset);
  const type = dtype ?? storage.dtype;
  // Complex values are refused wherever they are wanted, conjugated or not.
  if (conjugate === true && !type.includes("complex")) throw badArgument("the conj bit of a tensor", type);
  const elementBytes = TORCH_DTYPE_BYTES[type]!;
  if (!Number.isSafeInteger(elements) || (elements > 0 && (last + 1) * elementBytes > storage.byteLength)) {
    throw badArgument(
      `a tensor inside storage ${storage.key} of ${storage.count}`,
      `[${shape}] from ${offset}`,
    );
  }
  return new TorchTensor(storage, { offset, shape, strides, dtype, negative });
}
