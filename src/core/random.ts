// ◇ Browser-safe. The only source of randomness: seeded and splittable, so that every draw can be repeated from its
// name. Generator: xoshiro128** (Blackman and Vigna, 2018), seeded by splitmix32 over an FNV-1a hash of the path.
// Splitting depends on names only, never on how many numbers were drawn before: resuming needs no state.

/** A stream of random numbers that is determined by a seed and a path of labels. */
export class Random {
  readonly #path: string;
  readonly #state: Uint32Array;
  #spare: number | undefined;

  private constructor(path: string) {
    this.#path = path;
    this.#state = seedState(path);
  }

  /** @param seed - any safe integer */
  static of(seed: number): Random {
    return new Random(`seed:${seed}`);
  }

  /**
   * An independent stream for a named purpose; the same labels always give the same stream.
   * @example Random.of(42).split("augment", epoch, index)
   */
  split(...labels: readonly (string | number)[]): Random {
    return new Random(`${this.#path}/${labels.join("/")}`);
  }

  /** Uniform in [0, 1), 32 bits. */
  next(): number {
    return this.#bits() / 0x1_0000_0000;
  }

  /** Uniform in [low, high). */
  uniform(low: number, high: number): number {
    return low + (high - low) * this.next();
  }

  /** Uniform integer in [0, n), n <= 2^32; unbiased by rejection. */
  int(n: number): number {
    const limit = 0x1_0000_0000 - (0x1_0000_0000 % n);
    let x = this.#bits();
    while (x >= limit) x = this.#bits();
    return x % n;
  }

  /** Standard normal (Box and Muller, both halves used). */
  normal(): number {
    if (this.#spare !== undefined) {
      const spare = this.#spare;
      this.#spare = undefined;
      return spare;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - this.next()));
    const angle = 2 * Math.PI * this.next();
    this.#spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }

  /** A shuffled copy (Fisher and Yates). */
  shuffle<T>(items: readonly T[]): T[] {
    const out = [...items];
    for (let i = out.length - 1; i > 0; i--) {
      const j = this.int(i + 1);
      [out[i], out[j]] = [out[j]!, out[i]!];
    }
    return out;
  }

  /** One of the items, uniformly; `items` must not be empty. */
  pick<T>(items: readonly T[]): T {
    return items[this.int(items.length)]!;
  }

  #bits(): number {
    const s = this.#state;
    const result = Math.imul(rotl(Math.imul(s[1]!, 5), 7), 9) >>> 0;
    const t = s[1]! << 9;
    s[2]! ^= s[0]!;
    s[3]! ^= s[1]!;
    s[1]! ^= s[2]!;
    s[0]! ^= s[3]!;
    s[2]! ^= t;
    s[3] = rotl(s[3]!, 11);
    return result;
  }
}

function rotl(x: number, k: number): number {
  return (x << k) | (x >>> (32 - k));
}

function seedState(path: string): Uint32Array {
  let hash = 0x811c9dc5;
  for (let i = 0; i < path.length; i++) hash = Math.imul(hash ^ path.charCodeAt(i), 0x01000193);
  const state = new Uint32Array(4);
  // A second pass, backwards, so that a collision of one hash is not a collision of streams.
  let back = 0x9747b28c;
  for (let i = path.length - 1; i >= 0; i--) back = Math.imul(back ^ path.charCodeAt(i), 0x85ebca6b) + 1;
  for (let i = 0; i < 4; i++) {
    hash = (hash + 0x9e3779b9) | 0;
    let z = hash ^ (i % 2 === 0 ? back : rotl(back, 16));
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
    state[i] = z ^ (z >>> 16);
  }
  if (state.every((word) => word === 0)) state[0] = 1;
  return state;
}
