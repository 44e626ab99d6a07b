// Weights, pixels and noise from an integer hash, bit for bit as test/parity/models.py makes them,
// so that goldens of whole networks need no stored weights.
import { type Shape, sizeOf } from "../../src/engine/graph.ts";

/** `count` numbers in [-1, 1) that depend on the name only (murmur3's finaliser over a Weyl sequence). */
export function symmetric(name: string, count: number): Float64Array {
  let seed = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(name)) seed = Math.imul(seed ^ byte, 0x01000193);
  return Float64Array.from({ length: count }, (_, i) => {
    let x = (seed + Math.imul(i, 0x9e3779b9)) >>> 0;
    x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
    x = (x ^ (x >>> 16)) >>> 0;
    return 2 * (x / 0x1_0000_0000) - 1;
  });
}

/** A parameter or buffer of a network, scaled by its name's ending and its fan-in. */
export function hashWeight(name: string, shape: Shape): Float32Array {
  const r = symmetric(name, sizeOf(shape));
  if (name.endsWith("running_var")) return Float32Array.from(r, (v) => 1 + 0.5 * v);
  if (name.endsWith("running_mean")) return Float32Array.from(r, (v) => 0.2 * v);
  if (name.endsWith("bias")) return Float32Array.from(r, (v) => 0.1 * v);
  if (shape.length === 1) return Float32Array.from(r, (v) => 1 + 0.2 * v);
  const bound = Math.sqrt(6 / sizeOf(shape.slice(1)));
  return Float32Array.from(r, (v) => bound * v);
}

/** The bias of a layer before ReLU6, moved off the kinks by one hex digit a channel (see steer in models.py). */
export function steeredBias(name: string, digits: string): Float32Array {
  const r = symmetric(name, digits.length);
  return Float32Array.from(r, (v, i) => 0.1 * v + Number.parseInt(digits[i]!, 16) * 0.02);
}

/** Pixels [n, 3, size, size]: squares of 8 px plus fine noise. */
export function hashPixels(name: string, n: number, size: number): Float32Array {
  const blocks = Math.floor((size + 7) / 8);
  const coarse = symmetric(`${name}/coarse`, n * 3 * blocks * blocks);
  const fine = symmetric(`${name}/fine`, n * 3 * size * size);
  return Float32Array.from(fine, (v, i) => {
    const [plane, y, x] = [Math.floor(i / (size * size)), Math.floor(i / size) % size, i % size];
    return 0.75 * coarse[(plane * blocks + (y >> 3)) * blocks + (x >> 3)]! + 0.25 * v;
  });
}

/** Factors of dropout and stochastic depth: 1 / keep or 0. */
export function hashNoise(name: string, shape: Shape, keep: number): Float32Array {
  const r = symmetric(`noise/${name}`, sizeOf(shape));
  return Float32Array.from(r, (v) => ((v + 1) / 2 < keep ? 1 / keep : 0));
}
