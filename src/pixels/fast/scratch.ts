// ◇ Browser-safe. Arrays that calculations use between their steps, each the same at the next call.
// Source: our own. Why: V8 counts arrays outside its heap against it, and half a megabyte of new ones a frame makes it mark the
// whole heap every 20 frames. Invariants: its owner makes one call at a time; no result lies in it.

/** Memory for intermediate values, by what it is for. */
export class Scratch {
  readonly #made = new Map<string, ArrayBuffer>();

  /** @param use - what for; the last array of the same use is overwritten */
  bytes(use: string, length: number): Uint8Array {
    return new Uint8Array(this.#room(use, length), 0, length);
  }

  ints(use: string, length: number): Int32Array {
    return new Int32Array(this.#room(use, 4 * length), 0, length);
  }

  doubles(use: string, length: number): Float64Array {
    return new Float64Array(this.#room(use, 8 * length), 0, length);
  }

  #room(use: string, bytes: number): ArrayBuffer {
    const earlier = this.#made.get(use);
    if (earlier !== undefined && earlier.byteLength >= bytes) return earlier;
    const made = new ArrayBuffer(bytes);
    this.#made.set(use, made);
    return made;
  }
}
