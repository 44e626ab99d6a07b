// One file as an answer: whole or one range of bytes, with what caches and readers of Parquet need.
// Source: RFC 9110, 13 and 14. Invariants: what is sent is a regular file that was opened without following a link, and as many bytes as
// the header says; several ranges are answered by the whole file.
import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { extname } from "node:path";
import { Readable } from "node:stream";

const TYPES: Readonly<Record<string, string>> = {
  ".jpg": "image/jpeg",
  ".jpeg": "image/jpeg",
  ".json": "application/json",
  ".jsonl": "application/jsonl",
  ".csv": "text/csv; charset=utf-8",
  ".md": "text/plain; charset=utf-8",
  ".html": "text/plain; charset=utf-8", // reports of others are not pages of this origin
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
  ".parquet": "application/vnd.apache.parquet",
};

/** Bytes of a file, the last one included. */
interface Range {
  readonly start: number;
  readonly end: number;
}

/** Files up to here are read whole: a stream of its own for each of a hundred small pictures costs more than they do. */
const SMALL_BYTES = 1 << 18;

/** How a file is sent. */
export interface Sending {
  /** What it is, if its name does not say that. */
  readonly type?: string | undefined;
  /** Whether its address names its version, so that it is asked for once. */
  readonly kept?: boolean | undefined;
}

/**
 * The answer to a request for a file.
 *
 * @returns 200 or 206, 304 where the caller has it, 404 if it is gone or no file, 416 for a range that it does not have
 * @example await sendFile("ledger.parquet", request)
 */
export async function sendFile(
  path: string,
  request: Request,
  { type, kept = false }: Sending = {},
): Promise<Response> {
  const file = await openPlain(path);
  if (file === undefined) return new Response(null, { status: 404 });
  const { size, mtimeMs } = await file.stat();
  const tag = `"${size.toString(36)}-${Math.floor(mtimeMs).toString(36)}"`;
  const headers = new Headers({
    "content-type": type ?? TYPES[extname(path).toLowerCase()] ?? "application/octet-stream",
    "accept-ranges": "bytes",
    "cache-control": kept ? "private, max-age=31536000, immutable" : "private, no-cache",
    etag: tag,
  });
  const asked = request.headers.get("range");
  const isFresh = request.headers.get("if-none-match") === tag;
  const range = (request.headers.get("if-range") ?? tag) === tag ? parseRange(asked, size) : undefined;
  if (isFresh || range === "none" || request.method === "HEAD") {
    await file.close();
    if (isFresh) return new Response(null, { status: 304, headers });
    if (range === "none") {
      headers.set("content-range", `bytes */${size}`);
      return new Response(null, { status: 416, headers });
    }
  }
  const { start, end } = range ?? { start: 0, end: size - 1 };
  headers.set("content-length", String(end - start + 1));
  const status = range === undefined ? 200 : 206;
  if (status === 206) headers.set("content-range", `bytes ${start}-${end}/${size}`);
  if (request.method === "HEAD") return new Response(null, { status, headers });
  if (status === 200 && size <= SMALL_BYTES)
    return new Response(await wholeOf(file, size), { status, headers });
  return new Response(bodyOf(file, { start, end }), { status, headers });
}

/** Undefined for what is gone, a link, or no regular file. */
async function openPlain(path: string): Promise<FileHandle | undefined> {
  let file: FileHandle;
  try {
    file = await open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
  } catch {
    return undefined;
  }
  if ((await file.stat()).isFile()) return file;
  await file.close();
  return undefined;
}

/** As many bytes as were said: a file that grew meanwhile is sent as it was. */
async function wholeOf(file: FileHandle, size: number): Promise<Uint8Array<ArrayBuffer>> {
  try {
    const bytes = new Uint8Array(size);
    const { bytesRead } = await file.read(bytes, 0, size, 0);
    if (bytesRead !== size) throw new Error(`a file that shrank to ${bytesRead} bytes while it was read`);
    return bytes;
  } finally {
    await file.close();
  }
}

function bodyOf(file: FileHandle, { start, end }: Range): ReadableStream | null {
  if (end < start) {
    void file.close();
    return null;
  }
  return Readable.toWeb(file.createReadStream({ start, end, autoClose: true })) as ReadableStream;
}

/**
 * The range that a header asks for.
 *
 * @returns undefined if the whole file is to be sent; "none" if the file has no such bytes
 * @example parseRange("bytes=-8", 100) // { start: 92, end: 99 }
 */
export function parseRange(header: string | null, size: number): Range | "none" | undefined {
  const match = /^bytes=(\d{0,16})-(\d{0,16})$/.exec(header ?? "");
  if (match === null) return undefined;
  const [first, last] = [match[1]!, match[2]!];
  if (first === "" && last === "") return undefined;
  if (first === "") {
    const length = Math.min(Number(last), size);
    return length === 0 ? "none" : { start: size - length, end: size - 1 };
  }
  const start = Number(first);
  const end = last === "" ? size - 1 : Math.min(Number(last), size - 1);
  if (last !== "" && Number(last) < start) return undefined; // no range by the grammar
  return start >= size ? "none" : { start, end };
}
