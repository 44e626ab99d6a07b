// yauzl over an open file, so that nothing that it throws is lost: it reads by callbacks, and an error thrown in one would
// be outside of every promise and end the process.
// Invariant: what is awaited through `inside` ends with a result or an error, whatever yauzl's callbacks do.
import { Readable } from "node:stream";
import yauzl from "yauzl";
import type { RangeReader } from "../../machine/ranges.ts";

/** An archive's directory, and how to wait for what yauzl does with it. */
export interface Directory {
  readonly zip: yauzl.ZipFile;
  /** Runs what waits for yauzl; an error in one of its callbacks ends it too. */
  inside<T>(work: () => Promise<T>): Promise<T>;
}

/**
 * Opens the directory of an archive; closing `zip` does not close `ranges`.
 *
 * @param sizeBytes - where the archive ends in the file
 * @throws Error for what is no archive
 * @example const { zip, inside } = await openDirectory(ranges, ranges.sizeBytes)
 */
export async function openDirectory(ranges: RangeReader, sizeBytes: number): Promise<Directory> {
  const reader = new FileReader(ranges, sizeBytes);
  const options = { autoClose: false, strictFileNames: true };
  const zip = await reader.inside(() => yauzl.fromRandomAccessReaderPromise(reader, sizeBytes, options));
  zip.on("error", () => undefined); // whoever waits has it from its own listener
  return { zip, inside: (work) => reader.inside(work) };
}

const STREAM_BYTES = 1 << 16;
const WINDOW_BYTES = 1 << 18;

type Done = (error: Error | null, bytesRead?: number) => void;

/** The open file as yauzl asks for it: one for both, so that nothing is opened twice. */
class FileReader extends yauzl.RandomAccessReader {
  readonly #ranges: RangeReader;
  readonly #sizeBytes: number;
  readonly #waiting = new Set<(error: unknown) => void>();
  /** The records of the directory are short and lie one after the other: they are read many at a time. */
  #window: { readonly start: number; readonly bytes: Uint8Array } = { start: 0, bytes: new Uint8Array() };
  #next = 0;

  constructor(ranges: RangeReader, sizeBytes: number) {
    super();
    this.#ranges = ranges;
    this.#sizeBytes = sizeBytes;
    this.on("error", (error) => this.#fail(error));
  }

  inside<T>(work: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#waiting.add(reject);
      work()
        .then(resolve, reject)
        .finally(() => this.#waiting.delete(reject));
    });
  }

  #fail(error: unknown): void {
    for (const reject of this.#waiting) reject(error);
  }

  /** For the records of the directory and around entries, without a stream of its own. */
  override read(buffer: Buffer, offset: number, length: number, position: number, callback: Done): void {
    const answer: Done = (...result) => {
      try {
        callback(...result);
      } catch (error) {
        this.#fail(error);
      }
    };
    // An offset may be anything up to 2^64.
    if (!(position >= 0 && position + length <= this.#sizeBytes)) {
      answer(new Error(`a record at byte ${position}, beyond the end`));
      return;
    }
    this.#bytesAt(position, length).then((bytes) => {
      buffer.set(bytes, offset);
      answer(null, length);
    }, answer);
  }

  async #bytesAt(position: number, length: number): Promise<Uint8Array> {
    const at = position - this.#window.start;
    const known = at >= 0 && at + length <= this.#window.bytes.length;
    const goesOn = position === this.#next;
    this.#next = position + length;
    if (known) return this.#window.bytes.subarray(at, at + length);
    if (!goesOn) return this.#ranges.read(position, length);
    const much = Math.min(Math.max(length, WINDOW_BYTES), this.#sizeBytes - position);
    this.#window = { start: position, bytes: await this.#ranges.read(position, much) };
    return this.#window.bytes.subarray(0, length);
  }

  override _readStreamForRange(start: number, end: number): Readable {
    return Readable.from(chunksOf(this.#ranges, start, end), { objectMode: false });
  }
}

async function* chunksOf(ranges: RangeReader, start: number, end: number): AsyncGenerator<Uint8Array> {
  for (let at = start; at < end; at += STREAM_BYTES) {
    yield await ranges.read(at, Math.min(STREAM_BYTES, end - at));
  }
}
