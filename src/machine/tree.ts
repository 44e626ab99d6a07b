// The contents of a folder as one digest, so that an unpacked folder can be compared with itself later.
// Invariant: the same files give the same digest, in whatever order they are seen; memory does not grow with them.
import { readdir } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { crc32 } from "node:zlib";
import { Interrupted } from "../core/errors.ts";
import { readChunks, sha256 } from "./files.ts";

/** What a folder holds: the same files in any order give the same tree. */
export interface Tree {
  readonly files: number;
  readonly bytes: number;
  /** Hex; over path, size and CRC-32 of every file. */
  readonly digest: string;
}

/** Adds up hashes of files, so that order does not matter and memory does not grow. */
export class TreeDigest {
  #files = 0;
  #bytes = 0;
  #sum = 0n;

  add(path: string, bytes: number, crc: number): void {
    this.#files += 1;
    this.#bytes += bytes;
    this.#sum = (this.#sum + BigInt(`0x${sha256(`${crc} ${bytes} ${path}`)}`)) % (1n << 256n);
  }

  tree(): Tree {
    return { files: this.#files, bytes: this.#bytes, digest: this.#sum.toString(16).padStart(64, "0") };
  }
}

/**
 * Reads a folder again, to compare it with what was unpacked.
 *
 * @param onProgress - bytes read so far
 * @throws Interrupted after the signal
 */
export async function readTree(
  folder: string,
  { signal, onProgress }: { signal?: AbortSignal | undefined; onProgress?: (bytes: number) => void } = {},
): Promise<Tree> {
  const digest = new TreeDigest();
  let read = 0;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isDirectory()) continue;
    const path = join(entry.parentPath, entry.name);
    let [bytes, crc] = [0, 0];
    for await (const chunk of readChunks(path, "a file")) {
      const { byteLength } = chunk;
      if (signal?.aborted) throw new Interrupted("Stopped; what is there was not checked to its end");
      crc = crc32(chunk, crc);
      bytes += byteLength;
      read += byteLength;
      onProgress?.(read);
    }
    digest.add(relative(folder, path).split(sep).join("/"), bytes, crc);
  }
  return digest.tree();
}
