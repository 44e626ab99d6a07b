// Memory of files that are read one after another, used again.
// Source: our own. Why: V8 counts arrays outside its heap against it, and new ones for each frame make it mark everything
// every few dozen frames. Invariant: memory is given to one reader at a time.

/** Sizes are rounded up to this, bytes. */
const STEP = 1 << 16;

/** Arrays that are lent and come back. */
export class FileMemory {
  readonly #free: ArrayBuffer[] = [];
  readonly #lent = new WeakSet<ArrayBufferLike>();

  /** An array of that many bytes, with anything in it. */
  take(size: number): Uint8Array {
    const at = this.#free.findIndex((buffer) => buffer.byteLength >= size);
    const buffer = at < 0 ? new ArrayBuffer(Math.ceil(size / STEP) * STEP) : this.#free.splice(at, 1)[0]!;
    if (at < 0) this.#free.shift(); // too small: in its place
    this.#lent.add(buffer);
    return new Uint8Array(buffer, 0, size);
  }

  /** Takes an array of `take` back, or a part of one; what came from elsewhere, as an empty file's bytes do, is left alone. */
  give(bytes: Uint8Array): void {
    if (this.#lent.delete(bytes.buffer)) this.#free.push(bytes.buffer as ArrayBuffer);
  }
}
