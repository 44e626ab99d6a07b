// NumPy's values in a pickle as plain data: dtypes, arrays as their raw bytes, and scalars.
// Source: numpy's core/src/multiarray/descriptor.c and methods.c (__reduce__ and __setstate__ of dtype and ndarray).
// Invariant: every part of a state is read or refused; none is left out in silence.
import { badArgument, type Call, counts, flag, instance, list, text } from "./pickle-args.ts";
import { narrow, type PickleValue, type PyObject } from "./pickle-machine.ts";

/** A NumPy dtype as `kind` and bytes, e.g. `f8`. */
export class NumpyDtype implements PyObject {
  readonly py = "numpy.dtype";
  readonly code: string;
  bigEndian = false;

  constructor(code: string) {
    this.code = code;
  }

  /** (version, byte order, subarray, names, fields, item size, alignment, flags[, metadata]); only plain dtypes are read. */
  setState(state: PickleValue): void {
    const [, order, ...structure] = list(state, "the state of a numpy.dtype");
    if (typeof order !== "string" || !["<", ">", "|", "="].includes(order)) {
      throw badArgument("the byte order of a numpy.dtype", order);
    }
    const compound = structure.slice(0, 3).find((part) => part !== null);
    if (compound !== undefined) throw badArgument("a numpy.dtype without fields", compound);
    this.bigEndian = order === ">";
  }
}

/** A NumPy array as its raw bytes; `fortran` is column-major order. */
export class NumpyArray implements PyObject {
  readonly py = "numpy.ndarray";
  shape: readonly number[] = [];
  dtype = "";
  bigEndian = false;
  fortran = false;
  bytes: PickleValue = null;

  setState(state: PickleValue): void {
    const parts = list(state, "the state of a numpy.ndarray");
    if (parts.length !== 5) throw badArgument("the state of a numpy.ndarray", `${parts.length} parts`);
    const [, shape, dtype, fortran, data] = parts;
    const type = instance(dtype, NumpyDtype, "the dtype of a numpy.ndarray");
    this.shape = counts(shape, "the shape of a numpy.ndarray");
    this.dtype = type.code;
    this.bigEndian = type.bigEndian;
    this.fortran = fortran === 1 || (fortran !== 0 && flag(fortran, "the order of a numpy.ndarray"));
    this.bytes = data ?? null;
  }
}

/** `numpy.dtype(code, align, copy)`: the last two do not change a plain dtype. */
export const numpyDtype: Call = ([code, ...rest]) => {
  for (const item of rest) if (item !== 0 && item !== 1) flag(item, "align or copy of a numpy.dtype");
  return new NumpyDtype(text(code, "the code of a numpy.dtype"));
};

/** `_reconstruct(numpy.ndarray, (0,), b"b")`: an empty array, whose state follows. */
export const numpyReconstruct: Call = ([type, shape, code]) => {
  const isArray = typeof type === "object" && type !== null && "py" in type && type.py === "numpy.ndarray";
  if (!isArray) throw badArgument("the class of an array", type);
  counts(shape, "the shape of an empty array");
  if (typeof code !== "string" && !(code instanceof Uint8Array))
    throw badArgument("the code of an empty array", code);
  return new NumpyArray();
};

/** `_frombuffer(bytes, dtype, shape, "C" or "F")`. */
export const numpyFromBuffer: Call = ([value, dtype, shape, order = "C"]) => {
  if (order !== "C" && order !== "F") throw badArgument("the order of an array", order);
  const array = new NumpyArray();
  array.setState([1, shape ?? null, dtype ?? null, order === "F", value ?? null]);
  return array;
};

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

/** `scalar(dtype, bytes)` as a number or boolean. */
export const numpyScalar: Call = ([type, value]) => {
  const dtype = instance(type, NumpyDtype, "the dtype of a NumPy scalar");
  const read = Object.hasOwn(SCALARS, dtype.code) ? SCALARS[dtype.code] : undefined;
  if (read === undefined) throw badArgument(`one of ${Object.keys(SCALARS).join(", ")}`, dtype.code);
  if (!(value instanceof Uint8Array) || value.byteLength !== Number(dtype.code.slice(1))) {
    throw badArgument(`the bytes of a NumPy ${dtype.code}`, value);
  }
  return read(new DataView(value.buffer, value.byteOffset, value.byteLength), !dtype.bigEndian);
};
