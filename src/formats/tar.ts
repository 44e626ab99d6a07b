// Tar archives of small files, over tar-stream: written and read one entry at a time.
// Source: POSIX.1-1988 ustar through tar-stream. Invariants: the same entries give the same bytes (time 0, mode 0644,
// no owner); what is read is a plain file of at most the given size, or an AppError.
import { createReadStream, createWriteStream } from "node:fs";
import { stat } from "node:fs/promises";
import { finished } from "node:stream/promises";
import { extract, pack } from "tar-stream";
import { AppError, isNotFound, missingFile, unexpected } from "../core/errors.ts";
import { withCause } from "../core/sniff.ts";
import { writing } from "../machine/files.ts";
import { causeIn } from "../machine/sniff-file.ts";

/** A file in an archive. */
export interface TarEntry {
  readonly name: string;
  readonly data: Uint8Array;
}

/** An archive that is being written; close it, or the file is not complete. */
export interface TarWriter {
  /** Bytes so far, without the end of the archive. */
  readonly sizeBytes: number;
  add(entry: TarEntry): Promise<void>;
  close(): Promise<void>;
  /** Lets go of a file that will not be completed; nothing happens after `close`. */
  discard(): void;
}

const BLOCK = 512;

/**
 * Opens an archive for writing, over whatever is at `path`.
 *
 * @example const tar = openTarWriter("a.tar"); await tar.add({ name: "a.txt", data }); await tar.close();
 */
export function openTarWriter(path: string): TarWriter {
  const archive = pack();
  const file = createWriteStream(path);
  const done = finished(file);
  done.catch(() => undefined); // reported by the next call
  archive.on("error", (error) => file.destroy(error as Error));
  archive.pipe(file);
  let sizeBytes = 0;
  return {
    get sizeBytes() {
      return sizeBytes;
    },
    async add({ name, data }) {
      const header = { name, size: data.byteLength, mode: 0o644, mtime: new Date(0), uid: 0, gid: 0 };
      const written = new Promise<void>((resolve, reject) => {
        archive.entry(header, Buffer.from(data.buffer, data.byteOffset, data.byteLength), (error) =>
          error ? reject(error) : resolve(),
        );
      });
      await writing(path, () => Promise.race([written, done]));
      sizeBytes += BLOCK + Math.ceil(data.byteLength / BLOCK) * BLOCK;
    },
    async close() {
      archive.finalize();
      await writing(path, () => done);
    },
    discard() {
      file.destroy();
    },
  };
}

/**
 * The files of an archive in order.
 *
 * @param limitBytes - bound on the size of one file
 * @throws AppError("data", "FILE_MISSING" | "TAR_DAMAGED") also for links, folders and devices
 */
export async function* readTar(path: string, limitBytes: number): AsyncGenerator<TarEntry> {
  const archive = extract();
  const source = createReadStream(path);
  source.on("error", (error) => archive.destroy(error));
  source.pipe(archive);
  let begun = false;
  try {
    for await (const entry of archive) {
      begun = true;
      const { name, type, size = 0 } = entry.header;
      if (type !== "file") throw damaged(path, "plain files only", `${name} of type ${type}`);
      if (size > limitBytes) throw damaged(path, `at most ${limitBytes} bytes in ${name}`, size);
      const chunks: Uint8Array[] = [];
      for await (const chunk of entry) chunks.push(chunk as Uint8Array);
      const data = new Uint8Array(Buffer.concat(chunks));
      if (data.byteLength !== size) throw damaged(path, `${size} bytes in ${name}`, data.byteLength);
      yield { name, data };
    }
    // Without a byte there is not even the end of an archive, though the library takes it for one.
    if (!begun && (await stat(path)).size === 0)
      throw damaged(path, "a complete tar archive", "an empty file");
  } catch (cause) {
    if (isNotFound(cause)) throw missingFile(path, "a tar archive");
    const error = cause instanceof AppError ? cause : damaged(path, "a complete tar archive", cause);
    throw withCause(error, causeIn(path, ["tar"]), "a complete tar archive", path);
  } finally {
    source.destroy();
  }
}

function damaged(path: string, expected: string, got: unknown): AppError {
  const hint = "fetch or write the file again; it may be cut off";
  return unexpected("data", { code: "TAR_DAMAGED", expected, name: path, got, hint, cause: got });
}
