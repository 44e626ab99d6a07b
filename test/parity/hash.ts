// Weights, pixels and noise from an integer hash, bit for bit as test/parity/models.py makes them,
// so that goldens of whole networks need no stored weights. Loops, not `from(..., f)`, which takes ten times as long.
import { type Shape, sizeOf } from "../../src/engine/graph.ts";

function seedOf(name: string): number {
  let seed = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(name)) seed = Math.imul(seed ^ byte, 0x01000193);
  return seed;
}

/** The i-th number of a seed, in [-1, 1) (murmur3's finaliser over a Weyl sequence). */
function numberAt(seed: number, i: number): number {
  let x = (seed + Math.imul(i, 0x9e3779b9)) >>> 0;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  x = (x ^ (x >>> 16)) >>> 0;
  return 2 * (x / 0x1_0000_0000) - 1;
}

/** `count` numbers in [-1, 1) that depend on the name only. */
export function symmetric(name: string, count: number): Float64Array {
  const seed = seedOf(name);
  const made = new Float64Array(count);
  for (let i = 0; i < count; i++) made[i] = numberAt(seed, i);
  return made;
}

/** Sum of squares, and the product with the numbers of a name, without an array of them. */
export function projected(data: ArrayLike<number>, name: string): { squares: number; product: number } {
  const seed = seedOf(name);
  let [squares, product] = [0, 0];
  for (let i = 0; i < data.length; i++) {
    const value = data[i]!;
    squares += value * value;
    product += value * numberAt(seed, i);
  }
  return { squares, product };
}

/** `offset + scale * v` of a name's numbers, rounded to float32. */
function scaled(name: string, count: number, scale: number, offset = 0): Float32Array {
  const seed = seedOf(name);
  const made = new Float32Array(count);
  for (let i = 0; i < count; i++) made[i] = offset + scale * numberAt(seed, i);
  return made;
}

/** A parameter or buffer of a network, scaled by its name's ending and its fan-in. */
export function hashWeight(name: string, shape: Shape): Float32Array {
  const count = sizeOf(shape);
  if (name.endsWith("running_var")) return scaled(name, count, 0.5, 1);
  if (name.endsWith("running_mean")) return scaled(name, count, 0.2);
  if (name.endsWith("bias")) return scaled(name, count, 0.1);
  if (shape.length === 1) return scaled(name, count, 0.2, 1);
  return scaled(name, count, Math.sqrt(6 / sizeOf(shape.slice(1))));
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
  const made = new Float32Array(fine.length);
  for (let i = 0; i < made.length; i++) {
    const [plane, y, x] = [Math.floor(i / (size * size)), Math.floor(i / size) % size, i % size];
    made[i] = 0.75 * coarse[(plane * blocks + (y >> 3)) * blocks + (x >> 3)]! + 0.25 * fine[i]!;
  }
  return made;
}

/** Factors of dropout and stochastic depth: 1 / keep or 0. */
export function hashNoise(name: string, shape: Shape, keep: number): Float32Array {
  const r = symmetric(`noise/${name}`, sizeOf(shape));
  return Float32Array.from(r, (v) => ((v + 1) / 2 < keep ? 1 / keep : 0));
}
