// ◇ Browser-safe. Named tensors as files hold them: little-endian contiguous bytes, row-major, with torch's names for dtypes.
// What safetensors and torch readers return, and what checkpoints are made of.
// Invariant: data.byteLength is the product of the shape times DTYPE_BYTES[dtype].

export const DTYPES = [
  "float64",
  "float32",
  "float16",
  "bfloat16",
  "int64",
  "int32",
  "int16",
  "int8",
  "uint8",
  "bool",
] as const;
export type Dtype = (typeof DTYPES)[number];

/** Bytes of one element. */
export const DTYPE_BYTES: { readonly [D in Dtype]: number } = {
  float64: 8,
  float32: 4,
  float16: 2,
  bfloat16: 2,
  int64: 8,
  int32: 4,
  int16: 2,
  int8: 1,
  uint8: 1,
  bool: 1,
};

/** A tensor as stored. An empty shape is a scalar; a zero in the shape means no elements. */
export interface NamedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: Dtype;
  /** Little-endian elements in row-major order; may be a part of a larger buffer, at any alignment. */
  readonly data: Uint8Array;
}

/** Number of elements of a shape; 1 for a scalar. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/**
 * A float32 tensor over the memory of `values`, without a copy.
 *
 * @param values - row-major, elementCount(shape) long
 * @example float32Tensor("classifier.bias", [1], new Float32Array([0.5]))
 */
export function float32Tensor(name: string, shape: readonly number[], values: Float32Array): NamedTensor {
  const data = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return { name, shape, dtype: "float32", data };
}

/**
 * The elements as 32-bit floats, rounded to nearest where the dtype is wider.
 * Shares memory with `tensor.data` if that is aligned float32: copy before you write to it.
 *
 * @returns row-major, elementCount(shape) long
 */
export function toFloat32(tensor: NamedTensor): Float32Array {
  const { dtype, data } = tensor;
  const count = data.byteLength / DTYPE_BYTES[dtype];
  if (dtype === "float32" && data.byteOffset % 4 === 0) {
    return new Float32Array(data.buffer as ArrayBuffer, data.byteOffset, count);
  }
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const out = new Float32Array(count);
  if (dtype === "float16") return fromHalves(view, out);
  if (dtype === "bfloat16") return fromBfloats(view, out);
  const read = READERS[dtype];
  for (let i = 0; i < count; i++) out[i] = read(view, i);
  return out;
}

const READERS: {
  readonly [D in Exclude<Dtype, "float16" | "bfloat16">]: (view: DataView, index: number) => number;
} = {
  float64: (view, i) => view.getFloat64(8 * i, true),
  float32: (view, i) => view.getFloat32(4 * i, true),
  int64: (view, i) => Number(view.getBigInt64(8 * i, true)),
  int32: (view, i) => view.getInt32(4 * i, true),
  int16: (view, i) => view.getInt16(2 * i, true),
  int8: (view, i) => view.getInt8(i),
  uint8: (view, i) => view.getUint8(i),
  bool: (view, i) => (view.getUint8(i) === 0 ? 0 : 1),
};

let halves: Float32Array | undefined;

/** By a table of all 65,536 halves: models have millions of them, and a table gives each in a nanosecond. */
function fromHalves(view: DataView, out: Float32Array): Float32Array {
  halves ??= new Float32Array(0x1_0000).map((_, bits) => halfToNumber(bits));
  for (let i = 0; i < out.length; i++) out[i] = halves[view.getUint16(2 * i, true)]!;
  return out;
}

/** A bfloat16 is the upper half of a float32. */
function fromBfloats(view: DataView, out: Float32Array): Float32Array {
  const bits = new Uint32Array(out.buffer);
  for (let i = 0; i < bits.length; i++) bits[i] = view.getUint16(2 * i, true) << 16;
  return out;
}

/** Value of IEEE binary16 bits. */
export function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/**
 * IEEE binary16 bits of the nearest value, ties to even.
 *
 * @returns infinity's bits from 65520 on, where rounding leaves the range
 */
export function numberToHalf(value: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  if (size >= 65520) return sign | 0x7c00;
  const exponent = Math.max(-14, Math.floor(Math.log2(size || 2 ** -24)));
  const steps = roundToEven(size / 2 ** (exponent - 10));
  // A carry into the next power of two needs nothing more: neighbouring values have neighbouring bits.
  return sign | (((exponent + 14) << 10) + steps);
}

function roundToEven(x: number): number {
  const low = Math.floor(x);
  const rest = x - low;
  if (rest === 0.5) return low + (low % 2);
  return rest < 0.5 ? low : low + 1;
}
