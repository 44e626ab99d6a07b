// The allow-list of a torch file: what each Python name in its pickle becomes, always plain data.
// Source: torch/_utils.py (the _rebuild functions), numpy's pickles, and what training scripts keep beside weights.
// Invariant: a tensor made here lies inside its storage.
import { unexpected } from "../core/errors.ts";
import { latin1, narrow, type PickleValue, type PyGlobal, type PyObject } from "./pickle-machine.ts";
import { DTYPE_BYTES, DTYPES, type Dtype, elementCount } from "./tensor.ts";

/** Elements that tensors share; `bytes` come after the pickle is read. */
export class TorchStorage implements PyObject {
  readonly py = "torch.Storage";
  readonly key: string;
  readonly dtype: Dtype;
  readonly count: number;
  bytes: Uint8Array | undefined;

  constructor(key: string, dtype: Dtype, count: number) {
    this.key = key;
    this.dtype = dtype;
    this.count = count;
  }

  get byteLength(): number {
    return this.count * DTYPE_BYTES[this.dtype];
  }
}

/** A strided view of a storage; strides and offset count elements. */
export class TorchTensor implements PyObject {
  readonly py = "torch.Tensor";
  readonly storage: TorchStorage;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];

  constructor(storage: TorchStorage, offset: number, shape: readonly number[], strides: readonly number[]) {
    this.storage = storage;
    this.offset = offset;
    this.shape = shape;
    this.strides = strides;
  }
}

/** An object of an allowed class, as its attributes; e.g. argparse.Namespace. */
export class PyRecord implements PyObject {
  readonly py: string;
  readonly fields = new Map<string, PickleValue>();

  constructor(py: string) {
    this.py = py;
  }

  setState(state: PickleValue): void {
    if (!(state instanceof Map)) throw damaged(`attributes of ${this.py}`, state);
    for (const [key, value] of state) this.fields.set(text(key), value);
  }
}

/** A NumPy dtype as `kind` and bytes, e.g. `f8`. */
class NumpyDtype implements PyObject {
  readonly py = "numpy.dtype";
  readonly code: string;
  bigEndian = false;

  constructor(code: string) {
    this.code = code;
  }

  setState(state: PickleValue): void {
    this.bigEndian = Array.isArray(state) && state[1] === ">";
  }
}

/** A NumPy array as its raw bytes; `fortran` is column-major order. */
export class NumpyArray implements PyObject {
  readonly py = "numpy.ndarray";
  shape: readonly number[] = [];
  dtype = "";
  fortran = false;
  bytes: PickleValue = null;

  setState(state: PickleValue): void {
    if (!Array.isArray(state)) throw damaged("the state of a numpy.ndarray", state);
    const [, shape, dtype, fortran, bytes] = state;
    this.shape = counts(shape, "the shape of a numpy.ndarray");
    this.dtype = instance(dtype, NumpyDtype, "the dtype of a numpy.ndarray").code;
    this.fortran = fortran === true;
    this.bytes = bytes ?? null;
  }
}

/** A storage class such as torch.FloatStorage: only named in persistent ids. */
class StorageType implements PyObject {
  readonly py: string;
  readonly dtype: Dtype;

  constructor(py: string, dtype: Dtype) {
    this.py = py;
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

type Call = (args: readonly PickleValue[]) => PickleValue;

const CALLS: Readonly<Record<string, Call>> = {
  "collections.OrderedDict": ([items]) => dict(items),
  "collections.defaultdict": ([, items]) => dict(items),
  "builtins.set": ([items]) => new Set(list(items ?? [])),
  "builtins.frozenset": ([items]) => new Set(list(items ?? [])),
  "builtins.complex": ([real, imag]) => record("complex", { real: real ?? 0, imag: imag ?? 0 }),
  "builtins.bytearray": ([value, encoding]) => bytes(value ?? "", encoding ?? "latin1"),
  "_codecs.encode": ([value, encoding]) => bytes(value, encoding),
  "argparse.Namespace": () => new PyRecord("argparse.Namespace"),
  "types.SimpleNamespace": () => new PyRecord("types.SimpleNamespace"),
  "pathlib.PosixPath": (parts) => parts.map(text).join("/").replace(/^\/\//, "/"),
  "pathlib.WindowsPath": (parts) => parts.map(text).join("/"),
  "torch.Size": ([sizes]) => counts(sizes, "torch.Size"),
  "torch.device": ([kind, index]) =>
    index === undefined ? text(kind) : `${text(kind)}:${count(index, "a device")}`,
  "torch._utils._rebuild_tensor": rebuildTensor,
  "torch._utils._rebuild_tensor_v2": rebuildTensor,
  "torch._utils._rebuild_parameter": ([tensor]) => instance(tensor, TorchTensor, "a parameter"),
  "torch._utils._rebuild_parameter_with_state": ([tensor]) => instance(tensor, TorchTensor, "a parameter"),
  "torch._tensor._rebuild_from_type_v2": ([, , args]) => rebuildTensor(list(args)),
  "numpy.dtype": ([code]) => new NumpyDtype(text(code)),
  "numpy.core.multiarray.scalar": ([dtype, value]) => numpyScalar(dtype, value),
  "numpy.core.multiarray._reconstruct": () => new NumpyArray(),
  "numpy.core.numeric._frombuffer": ([value, dtype, shape, order]) => {
    const array = new NumpyArray();
    array.setState([1, shape ?? null, dtype ?? null, order === "F", value ?? null]);
    return array;
  },
};

/** Classes and constants that are only named, never called. */
const NAMES = [
  "numpy.ndarray",
  "torch.Tensor",
  "torch.nn.parameter.Parameter",
  "builtins.dict",
  "builtins.list",
];

const TABLE: ReadonlyMap<string, PyGlobal> = new Map<string, PyGlobal>([
  ...Object.entries(CALLS).map(([py, call]) => [py, { py, call }] as const),
  ...[...NAMES, ...DTYPES.map((dtype) => `torch.${dtype}`)].map((py) => [py, { py }] as const),
  ...DTYPES.flatMap((dtype) =>
    ["torch", "torch.cuda"].map((module) => {
      const py = `${module}.${STORAGES[dtype]}`;
      return [py, new StorageType(py, dtype)] as const;
    }),
  ),
]);

/** What a torch file may name; Python 2's and NumPy 2's module names are read as today's and NumPy 1's. */
export function findTorchGlobal(module: string, name: string): PyGlobal | undefined {
  const today = module.replace(/^__builtin__$/, "builtins").replace(/^numpy\._core\./, "numpy.core.");
  return TABLE.get(`${today.replace(/^pathlib\._local$/, "pathlib")}.${name}`);
}

/**
 * Resolves persistent ids `("storage", type, key, location, count, view)` to one storage a key.
 *
 * @param storages - filled with every storage that the pickle names
 */
export function storageResolver(storages: Map<string, TorchStorage>): (id: PickleValue) => PickleValue {
  return (id) => {
    const [kind, type, key, , size, view = null] = list(id);
    if (kind !== "storage" || typeof key !== "string") throw damaged("a persistent id", kind);
    if (view !== null) throw damaged(`storage ${key}`, "a view of another storage");
    const { dtype } = instance(type, StorageType, `the type of storage ${key}`);
    const elements = count(size, `the size of storage ${key}`);
    const known = storages.get(key);
    if (known === undefined) {
      const storage = new TorchStorage(key, dtype, elements);
      storages.set(key, storage);
      return storage;
    }
    if (known.dtype !== dtype || known.count !== elements) {
      throw damaged(`storage ${key} as before`, `${elements} of ${dtype}`);
    }
    return known;
  };
}

function rebuildTensor([source, first, sizes, steps]: readonly PickleValue[]): TorchTensor {
  const storage = instance(source, TorchStorage, "the storage of a tensor");
  const offset = count(first, "the offset of a tensor");
  const shape = counts(sizes, "the shape of a tensor");
  const strides = counts(steps, "the strides of a tensor");
  if (strides.length !== shape.length) throw damaged(`${shape.length} strides of a tensor`, strides.length);
  const elements = elementCount(shape);
  const last = shape.reduce((at, size, axis) => at + (size - 1) * strides[axis]!, offset);
  if (!Number.isSafeInteger(elements) || (elements > 0 && last >= storage.count)) {
    throw damaged(`a tensor inside storage ${storage.key} of ${storage.count}`, `[${shape}] from ${offset}`);
  }
  return new TorchTensor(storage, offset, shape, strides);
}

const SCALARS: Readonly<Record<string, (view: DataView, little: boolean) => PickleValue>> = {
  f8: (view, little) => view.getFloat64(0, little),
  f4: (view, little) => view.getFloat32(0, little),
  i8: (view, little) => narrow(view.getBigInt64(0, little)),
  i4: (view, little) => view.getInt32(0, little),
  i2: (view, little) => view.getInt16(0, little),
  i1: (view) => view.getInt8(0),
  u8: (view, little) => narrow(view.getBigUint64(0, little)),
  u4: (view, little) => view.getUint32(0, little),
  u2: (view, little) => view.getUint16(0, little),
  u1: (view) => view.getUint8(0),
  b1: (view) => view.getUint8(0) !== 0,
};

function numpyScalar(type: PickleValue | undefined, value: PickleValue | undefined): PickleValue {
  const dtype = instance(type, NumpyDtype, "the dtype of a NumPy scalar");
  const read = Object.hasOwn(SCALARS, dtype.code) ? SCALARS[dtype.code] : undefined;
  if (read === undefined) throw damaged(`one of ${Object.keys(SCALARS).join(", ")}`, dtype.code);
  if (!(value instanceof Uint8Array) || value.byteLength !== Number(dtype.code.slice(1))) {
    throw damaged(`the bytes of a NumPy ${dtype.code}`, value);
  }
  return read(new DataView(value.buffer, value.byteOffset, value.byteLength), !dtype.bigEndian);
}

function record(py: string, fields: Readonly<Record<string, PickleValue>>): PyRecord {
  const out = new PyRecord(py);
  for (const [key, value] of Object.entries(fields)) out.fields.set(key, value);
  return out;
}

function dict(items: PickleValue | undefined): Map<PickleValue, PickleValue> {
  if (items instanceof Map) return new Map(items);
  return new Map(list(items ?? []).map((item) => [list(item)[0] ?? null, list(item)[1] ?? null]));
}

function bytes(value: PickleValue | undefined, encoding: PickleValue | undefined): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (typeof value !== "string" || (encoding !== "latin1" && encoding !== "latin-1")) {
    throw damaged("text in latin1", encoding);
  }
  const out = Buffer.from(value, "latin1");
  if (latin1(out) !== value) throw damaged("text in latin1", value);
  return out;
}

function text(value: PickleValue | undefined): string {
  if (typeof value !== "string") throw damaged("text", value);
  return value;
}

function list(value: PickleValue | undefined): PickleValue[] {
  if (!Array.isArray(value)) throw damaged("a list", value);
  return value;
}

function counts(value: PickleValue | undefined, name: string): number[] {
  return list(value).map((item) => count(item, name));
}

function count(value: PickleValue | undefined, name: string): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw damaged(name, value);
  return value as number;
}

function instance<T extends PyObject>(
  value: PickleValue | undefined,
  type: abstract new (...args: never[]) => T,
  name: string,
): T {
  if (!(value instanceof type)) throw damaged(name, value);
  return value;
}

function damaged(name: string, got: unknown) {
  const shown = typeof got === "object" && got !== null ? got.constructor.name : got;
  return unexpected("data", { code: "PICKLE_DAMAGED", expected: "a valid value", name, got: shown });
}
