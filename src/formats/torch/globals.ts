// The allow-list of a torch file: what each Python name in its pickle becomes, always plain data.
// Source: torch/_weights_only_unpickler.py, numpy's pickles, and what training scripts keep beside weights.
// Invariant: a call has as many arguments as it reads; each is checked by its callee.
import { numpyDtype, numpyFromBuffer, numpyReconstruct, numpyScalar } from "./numpy-pickle.ts";
import {
  attributes,
  badArgument,
  bytes,
  type Call,
  count,
  counts,
  dict,
  list,
  taking,
  text,
} from "./pickle-args.ts";
import type { PickleValue, PyGlobal, PyObject } from "./pickle-machine.ts";
import {
  DtypeName,
  FOREIGN_STORAGES,
  ForeignTensor,
  rebuildFromCpu,
  rebuildFromType,
  rebuildParameter,
  rebuildTensor,
  rebuildTensorV2,
  rebuildTensorV3,
  STORAGES,
  StorageType,
  TORCH_DTYPE_BYTES,
} from "./tensors.ts";

/** An object of an allowed class, as its attributes; e.g. argparse.Namespace. */
export class PyRecord implements PyObject {
  readonly py: string;
  readonly fields = new Map<string, PickleValue>();

  constructor(py: string) {
    this.py = py;
  }

  setState(state: PickleValue): void {
    for (const [key, value] of attributes(state, `attributes of ${this.py}`)) this.fields.set(key, value);
  }
}

const foreign =
  (kind: string): Call =>
  () =>
    new ForeignTensor(kind);

/** Fewest and most arguments, and what they give. */
const CALLS: Readonly<Record<string, readonly [fewest: number, most: number, call: Call]>> = {
  "collections.OrderedDict": [0, 1, ([items]) => dict(items)],
  "collections.Counter": [0, 1, ([items]) => dict(items)],
  // What a missing key would be given means nothing for those that are there.
  "collections.defaultdict": [0, 2, ([factory = null, items]) => named(factory) && dict(items)],
  "builtins.set": [0, 1, ([items]) => new Set(list(items ?? []))],
  "builtins.frozenset": [0, 1, ([items]) => new Set(list(items ?? []))],
  "builtins.complex": [0, 2, ([real, imag]) => record("complex", { real: real ?? 0, imag: imag ?? 0 })],
  "builtins.bytearray": [0, 2, ([value, encoding]) => bytes(value ?? "", encoding ?? "latin1")],
  "_codecs.encode": [2, 2, ([value, encoding]) => bytes(value, encoding)],
  "argparse.Namespace": [0, 0, () => new PyRecord("argparse.Namespace")],
  "types.SimpleNamespace": [0, 0, () => new PyRecord("types.SimpleNamespace")],
  "pathlib.PosixPath": [
    0,
    99,
    (parts) =>
      parts
        .map((p) => text(p))
        .join("/")
        .replace(/^\/\//, "/"),
  ],
  "pathlib.WindowsPath": [0, 99, (parts) => parts.map((p) => text(p)).join("/")],
  "torch.Size": [1, 1, ([sizes]) => counts(sizes, "torch.Size")],
  "torch.device": [1, 2, ([kind, index]) => device(text(kind, "a device"), index)],
  "torch.serialization._get_layout": [1, 1, ([name]) => text(name, "a layout")],
  "torch._utils._rebuild_tensor": [4, 4, rebuildTensor],
  "torch._utils._rebuild_tensor_v2": [6, 7, rebuildTensorV2],
  "torch._utils._rebuild_tensor_v3": [7, 8, rebuildTensorV3],
  "torch._utils._rebuild_parameter": [3, 3, rebuildParameter],
  "torch._utils._rebuild_parameter_with_state": [4, 4, rebuildParameter],
  "torch._utils._rebuild_device_tensor_from_cpu_tensor": [4, 4, rebuildFromCpu],
  "torch._utils._rebuild_device_tensor_from_numpy": [4, 4, foreign("a tensor of a NumPy array")],
  "torch._utils._rebuild_sparse_tensor": [2, 2, foreign("a sparse tensor")],
  "torch._utils._rebuild_qtensor": [7, 7, foreign("a quantised tensor")],
  "torch._utils._rebuild_meta_tensor_no_storage": [4, 4, foreign("a tensor without values")],
  "torch._utils._rebuild_wrapper_subclass": [8, 8, foreign("a tensor of a class of its own")],
  "torch._tensor._rebuild_from_type_v2": [4, 4, rebuildAsType],
  "numpy.dtype": [1, 3, numpyDtype],
  "numpy.core.multiarray.scalar": [2, 2, numpyScalar],
  "numpy.core.multiarray._reconstruct": [3, 3, numpyReconstruct],
  "numpy.core.numeric._frombuffer": [3, 4, numpyFromBuffer],
};

/** Classes of tensors that are plain ones, whatever else they do. */
const TENSOR_CLASSES: readonly string[] = ["torch.Tensor", "torch.nn.parameter.Parameter"];

/** Classes and constants that are only named, never called. */
const NAMES = [
  ...TENSOR_CLASSES,
  "numpy.ndarray",
  "builtins.dict",
  "builtins.list",
  "builtins.int",
  "builtins.float",
  ...["per_tensor_affine", "per_tensor_symmetric"].map((name) => `torch.${name}`),
  ...["affine", "symmetric", "affine_float_qparams"].map((name) => `torch.per_channel_${name}`),
];

const TABLE: ReadonlyMap<string, PyGlobal> = new Map<string, PyGlobal>([
  ...Object.entries(CALLS).map(([py, [fewest, most, call]]) => {
    return [py, { py, call: taking(py, fewest, most, call) }] as const;
  }),
  ...NAMES.map((py) => [py, { py }] as const),
  ...Object.keys(TORCH_DTYPE_BYTES).map((dtype) => [`torch.${dtype}`, new DtypeName(dtype)] as const),
  ...Object.entries({ ...STORAGES, ...FOREIGN_STORAGES }).flatMap(([dtype, name]) =>
    ["torch", "torch.cuda"].map((module) => {
      const py = `${module}.${name}`;
      return [py, new StorageType(py, dtype)] as const;
    }),
  ),
  // Bytes, which tensors of dtypes without a storage class are views of.
  ["torch.storage.UntypedStorage", new StorageType("torch.storage.UntypedStorage", "uint8")],
]);

/** What a torch file may name; Python 2's and NumPy 2's module names are read as today's and NumPy 1's. */
export function findTorchGlobal(module: string, name: string): PyGlobal | undefined {
  const today = module.replace(/^__builtin__$/, "builtins").replace(/^numpy\._core\./, "numpy.core.");
  return TABLE.get(`${today.replace(/^pathlib\._local$/, "pathlib")}.${name}`);
}

/** `_rebuild_from_type_v2(function, type, arguments, state)`: the function is one of this table too. */
function rebuildAsType([make, type, args, state]: readonly PickleValue[]): PickleValue {
  const py = nameOf(make);
  if (py === undefined || !py.startsWith("torch._utils._rebuild_") || !Object.hasOwn(CALLS, py)) {
    throw badArgument("the function that makes a tensor", py ?? make);
  }
  const tensorClass = nameOf(type);
  if (tensorClass === undefined || !TENSOR_CLASSES.includes(tensorClass)) {
    throw badArgument("the class of a tensor", tensorClass ?? type);
  }
  return rebuildFromType(TABLE.get(py)!.call!(list(args)), state);
}

function nameOf(value: PickleValue | undefined): string | undefined {
  return typeof value === "object" && value !== null && "py" in value ? value.py : undefined;
}

/** True for a class or None, which is no fault of a dict's; everything else is refused. */
function named(value: PickleValue): true {
  if (value === null || nameOf(value) !== undefined) return true;
  throw badArgument("a class", value);
}

function device(kind: string, index: PickleValue | undefined): string {
  return index === undefined ? kind : `${kind}:${count(index, "a device")}`;
}

function record(py: string, fields: Readonly<Record<string, PickleValue>>): PyRecord {
  const out = new PyRecord(py);
  for (const [key, value] of Object.entries(fields)) out.fields.set(key, value);
  return out;
}
